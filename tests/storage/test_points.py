"""The named points of the crash matrix: free unless switched on, and then deadly at the very count."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import storage
from storage.points import POINTS

WALK = """
from storage.points import reach
for turn in range(1, 5):
    reach("A1")
    reach("A2")
    reach("")
    print(turn, flush=True)
"""
ROOT = Path(storage.__file__).parent.parent


def walk(crash_at: str | None) -> tuple[int, str]:
    environment = {name: value for name, value in os.environ.items() if name != "BATCHKEEPER_CRASH_AT"}
    if crash_at is not None:
        environment["BATCHKEEPER_CRASH_AT"] = crash_at
    ended = subprocess.run([sys.executable, "-c", WALK], env=environment, capture_output=True, text=True, check=False)
    return ended.returncode, ended.stdout.replace("\n", "")


@pytest.mark.processes
@pytest.mark.parametrize(
    ("crash_at", "status", "printed"),
    [
        (None, 0, "1234"),
        ("", 0, "1234"),
        ("A1:2", -signal.SIGKILL, "1"),
        ("A2:4", -signal.SIGKILL, "123"),
        ("A1", -signal.SIGKILL, ""),
        ("A1:5", 0, "1234"),
        ("P1:1", 0, "1234"),
    ],
)
def test_dies_at_the_count(crash_at: str | None, status: int, printed: str) -> None:
    """The process is killed when it reaches the named point for the named time, and at no other."""
    assert walk(crash_at) == (status, printed)


def test_points_in_the_code() -> None:
    """Every point that the code reaches is listed with what it stands for, and every one that is listed is in the code."""
    found: set[str] = set()
    for package in ("receiver", "reconciler", "storage", "operators"):
        for path in (ROOT / package).rglob("*.py"):
            if path.name != "points.py":
                found |= set(re.findall(r'"([ACDHMPRSV]\d)"', path.read_text()))

    assert found == set(POINTS)
