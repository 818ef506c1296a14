"""What must hold of whatever bytes somebody else sends. A target takes bytes, and breaks if it does not hold."""

import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from fuzz.seeds import BATCH, ENVELOPES, FILE, FILE_RECORD, JOB, LIST, PUSHES, written
from schemas.dialects.orders import SubmitLater, SubmitRefused, SubmitUnclear
from schemas.dialects.phaseo import Phaseo
from schemas.identity import is_delivery_key, is_job_id, is_kind
from schemas.readings import (
    CancelRefused,
    Deleted,
    Denied,
    FileExists,
    Ignored,
    Observed,
    Page,
    Refused,
    Report,
    Response,
    Troubled,
    Uploaded,
    Verified,
)
from schemas.strict_json import NotStrictJson, parse_object
from schemas.times import SECOND
from schemas.words import ActionVerb

DIALECT = Phaseo()
SECRET, STAMP = b"whsec_4f2b9c7d1e8a6350", b"1786500000"
NOW, TOLERANCE = 1_786_500_000 * SECOND, 300 * SECOND
FAMILIES = (b"x-phaseo-", b"x-ai-stats-")
STATUSES = (
    200,
    201,
    202,
    204,
    301,
    400,
    401,
    402,
    403,
    404,
    405,
    408,
    409,
    410,
    413,
    422,
    429,
    500,
    501,
    502,
    503,
    599,
)
RETRY = ("", "30", "99999999999", "-1", "Wed, 12 Aug 2026 02:00:00 GMT", "Wed, 12 Aug 2026 02:00:00 -0000", "soon")


# --- requests ---------------------------------------------------------------------------------------------------------


def signature_headers(data: bytes) -> None:
    """Lines of `name: value`, an empty line, a body. What is taken has one signature and one timestamp, and both are right."""
    head, _, body = data.partition(b"\n\n")
    lines = (line.partition(b":") for line in head.split(b"\n"))
    headers = [(name.strip().lower(), value.strip(b" ")) for name, _, value in lines]
    outcome = DIALECT.verify(headers, body, [SECRET], TOLERANCE, NOW)
    if isinstance(outcome, Verified):
        assert any(_is_signed(headers, body, family) for family in FAMILIES), headers
        assert outcome.identity is None or not _is_mixed(headers), headers
    else:
        assert isinstance(outcome, Refused), outcome


def webhook_body(data: bytes) -> None:
    """An authentic body is verified; it names a delivery in bounded ASCII or says why not, and both readers read it alike."""
    outcome = DIALECT.verify(signed(data), data, [SECRET], TOLERANCE, NOW)
    assert isinstance(outcome, Verified), outcome
    assert (outcome.identity is None) == bool(outcome.unreadable)
    assert is_storable(outcome)
    try:
        document = parse_object(data)
    except NotStrictJson:
        return
    report, shown = DIALECT.read_report(document), DIALECT.read_pushed(document)
    assert isinstance(report, Report)
    assert is_storable(report)
    assert shown is None or is_storable(shown)
    if outcome.identity is not None:
        assert report == outcome.report, (report, outcome.report)
        assert is_kind(outcome.identity.kind)
        assert is_job_id(outcome.identity.job_id)
        assert is_delivery_key(outcome.identity.delivery_key)


def signed(body: bytes) -> list[tuple[bytes, bytes]]:
    """The two headers that make a body authentic, by the words of the contract (4.3)."""
    digest = hmac.new(SECRET, STAMP + b"." + body, "sha256").hexdigest().encode()
    return [(b"x-phaseo-timestamp", STAMP), (b"x-phaseo-signature", digest)]


def _is_signed(headers: Sequence[tuple[bytes, bytes]], body: bytes, family: bytes) -> bool:
    stamps = [value for name, value in headers if name == family + b"timestamp"]
    signatures = [value for name, value in headers if name == family + b"signature"]
    if len(stamps) != 1 or len(signatures) != 1 or len(stamps[0]) != 10 or not stamps[0].isdigit():
        return False
    right = hmac.new(SECRET, stamps[0] + b"." + body, "sha256").hexdigest().encode()
    return signatures[0].lower() == right and abs(NOW - int(stamps[0]) * SECOND) <= TOLERANCE


def _is_mixed(headers: Sequence[tuple[bytes, bytes]]) -> bool:
    return all(any(name.startswith(family) for name, _ in headers) for family in FAMILIES)


# --- answers ----------------------------------------------------------------------------------------------------------


def response(data: bytes) -> Response:
    """The first byte tells the status, the second the headers, the rest is the body."""
    status, header = (data + b"\0\0")[:2]
    retry = {"retry-after": RETRY[header % len(RETRY)], "date": RETRY[header // 16 % len(RETRY)], "location": "//x"}
    return Response(STATUSES[status % len(STATUSES)], retry, data[2:])


def poll_answer(data: bytes) -> None:
    """What is observed was answered with a success, about the very job that was asked about."""
    answer = response(data)
    for kind in sorted(DIALECT.kinds):
        read = DIALECT.read_poll(kind, JOB, answer)
        assert isinstance(read, Observed | Denied | Troubled), read
        _check_observed(read, kind, answer)
        assert not isinstance(read, Denied) or answer.status == 404


def cancel_answer(data: bytes) -> None:
    """A cancel is observed, refused by a 4xx or 501, denied, or in trouble."""
    answer = response(data)
    for kind in sorted(DIALECT.kinds):
        read = DIALECT.read_act(ActionVerb.CANCEL, kind, JOB, answer)
        assert isinstance(read, Observed | Denied | CancelRefused | Troubled), read
        _check_observed(read, kind, answer)
        assert not isinstance(read, CancelRefused) or 400 <= answer.status < 500 or answer.status == 501


def page_answer(data: bytes) -> None:
    """Each job of a page stands there once, can be asked about, and was told of by a success."""
    answer = response(data)
    read = DIALECT.read_page(answer)
    assert isinstance(read, Page | Troubled), read
    assert is_storable(read)
    if isinstance(read, Page):
        names = [seen.job_id for seen in read.observations]
        assert len(set(names)) == len(names)
        assert all(is_job_id(name) for name in names)
        assert 200 <= answer.status < 300


def socket_message(data: bytes) -> None:
    """What a socket says is taken for the job that it was opened for, or for nothing."""
    for kind in sorted(DIALECT.kinds):
        read = DIALECT.read_socket(kind, JOB, data.decode("utf-8", "surrogateescape"))
        assert isinstance(read, Observed | Deleted | Ignored), read
        assert is_storable(read), read
        if isinstance(read, Observed):
            assert (read.observation.kind, read.observation.job_id) == (kind, JOB)


def file_answer(data: bytes) -> None:
    """A file exists only by a success about that very file."""
    answer = response(data)
    read = DIALECT.read_file(FILE, answer)
    assert isinstance(read, FileExists | Denied | Troubled), read
    assert is_storable(read)
    if isinstance(read, FileExists):
        assert 200 <= answer.status < 300
        assert read.file_id == FILE
        assert read.size is None or read.size >= 0


def upload_answer(data: bytes) -> None:
    """An uploaded file's id can stand in a URL."""
    answer = response(data)
    read = DIALECT.read_upload(answer)
    assert isinstance(read, Uploaded | SubmitRefused | SubmitLater | Troubled), read
    assert is_storable(read)
    assert not isinstance(read, Uploaded) or (is_job_id(read.file_id) and 200 <= answer.status < 300)


def create_answer(data: bytes) -> None:
    """A create that was answered 2xx or 5xx is never taken for refused: a batch may be alive."""
    answer = response(data)
    read = DIALECT.read_create(answer)
    assert isinstance(read, Observed | SubmitRefused | SubmitLater | SubmitUnclear), read
    assert is_storable(read)
    assert not isinstance(read, SubmitRefused) or 300 <= answer.status < 500
    assert not isinstance(read, Observed) or is_job_id(read.observation.job_id)
    assert not isinstance(read, SubmitUnclear) or read.job_id is None or is_job_id(read.job_id)


def error_envelope(data: bytes) -> None:
    """No error of any shape is an answer about a job, and its message can be stored and shown."""
    answer = response(data)
    if answer.status < 300:
        answer = Response(answer.status + 300, answer.headers, answer.body)
    reads = [
        *(DIALECT.read_poll(kind, JOB, answer) for kind in sorted(DIALECT.kinds)),
        *(DIALECT.read_act(ActionVerb.CANCEL, kind, JOB, answer) for kind in sorted(DIALECT.kinds)),
        DIALECT.read_page(answer),
        DIALECT.read_file(FILE, answer),
        DIALECT.read_upload(answer),
        DIALECT.read_create(answer),
    ]
    for read in reads:
        assert not isinstance(read, Observed | Page | FileExists | Uploaded), read
        assert is_storable(read), read
        assert not isinstance(read, Troubled) or read.message.isprintable()


def retry_after(data: bytes) -> None:
    """Whatever stands in Retry-After and Date, it is read as a length of time or not at all."""
    wish, _, date = data.decode("latin-1").partition("\n")
    read = DIALECT.read_poll("batch", JOB, Response(429, {"retry-after": wish, "date": date}, b"{}"))
    assert isinstance(read, Troubled), read
    assert read.retry_after is None or isinstance(read.retry_after, int)


def _check_observed(read: object, kind: str, answer: Response) -> None:
    assert is_storable(read), read
    if isinstance(read, Observed):
        assert 200 <= answer.status < 300
        assert (read.observation.kind, read.observation.job_id) == (kind, JOB)


def is_storable(value: Any) -> bool:
    """Does every text and number in it fit into either store: UTF-8 without NUL, 63 bits?"""
    if isinstance(value, str):
        return "\x00" not in value and not any("\ud800" <= letter <= "\udfff" for letter in value)
    if isinstance(value, int):
        return -(2**63) <= value < 2**63
    if isinstance(value, Mapping):  # kept as JSON, where numbers have no size
        return all(is_storable(key) and (not isinstance(one, str) or is_storable(one)) for key, one in value.items())
    if isinstance(value, tuple):
        return all(is_storable(one) for one in value)
    if is_dataclass(value):
        return all(is_storable(getattr(value, each.name)) for each in fields(value))
    return True


# --- all of them ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Target:
    """A check, and real inputs that it passes: each prefix, followed by each document if there are any."""

    check: Callable[[bytes], None]
    documents: Sequence[Mapping[str, Any]] = ()
    prefixes: Sequence[bytes] = (b"",)

    @property
    def seeds(self) -> list[bytes]:
        bodies = [written(document) for document in self.documents] or [b""]
        return [prefix + body for prefix in self.prefixes for body in bodies]


def _status(*wanted: int) -> list[bytes]:
    return [bytes([STATUSES.index(status), 0]) for status in wanted]


def _head(body: bytes) -> bytes:
    return b"\n".join(name + b": " + value for name, value in signed(body)) + b"\n\n"


SOCKET: Sequence[Mapping[str, Any]] = [
    {"type": "job.updated", "data": BATCH},
    {"type": "job.deleted", "data": {"id": JOB}},
    {"type": "pong"},
]
_ERRORS = _status(401, 403, 404, 409, 429, 500, 501, 502)
TARGETS: Mapping[str, Target] = {
    "signature_headers": Target(signature_headers, PUSHES[:1], [_head(written(PUSHES[0])), _head(b""), b""]),
    "webhook_body": Target(webhook_body, PUSHES),
    "poll_answer": Target(poll_answer, [BATCH, ENVELOPES[0]], _status(200, 404)),
    "cancel_answer": Target(cancel_answer, [BATCH, *ENVELOPES[:4]], _status(200, 404, 409, 501)),
    "page_answer": Target(page_answer, [LIST], _status(200)),
    "socket_message": Target(socket_message, SOCKET),
    "file_answer": Target(file_answer, [FILE_RECORD, ENVELOPES[0]], _status(200, 404)),
    "upload_answer": Target(upload_answer, [FILE_RECORD, *ENVELOPES[:3]], _status(200, 413, 429)),
    "create_answer": Target(create_answer, [BATCH, *ENVELOPES[:4]], _status(200, 400, 502)),
    "error_envelope": Target(error_envelope, ENVELOPES, _ERRORS),
    "retry_after": Target(retry_after, prefixes=[f"{wish}\n{date}".encode() for wish in RETRY for date in RETRY]),
}
