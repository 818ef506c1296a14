"""Anthropic's Message Batches. Pure: no I/O, no clock. There are no webhooks of them: its union of events has none."""

from collections.abc import Mapping
from typing import Any

from schemas.config import DialectDefaults
from schemas.contents import NoRow, ResultRow
from schemas.dialects.anthropic import creating, keys, listing, questions, rows
from schemas.dialects.anthropic.objects import ENDPOINT, KIND
from schemas.dialects.dialect import Dialect
from schemas.dialects.orders import CheckedRequest, InputLimits, NewJob, SubmitLater, SubmitRefused, SubmitUnclear
from schemas.readings import (
    Answer,
    Denied,
    KeyFails,
    KeyWorks,
    NotFoundRule,
    Observed,
    Page,
    Question,
    Response,
    Troubled,
)
from schemas.times import DAY
from schemas.words import ActionVerb, OutputRole, Status

API_VERSION = "2023-06-01"


class Anthropic(Dialect):
    """See `schemas.dialects.dialect.Dialect`."""

    name = "anthropic"
    kinds = frozenset({KIND})
    listed_kinds = kinds
    defaults = DialectDefaults(
        base_url="https://api.anthropic.com/v1",
        tolerance_seconds=300,  # this and the next are asked for, and nothing comes that they would be used for
        delivery_window_seconds=60,
        webhook_events=(),
        known_events=frozenset(),
        webhooks=("none",),
        names_endpoint=False,
    )
    uploads_input = False
    holds_metadata = False
    default_endpoint = ENDPOINT

    def headers(self, api_key: str) -> Mapping[str, str]:
        return {"x-api-key": api_key, "anthropic-version": API_VERSION}

    def check_key(self, base_url: str) -> tuple[Question, ...]:
        return keys.check_key(base_url)

    def read_key(self, response: Response) -> KeyWorks | KeyFails:
        return keys.read_key(response)

    def not_found_rule(self, was_seen: bool) -> NotFoundRule:
        # Only one that has ended can be deleted (docstring of `batches.delete`): what was its end, nobody tells any more. A day
        # is left to mend a key of another workspace.
        return NotFoundRule(times=5, over=DAY, becomes=Status.FAILED)

    def poll(self, base_url: str, kind: str, job_id: str, polling_url: str | None) -> tuple[Question, ...]:
        return (questions.poll(base_url, job_id, polling_url),)

    def read_poll(self, kind: str, job_id: str, response: Response, asked: Question | None = None) -> Answer:
        return questions.read_poll(job_id, response)

    def list_page(self, base_url: str, cursor: str | None) -> Question:
        return listing.list_page(base_url, cursor)

    def read_page(self, response: Response, cursor: str | None = None) -> Page | Troubled:
        return listing.read_page(response, cursor)

    def act(self, base_url: str, verb: ActionVerb, kind: str, job_id: str, offered_url: str | None) -> Question | None:
        return questions.cancel(base_url, job_id, offered_url) if verb is ActionVerb.CANCEL else None

    def read_act(self, verb: ActionVerb, kind: str, job_id: str, response: Response) -> Answer:
        return questions.read_cancel(job_id, response)

    def input_limits(self, endpoint: str | None) -> InputLimits:
        return creating.LIMITS

    def check_request(self, row: Mapping[str, Any], endpoint: str | None) -> CheckedRequest:
        return rows.check_request(row, endpoint)

    def create(self, base_url: str, new: NewJob) -> Question:
        return creating.create(base_url, new)

    def read_create(
        self, response: Response, new: NewJob | None = None
    ) -> Observed | SubmitRefused | SubmitLater | SubmitUnclear:
        return creating.read_create(response)

    def content(self, base_url: str, kind: str, job_id: str, role: OutputRole, file_id: str) -> Question:
        return questions.results(base_url, job_id)

    def read_denied(self, response: Response) -> Denied | Troubled:
        return questions.read_denied(response)

    def read_row(self, line: bytes) -> ResultRow | NoRow:
        return rows.read_row(line)
