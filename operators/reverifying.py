"""Verifying refused requests once more, when a secret or a clock has been mended: what was authentic at its arrival is taken in.

The signature is checked against the secrets that the source has now, and the freshness against the time at which the request
arrived. So nobody gains by it who could not have been let in then: a forgery stays one, and what was old when it came stays old.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from operators import filters
from operators.errors import BadInput, NotPossible
from operators.views import View
from schemas.config import Config, Source
from schemas.dialects import dialect_of
from schemas.dialects.dialect import Dialect
from schemas.ids import shown
from schemas.presented import Presented, read
from schemas.readings import Refused as Refusal
from schemas.readings import Verified
from schemas.tables import ReverificationRow
from schemas.times import DAY, SECOND, in_words, rfc3339, rfc3339_or_none
from schemas.words import RefusalReason
from storage import refused_requests, reverifications
from storage.ledger_rows import Accepted, Kept
from storage.points import reach
from storage.refused_requests import Refused
from storage.store import Store
from storage.taking_in import Again, TakingIn

PORTION = 100  # requests in one transaction
FURTHEST_AHEAD = 366 * DAY


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose requests, and of when: by our clock as it was then, in microseconds, `until` excluded.

    `clock_ahead` is how far our clock was ahead of the truth then; behind, where it is negative.
    """

    source: Source
    since: int | None = None
    until: int | None = None
    clock_ahead: int = 0


def read_scope(
    config: Config, source: str, since: str | None, until: str | None, clock_ahead: float, now: int
) -> Scope:
    """Check what was asked for. Times are RFC 3339 or how long ago; `clock_ahead` in seconds.

    Raises:
        BadInput: no source is called that, or a time cannot be one.
        NotPossible: the source takes no webhooks.
    """
    found = config.sources.get(source)
    if found is None:
        raise BadInput(f"no source is called {source[:64]}; configured are: {', '.join(sorted(config.sources))}")
    if not found.webhook_secrets:
        raise NotPossible(f"{found.name} has no webhook secret, so nothing can be authentic: set webhook_secrets_env")
    given = {"since": [since or ""], "until": [until or ""]}
    part = filters.read(filters.REFUSALS, given, now).part
    if part.since is not None and part.until is not None and part.since >= part.until:
        raise BadInput("since lies after until, so nothing is between them")
    ahead = clock_ahead * SECOND
    if not abs(ahead) <= FURTHEST_AHEAD:
        raise BadInput("clock-ahead is in seconds, a year at most; below zero where our clock was behind")
    return Scope(found, part.since, part.until, round(ahead))


@dataclass(frozen=True, slots=True)
class Asked:
    """Who has it done: through which face (cli, api, dashboard), and why."""

    face: str
    reason: str


async def reverify(store: Store, scope: Scope, now: int, asked: Asked | None) -> View:
    """Look at every refused request of a scope that is kept, in order of arrival, and take in what was authentic.

    Run twice it takes in nothing twice; killed, it has taken in whole portions, and left word of who asked and why. Where nobody
    has asked for it, only what would be taken in is said.

    Raises:
        StoreAway: the store cannot be written at present; what was taken in before stays so.
    """
    async with store.reading() as connection:
        numbers = await refused_requests.waiting(connection, scope.source.name, scope.since, scope.until)
    dialect, recording = dialect_of(scope.source), None if asked is None else _Recording(store, scope, asked, now)
    dry_run = recording is None
    rows: list[View] = []
    for start in range(0, len(numbers), PORTION):
        async with store.reading() as connection:
            found = await refused_requests.these(connection, numbers[start : start + PORTION])
        looked = await asyncio.to_thread(_look_at, found, dialect, scope)
        reach("V1")
        authentic = [Again(one.refusal.id, said) for one, said in looked if isinstance(said, Accepted)]
        kept = {} if recording is None or not authentic else await recording.take_in(authentic)
        rows += [_row(one, said, kept.get(one.refusal.id), dry_run, scope) for one, said in looked]
    return {**_told(scope, rows, dry_run), "reverification": None if recording is None else await recording.end()}


class _Recording:
    """Takes in, and keeps on record who has it done, from before the first is taken in until the end."""

    def __init__(self, store: Store, scope: Scope, asked: Asked, now: int) -> None:
        self._store, self._scope, self._asked, self._now = store, scope, asked, now
        self._taking_in = TakingIn(store)
        self._number: int | None = None

    async def take_in(self, group: Sequence[Again]) -> dict[int, Kept]:
        number = await self._begun()
        kept = await self._taking_in.take_in(group, self._now)
        async with self._store.writing() as connection:
            await reverifications.took_in(connection, number, len(kept))
        return kept

    async def end(self) -> str | None:
        """Its id, if there was anything to take in."""
        if self._number is None:
            return None
        async with self._store.writing() as connection:
            await reverifications.end(connection, self._number, self._now)
        return shown("rvf", self._number)

    async def _begun(self) -> int:
        if self._number is None:
            scope, asked, number = self._scope, self._asked, self._store.new_id()
            row = ReverificationRow(
                id=number,
                source=scope.source.name,
                face=asked.face,
                reason=asked.reason,
                asked_at=self._now,
                since=scope.since,
                until=scope.until,
                clock_ahead=scope.clock_ahead,
            )
            async with self._store.writing() as connection:
                await reverifications.begin(connection, row)
            self._number = number
        return self._number


def cut(done: View, most: int) -> View:
    """The same with no more than so many requests told one by one; the numbers are those of all."""
    return {**done, "requests": done["requests"][:most], "more_requests": len(done["requests"]) > most}


def look_again(one: Refused, dialect: Dialect, scope: Scope) -> Accepted | Refusal:
    """What a refused request is found to be by the secrets of now and the time of its arrival. Pure."""
    arrived_at, source = one.refusal.received_at - scope.clock_ahead, scope.source
    secrets = [secret.reveal().encode() for secret in source.webhook_secrets]
    body, tolerance = one.request.body, source.tolerance_seconds * SECOND
    said = dialect.check(read(one.request.presented), body, secrets, tolerance, arrived_at)
    if isinstance(said, Verified):
        return Accepted(source.name, said, body, arrived_at, one.request.submission)
    return said


def _look_at(found: Sequence[Refused], dialect: Dialect, scope: Scope) -> list[tuple[Refused, Accepted | Refusal]]:
    return [(one, look_again(one, dialect, scope)) for one in found]


def _row(one: Refused, said: Accepted | Refusal, kept: Kept | None, dry_run: bool, scope: Scope) -> View:
    """What became of one request. `about`: the delivery that it turned out to be."""
    row: View = {
        "refusal": shown("ref", one.refusal.id),
        "received_at": rfc3339(one.refusal.received_at),
        "remote": one.refusal.remote,
        "refused_for": one.refusal.reason,
        "outcome": _outcome(said, kept, dry_run),
        "reason": None,
        "message": None,
        "about": None,
        "receipt": None,
        "delivery": None,
        "duplicate": None,
    }
    if isinstance(said, Refusal):
        presented = read(one.request.presented)
        return {
            **row,
            "reason": said.reason.value,
            "message": why(said.reason, presented, one.refusal.received_at, scope),
        }
    if kept is not None:
        row |= {"receipt": shown("rcp", kept.receipt), "delivery": shown("dlv", kept.delivery)}
        row |= {"duplicate": kept.duplicate}
    return {**row, "about": _about(said)}


def _outcome(said: Accepted | Refusal, kept: Kept | None, dry_run: bool) -> str:
    if isinstance(said, Refusal):
        return "stays_refused"
    if dry_run:
        return "would_be_taken_in"
    return "gone_meanwhile" if kept is None else "taken_in"


def _about(accepted: Accepted) -> View:
    _, kind, job_id, key = accepted.identity
    return {"kind": kind, "job_id": job_id, "delivery_key": key, "unreadable": accepted.verified.unreadable}


def why(reason: RefusalReason, presented: Presented, received_at: int, scope: Scope) -> str:
    """Why a request stays refused, in a few words."""
    tolerance = in_words(scope.source.tolerance_seconds * SECOND)
    signed_at = presented.signed_at or 0
    off = in_words(abs(received_at - scope.clock_ahead - signed_at))
    match reason:
        case RefusalReason.SIGNATURE_WRONG:
            count, name = len(scope.source.webhook_secrets), scope.source.name
            return (
                f"the secret of {name} did not sign it"
                if count == 1
                else f"none of the {count} secrets of {name} signed it"
            )
        case RefusalReason.TIMESTAMP_STALE:
            return f"it was signed {off} before it arrived, and {scope.source.name} takes {tolerance}"
        case RefusalReason.TIMESTAMP_FUTURE:
            return f"it was signed {off} after it arrived, and {scope.source.name} takes {tolerance}"
        case RefusalReason.HEADER_CONTRADICTS:
            return "a header field says something else than the signed body"
        case _:
            return f"it is signed as {presented.scheme}, which {scope.source.name} does not take"


def _told(scope: Scope, rows: list[View], dry_run: bool) -> View:
    outcomes = Counter(row["outcome"] for row in rows)
    reasons = Counter(row["reason"] for row in rows if row["reason"])
    return {
        "source": scope.source.name,
        "since": rfc3339_or_none(scope.since),
        "until": rfc3339_or_none(scope.until),
        "clock_ahead_seconds": scope.clock_ahead / SECOND,
        "dry_run": dry_run,
        "looked_at": len(rows),
        "authentic": outcomes["taken_in"] + outcomes["would_be_taken_in"],
        "taken_in": outcomes["taken_in"],
        "stay_refused": dict(sorted(reasons.items())),
        "requests": rows,
        "more_requests": False,
    }
