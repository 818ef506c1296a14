"""Verifying refused requests once more, through the API: at once, and not by the reconciler."""

from collections.abc import Callable, Mapping
from typing import Any

from starlette.requests import Request

from operators import acts, asked, reverifying, things
from operators.api.operations import Body, Operation, Schema
from operators.api.parameters import TIME, of_key, of_path, refuse_query, required_key
from operators.api.shapes.words import NUMBER, TRUTH, named
from operators.applying import read_object
from operators.errors import BadInput
from operators.filters import LIMIT
from operators.once import Answer, KeyTaken, Once, digest_of
from operators.reverifying import FURTHEST_AHEAD
from schemas.config import Config
from schemas.times import SECOND
from storage.store import Store

_FURTHEST = FURTHEST_AHEAD // SECOND
_MEMBERS: dict[str, Schema] = {
    "reason": {"type": "string", "minLength": 1, "maxLength": acts.LONGEST_REASON},
    "since": TIME,
    "until": TIME,
    "clock_ahead_seconds": {**NUMBER, "minimum": -_FURTHEST, "maximum": _FURTHEST},
    "dry_run": TRUTH,
}
ASKED: Schema = {
    "type": "object",
    "properties": _MEMBERS,
    "required": ["reason"],
    "additionalProperties": False,
}


class Reverifying:
    """`configured` answers with the configuration that holds now, `now` in microseconds."""

    def __init__(self, configured: Callable[[], Config], store: Store, now: Callable[[], int]) -> None:
        self._configured, self._store, self._now = configured, store, now
        self._once = Once(store, now)

    def operation(self) -> Operation:
        return Operation(
            "POST",
            "/sources/{source}/reverify",
            "reverify",
            "Verify a source's refused requests once more, when a secret or a clock has been mended",
            self._respond,
            {200: named("Reverified")},
            (400, 404, 409, 413, 422),
            (of_path("source"), of_key(required=True)),
            Body({"application/json": ASKED}),
            about=f"It is done when the answer comes, which tells of {LIMIT} requests one by one, and of all by numbers.",
        )

    async def _respond(self, request: Request) -> Answer:
        """It writes portion by portion, so that its key is kept when it is done. Broken off and sent again, it goes on: what was
        taken in stays so, and is not taken in twice."""
        refuse_query(request)
        key, name, config = required_key(request), request.path_params["source"], self._configured()
        fields = _checked(await read_object(request))
        things.must_be_source(config, name)
        digest = digest_of({"": "reverify", "source": name, **fields}, "")
        before = await self._once.before(key, digest)
        if before is not None:
            return before
        ahead, now = fields.get("clock_ahead_seconds", 0), self._now()
        scope = reverifying.read_scope(config, name, fields.get("since"), fields.get("until"), ahead, now)
        is_dry = fields.get("dry_run", False)
        who = None if is_dry else reverifying.Asked("api", fields["reason"])
        done = await reverifying.reverify(self._store, scope, now, who)
        return await self._keep(key, digest, Answer(200, reverifying.cut(done, LIMIT)), fields["reason"])

    async def _keep(self, key: str, digest: str, answer: Answer, reason: str) -> Answer:
        try:
            async with self._store.writing() as connection:
                await self._once.keep(connection, key, digest, answer)
        except KeyTaken:
            return await self._once.after_all(key, digest)
        if not answer.body["dry_run"]:
            asked.tell("api", "reverify", reason, {name: answer.body[name] for name in ("source", "taken_in")})
        return answer


def _checked(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """Raises BadInput for a member that there is not, or that cannot be one."""
    for name in fields:
        if name not in _MEMBERS:
            raise BadInput(f"there is no member {name[:40]!r} here; there is {', '.join(ASKED['properties'])}")
    if not isinstance(fields.get("reason"), str):
        raise BadInput('send {"reason": "..."}: whoever looks at it later wants to know')
    acts.check_reason(fields["reason"], "reason")
    for name in ("since", "until"):
        if not isinstance(fields.get(name, "6h"), str) or fields.get(name) == "":
            raise BadInput(f"{name} is a time such as 2026-11-22T06:00:00Z, or how long ago, such as 6h")
    ahead = fields.get("clock_ahead_seconds", 0)
    if isinstance(ahead, bool) or not isinstance(ahead, int | float):
        raise BadInput("clock_ahead_seconds is a number; below zero where our clock was behind")
    if not isinstance(fields.get("dry_run", False), bool):
        raise BadInput("dry_run is true or false")
    return fields
