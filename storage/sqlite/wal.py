"""Whether a database's log of late commits can be read at all: SQLite passes over one that cannot, and overwrites it."""

import os
import struct
from pathlib import Path

_MAGIC = {0x377F0682: "<", 0x377F0683: ">"}  # with the byte order that its checksums are counted in
_HEADER = 32
_TRIES = 3  # another process may be writing it just now


def is_damaged(database: Path) -> bool:
    """Is there a log with commits whose first bytes are not those of one? It is read only, and holds no locks."""
    return all(_is_wrong(_beginning(wal_of(database))) for _ in range(_TRIES))


def wal_of(database: Path) -> Path:
    return database.with_name(f"{database.name}-wal")


def _beginning(wal: Path) -> bytes:
    """The header of a log that holds more than that; else nothing."""
    try:
        with wal.open("rb") as file:
            has_frames = os.fstat(file.fileno()).st_size > _HEADER
            return file.read(_HEADER) if has_frames else b""
    except FileNotFoundError:
        return b""


def _is_wrong(header: bytes) -> bool:
    if not header:
        return False
    order = _MAGIC.get(int.from_bytes(header[:4]))
    return order is None or _checksum(header[:24], order) != struct.unpack(">2I", header[24:])


def _checksum(data: bytes, order: str) -> tuple[int, int]:
    """As https://sqlite.org/fileformat2.html counts it."""
    first = second = 0
    for one, other in struct.iter_unpack(f"{order}2I", data):
        first = (first + one + second) & 0xFFFFFFFF
        second = (second + other + first) & 0xFFFFFFFF
    return first, second
