"""Effects: what becomes of an action by what its job does: it comes true, shows no effect, or the job ends first. Pure."""

from collections.abc import Sequence
from typing import Any

from schemas.tables import ActionRow, JobRow
from schemas.times import MINUTE
from schemas.words import ActionState, ActionVerb, Status

_RAN_ON = frozenset({Status.COMPLETED, Status.FAILED})  # ends that a job which is held back does not come to
ENDED_BY_THE_END = frozenset({ActionVerb.CANCEL.value, ActionVerb.PAUSE.value, ActionVerb.RESUME.value})
PATIENCE = MINUTE  # how long after it was accepted an action may take to show
_SHOWN = {ActionVerb.PAUSE: "the job is paused", ActionVerb.RESUME: "the job is at work"}
_NOT_SHOWN = {
    ActionVerb.PAUSE: "the provider took it, and the job went on: it is {status}",
    ActionVerb.RESUME: "the provider took it, and the job stayed as it was: it is {status}",
}


def over(state: ActionState, now: int, **told: Any) -> dict[str, Any]:
    """What the row of an action becomes that is answered."""
    return {"state": state.value, "answered_at": now, "due_at": None, **told}


def moot(status: str, now: int) -> dict[str, Any]:
    """What the row of an action becomes whose job had ended before it was answered."""
    return over(ActionState.MOOT, now, message=f"the job had ended {status}")


def awaited(actions: Sequence[ActionRow]) -> list[ActionRow]:
    """The pauses and resumes that were accepted and of which nobody knows yet whether they came true."""
    return [one for one in actions if one.verb in _SHOWN and one.state == ActionState.ACCEPTED]


def effect(action: ActionRow, job: JobRow, now: int) -> dict[str, Any] | None:
    """What an action's row becomes, now that the job is known as it was answered after it; None: that is still to be seen."""
    verb, status = ActionVerb(action.verb), Status(job.status)
    accepted_at = action.answered_at or now
    if job.asked_at is None or job.asked_at < accepted_at:
        return None
    if verb is ActionVerb.PAUSE and status in _RAN_ON:
        return {"state": ActionState.NO_EFFECT.value, "message": _NOT_SHOWN[verb].format(status=status)}
    if status.is_terminal:
        return {"state": ActionState.MOOT.value, "message": f"the job has ended {status} meanwhile"}
    if (status is Status.PAUSED) == (verb is ActionVerb.PAUSE):
        return {"state": ActionState.DONE.value, "message": _SHOWN[verb]}
    if now - accepted_at < PATIENCE:
        return None
    return {"state": ActionState.NO_EFFECT.value, "message": _NOT_SHOWN[verb].format(status=status)}
