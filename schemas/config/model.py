"""
The configuration as the rest of the product sees it: checked, complete, with every secret in place.

Each field says what it means and in which unit; `docs/configuration.md` repeats it for the reader of the file.
"""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer, SerializeAsAny

from schemas.config import addresses
from schemas.config.problems import Problem
from schemas.config.secret import Secret

Webhook = Literal["endpoint", "inline", "none"]
Adopt = Literal["signed", "all", "none"]
Occasion = Literal["ready", "terminal", "group", "finding"]
TargetType = Literal["http", "command"]

DAY = 86_400


class Section(BaseModel):
    """A table of the file. Strict, so that `true` is no number and `1.0` no whole one."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False, hide_input_in_errors=True)


def _number(default: float | None, low: float, high: float, unit: str, description: str) -> Any:
    return Field(default=default, ge=low, le=high, description=description, json_schema_extra={"unit": unit})


def _seconds(default: float, low: float, high: float, description: str) -> Any:
    return _number(float(default), low, high, "seconds", description)


def _days(default: int, low: int, description: str) -> Any:
    return _number(default, low, 36_500, "days", description)


def _local_origin(host: str, port: int) -> str:
    """How this machine reaches what listens there, whatever stands in front of it for others."""
    host = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104  (nothing is bound to it here)
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


class Database(Section):
    """[database]"""

    url: Annotated[str, AfterValidator(addresses.database_url)] = Field(
        default="sqlite:///batchkeeper.db",
        repr=False,
        description="Where the ledger is kept: sqlite:/// and a file, or postgresql:// and user, host and database.",
    )

    @property
    def shown(self) -> str:
        """The database as people may see it, without a password."""
        if self.url.startswith(addresses.SQLITE):
            return str(Path(self.url.removeprefix(addresses.SQLITE)).absolute())
        return addresses.without_password(self.url)


class Receiver(Section):
    """[receiver]"""

    host: Annotated[str, AfterValidator(addresses.host)] = Field(
        default="127.0.0.1", description="Address that the webhook endpoint listens on; 0.0.0.0 for every interface."
    )
    port: int = _number(8080, 0, 65_535, "port", "Port of the webhook endpoint; 0 takes any free one.")
    max_body_bytes: int = _number(1_048_576, 1, 67_108_864, "bytes", "Largest body taken; a larger one gets 413.")
    public_url: Annotated[str | None, AfterValidator(addresses.public_url)] = Field(
        default=None,
        description="How providers reach this host from outside; used to print the URL to register.",
    )
    read_timeout_seconds: float = _seconds(10, 0.1, 300, "How long a sender may take over one request; then 408.")
    max_header_bytes: int = _number(16_384, 1_024, 65_536, "bytes", "Largest sum of a request's headers; then 431.")
    max_headers: int = _number(64, 8, 1_000, "headers", "Most headers in one request; then 431.")
    queue_limit: int = _number(
        4_096, 1, 1_000_000, "requests", "Requests that may wait for a commit; the next one gets 503."
    )
    refusals_per_minute: int = _number(
        300, 1, 1_000_000, "refusals", "Unauthentic requests from one address at one source in a minute before 429."
    )
    trusted_proxies: Annotated[tuple[str, ...], AfterValidator(addresses.networks)] = Field(
        default=(), description="Addresses or networks whose X-Forwarded-For is believed."
    )

    def webhook_url(self, source: str) -> str | None:
        """Where a source's provider delivers to, from outside; None where `public_url` is not set."""
        return f"{self.public_url.rstrip('/')}/webhooks/{source}" if self.public_url else None

    def local_url(self, source: str) -> str:
        """The same door from this machine, whatever stands in front of it for others."""
        return f"{self.local_origin}/webhooks/{source}"

    @property
    def local_origin(self) -> str:
        return _local_origin(self.host, self.port)


class OperatorsAddress(Section):
    """What [operators] holds besides its token."""

    host: Annotated[str, AfterValidator(addresses.host)] = Field(
        default="127.0.0.1", description="Address of the operators' surface; any but loopback needs a token."
    )
    port: int = _number(8081, 0, 65_535, "port", "Port of the operators' surface; 0 takes any free one.")
    max_upload_bytes: int = _number(
        536_870_912, 1, 1 << 40, "bytes", "Largest request with a file of requests that an application may post."
    )

    @property
    def local_origin(self) -> str:
        return _local_origin(self.host, self.port)


class Operators(OperatorsAddress):
    """[operators]"""

    token: Secret | None = None  # whoever has it may look and act
    read_token: Secret | None = None  # whoever has it may look


class Reconciler(Section):
    """[reconciler]"""

    concurrency: int = _number(8, 1, 256, "questions", "Questions in flight to one source that names no number itself.")
    first_poll_seconds: float = _seconds(60, 0, DAY, "Grace before a new job's first poll where a webhook is expected.")
    poll_seconds: float = _seconds(30, 0.05, DAY, "First interval between two polls of a job.")
    poll_growth: float = _number(2.0, 1, 10, "factor", "What each interval is multiplied by to give the next.")
    poll_cap_seconds: float = _seconds(900, 0.05, DAY, "Longest interval between two polls; not below poll_seconds.")
    request_timeout_seconds: float = _seconds(
        30, 0.1, 600, "Total time one question may take, from connecting to the last byte."
    )
    max_answer_bytes: int = _number(4_194_304, 1_024, 268_435_456, "bytes", "Largest answer read from a provider.")
    lease_seconds: float = _seconds(
        10, 0.5, 3_600, "How long a reconciler owns a source without renewing; then another takes over."
    )
    stuck_cancel_seconds: float = _seconds(
        1_800, 1, 7 * DAY, "How long a job may stay open after an accepted cancellation before that counts as stuck."
    )
    output_patience_seconds: float = _seconds(
        900, 0, 7 * DAY, "How long a completed job's output may stay unreadable before it counts as missing."
    )
    trouble_after_seconds: float = _seconds(
        900, 0, 7 * DAY, "How long our own asking may fail or be contradicted before it is shown as trouble."
    )
    submit_patience_seconds: float = _seconds(
        900, 1, 7 * DAY, "How long a job is looked for whose creation was not answered; then a person decides."
    )
    quota_retry_seconds: float = _seconds(
        300, 0.1, DAY, "When an upload that met a quota is tried again, the first time; then after twice as long."
    )


class Data(Section):
    """[data]"""

    dir: Annotated[str, AfterValidator(addresses.folder)] = Field(
        default="batchkeeper-data",
        description="Folder for input files and outputs, relative to the working directory; shared, if reconcilers are many.",
    )
    url: Annotated[str | None, AfterValidator(addresses.files_url)] = Field(
        default=None, description="In place of dir: a URL that fsspec knows, such as s3://bucket/batchkeeper."
    )
    reserve_bytes: int = _number(
        1_073_741_824,
        0,
        1 << 50,
        "bytes",
        "What stays free on the disk of dir; a download that would touch it is parked.",
    )
    max_file_bytes: int = _number(
        10_737_418_240, 1, 1 << 50, "bytes", "Largest output file that is fetched; a larger one is parked."
    )


class Retention(Section):
    """
    [retention]: after how many days rows may be pruned.

    A delivery's identity has no key here: it is kept as long as its job, and at least 30 days, or an old
    delivery sent again would count as new.
    """

    bodies: int = _days(30, 1, "The bytes of deliveries, as they arrived.")
    receipts: int = _days(90, 7, "Each accepted request: what it reported and our verdict.")
    refusals: int = _days(14, 1, "Requests that were not accepted, with the reason.")
    observations: int = _days(90, 7, "What providers answered to our questions.")
    tallies: int = _days(30, 1, "Counters per minute.")
    actions: int = _days(365, 30, "What operators and automation asked for.")
    handoffs: int = _days(90, 7, "Hand-offs that are done or withdrawn; waiting and dead ones stay.")


class SourceChoices(Section):
    """The keys of [sources.NAME] that mean the same whatever the dialect."""

    webhook_endpoint_id: Annotated[str | None, AfterValidator(addresses.printable)] = Field(
        default=None, description="The provider's id of the managed endpoint; sent with each submission."
    )
    adopt: Adopt = Field(
        default="signed",
        description="Which unknown jobs are taken on: those a signed delivery speaks of, all the list shows too, none.",
    )
    adopt_limit: int = _number(
        10_000, 1, 10_000_000, "jobs", "Most jobs adopted from deliveries or the list that may be open at once."
    )
    first_poll_seconds: float | None = _number(
        None, 0, DAY, "seconds", "As in [reconciler], for this source alone; left out, as its provider advises."
    )
    poll_seconds: float | None = _number(
        None, 0.05, DAY, "seconds", "As in [reconciler], for this source alone; left out, as its provider advises."
    )
    poll_cap_seconds: float | None = _number(
        None, 0.05, DAY, "seconds", "As in [reconciler], for this source alone; left out, as its provider advises."
    )
    fetch_adopted: bool = Field(
        default=False, description="Fetch the outputs of adopted jobs too, and hand those jobs on."
    )
    cancel_after_seconds: float | None = _number(
        None, 1, 30 * DAY, "seconds", "How long a job may run before automation cancels it; left out, for ever."
    )
    list_trust_seconds: float = _seconds(
        1800,
        0,
        DAY,
        "How long after a job's own last answer the provider's list may stand in for the next; 0 for never.",
    )
    sweep_seconds: float = _seconds(
        900, 0.05, 7 * DAY, "How often the provider's list is looked through for jobs that are not known here."
    )
    allow_plain_http: bool = Field(
        default=False,
        description="Allow an http:// base_url beyond this machine; the API key then travels in the clear.",
    )


class Source(SourceChoices):
    """One configured account at a provider, with its secrets read and its dialect's defaults filled in."""

    name: str
    dialect: str
    base_url: str
    api_key: Secret
    webhook: Webhook = "endpoint"
    webhook_secrets: tuple[Secret, ...] = ()
    tolerance_seconds: int
    delivery_window_seconds: int
    webhook_events: tuple[str, ...]
    requests_per_minute: int | None = None
    concurrency: int | None = None
    request_timeout_seconds: float | None = None  # None, here and in the next: as in [reconciler]
    max_answer_bytes: int | None = None
    options: SerializeAsAny[Section] = Section()  # what its dialect alone has to ask, of the dialect's own model
    secrets: Mapping[str, Secret] = Field(default_factory=dict)  # what the options name as secrets, by the name there


class HandoffChoices(Section):
    """The keys of [handoffs.NAME] that count as they are written."""

    on: Occasion = Field(
        default="ready",
        description="What is told: a job is ready, a job has ended (terminal), a group is complete, or a failure, or something "
        "about a whole source, was found or is over.",
    )
    url: Annotated[str | None, AfterValidator(addresses.target_url)] = Field(
        default=None, repr=False, description="Where an http target is told by POST; required for it."
    )
    command: Annotated[tuple[str, ...], AfterValidator(addresses.words)] = Field(
        default=(), description="The program of a command target and its arguments, one a text; required for it."
    )
    timeout_seconds: float = _seconds(30, 0.1, DAY, "How long one attempt may take in all; then it is broken off.")
    most_attempts: int = _number(20, 1, 10_000, "attempts", "Attempts after which a hand-off is dead, until a replay.")
    retry_seconds: float = _seconds(10, 0.05, DAY, "Before the second attempt; doubled before each further one.")
    retry_cap_seconds: float = _seconds(
        3_600, 0.05, 7 * DAY, "Longest time between two attempts; not below retry_seconds."
    )
    concurrency: int = _number(4, 1, 64, "attempts", "Attempts at this target under way at once.")
    sources: tuple[str, ...] = Field(default=(), description="Only what is about these sources; empty for all.")
    statuses: tuple[str, ...] = Field(default=(), description="Only jobs in one of these statuses; empty for all.")
    labels: Annotated[tuple[str, ...], AfterValidator(addresses.labels)] = Field(
        default=(), description='Only what has all of these labels, each written as "key=value"; empty for all.'
    )
    allow_plain_http: bool = Field(
        default=False, description="Allow an http:// url beyond this machine; events then travel in the clear."
    )


class Handoff(HandoffChoices):
    """One configured target of hand-offs, with its secret read."""

    name: str
    type: TargetType
    secret: Secret | None = None  # of an http target, always


Named = TypeVar("Named")


def _read_only(named: Mapping[str, Named]) -> Mapping[str, Named]:
    return MappingProxyType(dict(named))


class Config(BaseModel):
    """Everything that was configured. Nothing else of ours reads the file or the environment."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)

    path: Path
    database: Database = Database()
    receiver: Receiver = Receiver()
    operators: Operators = Operators()
    reconciler: Reconciler = Reconciler()
    data: Data = Data()
    retention: Retention = Retention()
    sources: Annotated[Mapping[str, Source], AfterValidator(_read_only), PlainSerializer(dict, dict[str, Source])]
    handoffs: Annotated[
        Mapping[str, Handoff], AfterValidator(_read_only), PlainSerializer(dict, dict[str, Handoff])
    ] = Field(default_factory=lambda: MappingProxyType({}))
    # What the file names as holding secrets; no program of others gets them.
    secret_variables: frozenset[str] = frozenset()
    warnings: tuple[Problem, ...] = ()
