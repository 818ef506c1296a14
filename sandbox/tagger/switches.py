"""What a test can set: which behaviour, how fast, and what is broken (contract 14)."""

import json
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

MIB = 1_048_576
Seconds = Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]
Times = Annotated[int, Field(ge=0, le=1_000_000)]


class Mode(StrEnum):
    AS_IS = "as-is"
    AS_DOCUMENTED = "as-documented"


class Switches(BaseModel):
    """All of them, as they start. Seconds are of life, which the sandbox's speed divides, unless said otherwise.

    What counts (`resets`, `starts_lost`, `starts_not_accepted`) counts down to 0 as it happens.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    # as-is, or as-documented: what the provider's own page promises
    mode: Annotated[Mode, Field(strict=False)] = Mode.AS_IS
    # what a row takes, without the half second between two rows
    row_seconds: Seconds = 3.0
    # between two writes of one row, when the counts of a status answer do not fit together
    write_seconds: Seconds = 0.01
    # while a row is worked on, no request is answered
    blocking: bool = False
    # how long the state of a job is kept from its start, and its results from its last row
    ttl_seconds: Seconds = 86_400.0
    # how long an access token is good, in seconds of the wall; 0 makes tokens that are expired from the start
    token_seconds: Times = 1800
    # the default account: active, disabled or deleted
    account: Literal["active", "disabled", "deleted"] = "active"
    # Redis is down: whatever is about jobs is a 500, and workers die at their next write
    redis_down: bool = False
    # PostgreSQL is down: whatever wants an account is a 500
    postgresql_down: bool = False
    # after a 500, the next request on the same connection is reset
    reset_after_500: bool = False
    # so many requests are reset
    resets: Times = 0
    # so many starts are carried out and not answered: the connection is cut
    starts_lost: Times = 0
    # so many starts are not carried out and not answered: the connection is cut
    starts_not_accepted: Times = 0
    # the first so many status answers about each job are a plain-text 500
    status_failures: Times = 0
    # every path is a 404, Not Found, as behind a proxy that leads elsewhere
    routes_missing: bool = False
    # so many bytes of filler are in the first result of a catch-up frame
    catchup_padding: Annotated[int, Field(ge=0, le=64 * MIB)] = 0


def read_switches(body: bytes, known: Switches) -> Switches:
    """A JSON object with the switches to set; what it does not name stays as it was.

    Raises:
        ValueError: anything else; the message says what is wanted.
    """
    names = ", ".join(Switches.model_fields)
    try:
        asked = json.loads(body)
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
