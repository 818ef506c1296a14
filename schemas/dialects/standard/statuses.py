"""The provider's status words, as the configuration has them. Nothing is guessed: a word is known as it stands, or not."""

from collections.abc import Mapping
from typing import Any

from schemas.words import Status


def read_status(words: Mapping[str, str], native: Any) -> Status | None:
    """The status that a word means; None for what is not there, is no text, or has no meaning here."""
    meant = words.get(native.lower()) if isinstance(native, str) else None
    return None if meant is None else Status(meant)


def word_for(words: Mapping[str, str], status: str) -> str:
    """A word that means this status, for a body made by hand. What is a word itself, or means nothing here, stands as it is."""
    if status.lower() in words:
        return status
    return next((word for word, meant in words.items() if meant == status), status)
