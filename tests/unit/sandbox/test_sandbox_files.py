"""Uploads: the form, the limits and the quotas."""

import json
from typing import Any

import pytest

from sandbox.clock import Clock
from sandbox.errors import Refused
from sandbox.files import EFFECTIVE_CEILING, FileStore, read_form
from sandbox.quotas import Quota

KIND = 'multipart/form-data; boundary="edge"'


def form(content: bytes, purpose: str = "batch") -> bytes:
    file = b'--edge\r\nContent-Disposition: form-data; name="file"; filename="rows.jsonl"\r\n\r\n' + content
    word = b'\r\n--edge\r\nContent-Disposition: form-data; name="purpose"\r\n\r\n' + purpose.encode()
    return file + word + b"\r\n--edge--\r\n"


def refusal(store: FileStore, body: bytes, kind: str = KIND) -> tuple[int, dict[str, Any]]:
    with pytest.raises(Refused) as refused:
        store.upload(kind, body)
    return refused.value.response.status_code, json.loads(bytes(refused.value.response.body))["error"]


def test_content_is_kept_to_the_byte() -> None:
    """
    Line ends, a missing last one and bytes that look like an edge survive the form.
    """
    content = b'{"a":1}\r\n--edgy\n{"b":"\xff"}'

    assert read_form(KIND, form(content))["file"] == ("rows.jsonl", content)
    assert FileStore(Clock()).upload(KIND, form(content)).content.whole() == content


@pytest.mark.parametrize(
    ("body", "kind"),
    [(form(b"x"), "application/json"), (form(b"x", "fine-tune"), KIND), (b"--edge--", KIND)],
)
def test_bad_forms_are_the_providers_to_refuse(body: bytes, kind: str) -> None:
    """
    The gateway forwards the form, so its faults come back in the provider's envelope.
    """
    status, error = refusal(FileStore(Clock()), body, kind)

    assert (status, error["type"]) == (400, "invalid_request_error")


def test_limits() -> None:
    """
    Empty is 400; over 20 MiB is 413, oddly labelled.
    """
    store = FileStore(Clock())

    assert refusal(store, b"") == (400, {"type": "validation_error", "reason": "batch_file_empty"})
    assert refusal(store, bytes(EFFECTIVE_CEILING + 1)) == (
        413,
        {"type": "rate_limit_error", "reason": "batch_file_too_large"},
    )


def test_twenty_an_hour() -> None:
    """
    The twenty-first upload within an hour is refused; a fast clock makes the hour short.
    """
    patient, hasty = FileStore(Clock()), FileStore(Clock(speed=1e9))
    for store in (patient, hasty):
        for _ in range(20):
            store.upload(KIND, form(b"x"))

    assert refusal(patient, form(b"x"))[1]["reason"] == "batch_file_hourly_quota_exceeded"
    assert hasty.upload(KIND, form(b"x")).purpose == "batch"


def test_bytes_a_day() -> None:
    """
    A hundred MiB in a day are enough.
    """
    store, body = FileStore(Clock()), form(bytes(EFFECTIVE_CEILING - 1000))
    for _ in range(Quota().bytes_a_day // len(body)):
        store.upload(KIND, body)

    assert refusal(store, body) == (429, {"type": "rate_limit_error", "reason": "batch_file_daily_bytes_exceeded"})
