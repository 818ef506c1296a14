"""Files in an object store, or in whatever else fsspec has a URL for. It is loaded only where one is configured.

What is being written appears under its name when its upload is completed, and not before; what was begun and never completed
shows nowhere. Everything blocks, and so runs in threads.
"""

import asyncio
import contextlib
import hashlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, TypeVar

from fsspec.core import url_to_fs

from schemas.texts import clean
from storage.files.files import FilesUnusable
from storage.points import reach

Result = TypeVar("Result")
_BUFFER = 1_048_576


class RemoteFiles:
    """See `storage.files.files.Files`. There is no reserve to keep: the room is somebody else's."""

    def __init__(self, url: str) -> None:
        """Raises FilesUnusable, with what to install or to correct."""
        self._url = url.rstrip("/")
        try:
            self._there, self._root = url_to_fs(self._url)
        except ImportError as error:
            raise FilesUnusable(f"[data] url: {clean(str(error), 300)}; {_install(self._url)}") from None
        except ValueError as error:
            raise FilesUnusable(f"[data] url cannot be used: {clean(str(error), 300)}") from None

    @property
    def place(self) -> str:
        return self._url

    async def create(self, name: str, size: int | None = None) -> "RemoteWriting":
        return await asyncio.to_thread(RemoteWriting, self._open_to_write, name)

    def open(self, name: str, jumping: bool = False) -> BinaryIO:
        with _as_os_error():
            stream: BinaryIO = self._there.open(self._path(name), "rb")
            if not jumping:
                return stream
            with stream:
                near = tempfile.TemporaryFile()  # noqa: SIM115
                shutil.copyfileobj(stream, near, _BUFFER)
            near.seek(0)
            return near

    def url(self, name: str) -> str:
        return f"{self._url}/{name}"

    async def remove(self, name: str) -> None:
        def remove() -> None:
            with contextlib.suppress(FileNotFoundError), _as_os_error():
                self._there.rm_file(self._path(name))

        await asyncio.to_thread(remove)

    async def tidy(self, source: str) -> None:
        """Nothing that was begun shows. The store's own rule for uploads that were never completed takes their room back."""

    def _open_to_write(self, name: str) -> Any:
        with _as_os_error():
            return self._there.open(self._path(name), "wb", autocommit=False)

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"


class RemoteWriting:
    """See `storage.files.files.Writing`."""

    def __init__(self, open_to_write: Callable[[str], Any], name: str) -> None:
        self._upload: Any = open_to_write(name)
        self._digest = hashlib.sha256()
        self._size = 0
        self._is_over = False
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
        reach("D6")

    async def discard(self) -> None:
        await asyncio.to_thread(self._discard)

    def _write(self, piece: bytes) -> None:
        with _as_os_error():
            self._upload.write(piece)
        self._digest.update(piece)
        self._size += len(piece)

    def _publish(self) -> None:
        with _as_os_error():
            self._upload.close()
            self._upload.commit()
        self._is_over = True

    def _discard(self) -> None:
        if self._is_over:
            return
        self._is_over = True
        with _as_os_error():
            self._upload.discard()
        with contextlib.suppress(AttributeError):
            self._upload.closed = True  # else it would be completed when it is forgotten


@contextlib.contextmanager
def _as_os_error() -> Iterator[None]:
    """Each store has errors of its own kind; what they have in common is that the file could not be had."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        raise OSError(clean(f"{type(error).__name__}: {error}", 300)) from error


def _install(url: str) -> str:
    is_ours = url.startswith("s3://")
    return "that is: pip install 'batchkeeper[objects]'" if is_ours else "install it beside batchkeeper"
