"""Hearing: whether a source's webhooks arrive, judged by what its jobs' ends brought. It changes the pace of asking,
and is told."""

from dataclasses import dataclass, replace

from schemas.times import HOUR, MINUTE

PATIENCE = 5 * MINUTE
UNHEARD_ENDS = 3


@dataclass(frozen=True, slots=True)
class Hearing:
    """What was heard of one source. Whoever takes it over goes on from what was recorded."""

    last_receipt_at: int | None = None
    unheard_ends: int = 0  # jobs that we saw end, by asking, since the last receipt
    unheard_since: int | None = None

    def heard(self, at: int) -> "Hearing":
        """A request was accepted then. One that is judged late is no news of now."""
        return self if self.last_receipt_at is not None and at <= self.last_receipt_at else Hearing(last_receipt_at=at)

    def saw_end(self, at: int) -> "Hearing":
        return replace(self, unheard_ends=self.unheard_ends + 1, unheard_since=self.unheard_since or at)

    def is_silent(self, now: int) -> bool | None:
        """True: ends go unannounced. False: news has come lately. None: nothing to tell from."""
        if self.unheard_ends >= UNHEARD_ENDS and self.unheard_since is not None and now - self.unheard_since > PATIENCE:
            return True
        if self.last_receipt_at is not None and now - self.last_receipt_at < HOUR:
            return False
        return None
