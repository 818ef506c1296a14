"""Acting: each act is confirmed on a page of its own, with a reason, and carried out by the function that the CLI calls."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from operators import acts, asked, handed_on
from operators.access import Right
from operators.dashboard.gate import LARGEST_FORM
from operators.dashboard.rendering import HEADERS
from operators.dashboard.visit import Page, Visit
from operators.errors import BadInput, NoSuchThing, NotPossible
from operators.find import find_job
from operators.once import Answer, Once, digest_of
from operators.views import View
from schemas.config import Config
from schemas.dialects import dialect_of
from schemas.ids import shown
from schemas.tables import JobRow
from schemas.texts import clean
from schemas.words import ActionVerb, Status

LONGEST_REASON = 500


@dataclass(frozen=True, slots=True)
class Verb:
    """What can be asked for: in words, what follows from it, and whether it changes something at the provider."""

    name: str
    button: str
    told: str
    is_grave: bool = False


# To verify refused requests once more is asked of a source, and has a page of its own: `dashboard/reverifying.py`.
VERBS = {
    verb.name: verb
    for verb in (
        Verb(
            "cancel",
            "Cancel the job",
            "The provider is asked to cancel it. What it has done may still be charged.",
            True,
        ),
        Verb("pause", "Pause the job", "The provider is asked to hold it back, until somebody resumes it."),
        Verb("resume", "Resume the job", "The provider is asked to go on with it."),
        Verb("poll", "Ask now", "The provider is asked about it at once, out of turn."),
        Verb(
            "replay", "Tell again", "Downstream is told once more, under the same id, with its attempts counted anew."
        ),
    )
}


def possible(config: Config, job: JobRow, is_being_cancelled: bool) -> Sequence[Verb]:
    """What can be asked for just now; that it is asked for nevertheless is refused where it is carried out."""
    names = ["poll"]
    if not Status(job.status).is_terminal:
        names += [] if is_being_cancelled else ["cancel"]
        held = ActionVerb.RESUME if job.status == Status.PAUSED else ActionVerb.PAUSE
        if _can(config, job, held):
            names.append(held.value)
    return [VERBS[name] for name in names]


def _can(config: Config, job: JobRow, verb: ActionVerb) -> bool:
    source = config.sources.get(job.source)
    if source is None:
        return False
    dialect = dialect_of(source)
    return job.kind in dialect.kinds and dialect.act(source.base_url, verb, job.kind, job.job_id, None) is not None


async def confirm(visit: Visit) -> Page:
    """What will be done, to what; and where its reason is written. Nothing is done yet."""
    verb = _verb(visit)
    if visit.session.right < Right.ACT:
        raise NotPossible("your token only looks; sign in with the one that acts")
    return await _form(visit, verb, "", None)


async def _form(visit: Visit, verb: Verb, reason: str, complaint: str | None) -> Page:
    name = visit.path["name"]
    async with visit.store.reading() as connection:
        if verb.name == "replay":
            found = await handed_on.show_handoff(connection, visit.config, name)
            about, back = f"{found['id']} to {found['target']}", f"/handoffs/{found['id']}"
        else:
            job = await find_job(connection, name)
            about, back = f"{job.source}/{job.job_id}, which is {job.status}", f"/jobs/{shown('job', job.id)}"
    values = {
        "verb": verb,
        "about": about,
        "back": back,
        "reason": reason,
        "complaint": complaint,
        "once": secrets.token_urlsafe(18),
    }
    return Page("confirm.html", values, 200 if complaint is None else 400)


async def act(visit: Visit, form: FormData) -> Page | Response:
    """Do it, once for each form, and lead back to what it was done to. The form sent again leads to the same place."""
    verb, reason = _verb(visit), reason_of(form)
    if not reason or len(reason) > LONGEST_REASON:
        advice = f"give a reason of 1 to {LONGEST_REASON} characters; whoever looks at it later wants to know"
        return await _form(visit, verb, reason, advice)

    async def do(connection: AsyncConnection) -> Answer:
        where, about = await _act(connection, visit, verb, reason)
        return Answer(303, {"where": where, "about": about})

    answer = await Once(visit.store, lambda: visit.now).do(key_of(form), digest_of(visit.path, ""), do)
    if not answer.replayed:
        asked.tell("dashboard", verb.name, reason, answer.body["about"])
    return RedirectResponse(answer.body["where"], 303, dict(HEADERS))


def key_of(form: FormData) -> str:
    """What a form is known by when it is sent again, as it is by two clicks on one button. Raises BadInput."""
    once = text_of(form, "once")
    if not once:
        raise BadInput("the form is not whole; go back, load the page anew, and send it again")
    return "form " + sha256(f"form {once}".encode()).hexdigest()


async def _act(connection: AsyncConnection, visit: Visit, verb: Verb, reason: str) -> tuple[str, View]:
    """Where to look at what came of it, and what names that."""
    name, now, new_id = visit.path["name"], visit.now, visit.store.new_id
    if verb.name == "replay":
        rows = await handed_on.replay(connection, visit.config, [name], new_id, now, reason)
        handoff = shown("hnd", rows[0].id)
        return f"/handoffs/{handoff}?done", {"handoff": handoff, "source": rows[0].source, "target": rows[0].target}
    if verb.name == "cancel":
        job, action = await acts.cancel(connection, name, reason, new_id, now)
    elif verb.name == "poll":
        job, action = await acts.poll(connection, name, new_id, now, reason)
    else:
        job, action = await acts.hold(connection, visit.config, ActionVerb(verb.name), name, reason, new_id, now)
    about = {"job": shown("job", job.id), "action": shown("act", action.id)}
    return f"/jobs/{about['job']}?done={about['action']}", {
        **about,
        "source": job.source,
        "job_id": job.job_id,
        "kind": job.kind,
    }


def _verb(visit: Visit) -> Verb:
    verb = VERBS.get(visit.path["verb"])
    if verb is None:
        raise NoSuchThing(f"nothing here is called so; what can be asked for: {', '.join(VERBS)}")
    return verb


def reason_of(form: FormData) -> str:
    """In one line, as everywhere."""
    return clean(" ".join(text_of(form, "reason").split()), LARGEST_FORM)


def text_of(form: FormData, name: str) -> str:
    value = form.get(name, "")
    return value.strip() if isinstance(value, str) else ""
