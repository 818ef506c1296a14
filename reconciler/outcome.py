"""Outcome: what one attempt at a hand-off makes of it. Pure; every time is microseconds, jitter a number from 0 to 1."""

from dataclasses import dataclass
from typing import Any

from reconciler.pace import clamp, growing, spread
from schemas.config import Handoff
from schemas.tables import HandoffRow
from schemas.times import SECOND
from schemas.words import HandoffState

GROWTH = 2.0
CUT_OFF = "tried as often as it may be; the last attempt was cut off, and may have arrived"


@dataclass(frozen=True, slots=True)
class Attempt:
    """How one attempt to tell a target went. `message` says why it is not done, cleaned and bounded."""

    is_done: bool
    http_status: int | None = None
    message: str | None = None
    retry_after: int | None = None  # as the target wished; not yet clamped


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a target is tried, and with which pauses."""

    most_attempts: int
    first: int
    cap: int


def patience_of(target: Handoff) -> Patience:
    return Patience(target.most_attempts, int(target.retry_seconds * SECOND), int(target.retry_cap_seconds * SECOND))


def outcome(row: HandoffRow, attempt: Attempt, patience: Patience, jitter: float, now: int) -> dict[str, Any]:
    """
    What the row is to hold after an attempt. `row` is as it stands now, with this attempt counted.

    It may have been withdrawn meanwhile: then it stays so, unless the target took it all the same.
    """
    is_withdrawn = row.state == HandoffState.WITHDRAWN
    said = {"http_status": attempt.http_status, "message": attempt.message}
    if attempt.is_done:
        late = f"{row.message}; it was being told just then, and arrived" if is_withdrawn else None
        return {**said, "message": late, "state": HandoffState.DONE.value, "due_at": None, "done_at": now}
    if is_withdrawn:
        return {**said, "message": f"{row.message}; an attempt was under way just then: {attempt.message}"}
    if row.attempts >= patience.most_attempts:
        return {**said, **_dead()}
    return {**said, "due_at": now + wait_after(row.attempts, attempt.retry_after, patience, jitter)}


def spent(row: HandoffRow, patience: Patience) -> dict[str, Any] | None:
    """What becomes of a waiting row that has had all its attempts: each may have been cut off. None when it has some left."""
    return {**_dead(), "message": CUT_OFF} if row.attempts >= patience.most_attempts else None


def wait_after(attempts: int, retry_after: int | None, patience: Patience, jitter: float) -> int:
    """Until the next attempt, after so many: doubled each time up to the cap, or as long as the target wished."""
    wait = spread(growing(patience.first, GROWTH, max(0, attempts - 1), patience.cap), jitter)
    return max(min(wait, patience.cap), clamp(retry_after))


def _dead() -> dict[str, Any]:
    return {"state": HandoffState.DEAD.value, "due_at": None}
