"""Which rows stand in the files of a batch, and in which order."""

import json
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.batches import Batch, Order, Reading
from sandbox.content import Content
from sandbox.result_files import error_lines, output_lines, padded, rows_in_files
from sandbox.rows import COMPLETIONS, EMBEDDINGS, RESPONSES, Row, answered_row, json_lines, unrun_row
from sandbox.scenarios import read_scenario

NOON = datetime(2026, 8, 12, 12, tzinfo=UTC)
BATCHES = st.builds(lambda name, rows: (f"batch_{name}", rows), st.integers(0, 10_000), st.integers(0, 40))


def batch(named: tuple[str, int], scenario: str) -> Batch:
    name, many = named
    rows = tuple(Row(f"row-{n}", COMPLETIONS, {"model": "gpt-5", "messages": []}) for n in range(many))
    return Batch(
        id=name,
        native_id=name,
        request_id="G-1",
        order=Order(rows, COMPLETIONS, "24h", "file-1", inline=True, metadata={}),
        scenario=read_scenario(scenario),
        created_at=NOON,
        output_file_id="file-2",
        error_file_id="file-3",
    )


def ids(lines: list[dict[str, Any]]) -> list[str]:
    return [line["custom_id"] for line in lines]


def asked(made: Batch) -> list[str]:
    return [row.custom_id for row in made.order.rows]


@given(BATCHES)
def test_order(named: tuple[str, int]) -> None:
    """
    The rows of either file are those that belong there, in an order of the batch's own, which is not that of the input.
    """
    made = batch(named, "")
    good = output_lines(made, made.order.rows)
    bad = error_lines(made, [unrun_row(made.id, row, "batch_expired") for row in made.order.rows])

    assert sorted(ids(good)) == sorted(ids(bad)) == sorted(asked(made))
    assert good == output_lines(made, made.order.rows)
    if len(made.order.rows) > 1:
        assert asked(made) not in (ids(good), ids(bad))


@given(BATCHES, st.sets(st.sampled_from(["rows_missing", "rows_repeated", "rows_strange"])))
def test_rows_that_do_not_match(named: tuple[str, int], words: set[str]) -> None:
    """
    About a quarter of the answered rows is missing, twice there or joined by a stranger: one at least, where there is one.
    """
    made = batch(named, ",".join(words))
    lines = output_lines(made, made.order.rows)
    found, many = Counter(ids(lines)), len(made.order.rows)
    some = min(max(many // 4, 1), many)
    known = {name: times for name, times in found.items() if name in asked(made)}
    left = many - some if "rows_missing" in words else many
    twice = min(max(left // 4, 1), left) if "rows_repeated" in words else 0

    assert len(known) == left
    assert sorted(known.values(), reverse=True) == [2] * twice + [1] * (left - twice)
    assert len(found) - len(known) == (some if "rows_strange" in words else 0)
    assert many < 2 or ids(lines) != asked(made)


@given(
    BATCHES,
    st.integers(0, 40),
    st.sets(st.sampled_from(["rows_missing", "rows_repeated", "rows_strange", "output_missing"])),
)
def test_the_account_of_it(named: tuple[str, int], failing: int, words: set[str]) -> None:
    """
    The account says what whoever reads the files can count, each row once and strangers not at all.
    """
    made = batch(named, ",".join(words))
    bad, good = made.order.rows[:failing], made.order.rows[failing:]
    ended = Reading("completed", total=len(made.order.rows), completed=len(good), failed=len(bad))
    known = set(ids(output_lines(made, good))) & set(asked(made)) if "output_missing" not in words else set()

    assert rows_in_files(made, ended) == {
        "asked": len(made.order.rows),
        "answered": len(known),
        "failed": len(bad),
        "missing": len(made.order.rows) - len(known) - len(bad),
    }


@pytest.mark.parametrize("endpoint", [COMPLETIONS, RESPONSES, EMBEDDINGS])
@pytest.mark.parametrize("size", [10_000, 1_000_003])
def test_padding(endpoint: str, size: int) -> None:
    """
    Filled up, the rows have that size to the byte, each its share, and are the answers that they were but for one member.
    """
    lines = [answered_row("batch_1", Row(f"row-{n}", endpoint, {"model": "m"})) for n in range(7)]
    content = Content(padded([json_lines([line]) for line in lines], size))
    read = [json.loads(row) for row in content.whole().splitlines()]
    filler = [line["response"]["body"].pop("padding") for line in read]

    assert (content.size, len(content.whole())) == (size, size)
    assert read == lines
    assert max(map(len, filler)) - min(map(len, filler)) <= 1


def test_what_is_larger_already_is_not_cut() -> None:
    """
    Rows that have more than the wanted size keep what they have, and no row at all stays none.
    """
    rows = [json_lines([answered_row("batch_1", Row("a", COMPLETIONS, {"model": "m"}))])]
    (line,) = Content(padded(rows, 1)).whole().splitlines()

    assert json.loads(line)["response"]["body"]["padding"] == ""
    assert padded([], 10**9) == ()
