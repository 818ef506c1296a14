"""OpenAI's error answers, `{"error": {"message", "type", "param", "code"}}`, read for whom they speak about.

Nobody stands behind this provider: what it says about a key is about ours.
"""

from dataclasses import dataclass
from typing import Any

from schemas.readings import Response, Troubled
from schemas.retry_after import retry_after
from schemas.strict_json import NotStrictJson, parse_object
from schemas.texts import clean
from schemas.words import Trouble

# What it says where nothing stands. No source of the contract tells: it is what people have shown of it in public, in two forms.
_UNKNOWN_URL, _INVALID_URL = "unknown_url", "Invalid URL ("
_NOWHERE = "; nothing is at this address, so see whether base_url is right (OpenAI's ends in /v1)"


@dataclass(frozen=True, slots=True)
class Envelope:
    """An error answer. `is_readable`: it has OpenAI's form; whatever has not may come from something in front of it."""

    is_readable: bool
    message: str
    type: str = ""
    code: str = ""

    @property
    def is_about_address(self) -> bool:
        """It speaks of the URL itself, and not of what was asked for there."""
        return not self.is_readable or self.code == _UNKNOWN_URL or self.message.startswith(_INVALID_URL)

    def __str__(self) -> str:
        words = [part for part in (self.code or self.type, self.message) if part]
        return clean(": ".join(words), 300) or "no message"


def read_envelope(response: Response) -> Envelope:
    """Name the envelope of a non-2xx answer. Anything can be one."""
    try:
        error = parse_object(response.body, any_text=True).get("error")
    except NotStrictJson:
        error = None
    if not isinstance(error, dict):
        return Envelope(False, clean(response.body[:200].decode("utf-8", "replace"), 200))
    return Envelope(True, _text(error, "message"), _text(error, "type"), _text(error, "code"))


def read_trouble(response: Response) -> Troubled:
    """What an answer that is not the one asked for means for our asking."""
    if 300 <= response.status < 400:
        where = clean(response.headers.get("location", "nowhere"), 200)
        return Troubled(Trouble.REDIRECTED, f"redirected to {where}; redirects are not followed", response.status)
    envelope = read_envelope(response)
    trouble, about_source = _meaning(response.status)
    is_nowhere = response.status == 404 and envelope.is_about_address
    return Troubled(
        trouble,
        f"HTTP {response.status}: {envelope}{_NOWHERE if is_nowhere else ''}",
        response.status,
        retry_after(response.headers),
        about_source=about_source,
    )


def _meaning(status: int) -> tuple[Trouble, bool]:
    """Whose trouble it is, and whether every other question would go the same way.

    A 429 is about the rate or, as `insufficient_quota`, about what the account has paid for: either way about all of it.
    """
    if status == 429:
        return Trouble.RATE_LIMITED, True
    if status in (401, 403):
        return Trouble.KEY_REFUSED, True
    return (Trouble.GATEWAY if status >= 500 or status == 408 else Trouble.REQUEST), False


def _text(document: dict[str, Any], key: str) -> str:
    value = document.get(key)
    return clean(value, 300) if isinstance(value, str) else ""
