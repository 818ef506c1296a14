"""What a place for files has to be able to do.

A name is made of our own words and ids only, such as `gateway/outputs/job_0abc/output-out_0def.jsonl`: nothing that a provider
said is part of a path. A file appears under its name whole, or not at all.
"""

from typing import BinaryIO, Protocol


class FilesUnusable(Exception):
    """What [data] names is no place for files here. The message says what to do."""


class NoRoom(OSError):
    """The reserve of the place would be touched. Nothing is left of what was written."""


class Writing(Protocol):
    """A file that is being written, under no name yet. End it with `publish` or `discard`."""

    @property
    def size(self) -> int: ...
    @property
    def sha256(self) -> str:
        """Of what was written so far, in hexadecimal digits."""
        ...

    async def write(self, piece: bytes) -> None:
        """Raises NoRoom, or another OSError."""
        ...

    async def publish(self) -> None:
        """Give it its name, once all of it is where a crash cannot take it. What had the name before is replaced."""
        ...

    async def discard(self) -> None:
        """Leave nothing of it. Harmless after `publish`."""
        ...


class Files(Protocol):
    """One place for files."""

    @property
    def place(self) -> str:
        """How messages name it."""
        ...

    async def create(self, name: str, size: int | None = None) -> Writing:
        """Begin a file that will be so large, as far as that is known. Raises NoRoom, or another OSError."""
        ...

    def open(self, name: str, jumping: bool = False) -> BinaryIO:
        """To be read in a thread, from end to end unless `jumping`. Raises FileNotFoundError, or another OSError."""
        ...

    def url(self, name: str) -> str:
        """Where others find the file."""
        ...

    async def remove(self, name: str) -> None:
        """One that is not there is no error."""
        ...

    async def tidy(self, source: str) -> None:
        """Remove what writers of a source left that are gone. To be called by whoever has just taken the source's lease."""
        ...
