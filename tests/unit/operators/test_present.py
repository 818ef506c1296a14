"""What reaches a terminal: readable, and only printable."""

import json

import pytest
from given import HOSTILE
from rich.console import Console

from operators.cli import present
from operators.cli.columns import JOBS, WIDTHS
from operators.cli.context import complain
from operators.cli.present import Shape
from operators.listings import Listing

LONG_ID = "batch_01K2XYZ3ABCDEFGHJKMNPQRSTV"
ROW = {
    "source": "gateway",
    "kind": "batch",
    "job_id": LONG_ID,
    "status": "completed",
    "native_status": "completed",
    "progress": 100,
    "ready": True,
    "settled": True,
    "failures": [{"category": "execution", "code": "rows_failed"}, {"category": "delivery", "code": "rejected"}],
    "trouble": "not_found",
    "updated_at": "2026-11-22T05:46:58.892166Z",
}


def drawn(rows, columns, width: int) -> str:
    """A table as a terminal of this width shows it."""
    screen = Console(width=width, color_system=None, force_terminal=True)
    with screen.capture() as capture:
        screen.print(present.table_of(rows, columns, width))
    return capture.get()


@pytest.mark.parametrize("value", [HOSTILE, {"k": HOSTILE}, [HOSTILE, {HOSTILE: 1}]])
def test_controls_never_reach_the_terminal(value):
    """
    Escape sequences, line breaks, direction marks and NUL stand as their escapes, wherever in a value they are.
    """
    text = present.cell(value).plain

    assert text.isprintable()
    assert "\\x1b[31m" in text


def test_a_long_value_is_cut():
    """
    A cell holds a few hundred characters at most.
    """
    assert len(present.cell("x" * 100_000).plain) == present.LONGEST_CELL


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "-"),
        ("", ""),
        ({}, "-"),
        ([], "-"),
        (0, "0"),
        (True, "yes"),
        (False, "no"),
        ({"total": 12, "failed": 0, "completed": None}, "total 12, failed 0"),
        (["a", 1], "a; 1"),
    ],
)
def test_values_are_said_in_words(value, shown):
    """
    What is not there is a dash, truth is yes or no, and a mapping is its names and values.
    """
    assert present.text_of(value) == shown


@pytest.mark.parametrize("width", [80, 100, 120])
def test_a_job_id_stays_whole(width):
    """
    On terminals of 80 columns and more an id of 32 characters is not broken, and nothing is wider than the terminal.
    """
    text = drawn([ROW], present.fitting(JOBS, [ROW], width, WIDTHS, ()), width)

    assert LONG_ID in text
    assert max(map(len, text.splitlines())) <= width


@pytest.mark.parametrize("width", [20, 40, 60])
def test_a_narrow_terminal_loses_no_letter(width):
    """
    Where there is no room, words are folded and not cut.
    """
    columns = {"job": lambda row: row["job_id"], "updated (UTC)": lambda row: present.moment(row["updated_at"])}

    text = drawn([ROW], columns, width)

    assert all(text.count(letter) >= LONG_ID.count(letter) for letter in set(LONG_ID))
    assert sum(text.count(digit) for digit in "26") >= 5


def test_in_a_pipe_a_row_is_a_line():
    """
    Without a terminal every column is there, and a row stays one line however long it is.
    """
    header, line = present.lines_of([{**ROW, "native_status": "x y " * 50}], JOBS)

    assert header.split()[0] == "source"
    assert all(text in line for text in (LONG_ID, "execution: rows_failed, delivery: rejected, trouble: not_found"))


def test_json_is_ascii(capsys):
    """
    JSON is escaped to ASCII: it says the same to a program, and nothing to a terminal.
    """
    present.as_json([{"message": HOSTILE}])
    printed = capsys.readouterr().out

    assert printed.isascii()
    assert all(line.isprintable() for line in printed.splitlines())
    assert json.loads(printed) == [{"message": HOSTILE}]


def test_a_cut_listing_says_so_on_standard_error(capsys):
    """
    That there is more is said beside the listing and not in it.
    """
    present.listing(Listing([ROW], "job_1"), JOBS, Shape.JSON, nothing="no jobs")
    printed = capsys.readouterr()

    assert json.loads(printed.out) == [ROW]
    assert printed.err == "only the newest 1 is shown; --all shows every one\n"


def test_an_empty_listing_says_what_to_do(capsys):
    """
    An empty listing is a sentence for a person, and an empty array for a program.
    """
    present.listing(Listing([]), JOBS, Shape.TABLE, nothing="no jobs yet")
    present.listing(Listing([]), JOBS, Shape.JSON, nothing="no jobs yet")

    assert capsys.readouterr().out == "no jobs yet\n[]\n"


def test_complaints_are_printable(capsys):
    """
    Whatever an error repeats, standard error gets printable lines.
    """
    complain(f"refused: {HOSTILE}")

    assert all(line.isprintable() for line in capsys.readouterr().err.splitlines())
