"""The invariants, as questions to the store whose answers are compared with what the provider remembers.

Each returns what it counted and what it found wrong. Statements are plain SQL that every store understands.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from schemas.ids import parse
from schemas.tables import METADATA
from schemas.words import OPEN, TERMINAL

from .load import FORGED, Memory
from .place import GATEWAY, LONGEST_WAIT_SECONDS
from .stores import Database

Truth = Mapping[str, Mapping[str, Any]]  # the sandbox's, by job id

_RECEIPTS = """
    SELECT receipts.id, receipts.delivery_id, deliveries.source, deliveries.job_id, deliveries.delivery_key, bodies.body
    FROM receipts JOIN deliveries ON deliveries.id = receipts.delivery_id JOIN bodies ON bodies.id = receipts.body_id"""
_DELIVERIES = """
    SELECT source, job_id, delivery_key, times_received,
           (SELECT count(*) FROM receipts WHERE receipts.delivery_id = deliveries.id)
    FROM deliveries"""
_JOBS = "SELECT job_id, status, basis, revision, id, due_at FROM jobs"
_TRANSITIONS = """
    SELECT transitions.job, revision, from_status, to_status, basis, asked
    FROM transitions LEFT JOIN observations ON observations.id = transitions.observation AND observations.job = transitions.job
    ORDER BY transitions.job, transitions.id"""
_ORPHANED_RECEIPTS = """
    SELECT count(*) FROM receipts
    WHERE NOT EXISTS (SELECT 1 FROM deliveries WHERE deliveries.id = receipts.delivery_id)
       OR NOT EXISTS (SELECT 1 FROM bodies WHERE bodies.id = receipts.body_id)"""

_CANCELLED = """
    SELECT jobs.job_id, failures.code
    FROM jobs JOIN actions ON actions.job = jobs.id AND actions.verb = 'cancel' AND actions.sends > 0
    LEFT JOIN failures ON failures.job = jobs.id AND failures.category = 'cancellation' AND failures.cleared_at IS NULL
    WHERE jobs.status = 'cancelled'"""


@dataclass
class Found:
    """What checks counted, by name, and what they found wrong, by invariant."""

    counts: Counter[str] = field(default_factory=Counter)
    breaches: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def __iadd__(self, other: "Found") -> "Found":
        self.counts += other.counts
        for invariant, what in other.breaches.items():
            self.breaches[invariant] += what
        return self

    def holds(self, invariant: str, condition: object, what: str) -> bool:
        """One comparison. Whether it held."""
        self.counts[invariant] += 1
        if not condition:
            self.breaches[invariant].append(what)
        return bool(condition)


async def acknowledged_is_stored(database: Database, memory: Memory) -> Found:
    """I1: each 2xx stands for a receipt, filed under that identity, with these bytes."""
    found, acknowledged = Found(), list(memory.acknowledged)  # before asking: what comes meanwhile is for the next time
    stored = {number: row for number, *row in await database.rows(_RECEIPTS)}
    for one in acknowledged:
        if one.receipt in memory.lost:
            continue  # told of already
        row = stored.get(parse(one.receipt, "rcp") or 0)
        wanted = [parse(one.delivery, "dlv"), *one.identity, one.body]
        if not found.holds(
            "I1", row == wanted, f"{one.receipt} of {one.identity} is {'other' if row else 'not there'}"
        ):
            memory.lost.add(one.receipt)
            found.counts["lost"] += 1
    given = Counter(one.receipt for one in acknowledged)
    found.breaches["I2"] += [f"{receipt} was given {times} times" for receipt, times in given.items() if times > 1]
    return found


async def recorded_once(database: Database, memory: Memory) -> Found:
    """I2: one row an identity, with as many receipts as it counts: all that were acknowledged, none that was not sent."""
    acknowledged, found = Counter(one.identity for one in memory.acknowledged), Found()
    resting = memory.at_rest()
    rows = await database.rows(_DELIVERIES)
    seen = Counter(tuple(row[:3]) for row in rows)
    doubled = {identity for identity, times in seen.items() if times > 1} - memory.doubled
    found.counts["twice"] += len(doubled)
    memory.doubled |= doubled
    for *named, received, receipts in rows:
        identity = (named[0], named[1], named[2])
        found.holds("I2", seen[identity] == 1, f"{identity} is there {seen[identity]} times")
        found.holds("I2", received == receipts, f"{identity} counts {received} and has {receipts} receipts")
        if identity in memory.sends:
            least, most = acknowledged[identity], memory.sends[identity]
            found.holds(
                "I2", least <= received <= most, f"{identity}: {least} acknowledged, {received} here, {most} sent"
            )
    kept = {identity for identity, sends in resting.items() if identity in seen and memory.sends[identity] == sends}
    found.counts["kept"] += len(kept - memory.kept)
    memory.kept |= kept
    ((orphaned,),) = await database.rows(_ORPHANED_RECEIPTS)
    found.holds("I2", orphaned == 0, f"{orphaned} receipts without delivery or body: half a row")
    return found


async def nothing_forged(database: Database, memory: Memory) -> Found:
    """I7: what is not authentic left no row."""
    found = Found()
    keys = [key for (key,) in await database.rows("SELECT delivery_key FROM deliveries")]
    found.counts["I7"] += memory.forged
    found.breaches["I7"] += [f"{key} is in the ledger" for key in keys if key.startswith(FORGED)]
    return found


async def open_jobs_are_due(database: Database) -> Found:
    """I10: each open job is asked about again within the longest interval."""
    found, latest = Found(), (time.time() + LONGEST_WAIT_SECONDS) * 1_000_000
    for job, status, _, _, _, due in await database.rows(_JOBS):
        if status in OPEN:
            found.holds("I10", due is not None and due <= latest, f"{job} is {status} and due at {due}")
    return found


async def ended_as_in_truth(database: Database, truth: Truth) -> Found:
    """I3: each batch of the sandbox is here, and ended as it did there, by an answer to a question."""
    found = Found()
    here = {job: (status, basis) for job, status, basis, *_ in await database.rows(_JOBS)}
    for job, true in truth.items():
        right = here.get(job) == (true["status"], "observed")
        found.holds("I3", right, f"{job} ({true['scenario']}): {true['status']} there, {here.get(job)} here")
        found.counts["ended right"] += right
    found.holds("I3", set(here) <= set(truth), f"jobs that nobody made: {set(here) - set(truth)}")
    return found


async def ends_are_final(database: Database) -> Found:
    """I4: transitions follow on one another; an end rests on a decisive answer, and is revised by a poll alone."""
    found, by_job = Found(), defaultdict(list)
    for job, *rest in await database.rows(_TRANSITIONS):
        by_job[job].append(rest)
    for _, status, _, revision, job, _ in await database.rows(_JOBS):
        moves = by_job[job]
        path = ["unknown", *(move[2] for move in moves)]
        found.holds(
            "I4", [move[1] for move in moves] == path[:-1], f"job {job}: a change is missing or doubled in {moves}"
        )
        found.holds("I4", path[-1] == status, f"job {job} is {status}, and its last change says {path[-1]}")
        ends = [move for move in moves if move[2] in TERMINAL]
        found.holds(
            "I4", not ends or revision == ends[-1][0], f"job {job} is at revision {revision}, its end at {ends[-1:]}"
        )
        for _, before, after, basis, asked in moves:
            decided = asked in ("poll", "cancel", "submit") and (after not in TERMINAL or basis == "observed")
            found.holds("I4", decided, f"job {job}: {before} to {after} rests on {asked or 'nothing'}")
            final = before not in TERMINAL or (after in TERMINAL and asked == "poll")
            found.holds("I4", final, f"job {job}: {before} became {after} by {asked}")
        found.holds("I4", all(a[0] < b[0] for a, b in pairwise(ends)), f"job {job}: two ends of one revision in {ends}")
    return found


async def accounts_agree(database: Database, truth: Truth) -> Found:
    """I1 for the sandbox's own webhooks: what it notes as delivered, with our receipt, is here under that key."""
    found = Found()
    stored = {number: row for number, *row in await database.rows(_RECEIPTS)}
    for job, true in truth.items():
        for entry in true["recorded"]:
            receipt = _receipt_in(entry["response_body_preview"])
            if entry["status"] == "delivered" and receipt is not None:
                row = stored.get(receipt)
                right = row is not None and row[1:4] == [GATEWAY, job, entry["delivery_key"]]
                found.counts["acknowledged to the sandbox"] += 1
                if not found.holds(
                    "I1", right, f"{job}: {entry['delivery_key']}, acknowledged, is {row or 'not there'}"
                ):
                    found.counts["lost"] += 1
    lost = await database.rows("SELECT job, subject FROM failures WHERE code = 'lost_here'")
    found.breaches["I1"] += [f"the product itself says lost_here of {row}" for row in lost]
    return found


def _receipt_in(preview: str | None) -> int | None:
    _, _, rest = (preview or "").partition('"receipt":"')
    return parse(rest.partition('"')[0], "rcp")


async def nothing_waits(database: Database, cancels: Sequence[str]) -> Found:
    """Every receipt is judged, and every cancel that was taken in is carried through."""
    found = Found()
    ((receipts,),) = await database.rows("SELECT count(*) FROM receipts WHERE verdict IS NULL")
    found.holds("applied", receipts == 0, f"{receipts} receipts without a verdict")
    states = dict(await database.rows("SELECT id, state FROM actions"))
    for shown in cancels:
        state = states.get(parse(shown, "act") or 0)
        found.holds("applied", state not in (None, "asked"), f"the cancel {shown} is {state or 'not there'}")
    return found


async def cancels_are_told(database: Database) -> Found:
    """A job that was cancelled because an operator asked is told of as such, whenever the asking was cut off."""
    found = Found()
    for job, code in await database.rows(_CANCELLED):
        found.holds(
            "applied", code == "cancelled_by_operator", f"{job} was cancelled at our asking, and is told as {code}"
        )
    return found


async def fences_rise(database: Database, before: dict[str, int]) -> Found:
    """I11: no fence is ever lower than it was. `before` is brought up to date."""
    found = Found()
    for name, fence in await database.rows("SELECT name, fence FROM leases"):
        found.holds("I11", fence >= before.get(name, 0), f"the fence of {name} fell from {before.get(name)} to {fence}")
        before[name] = fence
    return found


async def undamaged(database: Database) -> Found:
    """I12: the store finds nothing wrong with itself."""
    found, damage = Found(), await database.damage()
    found.holds("I12", not damage, "; ".join(damage))
    return found


async def made_whole_or_not_at_all(database: Database) -> Found:
    """I12 after a kill in a migration: all tables or none."""
    found, tables = Found(), await database.tables()
    whole = set(METADATA.tables) <= tables
    found.holds("I12", whole or not tables, f"a migration left only {sorted(tables)}")
    return found
