"""The whole account's switches: what this deployment does where Thunderbit's pages contradict each other or say nothing.

The defaults are what the newest guides say (contract 13). `POST /thunderbit/sandbox/switches` changes those that it names,
for every request, job and attempt from then on.
"""

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from sandbox.thunderbit.scenarios import read_scenario

YEAR = 31_536_000
Seconds = Annotated[float, Field(ge=0, le=YEAR, allow_inf_nan=False)]


class Switches(BaseModel):
    """As they stand. Seconds are of life, which the sandbox's speed divides."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    # the path that answers, under /thunderbit; the other one is a 404 page
    base_path: Literal["/openapi/v1", "/v1"] = "/openapi/v1"
    # PENDING and SUCCEEDED; pending and completed; pending, also for a job in work, and success
    status_words: Literal["upper", "lower", "endpoint_page"] = "upper"
    # {"success": true, "data": {...}}; {"data": {...}}; the job alone
    envelope: Literal["success", "data", "bare"] = "success"
    # what the member with the job's id is called
    id_member: Literal["id", "job_id"] = "id"
    # a row's output stands in the row, or one object deeper
    row_shape: Literal["flat", "nested"] = "flat"
    # a row's error is a code in `error`, an object in `error`, or a code in `errorCode`
    row_error: Literal["text", "object", "code"] = "text"
    # whether status answers list rows that are not finished
    unfinished_rows: Literal["listed", "omitted"] = "listed"
    # what `completed` counts in status answers: rows that succeeded, or rows that finished either way
    completed_means: Literal["succeeded", "finished"] = "succeeded"
    # whether status answers have `failed`, `total` (creates, too), `creditsUsed`
    shows_failed: bool = True
    shows_total: bool = True
    shows_credits: bool = False
    # errors: code and status as in the newest guides, with their types swapped, {"message": text}, {"error": text}, an HTML page
    errors: Literal["current", "swapped", "message", "text", "page"] = "current"
    # the HTTP status of a create that is accepted
    created_status: Literal[200, 201, 202] = 200
    # how many URLs an extract job may have
    extract_limit: Literal[100, 50] = 100
    # how webhooks are signed
    signature: Literal["v2", "v1", "none"] = "v2"
    # what webhooks say: all, without jobType, creditsUsed and createdAt, or all and the rows
    payload: Literal["current", "old", "with_rows"] = "current"
    # X-Webhook-Timestamp is that of each attempt, or that of the first
    timestamp: Literal["renewed", "fixed"] = "renewed"
    # what the pauses between attempts are multiplied with
    retry_scale: Annotated[float, Field(ge=0.001, le=1_000, allow_inf_nan=False)] = 1.0
    # how a DELETE of a job that is over is answered
    delete_after_end: Literal[409, 400, 200] = 409
    # requests in a minute of life
    rate_limit: Annotated[int, Field(ge=1, le=1_000_000)] = 10_000
    # whether X-RateLimit-Reset is in seconds or in milliseconds
    rate_limit_unit: Literal["s", "ms"] = "s"
    # whether 429 has Retry-After
    retry_after: bool = False
    # how long after its end a job is known; null: for ever
    retention_seconds: Seconds | None = None
    # for how long after the webhook status answers are still those of the moment before the end
    lag_seconds: Seconds = 0.0
    # how often each status_ word of a scenario spoils a status answer
    faulty_answers: Annotated[int, Field(ge=1, le=1_000)] = 3
    # exhausted: creates are 402
    credits: Literal["enough", "exhausted"] = "enough"
    # what is wrong with the right key; invalid is the deprecated code for anything
    key: Literal["live", "not_found", "revoked", "disabled", "expired", "invalid"] = "live"
    # that of jobs that name none
    scenario: str = ""

    @field_validator("scenario")
    @classmethod
    def _is_a_scenario(cls, text: str) -> str:
        read_scenario(text)
        return text


def read_switches(body: bytes, known: Switches) -> Switches:
    """A JSON object with the switches to set; what it does not name stays as it was, and one wrong value changes nothing.

    Raises:
        ValueError: anything else; the message says what is wanted.
    """
    names = ", ".join(Switches.model_fields)
    try:
        asked: Any = json.loads(body)
    except (ValueError, RecursionError):
        raise ValueError(f"Send a JSON object with some of {names}; this is no JSON.") from None
    if not isinstance(asked, dict):
        raise ValueError(f"Send a JSON object with some of {names}; this is no object.")
    if strange := sorted(asked.keys() - Switches.model_fields.keys()):
        raise ValueError(f"There is no {', '.join(map(json.dumps, strange))}. Known switches: {names}.")
    try:
        return Switches.model_validate(known.model_dump() | asked)
    except ValidationError as trouble:
        told = [f"{error['loc'][0]}: {error['msg']}" for error in trouble.errors()]
        raise ValueError(f"{'; '.join(told)}. Nothing was changed.") from None
