"""What a provider's wire has to be able to say.

A dialect is pure: bytes and values in, values out, and it never raises on input. What a provider does not have is said here, so
that a dialect holds only what its provider has.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from schemas.config import DialectDefaults
from schemas.config.model import Section
from schemas.contents import NoRow, ResultPage, ResultRow
from schemas.dialects import batch_rows
from schemas.dialects.login import Login
from schemas.dialects.orders import (
    CheckedRequest,
    Column,
    InputLimits,
    NewJob,
    SignedRequest,
    SubmitLater,
    SubmitRefused,
    SubmitUnclear,
)
from schemas.presented import Presented
from schemas.readings import (
    Advice,
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
    Observation,
    Observed,
    Page,
    Question,
    Refused,
    Report,
    Response,
    SocketMessage,
    Suppressed,
    Troubled,
    Uploaded,
    Verified,
    WebhookEndpoint,
)
from schemas.words import ActionVerb, OutputRole, RefusalReason, Trouble

Headers = Sequence[tuple[bytes, bytes]]


class Dialect(ABC):
    """One provider's wire, as one source speaks it. Every method is a pure function."""

    name: ClassVar[str]
    defaults: ClassVar[DialectDefaults]
    cancelled_may_mean: ClassVar[str | None] = None
    """What else the word may mean of a job that nobody here cancelled."""
    kinds: frozenset[str]
    """The kinds of job that can be asked about. Others are recorded and shown."""

    def __init__(self, source: str = "", options: Section | None = None) -> None:
        """`source` is its name; `options` are of the class that `defaults.options` names."""
        self.source = source
        self.options = self.defaults.options() if options is None else options

    # --- who asks -----------------------------------------------------------------------------------------------------

    def headers(self, api_key: str) -> Mapping[str, str]:
        """How a question shows the key, or the access token where there is a login."""
        return {"authorization": f"Bearer {api_key}"}

    @property
    def login(self) -> Login | None:
        """How the key is exchanged for tokens. None: it is shown itself."""
        return None

    @abstractmethod
    def check_key(self, base_url: str) -> Sequence[Question]:
        """Questions that change nothing and that a working key is answered. The next one is for where the last is refused."""

    @abstractmethod
    def read_key(self, response: Response) -> KeyWorks | KeyFails: ...

    # --- webhooks -----------------------------------------------------------------------------------------------------

    def verify(
        self, headers: Headers, body: bytes, secrets: Sequence[bytes], tolerance: int, now: int
    ) -> Verified | Refused:
        """Check one request. `tolerance` and `now` in microseconds. Headers as ASGI gives them."""
        presented = self.present(headers)
        return presented if isinstance(presented, Refused) else self.check(presented, body, secrets, tolerance, now)

    def present(self, headers: Headers) -> Presented | Refused:
        """What one request presents so that it may be believed: the first half of `verify`, which needs no secret."""
        return Refused(RefusalReason.SIGNATURE_MISSING)

    def check(
        self, presented: Presented, body: bytes, secrets: Sequence[bytes], tolerance: int, now: int
    ) -> Verified | Refused:
        """The second half: whether that, with this body, is authentic with one of the secrets, and was fresh at `now`."""
        return Refused(RefusalReason.SIGNATURE_MISSING)

    def read_report(self, document: Mapping[str, Any]) -> Report:
        """What a strictly parsed webhook body says of its job."""
        return Report()

    def read_pushed(self, document: Mapping[str, Any]) -> Observation | None:
        """The whole job as a strictly parsed webhook body shows it; None where it does not show one. Only to be looked at."""
        return None

    def sign(self, secret: bytes, body: bytes, now: int) -> SignedRequest | None:
        """A delivery made by hand. None: the provider sends none."""
        return None

    def sample(self, event: str, job_id: str, status: str, base_url: str, now: int) -> bytes:
        """A plausible body for one event, for deliveries made by hand."""
        return b""

    def expected(self, ended: Ended, events_listened_for: Sequence[str]) -> tuple[Expected | Suppressed, ...]:
        """Which deliveries a job that ended like this should have brought, to a listener for these events."""
        return ()

    def webhook_endpoints(self, base_url: str, endpoint_id: str | None) -> Question | None:
        """Ask for a managed endpoint, or without an id for all of the account. None: nobody can be asked about them."""
        return None

    def read_webhook_endpoints(
        self, response: Response
    ) -> tuple[WebhookEndpoint, ...] | NotVisible | Denied | Troubled:
        return _UNASKED

    def new_webhook_endpoint(self, base_url: str, url: str, events: Sequence[str]) -> Question | None:
        """What would register such an endpoint; we do not send it. None: it is not registered by a request."""
        return None

    def coverage(self, subscribed: Sequence[str], events_listened_for: Sequence[str]) -> Coverage:
        missing = tuple(event for event in events_listened_for if event not in subscribed)
        return Coverage(missing, (), tuple(event for event in subscribed if event not in events_listened_for))

    shows_webhooks: ClassVar[bool] = True
    """Its answers about a job show whether that has a webhook. Otherwise all jobs of the account are told of at its endpoint."""

    def why_undeliverable(self, url: str) -> str | None:
        """Why the provider itself would send nothing to this URL; None: it would, as far as is known."""
        return None

    # --- jobs ---------------------------------------------------------------------------------------------------------

    @abstractmethod
    def not_found_rule(self, was_seen: bool) -> NotFoundRule:
        """When a denied job is taken for ended. `was_seen`: the provider has shown it, or told of it, before."""

    @abstractmethod
    def poll(self, base_url: str, kind: str, job_id: str, polling_url: str | None) -> Sequence[Question]:
        """Ask for one job. The next question is for where the last is answered that there is no such job."""

    @abstractmethod
    def read_poll(self, kind: str, job_id: str, response: Response, asked: Question | None = None) -> Answer:
        """`asked` is which of the questions was answered."""

    is_often_silent: ClassVar[bool] = False
    """An answer that does not come in time is nothing unusual, and no outage."""

    place_by_socket: ClassVar[bool] = False
    """Where else a job can be asked about is told by the first message of its socket alone (as `polling_url`)."""

    def advice(self, rows: int | None, is_told: bool) -> Advice | None:
        """How often the provider wants to be asked about a job of so many rows, whose news comes by webhook (`is_told`) or does
        not. None: as the configuration has it."""
        return None

    def list_page(self, base_url: str, cursor: str | None) -> Question | None:
        """Ask for the account's jobs, unfiltered: the first page, or the one after a `cursor`. None: there is no list."""
        return None

    listed_kinds: ClassVar[frozenset[str]] = frozenset()
    """The kinds of job that its list shows."""

    list_pause: ClassVar[int] = 0
    """Microseconds that the provider wants between two looks at its list before jobs are asked about one by one."""

    def read_page(self, response: Response, cursor: str | None = None) -> Page | Troubled:
        """What the page shows that `cursor` asked for. Each job at most once, and no more of them than were asked for."""
        return _UNASKED

    def socket(self, base_url: str, kind: str, job_id: str) -> Question | None:
        """Where a job's progress is told live: a ws:// or wss:// URL on the source's own origin. None: nowhere.

        What the provider offers as `websocket_url` is shown and not followed.
        """
        return None

    socket_ping: ClassVar[str | None] = None
    """What to send now and then over a socket that is silent, to hear that it lives; None: nothing."""

    socket_silence: ClassVar[float] = 10.0
    """For how many seconds a socket may say nothing before it is asked for a sign of life, or given up."""

    def read_socket(self, kind: str, job_id: str, message: str) -> SocketMessage:
        raise NotImplementedError(f"{self.name} has no sockets")

    # --- actions ------------------------------------------------------------------------------------------------------

    looks_before_acting: ClassVar[bool] = False
    """An action on a job that the provider does not know would do harm there: its status is asked right before."""

    doubts_pause: ClassVar[int] = 0
    """How long (microseconds) a job's counts have to stand still before its provider's word that it is paused is believed."""

    @abstractmethod
    def act(self, base_url: str, verb: ActionVerb, kind: str, job_id: str, offered_url: str | None) -> Question | None:
        """Ask to cancel, pause or resume. `offered_url` is the provider's own for that. None: its jobs cannot."""

    @abstractmethod
    def read_act(self, verb: ActionVerb, kind: str, job_id: str, response: Response) -> Answer: ...

    # --- submitting ---------------------------------------------------------------------------------------------------

    why_not_submit: ClassVar[str | None] = None
    """Why no job can be created from here, in words for whoever tries; None: jobs can be. Otherwise nothing below is asked."""

    uploads_input: ClassVar[bool] = True
    """The rows are uploaded as a file, and the job is made of that. Otherwise they go along with the order."""

    chooses_job_id: ClassVar[bool] = False
    """A job is named by who creates it, with an id that nobody has used."""

    holds_metadata: ClassVar[bool] = True
    """A job keeps what we attach to it, and so the token by which it is known for ours."""

    columns: ClassVar[Sequence[Column]] = ()
    """What an input may have as CSV. Empty: it has to be JSONL."""

    default_endpoint: ClassVar[str | None] = None
    """The one endpoint that rows are for; None: somebody has to say."""

    endpoints: ClassVar[Sequence[str]] = ()
    """What rows can be for, where they do not say it themselves. Empty: each row says it, or whoever submits."""

    most_metadata: ClassVar[int] = 0
    """How many entries a job can hold beside those of the provider, and our own."""

    def input_limits(self, endpoint: str | None) -> InputLimits:
        """A larger file of requests becomes several jobs."""
        return InputLimits()

    def check_request(self, row: Mapping[str, Any], endpoint: str | None) -> CheckedRequest:
        """Check one row of an input; its custom_id has been. `endpoint` stands for what rows leave out."""
        return CheckedRequest(endpoint, (f"no job is created at {self.name}",))

    def why_not_order(self, endpoint: str, params: Mapping[str, Any], secrets: Sequence[str]) -> str | None:
        """Why jobs for this endpoint cannot be ordered with these params, where the `secrets` of these names are configured."""
        return "this provider's jobs take no params" if params else None

    def row_of(self, cells: Mapping[str, str]) -> Mapping[str, Any]:
        """A row of an input from the cells of a CSV's row, by column; those that are empty are left out."""
        return dict(cells)

    def upload(self, base_url: str) -> Question:
        raise NotImplementedError(f"nothing is uploaded to {self.name}")

    def read_upload(self, response: Response) -> Uploaded | SubmitRefused | SubmitLater | Troubled:
        return _UNASKED

    def create(self, base_url: str, new: NewJob) -> Question:
        raise NotImplementedError(f"no job is created at {self.name}")

    def read_create(
        self, response: Response, new: NewJob | None = None
    ) -> Observed | SubmitRefused | SubmitLater | SubmitUnclear:
        """`new` is what was ordered, for answers that repeat nothing of it."""
        return SubmitRefused(response.status, f"no job is created at {self.name}")

    # --- outputs ------------------------------------------------------------------------------------------------------

    pages_results: ClassVar[bool] = False
    """A job's rows are read page by page, and become a file here. Otherwise they are a file there."""

    def result_page(
        self, base_url: str, kind: str, job_id: str, polling_url: str | None, cursor: str | None
    ) -> Sequence[Question]:
        """Ask for a page of rows: the first, or the one that `cursor` names. As with `poll`, the next question is for where there
        is no such job. A ws:// or wss:// URL means the first message that comes over a socket there."""
        return ()

    def read_result_page(
        self, kind: str, job_id: str, response: Response, asked: Question | None = None
    ) -> ResultPage | Denied | Troubled:
        """`asked` is which of the questions was answered."""
        return _UNASKED

    def request_key(self, line: bytes, place: int) -> str | None:
        """Which key the rows that answer a line of an input come under; `place` counts from 0. None: it is no request."""
        return None

    def file(self, base_url: str, file_id: str) -> Question:
        """Ask for the record of an output that a job names as its output or error file."""
        raise NotImplementedError(f"{self.name} has no files")

    def read_file(self, file_id: str, response: Response) -> FileExists | Denied | Troubled:
        return _UNASKED

    def content(self, base_url: str, kind: str, job_id: str, role: OutputRole, file_id: str) -> Question:
        """Ask for an output itself. What the provider offers as its URL is shown and not followed."""
        raise NotImplementedError(f"{self.name} has no files")

    def read_denied(self, response: Response) -> Denied | Troubled:
        """What an answer means that is not the content that was asked for. Denied: the provider says that there is none."""
        return _UNASKED

    @abstractmethod
    def read_row(self, line: bytes) -> ResultRow | NoRow:
        """One line of an output that has rows."""

    def read_custom_id(self, line: bytes) -> str | None:
        """Which request a line of an input file is; None: it does not say."""
        return batch_rows.read_custom_id(line)


_UNASKED = Troubled(Trouble.REQUEST, "the provider has nothing of the kind to be asked for", was_sent=False)
