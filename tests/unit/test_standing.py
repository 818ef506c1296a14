"""How much there is now is the difference of what was counted."""

from storage.standing import failures_now, handoffs_now, jobs_now

TOTALS = {
    ("a", "born.submit"): 5,
    ("a", "born.delivery"): 1,
    ("a", "moved.unknown.running"): 4,
    ("a", "moved.running.failed"): 3,
    ("a", "moved.failed.completed"): 1,
    ("b", "born.track"): 1,
    ("b", "moved.unknown.completed"): 1,
    ("a", "began.execution.failed"): 3,
    ("a", "cleared.execution.failed"): 1,
    ("b", "began.delivery.missing"): 1,
    ("b", "cleared.delivery.missing"): 1,
    ("a", "handoff.down.new.waiting"): 4,
    ("b", "handoff.down.new.waiting"): 1,
    ("a", "handoff.down.waiting.dead"): 2,
    ("a", "handoff.down.dead.waiting"): 1,
    ("a", "accepted"): 9,
    ("", "refused.unknown_source"): 2,
}


def test_jobs() -> None:
    """A job is born unknown and is where it moved last; a status without jobs is not there."""
    assert jobs_now(TOTALS) == {
        ("a", "unknown"): 2,
        ("a", "running"): 1,
        ("a", "failed"): 2,
        ("a", "completed"): 1,
        ("b", "completed"): 1,
    }


def test_failures() -> None:
    """A failure holds from when it began until it is cleared."""
    assert failures_now(TOTALS) == {("a", "execution", "failed"): 2}


def test_handoffs() -> None:
    """Hand-offs are counted by target, whichever source they are of."""
    assert handoffs_now(TOTALS) == {("down", "waiting"): 4, ("down", "dead"): 1}
