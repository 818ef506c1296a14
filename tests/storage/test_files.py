"""Files: under their names whole or not at all, in a folder and in an object store."""

import asyncio
import io
import os
import stat
from collections.abc import Awaitable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import fsspec
import pytest
from fsspec.spec import AbstractBufferedFile, AbstractFileSystem

from schemas.config import Data
from storage.files import Files, FilesUnusable, LocalFiles, NoRoom, files_for
from storage.files.local import ABANDONED_SECONDS

NAME = "acme/outputs/job_1/output-out_1.jsonl"
PIECES = [b"first ", b"second ", b"third"]
WHOLE = b"".join(PIECES)
Answer = TypeVar("Answer")


def done(work: Awaitable[Answer]) -> Answer:
    async def wait() -> Answer:
        return await work

    return asyncio.run(wait())


class Objects(AbstractFileSystem):  # type: ignore[misc]
    """A store like an object store: an upload shows when it is completed, and errors are of its own kind."""

    protocol = "objects"
    cachable = False
    kept: dict[str, bytes] = {}  # noqa: RUF012
    fails = False

    def _open(self, path: str, mode: str = "rb", autocommit: bool = True, **_: Any) -> Any:
        if Objects.fails:
            raise RuntimeError("no such bucket")
        if mode == "rb":
            if path not in self.kept:
                raise FileNotFoundError(path)
            return io.BytesIO(self.kept[path])
        return Upload(self, path, mode, autocommit=autocommit)

    def rm_file(self, path: str) -> None:
        if self.kept.pop(path, None) is None:
            raise FileNotFoundError(path)

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return path.removeprefix("objects://")


class Upload(AbstractBufferedFile):  # type: ignore[misc]
    def _initiate_upload(self) -> None:
        self.parts: list[bytes] = []

    def _upload_chunk(self, final: bool = False) -> bool:
        self.parts.append(self.buffer.getvalue())
        if final and self.autocommit:
            self.commit()
        return True

    def commit(self) -> None:
        self.fs.kept[self.path] = b"".join(self.parts)

    def discard(self) -> None:
        self.parts = []


@pytest.fixture(params=["folder", "memory", "objects"])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Files]:
    if request.param == "folder":
        yield LocalFiles(tmp_path, 0)
        return
    fsspec.register_implementation("objects", Objects, clobber=True)
    Objects.kept.clear()
    Objects.fails = False
    yield files_for(Data(url=f"{request.param}://{tmp_path.name}/kept"))


def read(files: Files, name: str = NAME, jumping: bool = False) -> bytes:
    with files.open(name, jumping) as stream:
        return stream.read()


async def written(files: Files, *pieces: bytes, publish: bool = True) -> Any:
    writing = await files.create(NAME)
    for piece in pieces:
        await writing.write(piece)
    if publish:
        await writing.publish()
    await writing.discard()
    return writing


def test_published(files: Files) -> None:
    """What was published is there under its name, whole, counted and hashed; discarding it afterwards does no harm."""
    writing = done(written(files, *PIECES))
    assert read(files) == read(files, jumping=True) == WHOLE
    assert (writing.size, writing.sha256) == (len(WHOLE), sha256(WHOLE).hexdigest())
    assert files.url(NAME).endswith(NAME)


def test_jumping(files: Files) -> None:
    """What is to be read here and there can be."""
    done(written(files, *PIECES))
    with files.open(NAME, jumping=True) as stream:
        stream.seek(6)
        assert stream.read(6) == b"second"
        stream.seek(0)
        assert stream.readline() == WHOLE


def test_replaced(files: Files) -> None:
    """What had the name before is replaced."""
    done(written(files, b"old"))
    done(written(files, *PIECES))
    assert read(files) == WHOLE


def test_empty(files: Files) -> None:
    """A file of nothing is a file."""
    done(written(files))
    assert read(files) == b""


def test_discarded(files: Files, request: pytest.FixtureRequest) -> None:
    """What was discarded is under no name, and what had the name before still has it."""
    if "memory" in request.node.name:
        pytest.skip("memory:// shows what is being written, as no object store does")
    done(written(files, *PIECES, publish=False))
    with pytest.raises(FileNotFoundError):
        files.open(NAME)
    done(written(files, b"old"))
    done(written(files, *PIECES, publish=False))
    assert read(files) == b"old"


def test_removed(files: Files) -> None:
    """A file can be removed, also when it is not there."""
    done(written(files, *PIECES))
    done(files.remove(NAME))
    done(files.remove(NAME))
    with pytest.raises(FileNotFoundError):
        files.open(NAME)


def test_foreign_errors() -> None:
    """Whatever a store raises is an OSError, as of any file, and a file that is not there is that."""
    fsspec.register_implementation("objects", Objects, clobber=True)
    files = files_for(Data(url="objects://x/y"))
    Objects.fails = True
    with pytest.raises(OSError, match="RuntimeError: no such bucket"):
        done(files.create(NAME))
    Objects.fails = False
    done(files.tidy("acme"))


# In a folder


def test_threat_56_files_are_for_us_alone(tmp_path: Path) -> None:
    """Files are read and written by this user alone, while they are written and afterwards, and so are the folders."""
    files = LocalFiles(tmp_path / "data", 0)

    async def flow() -> set[int]:
        writing = await files.create(NAME)
        (partial,) = (tmp_path / "data/acme/outputs/.partial").iterdir()
        modes = {stat.S_IMODE(partial.stat().st_mode)}
        await writing.publish()
        return modes | {stat.S_IMODE((tmp_path / "data" / NAME).stat().st_mode)}

    assert done(flow()) == {0o600}
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "data").rglob("*") if path.is_dir()} == {0o700}
    assert list((tmp_path / "data/acme/outputs/.partial").iterdir()) == []


def test_synced_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file's content is synced before it gets its name, and the folder after that."""
    files, seen = LocalFiles(tmp_path, 0), []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        seen.append(("folder" if is_folder else "file", (tmp_path / NAME).exists()))
        real(descriptor)

    async def flow() -> None:
        writing = await files.create(NAME)
        await writing.write(WHOLE)
        monkeypatch.setattr(os, "fsync", fsync)
        await writing.publish()

    done(flow())
    assert ("file", False) in seen
    assert seen[-1] == ("folder", True)


def test_no_room(tmp_path: Path) -> None:
    """The reserve is never touched: not by a file that says how large it is, nor by one that grows. Nothing stays behind."""
    free = os.statvfs(tmp_path).f_bavail * os.statvfs(tmp_path).f_frsize
    roomy, full = LocalFiles(tmp_path, free // 2), LocalFiles(tmp_path, free * 2)
    with pytest.raises(NoRoom, match="reserve_bytes"):
        done(roomy.create(NAME, free))
    with pytest.raises(NoRoom):
        done(full.create(NAME))

    async def grow() -> None:
        writing = await roomy.create(NAME)
        await writing.write(WHOLE)
        roomy._reserve = full._reserve  # as if others had filled the disk meanwhile
        writing._reserve = full._reserve
        try:
            await writing.write(WHOLE)
        finally:
            await writing.discard()

    with pytest.raises(NoRoom):
        done(grow())
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_tidied(tmp_path: Path) -> None:
    """What writers of a source left goes when its lease is taken, but for inputs that may be staged just now."""
    files = LocalFiles(tmp_path, 0)

    def leave(source: str, sort: str) -> Path:
        left = tmp_path / source / sort / ".partial" / "left"
        left.parent.mkdir(parents=True)
        left.write_bytes(WHOLE)
        return left

    async def flow() -> None:
        outputs, inputs, others = (
            leave("acme", "outputs"),
            leave("acme", "inputs"),
            leave("other", "outputs"),
        )
        await files.tidy("acme")
        assert [path.exists() for path in (outputs, inputs, others)] == [False, True, True]
        old = inputs.stat().st_mtime - ABANDONED_SECONDS["inputs"] - 1
        os.utime(inputs, (old, old))
        await files.tidy("acme")
        await files.tidy("nobody")
        assert not inputs.exists()

    done(flow())


def test_which_place(tmp_path: Path) -> None:
    """A folder, a URL of one, or what fsspec has a URL for; what cannot be used says what to do."""
    assert files_for(Data(dir=str(tmp_path))).place == str(tmp_path)
    assert files_for(Data(url=f"file://{tmp_path}/a%20b")).place == f"{tmp_path}/a b"
    assert files_for(Data(url="memory://kept/here/")).place == "memory://kept/here"
    with pytest.raises(FilesUnusable, match="Protocol not known: nope"):
        files_for(Data(url="nope://bucket/x"))


def test_missing_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the library for a scheme, the message is the command that installs it."""
    monkeypatch.setitem(__import__("sys").modules, "s3fs", None)
    with pytest.raises(FilesUnusable, match=r"pip install 'batchkeeper\[objects\]'"):
        files_for(Data(url="s3://bucket/x"))
