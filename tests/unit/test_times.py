"""Times: integers within, RFC 3339 at every edge."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.times import (
    DAY,
    HOUR,
    MINUTE,
    SECOND,
    in_words,
    parse_http_date,
    parse_rfc3339,
    rfc3339,
    rfc3339_or_none,
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST, LAST = -62_135_596_800 * SECOND, 253_402_300_800 * SECOND - 1  # the years 1 and 9999


@pytest.mark.parametrize(
    ("micros", "text"),
    [
        (0, "1970-01-01T00:00:00Z"),
        (1, "1970-01-01T00:00:00.000001Z"),
        (-1, "1969-12-31T23:59:59.999999Z"),
        (1_786_500_000 * SECOND, "2026-08-12T02:00:00Z"),
        (1_786_500_000 * SECOND + 500_000, "2026-08-12T02:00:00.500000Z"),
        (FIRST, "0001-01-01T00:00:00Z"),
        (LAST, "9999-12-31T23:59:59.999999Z"),
    ],
)
def test_written(micros: int, text: str) -> None:
    """A time is written in UTC with a Z and no fraction, or with six digits of one; and is read back."""
    assert rfc3339(micros) == text
    assert parse_rfc3339(text) == micros


def test_nothing_written() -> None:
    """No time is written as none."""
    assert rfc3339_or_none(None) is None
    assert rfc3339_or_none(0) == "1970-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("text", "fraction"),
    [
        ("2026-08-12T02:00:00Z", 0),
        ("2026-08-12T02:00:00.5Z", 500_000),
        ("2026-08-12T02:00:00.12Z", 120_000),
        ("2026-08-12T02:00:00.123Z", 123_000),
        ("2026-08-12T02:00:00.1234Z", 123_400),
        ("2026-08-12T02:00:00.12345Z", 123_450),
        ("2026-08-12T02:00:00.123456Z", 123_456),
        ("2026-08-12T02:00:00.123456789Z", 123_456),
        ("2026-08-12T02:00:00.000000999Z", 0),
        ("2026-08-12 02:00:00+00:00", 0),
        ("2026-08-12t02:00:00z", 0),
        ("2026-08-12T02:00:00-00:00", 0),
        ("2026-08-12T02:00:00+0000", 0),
        ("2026-08-12T04:00:00+02:00", 0),
        ("2026-08-11T15:30:00.25-10:30", 250_000),
        ("2026-08-13T01:59:00+23:59", 0),
    ],
)
def test_spellings(text: str, fraction: int) -> None:
    """`Z` or an offset, and up to nine digits of a second, of which six count."""
    assert parse_rfc3339(text) == 1_786_500_000 * SECOND + fraction


def test_leap_second() -> None:
    """A leap second reads as the second before it."""
    assert parse_rfc3339("2016-12-31T23:59:60Z") == parse_rfc3339("2016-12-31T23:59:59Z")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-08-12",
        "2026-08-12T02:00Z",
        "2026-08-12T02:00:00",
        "2026-08-12T02:00:00.Z",
        "2026-08-12T02:00:00.1234567890Z",
        "2026-08-12T02:00:00,5Z",
        "2026-08-12T02:00:61Z",
        "2026-08-12T02:00:99Z",
        "2026-08-12T02:60:00Z",
        "2026-08-12T24:00:00Z",
        "2026-13-12T02:00:00Z",
        "2026-00-12T02:00:00Z",
        "2026-02-30T02:00:00Z",
        "2025-02-29T02:00:00Z",
        "0000-01-01T00:00:00Z",
        "12026-08-12T02:00:00Z",
        "2026-08-12T02:00:00+24:00",
        "2026-08-12T02:00:00+01:60",
        "2026-08-12T02:00:00+99:99",
        "2026-08-12T02:00:00+1",
        "2026-08-12T02:00:00 Z",
        " 2026-08-12T02:00:00Z",
        "2026-08-12T02:00:00Z\n",
        "2026-08-12T02:00:00Zx",
        "٢٠٢٦-08-12T02:00:00Z",
        "1786500000",
        "0001-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
    ],
)
def test_not_a_time(text: str) -> None:
    """What is no moment of the years 1 to 9999 in UTC, completely written, is no time."""
    assert parse_rfc3339(text) is None


@given(st.integers(FIRST, LAST))
def test_round_trip(micros: int) -> None:
    """Every time is read back as it was written."""
    assert parse_rfc3339(rfc3339(micros)) == micros


@given(st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1), timezones=st.timezones()))  # noqa: DTZ001
def test_as_the_standard_library(moment: datetime) -> None:
    """Offsets are read as the standard library writes them, where they are whole minutes."""
    if (moment.utcoffset() or timedelta()) % timedelta(minutes=1):
        return

    assert parse_rfc3339(moment.isoformat()) == (moment - EPOCH) // timedelta(microseconds=1)


@given(st.from_regex(r"\A\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:?\d\d)\Z") | st.text())
def test_any_text(text: str) -> None:
    """Whatever is read can be written again: no text from outside brings a time that fails later."""
    micros = parse_rfc3339(text)

    assert micros is None or parse_rfc3339(rfc3339(micros)) == micros


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("Wed, 12 Aug 2026 02:00:00 GMT", 1_786_500_000 * SECOND),
        ("Wednesday, 12-Aug-26 02:00:00 GMT", 1_786_500_000 * SECOND),
        ("Wed Aug 12 02:00:00 2026", 1_786_500_000 * SECOND),
        ("Wed, 12 Aug 2026 04:00:00 +0200", 1_786_500_000 * SECOND),
        ("Wed, 12 Aug 2026 02:00:00 -0000", 1_786_500_000 * SECOND),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("Wed, 99 Aug 2026 02:00:00 GMT", None),
        ("2026-08-12T02:00:00Z", None),
        ("today", None),
        ("", None),
    ],
)
def test_http_dates(text: str, micros: int | None) -> None:
    """The three forms of a date in an HTTP header, which is in UTC where it names no zone."""
    assert parse_http_date(text) == micros


@given(st.text() | st.from_regex(r"\A\w{3}, \d{1,2} \w{3} \d{2,6} \d\d:\d\d:\d\d ([+-]\d{4}|GMT)\Z"))
def test_any_http_date(text: str) -> None:
    """Whatever stands in a header is a time or nothing."""
    assert isinstance(parse_http_date(text), int | None)


@pytest.mark.parametrize(
    ("micros", "words"),
    [
        (-5 * SECOND, "0.0 s"),
        (0, "0.0 s"),
        (1_500_000, "1.5 s"),
        (10 * SECOND, "10 s"),
        (119 * SECOND, "119 s"),
        (2 * MINUTE, "2 min"),
        (119 * MINUTE, "119 min"),
        (2 * HOUR, "2 h"),
        (47 * HOUR, "47 h"),
        (2 * DAY, "2 d"),
        (400 * DAY, "400 d"),
    ],
)
def test_in_words(micros: int, words: str) -> None:
    """A length of time is said in the largest unit of which it holds two."""
    assert in_words(micros) == words
