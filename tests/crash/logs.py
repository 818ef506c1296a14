"""What the processes logged, as far as it tells of a breach."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from .checks import Found


def read(logs: Iterable[Path]) -> Found:
    """No error, nothing but lines of JSON, and never one fence of a source or a target taken twice (I11)."""
    found, fences = Found(), defaultdict(list)
    for path in logs:
        for entry in _entries(path):
            trouble = entry if entry.get("level") in (None, "error", "critical") else None
            found.holds("log", trouble is None, f"{path.name}: {trouble}")
            if entry.get("event") == "lease_taken":
                fences[entry.get("source") or f"target {entry['handoff']}"].append((entry["timestamp"], entry["fence"]))
    for source, taken in fences.items():
        numbers = [fence for _, fence in sorted(taken)]
        found.holds("I11", len(set(numbers)) == len(numbers), f"a fence of {source} was taken twice: {numbers}")
        found.holds("I11", numbers == sorted(numbers), f"the fences of {source} did not rise: {numbers}")
    return found


def _entries(path: Path) -> Iterator[dict[str, Any]]:
    """A line for each; what is no JSON comes as an entry without a level. A kill may cut the last line short."""
    *lines, last = path.read_text(errors="replace").split("\n")
    for line in lines:
        yield _entry(line)
    if last and not last.startswith("{"):
        yield {"text": last}


def _entry(line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {"text": line}
