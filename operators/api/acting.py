"""What can be asked for through the API: stored here, once for each Idempotency-Key, and carried out by the reconciler."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request

from operators import acts, asked, fan_out, handed_on, things, views
from operators.api.operations import Body, Operation, Schema
from operators.api.parameters import of_key, of_path, refuse_query, required_key
from operators.api.reverifying import Reverifying
from operators.api.shapes.words import TRUTH, named
from operators.applying import FIELDS, Applying, read_object
from operators.errors import BadInput
from operators.find import find_job
from operators.once import Answer, Once, digest_of
from operators.views import View
from schemas.config import Config
from schemas.ids import shown
from schemas.tables import ActionRow, JobRow
from schemas.words import ActionVerb, Policy
from storage.store import Store

Fields = Mapping[str, Any]
Act = Callable[[AsyncConnection, str, Fields], Awaitable[View]]

_REASON = {"type": "string", "minLength": 1, "maxLength": acts.LONGEST_REASON}
WITH_REASON = {
    "type": "object",
    "properties": {"reason": _REASON},
    "required": ["reason"],
    "additionalProperties": False,
}
NOTHING = {"type": "object", "properties": {}, "additionalProperties": False}
IF_SURE = {"type": "object", "properties": {"sure": TRUTH}, "additionalProperties": False}
_NAME = {"type": "string", "minLength": 1}
TRACKED = {
    "type": "object",
    "properties": {"source": _NAME, "job_id": _NAME, "kind": _NAME},
    "required": ["source", "job_id"],
    "additionalProperties": False,
}
_FORM = {name: {"type": "string"} for name in sorted(FIELDS)}
SUBMITTED = {
    "type": "object",
    "properties": {
        **_FORM,
        "file": {"type": "string", "contentMediaType": "application/octet-stream"},
        "policy": {"type": "string", "enum": list(Policy)},
    },
    "required": ["source", "file"],
    "additionalProperties": False,
}


class Acting:
    """`configured` answers with the configuration that holds now, `now` in microseconds."""

    def __init__(self, configured: Callable[[], Config], store: Store, now: Callable[[], int]) -> None:
        self._configured, self._store, self._now = configured, store, now
        self._applying, self._once = Applying(configured, store, now), Once(store, now)
        self._reverifying = Reverifying(configured, store, now)

    def operations(self) -> list[Operation]:
        """In the order in which paths are tried."""
        return [
            self._post_job(),
            self._about_job("cancel", "Ask the provider to cancel a job", self._cancel, WITH_REASON),
            self._about_job("pause", "Ask the provider to hold a job back", self._hold(ActionVerb.PAUSE), WITH_REASON),
            self._about_job("resume", "Ask the provider to go on with a job", self._hold(ActionVerb.RESUME), WITH_REASON),
            self._about_job("poll", "Have the provider asked about a job now", self._poll, NOTHING),
            self._act(
                "/groups/{group}/cancel", "cancel_group", "Cancel every part of a group that is not over", "GroupCancelled",
                self._cancel_group, WITH_REASON, "grp",
            ),
            self._act(
                "/submissions/{submission}/cancel", "cancel_submission", "Drop a submission of which no job has come",
                "SubmissionWhole", self._drop, WITH_REASON, "sub",
            ),
            self._act(
                "/submissions/{submission}/resubmit", "resubmit", "Send a submission once more of which no job came",
                "Submission", self._resubmit, IF_SURE, "sub",
            ),
            self._act(
                "/handoffs/{handoff}/replay", "replay", "Have a hand-off told again, under its own id", "Handoff",
                self._replay, NOTHING, "hnd",
            ),
            self._reverifying.operation(),
        ]  # fmt: skip

    def _post_job(self) -> Operation:
        """Tracking says the same however often it is said, so only a submission cannot do without a key."""

        async def respond(request: Request) -> Answer:
            refuse_query(request)
            return await self._applying.post_job(request)

        return Operation(
            "POST",
            "/jobs",
            "add_job",
            "Track a job that was made elsewhere (JSON), or submit a file of requests (form)",
            respond,
            {200: named("Job"), 201: named("Job"), 202: named("Submitted")},
            (400, 404, 409, 413, 422),
            (of_key(required=False),),
            Body(
                {"application/json": TRACKED, "multipart/form-data": SUBMITTED},
                largest=lambda config: config.operators.max_upload_bytes,
                bound="[operators] max_upload_bytes",
            ),
            about="A form needs an Idempotency-Key. 201: it was not known before; 202: it is stored, and will be sent.",
        )

    def _about_job(self, verb: str, summary: str, act: Act, body: Schema) -> Operation:
        return self._act(f"/jobs/{{job}}/{verb}", f"{verb}_job", summary, "ActionOf", act, body)

    def _act(
        self, path: str, name: str, summary: str, shape: str, act: Act, body: Schema, prefix: str | None = None
    ) -> Operation:
        variable = path.partition("{")[2].partition("}")[0]

        async def respond(request: Request) -> Answer:
            refuse_query(request)
            key, thing = required_key(request), request.path_params[variable]
            fields = _checked(await _fields(request), body)

            async def acted(connection: AsyncConnection) -> Answer:
                return Answer(202, await act(connection, thing, fields))

            same = await self._one_name(variable, thing)
            answer = await self._once.do(key, digest_of({"": name, variable: same, **fields}, ""), acted)
            if not answer.replayed:
                about = {variable: answer.body.get("job", thing), **asked.names_of(dict(answer.body))}
                verb = name.partition("_")[0]
                asked.tell("api", verb, fields.get("reason"), {**about, "action": _action_id(answer.body)})
            return answer

        return Operation(
            "POST",
            path,
            name,
            summary,
            respond,
            {202: named(shape)},
            (400, 404, 409, 413, 422),
            (of_path(variable, prefix), of_key(required=True)),
            Body({"application/json": body}, required="required" in body),
        )

    async def _one_name(self, variable: str, name: str) -> str:
        """A job goes by several names, and what is asked of it is the same request by each."""
        if variable != "job":
            return name
        async with self._store.reading() as connection:
            return shown("job", (await find_job(connection, name)).id)

    async def _cancel(self, connection: AsyncConnection, name: str, fields: Fields) -> View:
        return _asked(*await acts.cancel(connection, name, fields["reason"], self._store.new_id, self._now()))

    async def _poll(self, connection: AsyncConnection, name: str, _: Fields) -> View:
        return _asked(*await acts.poll(connection, name, self._store.new_id, self._now()))

    def _hold(self, verb: ActionVerb) -> Act:
        async def hold(connection: AsyncConnection, name: str, fields: Fields) -> View:
            config, new_id = self._configured(), self._store.new_id
            return _asked(*await acts.hold(connection, config, verb, name, fields["reason"], new_id, self._now()))

        return hold

    async def _cancel_group(self, connection: AsyncConnection, name: str, fields: Fields) -> View:
        new_id = self._store.new_id
        return acts.group_cancelled(*await acts.cancel_group(connection, name, fields["reason"], new_id, self._now()))

    async def _drop(self, connection: AsyncConnection, name: str, fields: Fields) -> View:
        dropped = await acts.drop(connection, name, fields["reason"], self._now())
        return await things.show_submission(connection, dropped.name)

    async def _resubmit(self, connection: AsyncConnection, name: str, fields: Fields) -> View:
        return await fan_out.resubmit(connection, name, fields.get("sure", False), self._now())

    async def _replay(self, connection: AsyncConnection, name: str, _: Fields) -> View:
        config = self._configured()
        await handed_on.replay(connection, config, [name], self._store.new_id, self._now())
        found = await handed_on.show_handoff(connection, config, name)
        return {member: value for member, value in found.items() if member != "event"}


def _action_id(body: Mapping[str, Any]) -> str | None:
    """The id of the action that came of it, where one did."""
    found: str | None = body["id"] if "asked_by" in body else None
    return found


def _asked(job: JobRow, action: ActionRow) -> View:
    return views.action_of(action, job)


async def _fields(request: Request) -> Fields:
    """What is sent along: a JSON object, or nothing at all."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        return await read_object(request)
    async for piece in request.stream():
        if piece:
            raise BadInput("send application/json")
    return {}


def _checked(fields: Fields, body: Schema) -> Fields:
    """The members that an act takes. Raises BadInput."""
    known = body["properties"]
    for name in fields:
        if name not in known:
            told = f"there is {', '.join(known)}" if known else "nothing is sent with it"
            raise BadInput(f"there is no member {name[:40]!r} here; {told}")
    if "reason" in known:
        reason = fields.get("reason")
        if not isinstance(reason, str):
            raise BadInput('send {"reason": "..."}: whoever looks at it later wants to know')
        acts.check_reason(reason, "reason")
    if not isinstance(fields.get("sure", False), bool):
        raise BadInput("sure is true or false")
    return fields
