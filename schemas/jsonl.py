"""JSONL: one JSON object a line. As it comes in pieces it is counted; as it stands it is read line by line.

A line of blanks is none; ends are LF or CRLF, and the last line may lack one (contract 2.4).
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

LONGEST_LINE = 64 * 1024 * 1024  # bytes; a longer one is no row of any provider, and is never held in memory


@dataclass(frozen=True, slots=True)
class Line:
    """One line, without its end. `content` is None where it is longer than a row can be."""

    number: int  # from 1
    offset: int  # in bytes
    content: bytes | None


def lines_of(stream: BinaryIO) -> Iterator[Line]:
    """Every line with anything in it. At no time is more than one held."""
    offset = number = 0
    while read := stream.readline(LONGEST_LINE + 1):
        number, start = number + 1, offset
        offset += len(read)
        if len(read) > LONGEST_LINE and not read.endswith(b"\n"):
            while (more := stream.readline(LONGEST_LINE)) and not more.endswith(b"\n"):
                offset += len(more)
            offset += len(more)
            yield Line(number, start, None)
        elif not read.isspace():
            yield Line(number, start, read.rstrip(b"\r\n"))


class Lines:
    """Takes content piece by piece, counts its lines, and keeps the last one, because there a cut would show."""

    def __init__(self) -> None:
        self.count = 0
        self._last = bytearray()  # as much of the last line with anything in it as may be held
        self._is_open = True  # more of it may come
        self._has_text = False  # of the line under way

    def take(self, piece: bytes) -> None:
        first, *others = piece.split(b"\n")
        self._go_on(first)
        if others:
            self._end()
            if whole := [line for line in others[:-1] if line and not line.isspace()]:
                self.count += len(whole)
                self._last[:] = whole[-1]
            self._go_on(others[-1])

    def problem(self) -> str | None:
        """Why the last line is not one whole row; None: it is, or there is no line at all."""
        if not self._last:
            return None
        if len(self._last) > LONGEST_LINE:
            return None if not self._is_open else f"its last line has no end within {LONGEST_LINE} bytes"
        try:
            is_row = isinstance(json.loads(self._last), dict)
        except (ValueError, RecursionError):
            is_row = False
        return None if is_row else "its last line is not a whole JSON object"

    def _go_on(self, part: bytes) -> None:
        if not self._has_text:
            if not part.strip():
                return
            self._has_text, self._is_open = True, True
            self.count += 1
            self._last.clear()
        self._last += part[: LONGEST_LINE + 1 - len(self._last)]

    def _end(self) -> None:
        self._has_text = False
        self._is_open = False
