"""Thunderbit's errors (contract 8), read for whom they speak about. Codes are texts; which HTTP status comes with which code is
partly a guess of the contract, so that known codes go before it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from schemas.dialects import documents
from schemas.dialects.members import mapping, text
from schemas.dialects.thunderbit.rows import error_of
from schemas.readings import Denied, Response, Troubled
from schemas.retry_after import retry_after
from schemas.strict_json import NotStrictJson, parse_object
from schemas.texts import clean
from schemas.times import SECOND
from schemas.words import Trouble

_MILLISECONDS_FROM = 10**11  # a larger epoch cannot be one in seconds (contract 8)
_EPOCH = re.compile(r"[0-9]{1,16}", re.ASCII)
_NOWHERE = "; that is no word about a job, so see whether base_url is right (its path ends in /openapi/v1)"


@dataclass(frozen=True, slots=True)
class Envelope:
    """An error answer. Without a code it may come from anybody on the way."""

    code: str
    message: str

    def __str__(self) -> str:
        return clean(": ".join(part for part in (self.code, self.message) if part), 300) or "no message"


def read_envelope(response: Response) -> Envelope:
    """The error of an answer in any of its forms; anything can be one."""
    try:
        document = parse_object(response.body, any_text=True)
    except NotStrictJson:
        return Envelope("", clean(response.body[:200].decode("utf-8", "replace"), 200))
    code, message = error_of(document)
    message = message or text(document.get("message")) or ""
    return Envelope(code or "", "; ".join(part for part in (message, *_details(document)) if part))


def _details(document: Mapping[str, Any]) -> list[str]:
    """What is wrong with each field, where that is told (contract 8)."""
    details = mapping(mapping(document.get("error")).get("details"))
    return [f"{clean(name, 64)}: {told}" for name, value in list(details.items())[:8] if (told := text(value))]


def document_of(response: Response) -> dict[str, Any] | Troubled:
    """The body of a success; or what is wrong, which may be told in a success, too."""
    if not 200 <= response.status < 300:
        return read_trouble(response)
    document = documents.document_of(response)
    if isinstance(document, dict) and document.get("success") is False:
        return read_trouble(response)
    return document


def denied(response: Response) -> Denied | None:
    """The API's own word that it knows no such job. Any other 404 is about the address."""
    envelope = read_envelope(response)
    return Denied(str(envelope)) if response.status == 404 and envelope.code == "JOB_NOT_FOUND" else None


def read_trouble(response: Response) -> Troubled:
    """What an answer that is no success means for our asking."""
    if 300 <= response.status < 400:
        where = clean(response.headers.get("location", "nowhere"), 200)
        return Troubled(Trouble.REDIRECTED, f"redirected to {where}; redirects are not followed", response.status)
    envelope = read_envelope(response)
    trouble, about_source = _meaning(response.status, envelope.code)
    is_nowhere = response.status == 404 and envelope.code != "JOB_NOT_FOUND"
    message = f"HTTP {response.status}: {envelope}{_NOWHERE if is_nowhere else ''}"
    return Troubled(trouble, message, response.status, _wait(response), about_source)


def _meaning(status: int, code: str) -> tuple[Trouble, bool]:
    """Whose trouble it is, and whether every other question would go the same way."""
    if code == "SCRAPE_TARGET_RATE_LIMITED":  # by the site that was read, and not by the provider
        return Trouble.UPSTREAM, False
    if status == 429 or code == "RATE_LIMIT_EXCEEDED":
        return Trouble.RATE_LIMITED, True
    if status in (401, 402, 403):
        return Trouble.KEY_REFUSED, True
    return (Trouble.REQUEST if 400 <= status < 500 and status != 408 else Trouble.GATEWAY), False


def _wait(response: Response) -> int | None:
    """How long to wait, in microseconds, where the answer says so. Every answer tells when the account's minute is over, so
    that counts only where the minute is used up."""
    if (wish := retry_after(response.headers)) is not None:
        return wish
    told = response.headers.get("x-ratelimit-reset", "").strip()
    if response.status != 429 or not _EPOCH.fullmatch(told):
        return None
    epoch = int(told)
    resets_at = epoch * 1_000 if epoch > _MILLISECONDS_FROM else epoch * SECOND
    return resets_at - response.received_at if resets_at > response.received_at else None
