"""The configuration as it is written in the file: secrets are named, and what may be left out is empty."""

from typing import Annotated, Literal, get_args, get_origin

from pydantic import AfterValidator, Field
from pydantic.fields import FieldInfo

from schemas.config import addresses
from schemas.config.model import (
    Data,
    Database,
    HandoffChoices,
    OperatorsAddress,
    Receiver,
    Reconciler,
    Retention,
    Section,
    SourceChoices,
    Webhook,
)

Kind = Literal["whole", "number", "truth", "text", "list", "table"]
"""What a key's value is, as a person would say it."""

VariableName = Annotated[str | None, AfterValidator(addresses.not_empty)]
FileName = Annotated[str | None, AfterValidator(addresses.file)]


class WrittenOperators(OperatorsAddress):
    """[operators]"""

    token_env: VariableName = Field(
        default=None, description="Variable that holds the operators' token, with which they look and act."
    )
    token_file: FileName = Field(
        default=None, description="File that holds the operators' token, in place of token_env."
    )
    read_token_env: VariableName = Field(
        default=None, description="Variable that holds a second token, with which one can look and not act."
    )
    read_token_file: FileName = Field(
        default=None, description="File that holds the second token, in place of read_token_env."
    )


class WrittenSource(SourceChoices):
    """[sources.NAME]"""

    dialect: str | None = Field(default=None, description="Which provider's wire the source speaks; required.")
    base_url: Annotated[str | None, AfterValidator(addresses.base_url)] = Field(
        default=None, description="Where the provider's API stands, with its version and without a slash at the end."
    )
    api_key_env: VariableName = Field(
        default=None, description="Variable that holds the API key; this or api_key_file."
    )
    api_key_file: FileName = Field(default=None, description="File that holds the API key; this or api_key_env.")
    webhook: Webhook | None = Field(
        default=None,
        description="How the source's webhook is set up: a managed endpoint, inline with each job, or none.",
    )
    webhook_secrets_env: tuple[str, ...] = Field(
        default=(), description="Variables that hold the live webhook secrets, at most three with webhook_secrets_file."
    )
    webhook_secrets_file: Annotated[tuple[str, ...], AfterValidator(addresses.files)] = Field(
        default=(), description="Files that hold live webhook secrets, one secret in each."
    )
    tolerance_seconds: int | None = Field(
        default=None,
        ge=1,
        le=3_600,
        description="How far a delivery's signed time may be from our clock, before or after.",
        json_schema_extra={"unit": "seconds"},
    )
    delivery_window_seconds: int | None = Field(
        default=None,
        ge=1,
        le=2_592_000,
        description="How long after a job's end its deliveries may still arrive; then they are missing.",
        json_schema_extra={"unit": "seconds"},
    )
    requests_per_minute: int | None = Field(
        default=None,
        ge=1,
        le=1_000_000,
        description="Most questions of any kind that leave for this source in any minute.",
        json_schema_extra={"unit": "questions"},
    )
    concurrency: int | None = Field(
        default=None,
        ge=1,
        le=256,
        description="Questions in flight to this source; left out, as its dialect or [reconciler] has it.",
        json_schema_extra={"unit": "questions"},
    )
    request_timeout_seconds: float | None = Field(
        default=None,
        ge=0.1,
        le=600,
        description="How long one question may take in all; left out, as its dialect or [reconciler] has it.",
        json_schema_extra={"unit": "seconds"},
    )
    max_answer_bytes: int | None = Field(
        default=None,
        ge=1_024,
        le=268_435_456,
        description="Largest answer read from this source; left out, as its dialect or [reconciler] has it.",
        json_schema_extra={"unit": "bytes"},
    )
    webhook_events: tuple[str, ...] | None = Field(
        default=None, description="Events that the webhook is subscribed to, and so the deliveries that are expected."
    )


class WrittenHandoff(HandoffChoices):
    """[handoffs.NAME]"""

    type: str | None = Field(
        default=None, description='How the target is told: "http" by a signed POST, "command" by a program; required.'
    )
    secret_env: VariableName = Field(
        default=None, description="Variable that holds an http target's signing secret; this or secret_file."
    )
    secret_file: FileName = Field(
        default=None, description="File that holds an http target's signing secret; this or secret_env."
    )


SECTIONS: dict[str, type[Section]] = {
    "database": Database,
    "receiver": Receiver,
    "operators": WrittenOperators,
    "reconciler": Reconciler,
    "data": Data,
    "retention": Retention,
}
"""The tables of the file, but for those that have names."""

NAMED: dict[str, type[Section]] = {"sources": WrittenSource, "handoffs": WrittenHandoff}
"""What each table [WORD.NAME] may hold."""

FIRST_KEYS = {"sources": "dialect", "handoffs": "type"}
"""The key without which there is no such table."""


def kind_of(field: FieldInfo) -> Kind:
    """What kind of value a key takes, read from its type."""
    inner = next((part for part in get_args(field.annotation) if part is not type(None)), None)
    optional = inner is not None and type(None) in get_args(field.annotation)
    named = inner if optional else field.annotation
    if get_origin(named) is tuple:
        return "list"
    if get_origin(named) is dict:
        return "table"
    kinds: dict[object, Kind] = {int: "whole", float: "number", bool: "truth"}
    return kinds.get(named, "text")
