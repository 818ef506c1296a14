"""The circuit of one source: when asking it makes no sense for a while, and when one question may try it again."""

from dataclasses import dataclass, replace

from reconciler.pace import clamp, growing
from schemas.readings import Troubled
from schemas.times import MINUTE, SECOND
from schemas.words import Trouble

FIRST_WAIT, LONGEST_WAIT = 5 * SECOND, 5 * MINUTE
FAILURES_TO_OPEN = 5
EASED_FIRST, EASED_MOST = 2, 256  # what fell due meanwhile must not go out all at once: one more with each good answer
_ABOUT_THE_WAY = frozenset({Trouble.GATEWAY, Trouble.UNREACHABLE, Trouble.TIMED_OUT, Trouble.REDIRECTED})
_FROM_BEHIND = frozenset({Trouble.UPSTREAM, Trouble.RATE_LIMITED})  # passed through: the source itself answers


@dataclass(frozen=True, slots=True)
class Circuit:
    """Closed while all is well. Times in microseconds."""

    failures: int = 0  # in a row, without an answer between them
    opened: int = 0  # times in a row
    trouble: Trouble | None = None
    message: str | None = None
    since: int | None = None
    asking_again_at: int | None = None
    eased: int | None = None  # how many questions may be in flight, since it closed lately; None: any number

    def allows(self, now: int, wished: int) -> int:
        """How many questions may be in flight now: all, none, one to see whether it is over, or a few when it just was."""
        if self.asking_again_at is None:
            return wished if self.eased is None else min(wished, self.eased)
        return min(wished, 1) if now >= self.asking_again_at else 0

    def tried_at(self, now: int) -> "Circuit":
        """The circuit after somebody has asked for a try now."""
        if self.asking_again_at is None:
            return self
        return replace(self, asking_again_at=min(self.asking_again_at, now))

    def after(self, trouble: Troubled | None, now: int) -> "Circuit":
        """The circuit after one answer; None stands for an answer as it should be."""
        if trouble is None:
            return self._close(now)
        if trouble.about_source:
            return self._open(trouble, now)
        if trouble.trouble in _FROM_BEHIND:
            return self._close(now)
        if trouble.trouble not in _ABOUT_THE_WAY:
            return self
        failures = self.failures + 1
        if failures >= FAILURES_TO_OPEN:
            return self._open(trouble, now)
        return replace(self, failures=failures)

    def _close(self, now: int) -> "Circuit":
        if self._is_waiting(now):
            return self
        if self.asking_again_at is not None:
            return Circuit(eased=EASED_FIRST)
        if self.eased is None or self.eased >= EASED_MOST:
            return Circuit()
        return Circuit(eased=self.eased + 1)

    def _is_waiting(self, now: int) -> bool:
        """What is answered now was under way before, and changes nothing: the wait may be the provider's own wish."""
        return self.asking_again_at is not None and now < self.asking_again_at

    def _open(self, trouble: Troubled, now: int) -> "Circuit":
        if self._is_waiting(now):
            return self
        wait = max(growing(FIRST_WAIT, 2.0, self.opened, LONGEST_WAIT), clamp(trouble.retry_after))
        since = self.since or now
        return Circuit(FAILURES_TO_OPEN, self.opened + 1, trouble.trouble, trouble.message, since, now + wait)
