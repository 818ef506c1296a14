"""Real bodies with something changed: a member replaced, taken away or doubled, and bytes put in, cut out or turned over."""

import json
from collections.abc import Iterator, Mapping
from copy import copy, deepcopy
from typing import Any

from hypothesis import strategies as st

from fuzz.targets import Target

HOSTILE: tuple[Any, ...] = (
    None, True, False, -1, 0, 1, 1.5, -0.0, 2**53, 2**63 - 1, 2**63, 10**19, 10**21, 10**400, 1e308, 5e-324, float("nan"),
    float("inf"), "", " ", "\x00", "\ud800", "\x1b[31m", "é", "\u202e", "..", "../x", "a/b?c#d", "%2e%2e", "x" * 257,
    "x" * 5_000, "completed", "COMPLETED", "canceled", "succeeded", "pending", "no_such_word", "batch", "video", "unreadable",
    "batch_01K2XYZ3ABCDEFGHJKMNPQRSTV", "2026-08-12T01:00:00.123456+00:00", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z",
    "2026-02-30T00:00:00Z", "https://evil.example/", "http://[::1", [], {}, [[]], [None] * 200, {"": {}}, {"data": []},
)  # fmt: skip
DEEP = '{"a":' * 70 + "1" + "}" * 70


def one_changed(document: Any) -> Iterator[Any]:
    """The document with each of its members in turn taken away and replaced by each of the hostile values."""
    if not isinstance(document, dict | list):
        return
    places = list(document) if isinstance(document, dict) else range(len(document))
    for place in places:
        without = deepcopy(document)
        del without[place]
        yield without
        for other in (*HOSTILE, *one_changed(document[place])):
            changed = copy(document)
            changed[place] = other
            yield changed


@st.composite
def mutated(draw: st.DrawFn, target: Target) -> bytes:
    """One of a target's real inputs, changed in up to four places."""
    before = draw(st.sampled_from(list(target.prefixes)))
    if not target.documents:
        return _torn(draw, before)
    document: Any = deepcopy(draw(st.sampled_from(list(target.documents))))
    for _ in range(draw(st.integers(0, 3))):
        document = _changed(draw, document)
    body = in_bytes(document, draw(st.booleans()))
    if draw(st.integers(0, 9)) == 0:
        body = body.replace(b"null", DEEP.encode(), 1)
    return _torn(draw, before + body) if draw(st.integers(0, 3)) == 0 else before + body


def in_bytes(document: Any, ascii_only: bool = True) -> bytes:
    """As JSON, even where it is none: NaN stands bare, and a lone surrogate in three bytes."""
    return json.dumps(document, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")


def _changed(draw: st.DrawFn, value: Any) -> Any:
    """Somewhere below, or here, something else."""
    inside = list(value) if isinstance(value, Mapping) else list(range(len(value))) if isinstance(value, list) else []
    if not inside or draw(st.integers(0, 4)) == 0:
        return deepcopy(draw(st.sampled_from(HOSTILE)))  # it may be changed further
    where = draw(st.sampled_from(inside))
    change = draw(st.sampled_from(("below", "below", "below", "away", "moved")))
    if change == "below":
        value[where] = _changed(draw, value[where])
    elif change == "away":
        del value[where]
    elif isinstance(value, dict):
        value[draw(st.sampled_from(["id", "status", "data", "error", "kind", "", "\x00"]))] = value[where]
    return value


def _torn(draw: st.DrawFn, data: bytes) -> bytes:
    place = draw(st.integers(0, len(data)))
    cut = draw(st.integers(0, 5))
    return data[:place] + draw(st.binary(max_size=4)) + data[place + cut :]
