"""docs/threats.md and the tests of its rows keep in step."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "threats.md").read_text()
ROWS: dict[str, str] = dict(re.findall(r"^\| (\d\d) (\|.*)$", PAGE, re.MULTILINE))
TESTS = {
    name
    for path in (ROOT / "tests").rglob("test_*.py")
    for name in re.findall(r"^ *(?:async )?def (test_threat_\w+)\(", path.read_text(), re.MULTILINE)
}


def test_every_row_of_the_receiver_and_of_polling_is_there():
    """
    The page has a row for each threat to the receiver, to polling, to outputs, to the state and to hand-offs, once and in order.
    """
    assert re.findall(r"^\| (\d\d) \|", PAGE, re.MULTILINE) == [
        f"{n:02}" for n in (*range(1, 61), *range(68, 73), 75, 76)
    ]


def test_every_test_of_a_row_is_named_by_it():
    """
    A test called after a row stands in that row and nowhere else, and the page names no test that is not there.
    """
    named = {(row, name) for row, line in ROWS.items() for name in re.findall(r"`(test_\w+)`", line)}

    assert {(name[len("test_threat_") :][:2], name) for name in TESTS} == named
    assert all(re.fullmatch(r"test_threat_\d\d_\w+", name) for name in TESTS)


def test_a_row_without_a_test_says_what_is_not_done():
    """
    Each row is shown by a test, or says plainly that nothing is done.
    """
    without = {row for row, line in ROWS.items() if "`test_" not in line}

    assert {row for row in without if "Not done" not in ROWS[row]} == set()
