"""Anthropic's error answers, `{"type": "error", "error": {"type", "message", "details"}, "request_id"}` (`types/shared` and
`_exceptions.py` of the SDK), read for whom they speak about. Nobody stands behind this provider: what it says about a key is
about ours.
"""

from dataclasses import dataclass
from typing import Any

from schemas.dialects import documents
from schemas.dialects.members import mapping, text
from schemas.readings import Denied, Response, Troubled
from schemas.retry_after import retry_after
from schemas.strict_json import NotStrictJson, parse_object
from schemas.texts import clean
from schemas.words import Trouble

# 400s about who asks, by `details.error_code` (docstring of `batches.retrieve`).
_ABOUT_ACCOUNT = frozenset({"organization_on_hold", "claude_code_key_creator_not_member"})
# The SDK sends these again by itself, as it does 500 and more (`_base_client.py`).
_PASSING = frozenset({408, 409, 499})
_NOWHERE = "; that is no word about a batch, so see whether base_url is right (Anthropic's ends in /v1)"


@dataclass(frozen=True, slots=True)
class Envelope:
    """An error answer. `is_readable`: it has Anthropic's form; whatever has not may come from something in front of it."""

    is_readable: bool
    message: str
    type: str = ""
    code: str = ""

    def __str__(self) -> str:
        return clean(": ".join(part for part in (self.code or self.type, self.message) if part), 300) or "no message"


def read_envelope(response: Response) -> Envelope:
    """Name the envelope of a non-2xx answer. Anything can be one."""
    try:
        error: Any = parse_object(response.body, any_text=True).get("error")
    except NotStrictJson:
        error = None
    if not isinstance(error, dict):
        return Envelope(False, clean(response.body[:200].decode("utf-8", "replace"), 200))
    code = mapping(error.get("details")).get("error_code")
    message, kind = text(error.get("message"), 300), text(error.get("type"))
    return Envelope(True, message or "", kind or "", text(code) or "")


def denied(response: Response) -> Denied | None:
    """A 404 in Anthropic's own form: the key's workspace has no such batch, or no such results.

    An address that is not there is answered in the same form, as far as we know; `config check --online` finds that.
    """
    envelope = read_envelope(response)
    return Denied(str(envelope)) if response.status == 404 and envelope.type == "not_found_error" else None


def document_of(response: Response) -> dict[str, Any] | Troubled:
    """The body of a success; or what is wrong."""
    if not 200 <= response.status < 300:
        return read_trouble(response)
    return documents.document_of(response)


def read_trouble(response: Response) -> Troubled:
    """What an answer that is not the one asked for means for our asking."""
    if 300 <= response.status < 400:
        where = clean(response.headers.get("location", "nowhere"), 200)
        return Troubled(Trouble.REDIRECTED, f"redirected to {where}; redirects are not followed", response.status)
    envelope = read_envelope(response)
    trouble, about_source = _meaning(response.status, envelope.code)
    is_nowhere = response.status == 404 and denied(response) is None
    return Troubled(
        trouble,
        f"HTTP {response.status}: {envelope}{_NOWHERE if is_nowhere else ''}",
        response.status,
        retry_after(response.headers),
        about_source=about_source,
    )


def _meaning(status: int, code: str) -> tuple[Trouble, bool]:
    """Whose trouble it is, and whether every other question would go the same way. 529 is `overloaded_error`."""
    if status == 429:
        return Trouble.RATE_LIMITED, True
    if status in (401, 402, 403) or code in _ABOUT_ACCOUNT:
        return Trouble.KEY_REFUSED, True
    return (Trouble.GATEWAY if status >= 500 or status in _PASSING else Trouble.REQUEST), False
