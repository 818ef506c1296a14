"""Phaseo's error envelopes (contract 1.3), read for whom they speak about.

The same status code can be about our key, our question, the gateway, or the provider behind it: an E3 401 is the
gateway's own account at that provider and says nothing of ours.
"""

from dataclasses import dataclass
from typing import Any

from schemas.readings import Response, Troubled
from schemas.retry_after import retry_after
from schemas.strict_json import NotStrictJson, parse_object
from schemas.texts import clean
from schemas.words import Trouble

_SERVER_REASONS = frozenset({"db_error", "server_misconfig_missing_pepper"})  # a 401 that is the gateway's own fault
# Switched off for everybody (G1) or not open to this account: no other question would fare better.
_CLOSED_REASONS = frozenset({"batch_api_temporarily_disabled"})
# The gateway's own words for what went wrong between it and the provider behind it.
_BEHIND_CODES = frozenset({"upstream_error", "upstream_outcome_unknown"})
# What the gateway's own envelopes always hold. Without it `error` is some provider's, whatever its shape.
_FLAT_MARKS = frozenset({"reason", "error_origin"})
_NESTED_MARKS = frozenset({"reason", "batch_id"})


@dataclass(frozen=True, slots=True)
class Envelope:
    """An error answer. `form`: `flat` (E1), `nested` (E2), `passed_on` (E3, the provider's own words), `upgrade` (E5: a
    live address, asked without an upgrade), `text` (E6, or whatever stands before the gateway). E4, on the routes of webhook
    endpoints, reads as `passed_on`, too: see `endpoints`.
    """

    form: str
    code: str
    reason: str
    message: str
    about: str = ""  # the batch or file id that it names
    is_from_behind: bool = False  # the gateway says that the fault lies with the provider behind it

    @property
    def is_passed_on(self) -> bool:
        return self.form == "passed_on"

    def __str__(self) -> str:
        words = [part for part in (self.code, self.reason, self.message) if part]
        return clean(": ".join(dict.fromkeys(words)), 300) or "no message"


def read_envelope(response: Response) -> Envelope:
    """Name the envelope of a non-2xx answer. Anything can be one."""
    try:
        document = parse_object(response.body, any_text=True)
    except NotStrictJson:
        return Envelope("text", "", "", clean(response.body[:200].decode("utf-8", "replace"), 200))
    error = document.get("error")
    if isinstance(error, str):
        form = "flat" if _FLAT_MARKS & document.keys() else "passed_on"
        about = _id(document, "batch_id") or _id(document, "file_id")
        message = _text(document, "message") or _text(document, "description")
        code, is_from_behind = _text(document, "error"), document.get("error_origin") == "upstream"
        return Envelope(form, code, _text(document, "reason"), message, about, is_from_behind)
    if isinstance(error, dict):
        code = _text(error, "type") or _text(error, "code")
        form = "nested" if _NESTED_MARKS & error.keys() else "passed_on"
        if code == "websocket_upgrade_required":
            form = "upgrade"
        reason, message, is_from_behind = _text(error, "reason"), _text(error, "message"), code in _BEHIND_CODES
        return Envelope(form, code, reason, message, _id(error, "batch_id"), is_from_behind)
    return Envelope("passed_on", "", "", "an error without an error object")


def read_trouble(response: Response) -> Troubled:
    """What a non-2xx answer, or one that should have been JSON and is not, means for our asking."""
    if 300 <= response.status < 400:
        where = clean(response.headers.get("location", "nowhere"), 200)
        return Troubled(Trouble.REDIRECTED, f"redirected to {where}; redirects are not followed", response.status)
    envelope = read_envelope(response)
    trouble, about_source = _meaning(response.status, envelope)
    is_nowhere = response.status == 404 and envelope.form == "text"
    return Troubled(
        trouble,
        f"HTTP {response.status}: {envelope}{_NOWHERE if is_nowhere else ''}",
        response.status,
        retry_after(response.headers),
        about_source=about_source,
    )


_NOWHERE = "; nothing is at this address, so see whether base_url is right (the gateway's ends in /v1)"


def _meaning(status: int, envelope: Envelope) -> tuple[Trouble, bool]:
    """Whose trouble it is, and whether every other question would go the same way."""
    if status == 429:  # nested, it is the quota of uploads
        return Trouble.RATE_LIMITED, envelope.form in ("flat", "text")
    if envelope.is_passed_on or envelope.is_from_behind:
        return Trouble.UPSTREAM, False
    if envelope.reason in _CLOSED_REASONS:
        return Trouble.GATEWAY, True
    if status == 401:
        at_fault = envelope.reason in _SERVER_REASONS
        return (Trouble.GATEWAY, False) if at_fault else (Trouble.KEY_REFUSED, True)
    # Nested, a 403 is about one provider that is not open to us; a guardrail blocks one request.
    if status == 403 and envelope.form != "nested" and envelope.code != "guardrail_blocked":
        return Trouble.KEY_REFUSED, True
    return (Trouble.GATEWAY, False) if status >= 500 else (Trouble.REQUEST, False)


def _text(document: dict[str, Any], key: str) -> str:
    value = document.get(key)
    return clean(value, 300) if isinstance(value, str) else ""


def _id(document: dict[str, Any], key: str) -> str:
    """An id as it stands: to be compared or checked, never to be shown."""
    value = document.get(key)
    return value if isinstance(value, str) else ""
