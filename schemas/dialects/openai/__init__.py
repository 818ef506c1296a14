"""OpenAI's wire, batches only. Pure: no I/O, no clock."""

from collections.abc import Mapping, Sequence
from typing import Any

from schemas.config import DialectDefaults
from schemas.dialects import batch_rows
from schemas.dialects.dialect import (
    Headers,
    NewJob,
    SignedRequest,
    SubmitLater,
    SubmitRefused,
    SubmitUnclear,
)
from schemas.dialects.openai import endpoints, events, keys, listing, push, questions, signature
from schemas.dialects.openai.objects import KIND
from schemas.readings import (
    Answer,
    Coverage,
    Denied,
    Ended,
    Expected,
    FileExists,
    Ignored,
    KeyFails,
    KeyWorks,
    NoRow,
    NotFoundRule,
    NotVisible,
    Observation,
    Observed,
    Page,
    Question,
    Refused,
    Report,
    Response,
    ResultRow,
    SocketMessage,
    Suppressed,
    Troubled,
    Uploaded,
    Verified,
    WebhookEndpoint,
)
from schemas.times import DAY
from schemas.words import OutputRole, Status


class OpenAI:
    """See `schemas.dialects.dialect.Dialect`. A batch's files are the only outputs that it has."""

    name = "openai"
    socket_ping = None
    kinds = frozenset({KIND})
    listed_kinds = kinds
    input_limits = questions.LIMITS
    create_needs_endpoint_id = False
    # A batch stays for as long as its account: a day of denials means that this project does not own it.
    not_found_rule = NotFoundRule(times=5, over=DAY, becomes=Status.FAILED)
    defaults = DialectDefaults(
        base_url="https://api.openai.com/v1",
        tolerance_seconds=300,
        delivery_window_seconds=73 * 3_600,  # 72 hours of attempts (contract 2), and one to spare
        webhook_events=events.BATCH_EVENTS,
        known_events=frozenset(events.BATCH_EVENTS),
        webhooks=("endpoint", "none"),
        why_bad_secret=signature.why_bad_secret,
    )

    def verify(
        self, headers: Headers, body: bytes, secrets: Sequence[bytes], tolerance: int, now: int
    ) -> Verified | Refused:
        return signature.verify(headers, body, secrets, tolerance, now)

    def read_report(self, document: Mapping[str, Any]) -> Report:
        return push.read_report(document)

    def read_pushed(self, document: Mapping[str, Any]) -> Observation | None:
        return None

    def sign(self, secret: bytes, body: bytes, now: int) -> SignedRequest:
        return signature.sign(secret, body, now)

    def sample(self, event: str, job_id: str, status: str, base_url: str, now: int) -> bytes:
        return events.sample(event, job_id, now)

    def poll(self, base_url: str, kind: str, job_id: str, polling_url: str | None) -> Question:
        return questions.poll(base_url, job_id, polling_url)

    def read_poll(self, kind: str, job_id: str, response: Response) -> Answer:
        return questions.read_poll(job_id, response)

    def list_page(self, base_url: str, cursor: str | None) -> Question:
        return listing.list_page(base_url, cursor)

    def read_page(self, response: Response, cursor: str | None = None) -> Page | Troubled:
        return listing.read_page(response, cursor)

    def socket(self, base_url: str, kind: str, job_id: str) -> Question | None:
        return None

    def read_socket(self, kind: str, job_id: str, message: str) -> SocketMessage:
        return Ignored("OpenAI tells nothing of batches over sockets")

    def cancel(self, base_url: str, kind: str, job_id: str, cancel_url: str | None) -> Question:
        return questions.cancel(base_url, job_id, cancel_url)

    def read_cancel(self, kind: str, job_id: str, response: Response) -> Answer:
        return questions.read_cancel(job_id, response)

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

    def read_custom_id(self, line: bytes) -> str | None:
        return batch_rows.read_custom_id(line)

    def upload(self, base_url: str) -> Question:
        return questions.upload(base_url)

    def read_upload(self, response: Response) -> Uploaded | SubmitRefused | SubmitLater | Troubled:
        return questions.read_upload(response)

    def create(self, base_url: str, new: NewJob) -> Question:
        return questions.create(base_url, new)

    def read_create(self, response: Response) -> Observed | SubmitRefused | SubmitLater | SubmitUnclear:
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
