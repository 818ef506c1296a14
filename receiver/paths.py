"""Which source a request is for, read from the path as it came: nothing is decoded, tidied or redirected."""

import re
from typing import NamedTuple

PREFIX = b"/webhooks/"

# A submission is one further part of printable ASCII. Without %, # and ?, so that nobody can read it differently.
_PATH = re.compile(rb"/webhooks/([a-z][a-z0-9_]{0,62})(?:/([!\"$&-.0->@-~]{1,256}))?/?")
_DOTS = frozenset({b".", b".."})


class Target(NamedTuple):
    source: str
    submission: str | None


def read_path(raw_path: bytes) -> Target | None:
    """None when the path is not exactly one of ours."""
    match = _PATH.fullmatch(raw_path)
    if match is None or match[2] in _DOTS:
        return None
    return Target(match[1].decode(), match[2].decode() if match[2] else None)
