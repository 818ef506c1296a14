"""What may be a source's name, a kind, a job id or a delivery key."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.identity import is_delivery_key, is_job_id, is_kind, is_source


@pytest.mark.parametrize("text", ["a", "gateway", "gateway_2", "a" * 63])
def test_sources(text: str) -> None:
    """A source's name is a small letter, then small letters, digits and underscores, up to 63 in all."""
    assert is_source(text)


@pytest.mark.parametrize(
    "text", ["", "A", "2a", "_a", "a-b", "a.b", "a/b", "a%00", "..", "a b", "a\n", "é", "ⅷ", "a" * 64, "\x00"]
)
def test_not_sources(text: str) -> None:
    """Nothing else is one: no path, no other case, no other script, no line end."""
    assert not is_source(text)


@pytest.mark.parametrize(
    "text", ["batch_01K2XYZ3ABCDEFGHJKMNPQRSTV", "a/b:c%2e?#", "'\"\\", "...", ".a", "~", "x" * 256]
)
def test_job_ids(text: str) -> None:
    """A job id is 1 to 256 characters of printable ASCII without a blank, whatever they are."""
    assert is_job_id(text)
    assert is_delivery_key(text)


@pytest.mark.parametrize(
    "text", ["", " ", "a b", "a\n", "\ta", "a\x00", "a\x7f", "é", "e\u0301", "🚦", "\ud800", "x" * 257]
)
def test_neither_job_ids_nor_keys(text: str) -> None:
    """Blanks, controls, other scripts and overlong texts identify nothing."""
    assert not is_job_id(text)
    assert not is_delivery_key(text)


@pytest.mark.parametrize("text", [".", ".."])
def test_climbing_ids(text: str) -> None:
    """A job id is never a step of a path, because no encoding keeps it from climbing; a key stands in no path."""
    assert not is_job_id(text)
    assert is_delivery_key(text)


@pytest.mark.parametrize(
    ("text", "right"), [("batch", True), ("x" * 32, True), ("x" * 33, False), ("", False), ("a b", False)]
)
def test_kinds(text: str, right: bool) -> None:
    """A kind is 1 to 32 such characters."""
    assert is_kind(text) is right


@given(st.text())
def test_any_text(text: str) -> None:
    """Whatever is accepted is ASCII of bounded length, so that equal text is equal bytes."""
    assert not (is_source(text) or is_kind(text) or is_job_id(text) or is_delivery_key(text)) or (
        text.isascii() and 0 < len(text) <= 256
    )
