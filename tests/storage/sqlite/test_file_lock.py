"""The file lock: it lives as long as its process."""

import subprocess
import sys
from pathlib import Path

import pytest

from storage.sqlite.file_lock import FileLock, beside

HOLD = """
import sys
from pathlib import Path
from storage.sqlite.file_lock import FileLock
lock = FileLock(Path(sys.argv[1]))
print(lock.acquire(), flush=True)
sys.stdin.read()
"""


@pytest.mark.processes
def test_dies_with_its_process(tmp_path: Path) -> None:
    """A lock that another process holds cannot be taken, and can at once when that process was killed."""
    path = tmp_path / "x.lock"
    lock = FileLock(path)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "True\n"
        assert not lock.acquire()
        holder.kill()
        holder.wait()
        assert lock.acquire()
    lock.release()


@pytest.mark.processes
def test_no_child_keeps_it(tmp_path: Path) -> None:
    """A process that the holder started does not inherit the lock: it is free when the holder gives it up."""
    path = tmp_path / "x.lock"
    lock = FileLock(path)
    assert lock.acquire()
    child = subprocess.Popen(
        [sys.executable, "-c", "import sys; print('up', flush=True); sys.stdin.read()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        close_fds=False,
    )
    with child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"up\n"
        lock.release()
        other = FileLock(path)
        assert other.acquire()
        other.release()


def test_one_holder_in_a_process(tmp_path: Path) -> None:
    """Two holders in one process are two: the second waits its turn, and a holder does not get its own lock again."""
    one, two = FileLock(tmp_path / "x.lock"), FileLock(tmp_path / "x.lock")

    assert one.acquire()
    assert not two.acquire()
    assert not one.acquire()
    two.release()
    assert not two.acquire()
    one.release()
    one.release()
    assert two.acquire()
    two.release()


def test_its_file(tmp_path: Path) -> None:
    """The lock's file is for our eyes only, stays when the lock is free, and is never a link to another."""
    path, link = tmp_path / "x.lock", tmp_path / "link.lock"
    lock = FileLock(path)
    assert lock.acquire()
    assert path.stat().st_mode & 0o777 == 0o600
    lock.release()
    assert path.exists()

    link.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"):
        FileLock(link).acquire()
    assert not (tmp_path / "elsewhere").exists()


def test_beside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever way the database is named, its lock lies beside it under one name."""
    folder, link = tmp_path / "folder", tmp_path / "link"
    folder.mkdir()
    link.symlink_to(folder)
    monkeypatch.chdir(folder)
    expected = folder.resolve() / "x.db-source-acme.lock"

    for path in (folder / "x.db", link / "x.db", Path("x.db"), folder / ".." / "folder" / "x.db"):
        assert beside(path, "source-acme") == expected
