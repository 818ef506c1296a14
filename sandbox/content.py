"""What a file holds: its rows, read block by block. Filler is made when it is read, so that a file may be larger than memory."""

from collections.abc import Iterator
from dataclasses import dataclass

BLOCK = 262_144  # bytes
FILLER = b"." * BLOCK


@dataclass(frozen=True)
class Padded:
    """A row with so many bytes of filler between its two parts."""

    head: bytes
    filler: int
    tail: bytes

    def __len__(self) -> int:
        return len(self.head) + self.filler + len(self.tail)

    def parts(self, begin: int, end: int) -> Iterator[bytes]:
        """The bytes from `begin` up to `end`, a block at most at a time."""
        filled = len(self.head)
        after = filled + self.filler
        yield self.head[begin:end]
        for at in range(max(begin, filled), min(end, after), BLOCK):
            yield FILLER[: min(end, after) - at]
        yield self.tail[max(begin - after, 0) : max(end - after, 0)]


@dataclass(frozen=True)
class Content:
    """Rows with their ends of line. What was uploaded is not taken apart: it is one row."""

    rows: tuple[bytes | Padded, ...]

    @property
    def size(self) -> int:
        """In bytes."""
        return sum(len(row) for row in self.rows)

    @property
    def middle(self) -> int:
        """The byte in the middle of the row in the middle."""
        at = len(self.rows) // 2
        half = len(self.rows[at]) // 2 if self.rows else 0
        return sum(len(row) for row in self.rows[:at]) + half

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
        """All of it at once, which is for small files."""
        return b"".join(self.blocks())

    def _within(self, begin: int, end: int) -> Iterator[bytes]:
        at = 0
        for row in self.rows:
            first, last = max(begin - at, 0), max(end - at, 0)
            if isinstance(row, Padded):
                yield from row.parts(first, last)
            else:
                yield row[first:last]
            at += len(row)
