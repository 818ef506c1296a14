"""Rows and values for the decisions' tests: an ordinary one of each, with what a test is about named by the test."""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from reconciler.apply import Applied, Rules
from reconciler.facts import Facts, Terms
from reconciler.pace import Pace
from schemas.dialects.phaseo import Phaseo
from schemas.readings import Denied, Expected, NotFoundRule, Observation, RowCounts, Suppressed, Troubled
from schemas.tables import ActionRow, AttemptRow, DeliveryRow, JobRow, OutputRow
from schemas.times import DAY, HOUR, MINUTE, SECOND
from schemas.words import (
    ActionState,
    ActionVerb,
    AskedBy,
    AttemptOutcome,
    Basis,
    OutputRole,
    OutputState,
    Status,
    Trouble,
)

NOW = 1_786_500_000 * SECOND
JOB_ID = "batch_01K2XYZ3ABCDEFGHJKMNPQRSTV"
RECEIPT = '{"receipt":"rcp_0123456789abc","delivery":"dlv_0123456789abc","duplicate":false}'

OPEN_STATUSES = (Status.UNKNOWN, Status.PENDING, Status.RUNNING, Status.PAUSED)
ENDS = (Status.COMPLETED, Status.FAILED, Status.CANCELLED, Status.EXPIRED)

PACE = Pace(grace=MINUTE, first=30 * SECOND, growth=2.0, cap=15 * MINUTE, output_patience=15 * MINUTE)
RULES = Rules(NotFoundRule(times=5, over=DAY, becomes=Status.FAILED), claim_patience=15 * MINUTE)
TERMS = Terms(
    delivery_window=45 * MINUTE,
    listening_since=NOW - 10 * DAY,
    stuck_cancel=30 * MINUTE,
    output_patience=15 * MINUTE,
)
EVENTS = ("batch.created", "batch.completed", "batch.failed", "batch.cancelled", "batch.expired")


def job(status: Status | str = Status.RUNNING, **columns: Any) -> JobRow:
    """A job that was born an hour ago and was asked about once; an ended one ended a minute ago, as observed."""
    said = Status(status)
    row: dict[str, Any] = {
        "id": 1,
        "source": "main",
        "kind": "batch",
        "job_id": JOB_ID,
        "origin": "submit",
        "status": said.value,
        "created_at": NOW - HOUR,
        "updated_at": NOW - SECOND,
        "asks": 0 if said is Status.UNKNOWN else 1,
    }
    if said.is_terminal:
        row |= {"basis": Basis.OBSERVED.value, "revision": 1, "ended_at": NOW - MINUTE}
    return JobRow(**{**row, **columns})


def inferred(**columns: Any) -> JobRow:
    """A job that was taken for failed, because the provider went on denying it."""
    ended = {"basis": Basis.INFERRED.value, "denials": 5, "denied_since": NOW - DAY, "trouble": Trouble.NOT_FOUND.value}
    return job(Status.FAILED, **{**ended, **columns})


def changed(row: JobRow, applied: Applied | dict[str, Any]) -> JobRow:
    """The row as the store would hold it after a change."""
    changes = applied.changes if isinstance(applied, Applied) else applied
    return JobRow(**{**row.model_dump(), **changes})


def answer(status: Status = Status.RUNNING, **said: Any) -> Observation:
    words = {Status.RUNNING: "in_progress", Status.PENDING: "validating"}
    plain: dict[str, Any] = {"kind": "batch", "job_id": JOB_ID, "native_status": words.get(status, status.value)}
    return Observation(status=status, **{**plain, **said})


def completed(failed: int = 0, status: Status = Status.COMPLETED, **said: Any) -> Observation:
    """Ten rows, of which some failed, with the files that go with that."""
    files = {"output_file_id": "file-out", "error_file_id": "file-err" if failed else None}
    return answer(status, counts=RowCounts(10, 10 - failed, failed), progress=100, **{**files, **said})


def troubled(trouble: Trouble = Trouble.GATEWAY, **said: Any) -> Troubled:
    return Troubled(trouble, "HTTP 500: it went wrong", **said)


DENIED = Denied("not found, or not owned")


def delivery(key: str = "batch.completed", **columns: Any) -> DeliveryRow:
    row = {"id": 1, "source": "main", "kind": "batch", "job_id": JOB_ID, "delivery_key": key, "event_type": key}
    received = {"times_received": 1, "first_received_at": NOW, "last_received_at": NOW}
    return DeliveryRow(**{**row, **received, **columns})


def attempt(outcome: AttemptOutcome | str, key: str = "batch.completed", **columns: Any) -> AttemptRow:
    row = {"id": 1, "job": 1, "delivery_key": key, "number": 1, "tried_at": NOW - MINUTE, "timed_out": 0}
    return AttemptRow(**{**row, "outcome": AttemptOutcome(outcome).value, "first_seen_at": NOW, **columns})


def cancel(state: ActionState | str = ActionState.ACCEPTED, **columns: Any) -> ActionRow:
    """A cancel that an operator asked for twenty minutes ago, sent and answered at once."""
    asked: dict[str, Any] = {"id": 1, "job": 1, "source": "main", "verb": ActionVerb.CANCEL.value}
    asked |= {"asked_by": AskedBy.OPERATOR.value, "reason": "too dear", "asked_at": NOW - 20 * MINUTE}
    sent = {"sends": 1, "sent_at": NOW - 20 * MINUTE, "answered_at": NOW - 20 * MINUTE}
    return ActionRow(**{**asked, **sent, "state": ActionState(state).value, **columns})


def output(
    file_id: str = "file-out",
    state: OutputState = OutputState.EXISTS,
    role: OutputRole = OutputRole.OUTPUT,
    **more: Any,
) -> OutputRow:
    row = {"id": 1, "job": 1, "role": role.value, "file_id": file_id, "state": state.value, "named_at": NOW - MINUTE}
    return OutputRow(**{**row, "checks": 0 if state is OutputState.NAMED else 1, **more})


def facts(row: JobRow | None = None, **more: Any) -> Facts:
    return Facts(job=row or job(), **{"terms": TERMS, **more})


def expected(*keys: str) -> Expected:
    return Expected(keys or ("batch.completed",))


thoroughly = settings(deadline=None, max_examples=100)  # a slow machine is no failure

# --- anything that the store can hold ---------------------------------------------------------------------------------

moments = st.integers(NOW - 400 * DAY, NOW + 400 * DAY)  # our clock, which may have been set back
provider_moments = st.integers(-62_135_596_800 * SECOND, 253_402_300_800 * SECOND - 1)  # whatever a provider may tell
counts = st.one_of(st.none(), st.integers(0, 3), st.integers(0, 1 << 53))
numbers = st.one_of(st.integers(0, 12), st.integers(0, 1 << 62))
texts = st.one_of(st.none(), st.text(max_size=12), st.just(RECEIPT))
statuses = st.sampled_from([status.value for status in Status])
flags = st.one_of(st.none(), st.integers(0, 1))
keys = st.sampled_from([*EVENTS, "batch.progress:50"])


def maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.none(), values)


jobs = st.builds(
    JobRow,
    id=st.just(1),
    source=st.just("main"),
    kind=st.sampled_from(["batch", "video"]),
    job_id=st.just(JOB_ID),
    origin=st.just("track"),
    status=statuses,
    native_status=texts,
    basis=maybe(st.sampled_from([basis.value for basis in Basis])),
    revision=numbers,
    progress=counts,
    rows_total=counts,
    rows_completed=counts,
    rows_failed=counts,
    output_file_id=maybe(st.just("file-out")),
    error_file_id=maybe(st.just("file-err")),
    writes_files=st.integers(0, 1),
    error_code=texts,
    error_message=texts,
    has_webhook=flags,
    account_seen_at=maybe(moments),
    created_at=moments,
    updated_at=moments,
    ended_at=maybe(moments),
    provider_ended_at=maybe(provider_moments),
    wanted_at=maybe(moments),
    wanted_status=maybe(statuses),
    claimed_at=maybe(moments),
    claim_asks=numbers,
    due_at=maybe(moments),
    asks=numbers,
    failed_asks=numbers,
    asked_at=maybe(moments),
    answered_at=maybe(moments),
    denials=numbers,
    denied_since=maybe(moments),
    trouble=maybe(st.sampled_from([trouble.value for trouble in Trouble])),
    trouble_since=maybe(moments),
    ready_at=maybe(moments),
    settled_at=maybe(moments),
)

answers = st.one_of(
    st.builds(
        Observation,
        kind=st.just("batch"),
        job_id=st.just(JOB_ID),
        status=st.sampled_from(Status),
        native_status=texts,
        progress=counts,
        counts=st.builds(RowCounts, counts, counts, counts),
        created_at=maybe(provider_moments),
        ended_at=maybe(provider_moments),
        output_file_id=maybe(st.just("file-new")),
        error_file_id=maybe(st.just("file-err")),
        writes_files=st.booleans(),
        error_code=texts,
        error_message=texts,
    ),
    st.builds(Denied, st.text(max_size=12)),
    st.builds(
        Troubled,
        st.sampled_from(Trouble),
        st.text(max_size=12),
        retry_after=maybe(st.integers(-(1 << 62), 1 << 62)),
        about_source=st.booleans(),
    ),
)

actions = st.builds(
    ActionRow,
    id=numbers,
    job=st.just(1),
    source=st.just("main"),
    verb=st.sampled_from([verb.value for verb in ActionVerb]),
    state=st.sampled_from([state.value for state in ActionState]),
    asked_by=st.sampled_from([by.value for by in AskedBy]),
    reason=texts,
    asked_at=moments,
    cancel_url_present=flags,
    cancel_url_read_at=maybe(moments),
    sends=numbers,
    sent_at=maybe(moments),
    answered_at=maybe(moments),
    http_status=maybe(st.integers(100, 599)),
    message=texts,
)

deliveries = st.builds(
    DeliveryRow,
    id=numbers,
    delivery_key=keys,
    times_received=numbers,
    first_received_at=moments,
    last_received_at=moments,
)

attempts = st.builds(
    AttemptRow,
    id=numbers,
    job=st.just(1),
    delivery_key=keys,
    number=st.integers(0, 60),
    tried_at=st.one_of(st.just(0), moments, provider_moments),
    outcome=st.sampled_from([outcome.value for outcome in AttemptOutcome]),
    response_status=maybe(st.integers(0, 999)),
    timed_out=st.integers(0, 1),
    error=texts,
    preview=texts,
    first_seen_at=moments,
)

outputs = st.builds(
    OutputRow,
    id=numbers,
    job=st.just(1),
    role=st.sampled_from([role.value for role in OutputRole]),
    file_id=st.sampled_from(["file-out", "file-err", "file-old"]),
    state=st.sampled_from([state.value for state in OutputState]),
    named_at=moments,
    checks=numbers,
)

expectations = st.lists(
    st.one_of(
        st.builds(Expected, st.lists(keys, min_size=1, max_size=2).map(tuple)),
        st.builds(Suppressed, keys, st.just("never sent")),
    ),
    max_size=3,
    unique_by=lambda item: item.name if isinstance(item, Expected) else item.key,  # as every dialect has it
)

all_facts = st.builds(
    Facts,
    job=jobs,
    terms=st.builds(
        Terms,
        delivery_window=st.integers(0, 30 * DAY),
        listening_since=moments,
        stuck_cancel=st.integers(SECOND, 7 * DAY),
        output_patience=st.integers(0, 7 * DAY),
    ),
    expectations=expectations,
    deliveries=st.lists(deliveries, max_size=3),
    attempts=st.lists(attempts, max_size=4),
    actions=st.lists(actions, max_size=3),
    outputs=st.lists(outputs, max_size=3),
)


def _pace(first: int, above: int, growth: float, grace: int, patience: int) -> Pace:
    return Pace(grace=grace, first=first, growth=growth, cap=min(first + above, DAY), output_patience=patience)


paces = st.builds(  # within what the configuration allows
    _pace,
    st.integers(SECOND // 20, DAY),
    st.integers(0, DAY),
    st.floats(1, 10),
    st.integers(0, DAY),
    st.integers(0, 7 * DAY),
)

PHASEO = Phaseo()
