"""Thunderbit's signatures (contract 9.2), keyed with the whole secret as text: v2 is the padded base64 of HMAC-SHA256 over
`timestamp.body`, v1 the lower-case hex of one over the body alone. Both stand under the same name, after `sha256=`.

A source takes v1 only where its options say so: it signs no time, so that an old request could be sent again for ever. The
event's name is not signed by either. One that we do not know is kept without effect: else a request that is sent again under
another name would pass for news (contract 9.4).
"""

import base64
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from schemas.dialects.dialect import Headers
from schemas.dialects.orders import SignedRequest
from schemas.dialects.thunderbit.delivery_key import EVENT
from schemas.dialects.thunderbit.options import Scheme
from schemas.dialects.thunderbit.push import read_push
from schemas.readings import Refused, Report, Verified
from schemas.texts import clean
from schemas.times import MINUTE
from schemas.words import RefusalReason

SIGNATURE, TIMESTAMP, EVENT_NAME = b"x-webhook-signature", b"x-webhook-timestamp", b"x-webhook-event"
FUTURE = 5 * MINUTE  # a retry may be as old as the tolerance says, but is never from later (contract 9.3)

_PREFIX = b"sha256="
_FORMS = {"v2": re.compile(rb"sha256=[A-Za-z0-9+/]{43}="), "v1": re.compile(rb"sha256=[0-9a-f]{64}")}
_SCHEMES: Mapping[Scheme, tuple[str, ...]] = {"v2": ("v2",), "v1": ("v1",), "v2+v1": ("v2", "v1")}
_MILLISECONDS = re.compile(rb"[0-9]{1,16}")
_MILLISECOND = 1_000  # in microseconds


@dataclass(frozen=True, slots=True)
class Terms:
    """How one source's webhooks are checked. `tolerance` in microseconds."""

    source: str
    scheme: Scheme
    tolerance: int


def verify(headers: Headers, body: bytes, secrets: Sequence[bytes], terms: Terms, now: int) -> Verified | Refused:
    """Check one request. Never raises."""
    signature = _only(headers, SIGNATURE, RefusalReason.SIGNATURE_MISSING, RefusalReason.SIGNATURE_DOUBLED)
    if isinstance(signature, Refused):
        return signature
    scheme = next((one for one in _SCHEMES[terms.scheme] if _FORMS[one].fullmatch(signature)), None)
    if scheme is None:
        return Refused(RefusalReason.SIGNATURE_MALFORMED)
    stamp: bytes | None = None
    if scheme == "v2":
        found = _only(headers, TIMESTAMP, RefusalReason.TIMESTAMP_MISSING, RefusalReason.TIMESTAMP_DOUBLED)
        if isinstance(found, Refused):
            return found
        if not _MILLISECONDS.fullmatch(found):
            return Refused(RefusalReason.TIMESTAMP_MALFORMED)
        stamp = found
    matching = _matching(signature, stamp, body, secrets)
    if matching is None:
        return Refused(RefusalReason.SIGNATURE_WRONG)
    signed_at = None if stamp is None else int(stamp) * _MILLISECOND
    stale = None if signed_at is None else _why_not_fresh(signed_at, terms.tolerance, now)
    return stale or _understood(headers, body, terms.source, matching, signed_at)


def sign(secret: bytes, body: bytes, scheme: Scheme, now: int) -> SignedRequest:
    """A request as the provider would send it now; where either scheme is taken, as it does today."""
    stamp = None if scheme == "v1" else str(now // _MILLISECOND).encode()
    told = {TIMESTAMP: stamp, EVENT_NAME: EVENT.encode(), SIGNATURE: _signature(secret, stamp, body)}
    headers = {name.decode(): value.decode() for name, value in told.items() if value is not None}
    return SignedRequest((("content-type", "application/json"), *headers.items()), body)


def _only(headers: Headers, name: bytes, missing: RefusalReason, doubled: RefusalReason) -> bytes | Refused:
    values = [value for header, value in headers if header == name]
    if not values:
        return Refused(missing)
    return values[0] if len(values) == 1 else Refused(doubled)


def _matching(signature: bytes, stamp: bytes | None, body: bytes, secrets: Sequence[bytes]) -> int | None:
    """Which secret signed this. Every secret is tried, whichever matches, so that time tells nothing."""
    found = None
    for index, secret in enumerate(secrets):
        if hmac.compare_digest(_signature(secret, stamp, body), signature) and found is None:
            found = index
    return found


def _signature(secret: bytes, stamp: bytes | None, body: bytes) -> bytes:
    """By v2 over a timestamp, as its header has it, and by v1 without."""
    if stamp is None:
        return _PREFIX + hmac.digest(secret, body, "sha256").hex().encode()
    return _PREFIX + base64.b64encode(hmac.digest(secret, stamp + b"." + body, "sha256"))


def _why_not_fresh(signed_at: int, tolerance: int, now: int) -> Refused | None:
    if now - signed_at > tolerance:
        return Refused(RefusalReason.TIMESTAMP_STALE)
    return Refused(RefusalReason.TIMESTAMP_FUTURE) if signed_at - now > min(tolerance, FUTURE) else None


def _understood(headers: Headers, body: bytes, source: str, secret_index: int, signed_at: int | None) -> Verified:
    event = b", ".join(value for header, value in headers if header == EVENT_NAME).decode("ascii", "replace")
    if event.strip().lower() not in ("", EVENT):
        why = f"x-webhook-event says {clean(event, 64)}, and only {EVENT} is known"
        return Verified(None, Report(), secret_index, signed_at, unreadable=why)
    read = read_push(source, body)
    if isinstance(read, str):
        return Verified(None, Report(), secret_index, signed_at, unreadable=read)
    identity, report = read
    return Verified(identity, report, secret_index, signed_at)
