"""Phaseo's signature (contract 4.3): lower-case hex of HMAC-SHA256 over `timestamp.body`, keyed with the whole secret as text.

Only the timestamp and the body are signed. Everything else that a header says is checked against the signed body and
believed from there.
"""

import hmac
import re
from collections.abc import Sequence

from schemas.dialects.dialect import Headers
from schemas.dialects.orders import SignedRequest
from schemas.dialects.phaseo.push import Push, read_push
from schemas.readings import Refused, Report, Verified
from schemas.times import SECOND
from schemas.words import RefusalReason

# The older family was sent until 2026-07-09 (contract 4.1). One request speaks one of them.
PREFIXES = (b"x-phaseo-", b"x-ai-stats-")
_SIGNATURE, _TIMESTAMP = b"signature", b"timestamp"
_DIGEST = re.compile(rb"[0-9a-fA-F]{64}")
_SECONDS = re.compile(rb"[0-9]{10}")


def verify(headers: Headers, body: bytes, secrets: Sequence[bytes], tolerance: int, now: int) -> Verified | Refused:
    """Check one request; `tolerance` either side, inclusive. Never raises."""
    told = [(name, value) for name, value in headers if name.startswith(PREFIXES)]
    prefix = _family(told)
    signature = _only(told, prefix + _SIGNATURE, RefusalReason.SIGNATURE_MISSING, RefusalReason.SIGNATURE_DOUBLED)
    stamp = _only(told, prefix + _TIMESTAMP, RefusalReason.TIMESTAMP_MISSING, RefusalReason.TIMESTAMP_DOUBLED)
    if isinstance(signature, Refused):
        return signature
    if isinstance(stamp, Refused):
        return stamp
    if not _DIGEST.fullmatch(signature):
        return Refused(RefusalReason.SIGNATURE_MALFORMED)
    if not _SECONDS.fullmatch(stamp):
        return Refused(RefusalReason.TIMESTAMP_MALFORMED)
    matching = _matching(signature.lower(), stamp, body, secrets)
    if matching is None:
        return Refused(RefusalReason.SIGNATURE_WRONG)
    signed_at = int(stamp) * SECOND
    if abs(now - signed_at) > tolerance:
        return Refused(RefusalReason.TIMESTAMP_STALE if signed_at < now else RefusalReason.TIMESTAMP_FUTURE)
    return _understood(told, prefix, body, matching, signed_at)


def sign(secret: bytes, body: bytes, now: int) -> SignedRequest:
    """A request as the gateway would send it now."""
    stamp = str(now // SECOND)
    push = read_push(body)
    hints = push.hints if isinstance(push, Push) else {}
    told = {
        **{name: value for name, value in hints.items() if value.isascii() and value.isprintable()},
        _TIMESTAMP: stamp,
        _SIGNATURE: _digest(secret, stamp.encode(), body).decode(),
    }
    headers = {
        "content-type": "application/json",
        "user-agent": "Phaseo-Async-Webhook/1.0",
        **{(PREFIXES[0] + name).decode(): value for name, value in told.items()},
    }
    return SignedRequest(tuple(headers.items()), body)


def _family(told: Headers) -> bytes:
    """The prefix under which this request is signed; today's where it is not signed at all."""
    names = [name for name, _ in told]
    return next((prefix for prefix in PREFIXES if prefix + _SIGNATURE in names), PREFIXES[0])


def _only(headers: Headers, name: bytes, missing: RefusalReason, doubled: RefusalReason) -> bytes | Refused:
    values = [value for header, value in headers if header == name]
    if not values:
        return Refused(missing)
    return values[0] if len(values) == 1 else Refused(doubled)


def _matching(signature: bytes, stamp: bytes, body: bytes, secrets: Sequence[bytes]) -> int | None:
    """Which secret signed this. Every secret is tried, whichever matches, so that time tells nothing."""
    found = None
    for index, secret in enumerate(secrets):
        if hmac.compare_digest(_digest(secret, stamp, body), signature) and found is None:
            found = index
    return found


def _digest(secret: bytes, stamp: bytes, body: bytes) -> bytes:
    return hmac.digest(secret, stamp + b"." + body, "sha256").hex().encode()


def _understood(told: Headers, prefix: bytes, body: bytes, secret_index: int, signed_at: int) -> Verified | Refused:
    """A header that repeats the body has to repeat it rightly, and those of the other family have no place beside it."""
    push = read_push(body)
    if isinstance(push, str):
        return Verified(None, Report(), secret_index, signed_at, unreadable=push)
    for header, value in told:
        said = push.hints.get(header[len(prefix) :])
        if not header.startswith(prefix) or (said is not None and value != said.encode()):
            return Refused(RefusalReason.HEADER_CONTRADICTS)
    return Verified(push.identity, push.report, secret_index, signed_at)
