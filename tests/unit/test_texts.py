"""Texts from outside, made safe to store and to show."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.texts import clean


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("Webhook returned HTTP 503", "Webhook returned HTTP 503"),
        ("Zeitüberschreitung – 時間切れ 🚦", "Zeitüberschreitung – 時間切れ 🚦"),
        ("a\x00b", "a\\x00b"),
        ("a\r\nb\tc", "a\\r\\nb\\tc"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\x7f\x85", "\\x7f\\x85"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\u2066a\u2069", "\\u2066a\\u2069"),
        ("\u200b\ufeff", "\\u200b\\ufeff"),
        ("\u2028\u2029", "\\u2028\\u2029"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
    ],
)
def test_in_sight(text: str, shown: str) -> None:
    """Controls, marks that turn the writing, invisible characters and lone surrogates stand as their escapes."""
    assert clean(text, 100) == shown


@pytest.mark.parametrize(
    ("text", "limit", "shown"),
    [("abcdef", 6, "abcdef"), ("abcdef", 3, "abc"), ("\x00\x00", 4, "\\x0…"), ("a\x00", 5, "a\\x00"), ("abc", 0, "")],
)
def test_bounded(text: str, limit: int, shown: str) -> None:
    """A text is cut at its limit, and escapes count as long as they are."""
    assert clean(text, limit) == shown


@given(st.text(st.characters()), st.integers(1, 50))
def test_any_text(text: str, limit: int) -> None:
    """Whatever comes in, what goes out is printable, storable as UTF-8 and no longer than the limit."""
    shown = clean(text, limit)

    assert len(shown) <= limit
    assert shown.isprintable()
    assert shown.encode().decode() == shown
    assert clean(shown, limit) == shown
