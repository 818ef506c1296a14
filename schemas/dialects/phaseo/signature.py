"""Phaseo's signature (contract 4.3): lower-case hex of HMAC-SHA256 over `timestamp.body`, keyed with the whole secret as text.

Only the timestamp and the body are signed. Everything else that a header says is checked against the signed body and
believed from there.
"""

import hmac
import re
from collections.abc import Mapping, Sequence

from schemas.dialects.dialect import Headers
from schemas.dialects.once import once
from schemas.dialects.orders import SignedRequest
from schemas.dialects.phaseo.push import HINTS, Push, read_push
from schemas.presented import Presented, hashed, which_signed
from schemas.readings import Refused, Report, Verified
from schemas.times import SECOND
from schemas.words import RefusalReason

# The older family was sent until 2026-07-09 (contract 4.1). One request speaks one of them.
PREFIXES = (b"x-phaseo-", b"x-ai-stats-")
SCHEME = "phaseo"
_SIGNATURE, _TIMESTAMP = b"signature", b"timestamp"
_DIGEST = re.compile(rb"[0-9a-fA-F]{64}")
_SECONDS = re.compile(rb"[0-9]{10}")
_SIGNATURES = {prefix: prefix + _SIGNATURE for prefix in PREFIXES}
_HINTS = {prefix: {prefix + name: name for name in HINTS} for prefix in PREFIXES}
_OTHER_FAMILY = (b"of the other family", b"")  # no header can be called so


def present(headers: Headers) -> Presented | Refused:
    """What one request presents. Never raises."""
    told = [(name, value) for name, value in headers if name.startswith(PREFIXES)]
    values = dict(told)
    prefix = _family(values)
    signature = once(
        told, values, _SIGNATURES[prefix], RefusalReason.SIGNATURE_MISSING, RefusalReason.SIGNATURE_DOUBLED
    )
    stamp = once(told, values, prefix + _TIMESTAMP, RefusalReason.TIMESTAMP_MISSING, RefusalReason.TIMESTAMP_DOUBLED)
    if isinstance(signature, Refused):
        return signature
    if isinstance(stamp, Refused):
        return stamp
    if not _DIGEST.fullmatch(signature):
        return Refused(RefusalReason.SIGNATURE_MALFORMED)
    if not _SECONDS.fullmatch(stamp):
        return Refused(RefusalReason.TIMESTAMP_MALFORMED)
    return Presented(SCHEME, int(stamp) * SECOND, stamp + b".", (hashed(signature.lower()),), _fields(told, prefix))


def check(presented: Presented, body: bytes, secrets: Sequence[bytes], tolerance: int, now: int) -> Verified | Refused:
    """Whether that is authentic and fresh; `tolerance` either side, inclusive. Never raises."""
    signed_at = presented.signed_at
    if presented.scheme != SCHEME or signed_at is None:
        return Refused(RefusalReason.SIGNATURE_MALFORMED)
    matching = which_signed(presented, [_digest(secret, presented.before, body) for secret in secrets])
    if matching is None:
        return Refused(RefusalReason.SIGNATURE_WRONG)
    if abs(now - signed_at) > tolerance:
        return Refused(RefusalReason.TIMESTAMP_STALE if signed_at < now else RefusalReason.TIMESTAMP_FUTURE)
    return _understood(presented, body, matching, signed_at)


def sign(secret: bytes, body: bytes, now: int) -> SignedRequest:
    """A request as the gateway would send it now."""
    stamp = str(now // SECOND)
    push = read_push(body)
    hints = push.hints if isinstance(push, Push) else {}
    told = {
        **{name: value for name, value in hints.items() if value.isascii() and value.isprintable()},
        _TIMESTAMP: stamp,
        _SIGNATURE: _digest(secret, stamp.encode() + b".", body).decode(),
    }
    headers = {
        "content-type": "application/json",
        "user-agent": "Phaseo-Async-Webhook/1.0",
        **{(PREFIXES[0] + name).decode(): value for name, value in told.items()},
    }
    return SignedRequest(tuple(headers.items()), body)


def _family(values: Mapping[bytes, bytes]) -> bytes:
    """The prefix under which this request is signed; today's where it is not signed at all."""
    return next((prefix for prefix, name in _SIGNATURES.items() if name in values), PREFIXES[0])


def _fields(told: Headers, prefix: bytes) -> tuple[tuple[bytes, bytes], ...]:
    """Those that repeat the body, without the prefix; of those of the other family, which are never right, that there is one."""
    named = _HINTS[prefix]
    fields = [(named[name], value) for name, value in told if name in named]
    if len(fields) + 2 < len(told) and any(not name.startswith(prefix) for name, _ in told):
        fields.append(_OTHER_FAMILY)
    return tuple(fields)


def _digest(secret: bytes, before: bytes, body: bytes) -> bytes:
    return hmac.digest(secret, before + body, "sha256").hex().encode()


def _understood(presented: Presented, body: bytes, secret_index: int, signed_at: int) -> Verified | Refused:
    """A header that repeats the body has to repeat it rightly, and those of the other family have no place beside it."""
    push = read_push(body)
    if isinstance(push, str):
        return Verified(None, Report(), secret_index, signed_at, unreadable=push)
    for name, value in presented.fields:
        said = push.hints.get(name)
        if name == _OTHER_FAMILY[0] or (said is not None and value != said.encode()):
            return Refused(RefusalReason.HEADER_CONTRADICTS)
    return Verified(push.identity, push.report, secret_index, signed_at)
