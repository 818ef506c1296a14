"""JSONL: counted as it comes in pieces, and read line by line."""

import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import jsonl
from schemas.jsonl import Line, Lines, lines_of

ROW = b'{"custom_id":"a"}'
lines = st.lists(st.sampled_from([b"", b"  ", b"\t\r", ROW, ROW + b"\r", b" " + ROW, b"nonsense", b"[1]"]), max_size=8)


def taken(content: bytes, size: int) -> Lines:
    found = Lines()
    for start in range(0, len(content), size):
        found.take(content[start : start + size])
    return found


@settings(deadline=None)
@given(lines, st.booleans(), st.integers(1, 40))
def test_in_pieces(parts: list[bytes], ends: bool, size: int) -> None:
    """However it is cut into pieces, the lines with anything in them are counted, and the last one is judged."""
    content = b"\n".join(parts) + (b"\n" if ends else b"")
    full = [line for line in content.split(b"\n") if line.strip()]
    found = taken(content, size)
    assert found.count == len(full)
    assert (found.problem() is None) == (not full or full[-1].strip() == ROW)


@pytest.mark.parametrize("cut", range(1, len(ROW)))
def test_cut(cut: int) -> None:
    """A last line that was cut anywhere is no whole row."""
    assert taken(ROW + b"\r\n" + ROW[:cut], 7).problem() == "its last line is not a whole JSON object"
    assert taken(ROW + b"\n" + ROW, 7).problem() is None


def test_threat_59_too_long_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """No more of a line is held than a row can have; one that is longer is taken as whole only when it has an end."""
    monkeypatch.setattr(jsonl, "LONGEST_LINE", 20)
    long = json.dumps({"text": "x" * 1000}).encode()
    assert "has no end" in str(taken(long, 64).problem())
    assert taken(long + b"\n", 64).problem() is None
    assert taken(long + b"\n" + ROW[:-1], 64).problem() is not None
    assert list(lines_of(io.BytesIO(ROW + b"\n" + long + b"\n" + ROW))) == [
        Line(1, 0, ROW),
        Line(2, len(ROW) + 1, None),
        Line(3, len(ROW) + len(long) + 2, ROW),
    ]


@settings(deadline=None)
@given(lines)
def test_lines_of(parts: list[bytes]) -> None:
    """Each line with anything in it is read with its number and its place, and without its end."""
    content = b"\n".join(parts)
    found = list(lines_of(io.BytesIO(content)))
    assert [line.number for line in found] == [number for number, part in enumerate(parts, 1) if part.strip()]
    for line in found:
        assert line.content is not None
        assert content[line.offset : line.offset + len(line.content)] == line.content
        assert line.content == parts[line.number - 1].rstrip(b"\r")
