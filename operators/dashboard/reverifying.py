"""Verifying refused requests once more: looked at first, then confirmed with a reason, and carried out by what the CLI calls."""

import secrets

from starlette.datastructures import FormData

from operators import asked, reverifying, things
from operators.access import Right
from operators.dashboard.acting import LONGEST_REASON, key_of, reason_of, text_of
from operators.dashboard.visit import Page, Visit
from operators.errors import BadInput, Conflict, NotPossible
from operators.once import Answer, Once, digest_of
from operators.reverifying import Asked, Scope, cut, read_scope
from operators.views import View
from schemas.times import DAY
from storage import spent

SHOWN = 30  # requests, one by one
FORM_LASTS = DAY
FIELDS = ("since", "until", "clock_ahead")


async def confirm(visit: Visit) -> Page:
    """Whose, and of when. Nothing is done yet."""
    _must_act(visit)
    things.must_be_source(visit.config, visit.path["source"])
    return _form(visit, {name: visit.query.get(name, "") for name in FIELDS})


async def act(visit: Visit, form: FormData) -> Page:
    """Say what would be taken in, or take it in, once for each form."""
    given = {name: text_of(form, name) for name in FIELDS}
    reason, name = reason_of(form), visit.path["source"]
    things.must_be_source(visit.config, name)
    try:
        scope = _scope(visit, given)
    except BadInput as problem:
        return _form(visit, given, reason, complaint=str(problem))
    if text_of(form, "look"):
        done = await reverifying.reverify(visit.store, scope, visit.now, None)
        return _form(visit, given, reason, done=done)
    if not reason or len(reason) > LONGEST_REASON:
        advice = f"give a reason of 1 to {LONGEST_REASON} characters; whoever looks at it later wants to know"
        return _form(visit, given, reason, complaint=advice)
    once, key, digest = Once(visit.store, lambda: visit.now), key_of(form), digest_of({"reverify": name}, "")
    async with visit.store.writing() as connection:
        is_first = await spent.spend(connection, key, visit.now + FORM_LASTS, visit.now)
    if not is_first:
        before = await once.before(key, digest)
        if before is None:
            raise Conflict(f"this form was sent already, and is being carried out; see /sources/{name}")
        return Page("reverified.html", {"source": name, "done": before.body})
    done = await reverifying.reverify(visit.store, scope, visit.now, Asked("dashboard", reason))
    asked.tell("dashboard", "reverify", reason, {"source": name, "taken_in": done["taken_in"]})
    told = cut(done, SHOWN)
    async with visit.store.writing() as connection:
        await once.keep(connection, key, digest, Answer(200, told))
    return Page("reverified.html", {"source": name, "done": told})


def _must_act(visit: Visit) -> None:
    if visit.session.right < Right.ACT:
        raise NotPossible("your token only looks; sign in with the one that acts")


def _scope(visit: Visit, given: View) -> Scope:
    """Raises BadInput."""
    try:
        ahead = float(given["clock_ahead"] or 0)
    except ValueError:
        raise BadInput("how far our clock was ahead is a number of seconds; below zero where it was behind") from None
    since, until = given["since"] or None, given["until"] or None
    return read_scope(visit.config, visit.path["source"], since, until, ahead, visit.now)


def _form(visit: Visit, given: View, reason: str = "", complaint: str | None = None, done: View | None = None) -> Page:
    values = {
        "source": visit.path["source"],
        "given": given,
        "reason": reason,
        "complaint": complaint,
        "done": None if done is None else cut(done, SHOWN),
        "once": secrets.token_urlsafe(18),
    }
    return Page("reverify.html", values, 200 if complaint is None else 400)
