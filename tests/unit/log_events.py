"""Every event that the product logs, as its source says: by the names of what it calls."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ("receiver", "reconciler", "operators", "storage")
LEVELS = {"debug": "debug", "info": "info", "warning": "warning", "error": "error", "exception": "error"}


@dataclass
class Event:
    """At which levels it is logged, which fields are written out where it is, and in which files."""

    levels: set[str] = field(default_factory=set)
    fields: set[str] = field(default_factory=set)
    files: set[str] = field(default_factory=set)


def events() -> dict[str, Event]:
    found: defaultdict[str, Event] = defaultdict(Event)
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            for name, levels, fields in _logged(ast.parse(path.read_text())):
                event = found[name]
                event.levels |= levels
                event.fields |= fields
                event.files.add(str(path.relative_to(ROOT)))
    return dict(found)


def _logged(tree: ast.Module) -> Iterator[tuple[str, set[str], set[str]]]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        called, first = node.func, node.args[0]
        if isinstance(called, ast.Attribute) and _is_log(called):
            if isinstance(first, ast.Constant):
                fields = {one.arg for one in node.keywords if one.arg}
                yield str(first.value), {LEVELS[called.attr]}, fields
        elif isinstance(first, ast.Constant) and isinstance(first.value, str):
            if isinstance(called, ast.Name) and called.id == "News":
                yield first.value, _levels(node), _keys(node.args[1])
            elif isinstance(called, ast.Attribute) and called.attr == "_complain":
                yield first.value, {"error"}, {"error"}


def _is_log(called: ast.Attribute) -> bool:
    return isinstance(called.value, ast.Name) and called.value.id == "log" and called.attr in LEVELS


def _levels(news: ast.Call) -> set[str]:
    """The words that stand for its level; without any it is info."""
    words = {
        one.value
        for argument in news.args[2:]
        for one in ast.walk(argument)
        if isinstance(one, ast.Constant) and isinstance(one.value, str)
    }
    return words or {"info"}


def _keys(told: ast.expr) -> set[str]:
    return {
        str(key.value)
        for part in ast.walk(told)
        if isinstance(part, ast.Dict)
        for key in part.keys
        if isinstance(key, ast.Constant)
    }
