"""Our own ids: ordered by time, unique, and shown so that they can be read back."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.ids import PREFIXES, RECEIPT_PATTERN, IdMaker, first_at, made_at, parse, shown
from schemas.times import DAY, SECOND, parse_rfc3339

NOON = parse_rfc3339("2026-08-12T12:00:00Z") or 0
LARGEST = (1 << 63) - 1


@pytest.fixture
def clock() -> Iterator[int]:
    """A clock that can be wound."""
    return iter([NOON, NOON + SECOND, NOON - DAY, NOON + 2 * SECOND, 0, -DAY])


def test_order_by_time() -> None:
    """A later id is larger, whichever process made it."""
    earlier = IdMaker(lambda: NOON, writer=1023)()
    later = IdMaker(lambda: NOON + 1000, writer=0)()

    assert earlier < later


def test_clock_stepping_back(clock: Iterator[int]) -> None:
    """A clock that steps back, even to before there were ids, makes none smaller and none twice."""
    make = IdMaker(lambda: next(clock), writer=7)
    made = [make() for _ in range(6)]

    assert made == sorted(set(made))
    assert all(0 < number <= LARGEST for number in made)


def test_more_than_one_millisecond_holds() -> None:
    """More ids than the sequence of one millisecond holds run on into the next, each its own and in order."""
    make = IdMaker(lambda: NOON, writer=3)
    made = [make() for _ in range(3 << 12)]

    assert made == sorted(set(made))


def test_threads() -> None:
    """Threads that share a maker never get the same id."""
    make = IdMaker(lambda: NOON)
    with ThreadPoolExecutor(8) as threads:
        made = [number for batch in threads.map(lambda _: [make() for _ in range(2000)], range(8)) for number in batch]

    assert len(set(made)) == 16_000


def test_writers_apart() -> None:
    """Two processes with different writer numbers make different ids at the same moment."""
    assert len({IdMaker(lambda: NOON, writer=writer)() for writer in range(1024)}) == 1024


def test_own_writer_number() -> None:
    """Left alone, a maker draws its writer number, and the id still fits a signed 64-bit column."""
    assert all(0 < IdMaker(lambda: NOON)() <= LARGEST for _ in range(100))


def test_until_2094() -> None:
    """The last millisecond of the ids' 41 bits still fits a signed 64-bit column."""
    make = IdMaker(lambda: parse_rfc3339("2094-09-06T00:00:00Z") or 0, writer=1023)

    assert make() <= LARGEST


@given(st.sampled_from(PREFIXES), st.integers(0, LARGEST))
def test_shown_and_parsed(prefix: str, number: int) -> None:
    """An id is read back from what is shown of it."""
    text = shown(prefix, number)

    assert parse(text, prefix) == number
    assert len(text) == len(prefix) + 14


@given(st.integers(0, LARGEST), st.integers(0, LARGEST))
def test_shown_in_order(one: int, other: int) -> None:
    """Shown ids sort as the numbers do."""
    assert (shown("rcp", one) < shown("rcp", other)) == (one < other)


@given(st.integers(0, LARGEST))
def test_receipts_are_recognised(number: int) -> None:
    """A receipt's id is found in the middle of any text, such as a provider's preview of our answer."""
    found = RECEIPT_PATTERN.search(f'{{"receipt": "{shown("rcp", number)}", "duplicate": false}}')

    assert found is not None
    assert parse(found.group(), "rcp") == number


@pytest.mark.parametrize(
    "text",
    [
        "",
        "rcp",
        "rcp_",
        "_0000000000005",
        "dlv_0000000000005",
        "RCP_0000000000005",
        "rcp-0000000000005",
        "rcp_000000000005",
        "rcp_00000000000005",
        "rcp_000000000000i",
        "rcp_000000000000l",
        "rcp_000000000000o",
        "rcp_000000000000u",
        "rcp_000000000000A",
        "rcp_000000000000٣",
        "rcp_ 00000000000 ",
        "rcp_0000000000005\n",
        "rcp__000000000005",
        "rcp_-000000000005",
        "rcp_8000000000000",
        "rcp_zzzzzzzzzzzzz",
    ],
)
def test_not_an_id(text: str) -> None:
    """Another prefix, length or letter, or a number beyond 63 bits, is no id."""
    assert parse(text, "rcp") is None


@given(st.text())
def test_any_text(text: str) -> None:
    """Of all texts only those that `shown` makes are ids."""
    number = parse(text, "rcp")

    assert number is None or shown("rcp", number) == text


@given(at=st.integers(parse_rfc3339("2025-01-01T00:00:00Z"), parse_rfc3339("2094-01-01T00:00:00Z")))
def test_an_id_tells_when_it_was_made(at: int) -> None:
    """To the millisecond; the smallest id of a time was made at it."""
    assert made_at(first_at(at)) == at // 1000 * 1000
    assert made_at(IdMaker(lambda: at)()) == at // 1000 * 1000
