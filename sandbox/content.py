"""What a file holds: its rows, read block by block."""

from collections.abc import Iterator
from dataclasses import dataclass

BLOCK = 262_144  # bytes


@dataclass(frozen=True)
class Content:
    """Rows with their ends of line. What was uploaded is not taken apart: it is one row."""

    rows: tuple[bytes, ...]

    @property
    def size(self) -> int:
        """In bytes."""
        return sum(len(row) for row in self.rows)

    @property
    def middle(self) -> int:
        """The byte in the middle of the row in the middle."""
        at = len(self.rows) // 2
        return sum(len(row) for row in self.rows[:at]) + len(b"".join(self.rows[at : at + 1])) // 2

    def blocks(self, begin: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The bytes from `begin` up to `end`, in blocks of about 256 KiB."""
        gathered = bytearray()
        for piece in self._within(begin, self.size if end is None else end):
            gathered += piece
            if len(gathered) >= BLOCK:
                yield bytes(gathered)
                gathered.clear()
        if gathered:
            yield bytes(gathered)

    def whole(self) -> bytes:
        return b"".join(self.rows)

    def _within(self, begin: int, end: int) -> Iterator[bytes]:
        at = 0
        for row in self.rows:
            yield row[max(begin - at, 0) : max(end - at, 0)]
            at += len(row)
