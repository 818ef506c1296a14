"""Review: after anything new about a job, which failures hold, whether it is ready and settled, and when to ask again."""

from dataclasses import dataclass
from typing import Any

from reconciler.accounting import account_is_final, reckon
from reconciler.classify import Failure, classify, is_being_cancelled
from reconciler.effects import awaited
from reconciler.facts import Facts
from reconciler.pace import Circumstances, Pace, next_ask
from reconciler.ready import awaits_file, awaits_file_id, match_due, missing_for_ready, missing_for_settled


@dataclass(frozen=True, slots=True)
class Review:
    """What the store is to hold about a job from now on."""

    failures: tuple[Failure, ...]
    changes: dict[str, Any]


def review(
    facts: Facts, pace: Pace, source_silent: bool | None, retry_after: int | None, jitter: float, now: int
) -> Review:
    """Decide all that follows from the facts of one job."""
    job = facts.job
    reckonings = reckon(facts, now)
    is_ready = not missing_for_ready(facts, now)
    is_settled = not missing_for_settled(facts, reckonings, now)
    circumstances = Circumstances(
        webhook_expected=bool(job.has_webhook),
        source_silent=source_silent,
        window_end=None if all(reckoning.is_over for reckoning in reckonings) else facts.window_end,
        account_is_final=account_is_final(facts),
        is_cancelling=is_being_cancelled(facts) or bool(awaited(facts.actions)),
        output_unnamed=awaits_file_id(facts) or awaits_file(facts),
        retry_after=retry_after,
    )
    changes = {
        "ready_at": (job.ready_at or now) if is_ready else None,
        "settled_at": (job.settled_at or now) if is_settled else None,
        "due_at": next_ask(job, circumstances, pace, jitter, now),
    }
    if (match_at := match_due(facts, now)) != job.match_due_at:
        changes["match_due_at"] = match_at
    return Review(classify(facts, now), changes)
