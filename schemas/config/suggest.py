"""Guesses at what a misspelt word was meant to be."""

import difflib
from collections.abc import Iterable

LONGEST = 100
"""Of a longer word only the beginning is compared, so that no input makes the comparison slow."""


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that is most like this one, if any is like it at all."""
    close = difflib.get_close_matches(word[:LONGEST].lower(), list(known), n=1, cutoff=0.6)
    return close[0] if close else None
