"""Texts from outside, made safe to store and to show: bounded, and with every control character in sight."""


def clean(text: str, limit: int) -> str:
    """At most `limit` characters; what is not printable stands as its escape, so no terminal, log line or store trips over it."""
    if len(text) <= limit and text.isprintable():
        return text
    shown = "".join(letter if letter.isprintable() else _escape(letter) for letter in text[:limit])
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def _escape(letter: str) -> str:
    return letter.encode("unicode_escape").decode("ascii")
