"""Files in a folder of this machine, or one that several machines share.

What is being written stands in `SOURCE/outputs/.partial` or that of `inputs`, under a random name. Publishing syncs it, renames
it, and syncs the folder.
"""

import asyncio
import contextlib
import hashlib
import os
import secrets
import shutil
import time
from pathlib import Path
from typing import BinaryIO

from storage.files.files import NoRoom
from storage.points import reach

PARTIAL = ".partial"
# Inputs are staged by commands, which have no lease: what is younger may still be written.
ABANDONED_SECONDS = {"outputs": 0, "inputs": 86_400}


class LocalFiles:
    """See `storage.files.files.Files`. `reserve` bytes of the disk stay free whatever is written."""

    def __init__(self, folder: Path, reserve: int) -> None:
        self._folder = folder.absolute()
        self._reserve = reserve

    @property
    def place(self) -> str:
        return str(self._folder)

    async def create(self, name: str, size: int | None = None) -> "LocalWriting":
        path, partial = self._path(name), self._partial(name)
        making = asyncio.create_task(asyncio.to_thread(LocalWriting, path, partial, self._reserve, size or 0))
        try:
            return await asyncio.shield(making)
        except asyncio.CancelledError:
            # The thread goes on, and would leave an open file that nobody knows of.
            await (await making).discard()
            raise

    def open(self, name: str, jumping: bool = False) -> BinaryIO:
        return self._path(name).open("rb")

    def url(self, name: str) -> str:
        return self._path(name).as_uri()

    async def remove(self, name: str) -> None:
        await asyncio.to_thread(self._path(name).unlink, missing_ok=True)

    async def tidy(self, source: str) -> None:
        for sort, seconds in ABANDONED_SECONDS.items():
            await asyncio.to_thread(_remove_abandoned, self._folder / source / sort / PARTIAL, seconds)

    def _path(self, name: str) -> Path:
        return self._folder.joinpath(*name.split("/"))

    def _partial(self, name: str) -> Path:
        source, sort, *_ = name.split("/")
        return self._folder / source / sort / PARTIAL


class LocalWriting:
    """See `storage.files.files.Writing`."""

    def __init__(self, path: Path, partial: Path, reserve: int, size: int) -> None:
        self._path, self._partial, self._reserve = path, partial, reserve
        _make_folders(partial)
        self._require_room(size)
        self._temporary = partial / secrets.token_hex(16)
        # Exclusive: it follows no link, and nobody else reads it.
        self._stream = open(self._temporary, "xb", opener=_for_us_alone)  # noqa: SIM115
        self._digest = hashlib.sha256()
        self._size = 0
        reach("D1")

    @property
    def size(self) -> int:
        return self._size

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    async def write(self, piece: bytes) -> None:
        await asyncio.to_thread(self._write, piece)
        reach("D2")

    async def publish(self) -> None:
        reach("D3")
        await asyncio.to_thread(self._publish)

    async def discard(self) -> None:
        await asyncio.to_thread(self._discard)

    def _require_room(self, size: int) -> None:
        free = shutil.disk_usage(self._partial).free
        if free - size < self._reserve:
            raise NoRoom(f"{size} bytes more would leave less free than [data] reserve_bytes = {self._reserve}")

    def _write(self, piece: bytes) -> None:
        self._require_room(len(piece))
        self._stream.write(piece)
        self._digest.update(piece)
        self._size += len(piece)

    def _publish(self) -> None:
        self._stream.flush()
        os.fsync(self._stream.fileno())
        self._stream.close()
        reach("D4")
        _make_folders(self._path.parent)
        self._temporary.replace(self._path)
        reach("D5")
        _sync(self._path.parent)
        reach("D6")

    def _discard(self) -> None:
        self._stream.close()
        self._temporary.unlink(missing_ok=True)


def _for_us_alone(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _make_folders(folder: Path) -> None:
    """Make a folder and those above it, each so that a loss of power does not take it away."""
    if folder.is_dir():
        return
    _make_folders(folder.parent)
    folder.mkdir(exist_ok=True, mode=0o700)
    _sync(folder.parent)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_abandoned(folder: Path, seconds: int) -> None:
    if not folder.is_dir():
        return
    for left in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):  # whoever writes it has just given it its name
            if time.time() - left.stat().st_mtime >= seconds:
                left.unlink()
