"""OpenAI's wire, batches only. Pure: no I/O, no clock."""

from collections.abc import Mapping, Sequence
from typing import Any

from schemas.config import DialectDefaults
from schemas.contents import NoRow, ResultRow
from schemas.dialects import batch_rows
from schemas.dialects.dialect import Dialect, Headers
from schemas.dialects.openai import endpoints, events, keys, listing, push, questions, signature
from schemas.dialects.openai.objects import KIND
from schemas.dialects.orders import (
    CheckedRequest,
    InputLimits,
    NewJob,
    SignedRequest,
    SubmitLater,
    SubmitRefused,
    SubmitUnclear,
)
from schemas.presented import Presented
from schemas.readings import (
    Answer,
    Coverage,
    Denied,
    Ended,
    Expected,
    FileExists,
    KeyFails,
    KeyWorks,
    NotFoundRule,
    NotVisible,
    Observed,
    Page,
    Question,
    Refused,
    Report,
    Response,
    Suppressed,
    Troubled,
    Uploaded,
    Verified,
    WebhookEndpoint,
)
from schemas.times import DAY
from schemas.words import ActionVerb, OutputRole, Status


class OpenAI(Dialect):
    """See `schemas.dialects.dialect.Dialect`. A batch's files are the only outputs that it has."""

    name = "openai"
    kinds = frozenset({KIND})
    listed_kinds = kinds
    most_metadata = 15  # of 16, one is ours
    shows_webhooks = False  # what is registered at the project hears of every batch, and no batch tells of that
    defaults = DialectDefaults(
        base_url="https://api.openai.com/v1",
        tolerance_seconds=300,
        delivery_window_seconds=73 * 3_600,  # 72 hours of attempts (contract 2), and one to spare
        webhook_events=events.BATCH_EVENTS,
        known_events=frozenset(events.BATCH_EVENTS),
        webhooks=("endpoint", "none"),
        names_endpoint=False,  # what is registered at the project gets the news of every batch
        why_not_secret=lambda secret, _options: signature.why_bad_secret(secret),
    )

    def not_found_rule(self, was_seen: bool) -> NotFoundRule:
        # A batch stays for as long as its account: a day of denials means that this project does not own it.
        return NotFoundRule(times=5, over=DAY, becomes=Status.FAILED)

    def present(self, headers: Headers) -> Presented | Refused:
        return signature.present(headers)

    def check(
        self, presented: Presented, body: bytes, secrets: Sequence[bytes], tolerance: int, now: int
    ) -> Verified | Refused:
        return signature.check(presented, body, secrets, tolerance, now)

    def read_report(self, document: Mapping[str, Any]) -> Report:
        return push.read_report(document)

    def sign(self, secret: bytes, body: bytes, now: int) -> SignedRequest:
        return signature.sign(secret, body, now)

    def sample(self, event: str, job_id: str, status: str, base_url: str, now: int) -> bytes:
        return events.sample(event, job_id, now)

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
        return questions.LIMITS

    def check_request(self, row: Mapping[str, Any], endpoint: str | None) -> CheckedRequest:
        return batch_rows.check_request(row, endpoint)

    def file(self, base_url: str, file_id: str) -> Question:
        return questions.file(base_url, file_id)

    def read_file(self, file_id: str, response: Response) -> FileExists | Denied | Troubled:
        return questions.read_file(file_id, response)

    def content(self, base_url: str, kind: str, job_id: str, role: OutputRole, file_id: str) -> Question:
        return questions.content(base_url, file_id)

    def read_denied(self, response: Response) -> Denied | Troubled:
        return questions.read_denied(response)

    def read_row(self, line: bytes) -> ResultRow | NoRow:
        return batch_rows.read_row(line)

    def upload(self, base_url: str) -> Question:
        return questions.upload(base_url)

    def read_upload(self, response: Response) -> Uploaded | SubmitRefused | SubmitLater | Troubled:
        return questions.read_upload(response)

    def create(self, base_url: str, new: NewJob) -> Question:
        return questions.create(base_url, new)

    def read_create(
        self, response: Response, new: NewJob | None = None
    ) -> Observed | SubmitRefused | SubmitLater | SubmitUnclear:
        return questions.read_create(response)

    def expected(self, ended: Ended, events_listened_for: Sequence[str]) -> tuple[Expected | Suppressed, ...]:
        return events.expected(ended, events_listened_for)

    def check_key(self, base_url: str) -> tuple[Question, ...]:
        return keys.check_key(base_url)

    def read_key(self, response: Response) -> KeyWorks | KeyFails:
        return keys.read_key(response)

    def webhook_endpoints(self, base_url: str, endpoint_id: str | None) -> Question:
        return endpoints.ask(base_url, endpoint_id)

    def read_webhook_endpoints(
        self, response: Response
    ) -> tuple[WebhookEndpoint, ...] | NotVisible | Denied | Troubled:
        return endpoints.read(response)

    def new_webhook_endpoint(self, base_url: str, url: str, events: Sequence[str]) -> Question:
        return endpoints.register(base_url, url, events)

    def coverage(self, subscribed: Sequence[str], events_listened_for: Sequence[str]) -> Coverage:
        return events.coverage(subscribed, events_listened_for)

    def why_undeliverable(self, url: str) -> str | None:
        return endpoints.why_undeliverable(url)
