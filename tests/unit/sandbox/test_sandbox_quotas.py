"""The rolling limits of uploads, and how they are set."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from sandbox.clock import Clock
from sandbox.errors import Refused
from sandbox.quotas import Quota, Uploads, read_quota

NOON = datetime(2026, 8, 12, 12, tzinfo=UTC)


def refusal(uploads: Uploads, size: int, now: datetime) -> str | None:
    try:
        uploads.check(size, now)
    except Refused as refused:
        assert refused.response.status_code == 429
        assert "retry-after" not in refused.response.headers
        return str(json.loads(bytes(refused.response.body))["error"]["reason"])
    return None


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"uploads_an_hour": 2}', Quota(2, 7)),
        (b'{"bytes_a_day": 0}', Quota(5, 0)),
        (b'{"bytes_a_day": 9, "uploads_an_hour": 0}', Quota(0, 9)),
    ],
)
def test_one_limit_or_both(body: bytes, expected: Quota) -> None:
    """
    A limit that is not named stays as it was.
    """
    assert read_quota(body, Quota(5, 7)) == expected


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (b"", "no JSON"),
        (b"{", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b"{}", "names none"),
        (b"[]", "names none"),
        (b"null", "names none"),
        (b'{"uploads": 2}', 'there is no "uploads"'),
        (b'{"uploads_an_hour": 2, "a_day": 2, "\\ud800": 1}', r'there is no "a_day", "\ud800"'),
        (b'{"uploads_an_hour": -1}', "uploads_an_hour is -1"),
        (b'{"uploads_an_hour": 2.0}', "uploads_an_hour is 2.0"),
        (b'{"uploads_an_hour": "2"}', 'uploads_an_hour is "2"'),
        (b'{"uploads_an_hour": true}', "uploads_an_hour is true"),
        (b'{"uploads_an_hour": 1, "bytes_a_day": null}', "bytes_a_day is null"),
    ],
)
def test_what_is_no_quota(body: bytes, complaint: str) -> None:
    """
    Anything else is refused with what was wrong, and with what is wanted.
    """
    with pytest.raises(ValueError, match="uploads_an_hour or bytes_a_day or both") as refused:
        read_quota(body, Quota())

    assert complaint in str(refused.value)
    str(refused.value).encode()


@pytest.mark.parametrize("speed", [1, 3600])
def test_the_hour_rolls(speed: float) -> None:
    """
    An upload counts for an hour of the sandbox's clock, its last moment included, and not longer.
    """
    uploads, hour = Uploads(Clock(speed)), timedelta(hours=1) / speed
    uploads.quota = Quota(uploads_an_hour=2)
    uploads.take(1, NOON)
    uploads.take(1, NOON + hour / 2)
    moments = (NOON + hour / 2, NOON + hour, NOON + hour + timedelta(microseconds=1))

    assert [refusal(uploads, 1, now) for now in moments] == ["batch_file_hourly_quota_exceeded"] * 2 + [None]


@pytest.mark.parametrize("speed", [1, 3600])
def test_the_day_rolls(speed: float) -> None:
    """
    Bytes count for 24 hours of the sandbox's clock; a body that just fits may come.
    """
    uploads, day = Uploads(Clock(speed)), timedelta(days=1) / speed
    uploads.quota = Quota(bytes_a_day=100)
    uploads.take(60, NOON)

    assert refusal(uploads, 40, NOON) is None
    assert refusal(uploads, 41, NOON) == "batch_file_daily_bytes_exceeded"
    assert refusal(uploads, 41, NOON + day) == "batch_file_daily_bytes_exceeded"
    assert refusal(uploads, 41, NOON + day + timedelta(microseconds=1)) is None
