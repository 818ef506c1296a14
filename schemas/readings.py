"""Plain values that dialects produce and decisions consume. Frozen, without behaviour beyond reading themselves."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from schemas.words import AttemptOutcome, OutputRole, RefusalReason, Status, Trouble

# --- what a request to our webhook says -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Identity:
    """Which delivery this is, within its source. Read from the signed body alone."""

    kind: str
    job_id: str
    delivery_key: str


@dataclass(frozen=True, slots=True)
class Report:
    """What a receipt says of its job. A status of None says nothing: a thin event, or a word that we do not know."""

    event_type: str | None = None
    event_id: str | None = None
    attempt: int | None = None
    status: Status | None = None
    native_status: str | None = None
    progress: int | None = None


@dataclass(frozen=True, slots=True)
class Verified:
    """The request is authentic. `identity` is None when its content cannot be read, and `unreadable` then says why."""

    identity: Identity | None
    report: Report
    secret_index: int
    signed_at: int | None = None  # microseconds; the sender's clock
    unreadable: str | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The request is not authentic, or not fresh."""

    reason: RefusalReason


# --- questions and answers --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Question:
    """One HTTP request of ours, described. `url` lies on the source's own origin; the client adds the key."""

    method: str
    url: str
    body: Mapping[str, object] | None = field(default=None, repr=False)  # it may hold a password, or another's key
    mismatch: str | None = None  # a URL that the provider offered and that was not followed
    content: bytes | None = field(default=None, repr=False)  # instead of a body: JSON, to be sent as it stands


@dataclass(frozen=True, slots=True)
class Response:
    """A provider's HTTP answer, whole. Header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    received_at: int = 0  # microseconds, our clock


@dataclass(frozen=True, slots=True)
class RowCounts:
    """Rows of a job. Any of them may be unknown, and they are zero while a provider still validates."""

    total: int | None = None
    completed: int | None = None
    failed: int | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One entry of the provider's own account of its deliveries."""

    delivery_key: str
    number: int  # 0 when the provider only names the key as delivered
    outcome: AttemptOutcome
    tried_at: int | None = None
    response_status: int | None = None
    timed_out: bool = False
    error: str | None = None
    preview: str | None = None  # the beginning of the answer that the provider got


@dataclass(frozen=True, slots=True)
class Account:
    """The provider's account of its deliveries for one job, and where it sends them."""

    endpoint_id: str | None = None
    url: str | None = None
    has_secret: bool | None = None
    events: tuple[str, ...] = ()
    pending_retries: int = 0
    next_retry_at: int | None = None
    attempts: tuple[Attempt, ...] = ()
    total_attempts: int | None = None
    delivered: tuple[str, ...] = ()  # the keys that it counts as delivered
    last_attempt_at: int | None = None
    last_attempt: str | None = None  # how the newest attempt of any key ended, in the provider's own word
    last_response_status: int | None = None
    last_delivered_at: int | None = None
    last_failure_at: int | None = None
    last_error: str | None = None  # it stays when a later attempt succeeds


@dataclass(frozen=True, slots=True)
class Billing:
    """What the provider says that a job costs, in billionths of the currency's unit."""

    state: str | None = None  # pending, estimated, settled or void
    currency: str | None = None
    estimated_nanos: int | None = None
    held_nanos: int | None = None
    settled_nanos: int | None = None
    is_charged: bool | None = None
    reason: str | None = None
    settled_at: int | None = None


@dataclass(frozen=True, slots=True)
class NamedOutput:
    """One output of a job: what it holds, and by which id it is asked for."""

    role: OutputRole
    file_id: str


@dataclass(frozen=True, slots=True)
class Observation:
    """What the provider said about a job, in answer to a question of ours or in what it sent."""

    kind: str
    job_id: str
    status: Status
    native_status: str | None
    progress: int | None = None
    counts: RowCounts = RowCounts()
    created_at: int | None = None
    ended_at: int | None = None
    expires_at: int | None = None
    output_file_id: str | None = None
    error_file_id: str | None = None
    writes_files: bool = True  # False: the provider behind it never exposes output files
    outputs: tuple[NamedOutput, ...] = ()  # what it shows beside those two files, and that can be fetched now
    input_file_id: str | None = None
    endpoint: str | None = None
    provider: str | None = None
    native_id: str | None = None
    request_id: str | None = None
    session_id: str | None = None
    model: str | None = None
    completion_window: str | None = None
    polling_url: str | None = None
    cancel_url: str | None = None
    websocket_url: str | None = None
    error_code: str | None = None
    error_message: str | None = None
    account: Account | None = None  # None: no webhook was ever configured for this job
    # The token that a submission of ours left in its metadata, where the metadata is shown.
    submission: str | None = None
    metadata: Mapping[str, object] = field(default_factory=dict)
    billing: Billing | None = None
    pricing_lines: tuple[Mapping[str, object], ...] = ()
    usage: Mapping[str, object] = field(default_factory=dict)
    more: Mapping[str, object] = field(default_factory=dict)  # what else it says, as it stands; to be shown
    bookkeeping: Mapping[str, object] = field(default_factory=dict)  # it moves while nothing happens; never kept


@dataclass(frozen=True, slots=True)
class Observed:
    """The provider answered about the job."""

    observation: Observation


@dataclass(frozen=True, slots=True)
class Denied:
    """The provider says that it does not know this job, about our own account and not about somebody behind it."""

    message: str


@dataclass(frozen=True, slots=True)
class CancelRefused:
    """A cancel, or another action, was answered with a 4xx that is not about our key."""

    http_status: int
    message: str
    cannot: bool = False  # the provider cannot do that with such jobs at all


@dataclass(frozen=True, slots=True)
class Troubled:
    """The asking itself went wrong. `about_source` means that every other question would go the same way."""

    trouble: Trouble
    message: str
    http_status: int | None = None
    retry_after: int | None = None  # microseconds, as the provider wished; not yet clamped
    about_source: bool = False
    was_sent: bool = True  # False: it never left, so that nothing can have come of it


@dataclass(frozen=True, slots=True)
class Accepted:
    """An action was taken in, and nothing was said of the job: its status endpoint has the next word."""

    message: str | None = None


Answer = Observed | Denied | CancelRefused | Accepted | Troubled


@dataclass(frozen=True, slots=True)
class Deleted:
    """Said over a socket: the provider holds the job no more. Indicative, as everything that a socket says."""


@dataclass(frozen=True, slots=True)
class Ignored:
    """Said over a socket: nothing about the job. `reason` is None for what is merely a sign of life."""

    reason: str | None = None


SocketMessage = Observed | Deleted | Ignored


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a provider's list. What is not on it may exist all the same."""

    observations: tuple[Observation, ...] = ()
    unreadable: int = 0  # entries of which nothing can be said
    is_full: bool = False  # it holds as many entries as a page can, so there may be jobs that it does not show
    cursor: str | None = None  # asks for the page after it; None: there is none, or it cannot be asked for
    only: str | None = None  # the one status, in the provider's word, that it shows; None: it shows every one
    doubt: str | None = None  # why neither it nor the pages after it may show every job; to be shown


@dataclass(frozen=True, slots=True)
class Uploaded:
    """The provider took the input file."""

    file_id: str


@dataclass(frozen=True, slots=True)
class FileExists:
    """The provider showed us a file's record."""

    file_id: str
    size: int | None


# --- what an account is asked when the configuration is checked --------------------------------------------------------


@dataclass(frozen=True, slots=True)
class KeyWorks:
    """An answer that only a key gets which is good for asking about jobs. `note`: what else it shows that is worth knowing."""

    note: str | None = None


@dataclass(frozen=True, slots=True)
class KeyFails:
    """An answer that no working key gets, and what to do about it where the provider's own words tell."""

    trouble: Troubled
    advice: str | None = None


@dataclass(frozen=True, slots=True)
class WebhookEndpoint:
    """A managed endpoint as the provider keeps it."""

    id: str
    url: str
    status: str  # the provider's own word
    is_active: bool
    events: tuple[str, ...]  # as they stand there
    is_deleted: bool = False
    has_secret: bool | None = None


@dataclass(frozen=True, slots=True)
class NotVisible:
    """The provider shows this to other keys than the one that was used, or to none; that says nothing against the key."""

    message: str
    to_nobody: bool = False


@dataclass(frozen=True, slots=True)
class Coverage:
    """How the events of an endpoint compare with those that are listened for here."""

    missing: tuple[str, ...] = ()  # listened for, and not subscribed to there
    harmless: tuple[str, ...] = ()  # the same, but told of by another event that is
    superfluous: tuple[str, ...] = ()  # subscribed to there, and not listened for


# --- what a dialect says of itself ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NotFoundRule:
    """When a denied job is taken for ended: after so many denials in a row, over at least so long (microseconds)."""

    times: int
    over: int
    becomes: Status


@dataclass(frozen=True, slots=True)
class Advice:
    """How often a provider wants to be asked about one job, in microseconds. `grace`: before the first question about a job whose
    news should come by webhook."""

    first: int
    cap: int
    grace: int = 0


@dataclass(frozen=True, slots=True)
class Ended:
    """As much of a terminal job as decides which deliveries it should have brought."""

    kind: str
    status: Status
    counts: RowCounts
    output_file_id: str | None
    writes_files: bool = True
    job_id: str = ""


@dataclass(frozen=True, slots=True)
class Expected:
    """A delivery that a terminal job should have brought. Any one of its keys will do; the first names it, unless it has an
    event's name."""

    keys: tuple[str, ...]
    event: str | None = None

    @property
    def name(self) -> str:
        return self.event or self.keys[0]


@dataclass(frozen=True, slots=True)
class Suppressed:
    """A delivery that the provider is known never to send for such a job, and why."""

    key: str
    why: str
