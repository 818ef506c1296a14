"""The invariants of what is done for a job: submissions, outputs (I6) and hand-offs (I5). See `checks`."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from schemas.ids import shown
from schemas.words import TERMINAL

from .checks import Found, Truth
from .downstream import Told
from .stores import Database
from .submitting import PARTS

PARTIAL = ".partial"

_SUBMISSIONS = "SELECT id, input_name, state, create_sent_at, job_id, source, input_file_id FROM submissions"
_INPUTS = "SELECT staged_as, input_bytes, input_sha256 FROM submissions"
_OUTPUTS = "SELECT stored_as, size, sha256 FROM outputs WHERE state = 'fetched'"
_HANDOFFS = "SELECT id, subject, revision, state, attempts FROM handoffs WHERE about = 'job'"
_ENDED = "SELECT id, job_id, revision, status FROM jobs"
_WAITING = {
    "submissions that have come to nothing yet": "SELECT count(*) FROM submissions WHERE state NOT IN ('created', 'unconfirmed')",
    "jobs that have ended and are not ready": "SELECT count(*) FROM jobs WHERE ended_at IS NOT NULL AND ready_at IS NULL",
    "outputs that are still to be fetched": "SELECT count(*) FROM outputs WHERE due_at IS NOT NULL",
    "hand-offs that wait": "SELECT count(*) FROM handoffs WHERE state = 'waiting'",
}


async def work_is_done(database: Database) -> Found:
    """Nothing of a submission, an output or a hand-off is left to be done."""
    found = Found()
    for what, statement in _WAITING.items():
        ((count,),) = await database.rows(statement)
        found.holds("applied", count == 0, f"{count} {what}")
    return found


async def submissions_are_whole(database: Database, stored: Collection[str]) -> Found:
    """Each file is there with all of its parts or none, and one whose command said so, or was killed right after, with all."""
    found, told = Found(), set(stored)  # before asking: what is stored meanwhile is for the next time
    parts = Counter(name for _, name, *_ in await database.rows(_SUBMISSIONS))
    for name in sorted({*parts, *told}):
        wanted = (PARTS,) if name in told else (0, PARTS)
        found.holds("submit", parts[name] in wanted, f"{name} is stored as {parts[name]} parts of {PARTS}")
    return found


async def submitted_once(database: Database, truth: Truth, made_of: Mapping[str, int]) -> Found:
    """Of each uploaded file at most one batch. Each submission has its own; or its create was committed to be sent, no batch came
    of it, and it is given to a person. `made_of`: how many batches the sandbox made of each file."""
    found, rows = Found(), await database.rows(_SUBMISSIONS)
    for file, count in made_of.items():
        found.holds("submit", count <= 1, f"{count} batches were made of {file}")
    owners = Counter(job for *_, job, _, _ in rows if job is not None)
    for number, name, state, sent_at, job, _, file in rows:
        named = f"{shown('sub', number)} of {name}"
        if state == "created":
            right = job in truth and owners[job] == 1 and made_of.get(file) == 1
            found.holds("submit", right, f"{named}: its batch {job} is not there, or not its own")
            found.counts["created"] += 1
        else:
            given = state == "unconfirmed" and sent_at is not None and file not in made_of
            told = f"its create was {'' if sent_at else 'not '}sent, {made_of.get(file, 0)} batches were made"
            found.holds("submit", given, f"{named} is {state}: {told}")
            found.counts["unconfirmed"] += 1
    return found


async def outputs_are_whole(database: Database, folder: Path) -> Found:
    """I6 at any time: what a row says is here, is here, as large as it says and with that digest."""
    found = Found()
    for name, size, digest in [*await database.rows(_OUTPUTS), *await database.rows(_INPUTS)]:
        found.holds("I6", _is(folder / name, size, digest), f"{name} is not there as its row says")
    return found


async def nothing_else_is_there(database: Database, folder: Path) -> Found:
    """I6 at rest: no file under a name without a row that says so, and none that is half written."""
    found = Found()
    known = {name for name, *_ in [*await database.rows(_OUTPUTS), *await database.rows(_INPUTS)]}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        if PARTIAL in path.parts:
            found.holds("I6", False, f"{name} was left half written")
        else:
            found.holds("I6", name in known, f"{name} has no row")
            found.counts["files"] += 1
    return found


def _is(path: Path, size: int, digest: str) -> bool:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return False
    return len(content) == size and hashlib.sha256(content).hexdigest() == digest


async def handed_on_under_one_id(database: Database, told: Sequence[Told]) -> Found:
    """I5: of each end one row, done; told under its id and no other, with the same bytes, as often as was counted at most."""
    found = Found()
    rows: dict[tuple[str, int], list[Any]] = defaultdict(list)
    for number, subject, revision, state, attempts in await database.rows(_HANDOFFS):
        rows[shown("job", subject), revision].append((shown("hnd", number), state, attempts))
    for number, name, revision, status in await database.rows(_ENDED):
        if status in TERMINAL:
            of_it = rows[shown("job", number), revision]
            right = len(of_it) == 1 and of_it[0][1] == "done"
            found.holds("I5", right, f"{name} is {status}, and its hand-offs are {of_it}")
    taken, times = {one.handoff for one in told if one.is_taken}, Counter(one.handoff for one in told)
    for end, of_it in rows.items():
        for name, state, attempts in of_it:
            found.holds("I5", state != "done" or name in taken, f"{name} of {end} is done, and nobody took it")
            counted = f"{name} of {end} counts {attempts} attempts and was told {times[name]} times"
            found.holds("I5", times[name] <= attempts, counted)
            found.counts["handed on"] += state == "done"
            found.counts["told again"] += max(0, times[name] - 1)
    events: dict[str, set[bytes]] = defaultdict(set)
    for one in told:
        events[one.handoff].add(one.event)
        known = one.handoff in {name for name, *_ in rows[one.job, one.revision]}
        found.holds(
            "I5", known, f"{one.handoff} was told of {one.job}, revision {one.revision}, and is not its hand-off"
        )
    for name, bodies in events.items():
        found.holds("I5", len(bodies) == 1, f"{name} was told with {len(bodies)} different events")
    return found
