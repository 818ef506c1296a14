"""What a provider's wire has to be able to say.

A dialect is pure: bytes and values in, values out, and it never raises on input.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from schemas.config import DialectDefaults
from schemas.readings import (
    Answer,
    Coverage,
    Denied,
    Ended,
    Expected,
    FileExists,
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
from schemas.words import OutputRole

Headers = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Webhook:
    """How a new job is told where to send its news: an endpoint registered there, or a URL and secret sent along."""

    events: tuple[str, ...]
    endpoint_id: str | None = None
    url: str | None = None
    secret: str | None = None


@dataclass(frozen=True, slots=True)
class NewJob:
    """What we ask a provider to create."""

    input_file_id: str
    endpoint: str | None = None
    completion_window: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    webhook: Webhook | None = None


@dataclass(frozen=True, slots=True)
class SubmitRefused:
    """The provider will not make this job; nothing exists there."""

    http_status: int
    message: str


@dataclass(frozen=True, slots=True)
class SubmitLater:
    """The provider will not take it now, and nothing exists there: it can be asked again. `window` is the span (microseconds)
    over which it counts uploads, where that is why."""

    trouble: Troubled
    window: int | None = None


@dataclass(frozen=True, slots=True)
class SubmitUnclear:
    """The provider may have made the job all the same. With its kind and id it can be asked about."""

    message: str
    kind: str | None = None
    job_id: str | None = None


@dataclass(frozen=True, slots=True)
class InputLimits:
    """How large one job's file of requests may be. None: the contract names no bound."""

    file_bytes: int | None = None
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A delivery made by hand: what to send, as the provider would send it."""

    headers: tuple[tuple[str, str], ...]
    body: bytes


class Dialect(Protocol):
    """One provider's wire. Every method is a pure function."""

    @property
    def name(self) -> str: ...
    @property
    def defaults(self) -> DialectDefaults: ...
    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of job that can be asked about. Others are recorded and shown."""
        ...

    @property
    def not_found_rule(self) -> NotFoundRule: ...
    @property
    def create_needs_endpoint_id(self) -> bool:
        """Whether a new job has to name the managed endpoint that its news goes to, and without one sends none. False: its news
        goes to what is registered at the account, whoever made it."""
        ...

    def verify(
        self, headers: Headers, body: bytes, secrets: Sequence[bytes], tolerance: int, now: int
    ) -> Verified | Refused:
        """Check one request. `tolerance` and `now` in microseconds. Headers as ASGI gives them."""
        ...

    def read_report(self, document: Mapping[str, Any]) -> Report:
        """What a strictly parsed webhook body says of its job."""
        ...

    def read_pushed(self, document: Mapping[str, Any]) -> Observation | None:
        """The whole job as a strictly parsed webhook body shows it; None where it does not show one. Only to be looked at."""
        ...

    def sign(self, secret: bytes, body: bytes, now: int) -> SignedRequest: ...
    def sample(self, event: str, job_id: str, status: str, base_url: str, now: int) -> bytes:
        """A plausible body for one event, for deliveries made by hand."""
        ...

    def poll(self, base_url: str, kind: str, job_id: str, polling_url: str | None) -> Question: ...
    def read_poll(self, kind: str, job_id: str, response: Response) -> Answer: ...
    def list_page(self, base_url: str, cursor: str | None) -> Question | None:
        """Ask for the account's jobs, unfiltered: the first page, or the one after a `cursor`. None: there is no list."""
        ...

    @property
    def listed_kinds(self) -> frozenset[str]:
        """The kinds of job that its list shows."""
        ...

    def read_page(self, response: Response, cursor: str | None = None) -> Page | Troubled:
        """What the page shows that `cursor` asked for. Each job at most once, and no more of them than were asked for."""
        ...

    def socket(self, base_url: str, kind: str, job_id: str) -> Question | None:
        """Where a job's progress is told live: a ws:// or wss:// URL on the source's own origin. None: nowhere.

        What the provider offers as `websocket_url` is shown and not followed.
        """
        ...

    @property
    def socket_ping(self) -> str | None:
        """What to send now and then over a socket that is silent, to hear that it lives; None: nothing."""
        ...

    def read_socket(self, kind: str, job_id: str, message: str) -> SocketMessage: ...

    def cancel(self, base_url: str, kind: str, job_id: str, cancel_url: str | None) -> Question: ...
    def read_cancel(self, kind: str, job_id: str, response: Response) -> Answer: ...
    def file(self, base_url: str, file_id: str) -> Question: ...
    def read_file(self, file_id: str, response: Response) -> FileExists | Denied | Troubled: ...
    def content(self, base_url: str, kind: str, job_id: str, role: OutputRole, file_id: str) -> Question:
        """Ask for an output itself. What the provider offers as its URL is shown and not followed."""
        ...

    def read_denied(self, response: Response) -> Denied | Troubled:
        """What an answer means that is not the content that was asked for. Denied: the provider says that there is none."""
        ...

    def read_row(self, line: bytes) -> ResultRow | NoRow:
        """One line of an output that has rows."""
        ...

    def read_custom_id(self, line: bytes) -> str | None:
        """Which request a line of an input file is; None: it does not say."""
        ...

    @property
    def input_limits(self) -> InputLimits:
        """A larger file of requests becomes several jobs."""
        ...

    def upload(self, base_url: str) -> Question: ...
    def read_upload(self, response: Response) -> Uploaded | SubmitRefused | SubmitLater | Troubled: ...
    def create(self, base_url: str, new: NewJob) -> Question: ...
    def read_create(self, response: Response) -> Observed | SubmitRefused | SubmitLater | SubmitUnclear: ...
    def expected(self, ended: Ended, events_listened_for: Sequence[str]) -> tuple[Expected | Suppressed, ...]:
        """Which deliveries a job that ended like this should have brought, to a listener for these events."""
        ...

    def check_key(self, base_url: str) -> Sequence[Question]:
        """Questions that change nothing and that a working key is answered. The next one is for where the last is refused."""
        ...

    def read_key(self, response: Response) -> KeyWorks | KeyFails: ...
    def webhook_endpoints(self, base_url: str, endpoint_id: str | None) -> Question | None:
        """Ask for a managed endpoint, or without an id for all of the account. None: there are no such endpoints."""
        ...

    def read_webhook_endpoints(
        self, response: Response
    ) -> tuple[WebhookEndpoint, ...] | NotVisible | Denied | Troubled: ...
    def new_webhook_endpoint(self, base_url: str, url: str, events: Sequence[str]) -> Question | None:
        """What would register such an endpoint; we do not send it. None: there are no such endpoints."""
        ...

    def coverage(self, subscribed: Sequence[str], events_listened_for: Sequence[str]) -> Coverage: ...
    def why_undeliverable(self, url: str) -> str | None:
        """Why the provider itself would send nothing to this URL; None: it would."""
        ...
