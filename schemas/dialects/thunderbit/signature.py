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
from typing import NamedTuple

from schemas.dialects.dialect import Headers
from schemas.dialects.once import once
from schemas.dialects.orders import SignedRequest
from schemas.dialects.thunderbit.delivery_key import EVENT
from schemas.dialects.thunderbit.options import Scheme
from schemas.dialects.thunderbit.push import read_push
from schemas.presented import Presented, hashed, which_signed
from schemas.readings import Refused, Report, Verified
from schemas.texts import clean
from schemas.times import MINUTE
from schemas.words import RefusalReason

SIGNATURE, TIMESTAMP, EVENT_NAME = b"x-webhook-signature", b"x-webhook-timestamp", b"x-webhook-event"
FUTURE = 5 * MINUTE  # a retry may be as old as the tolerance says, but is never from later (contract 9.3)

_PREFIX = b"sha256="
_FORMS = {"v2": re.compile(rb"sha256=[A-Za-z0-9+/]{43}="), "v1": re.compile(rb"sha256=[0-9a-f]{64}")}
_SCHEMES: Mapping[Scheme, tuple[str, ...]] = {"v2": ("v2",), "v1": ("v1",), "v2+v1": ("v2", "v1")}
_NAMES = {"v2": "thunderbit v2", "v1": "thunderbit v1"}
_TAKEN = {scheme: tuple(_NAMES[form] for form in forms) for scheme, forms in _SCHEMES.items()}
_MILLISECONDS = re.compile(rb"[0-9]{1,16}")
_MILLISECOND = 1_000  # in microseconds


class Terms(NamedTuple):
    """How one source's webhooks are checked. `tolerance` in microseconds."""

    source: str
    scheme: Scheme
    tolerance: int


def present(headers: Headers, scheme: Scheme) -> Presented | Refused:
    """What one request presents, in a form that the source's `scheme` takes. Never raises."""
    values = dict(headers)
    signature = once(headers, values, SIGNATURE, RefusalReason.SIGNATURE_MISSING, RefusalReason.SIGNATURE_DOUBLED)
    if isinstance(signature, Refused):
        return signature
    form = next((one for one in _SCHEMES[scheme] if _FORMS[one].fullmatch(signature)), None)
    if form is None:
        return Refused(RefusalReason.SIGNATURE_MALFORMED)
    digests, names = (hashed(signature),), tuple([field for field in headers if field[0] == EVENT_NAME])
    if form == "v1":
        return Presented(_NAMES[form], None, b"", digests, names)
    stamp = once(headers, values, TIMESTAMP, RefusalReason.TIMESTAMP_MISSING, RefusalReason.TIMESTAMP_DOUBLED)
    if isinstance(stamp, Refused):
        return stamp
    if not _MILLISECONDS.fullmatch(stamp):
        return Refused(RefusalReason.TIMESTAMP_MALFORMED)
    return Presented(_NAMES[form], int(stamp) * _MILLISECOND, stamp + b".", digests, names)


def check(presented: Presented, body: bytes, secrets: Sequence[bytes], terms: Terms, now: int) -> Verified | Refused:
    """Whether that is authentic and fresh, by the source's terms. Never raises."""
    signed_at = presented.signed_at
    if presented.scheme not in _TAKEN[terms.scheme]:
        return Refused(RefusalReason.SIGNATURE_MALFORMED)
    before = None if signed_at is None else presented.before
    matching = which_signed(presented, [_signature(secret, before, body) for secret in secrets])
    if matching is None:
        return Refused(RefusalReason.SIGNATURE_WRONG)
    stale = None if signed_at is None else _why_not_fresh(signed_at, terms.tolerance, now)
    return stale or _understood(presented, body, terms.source, matching)


def sign(secret: bytes, body: bytes, scheme: Scheme, now: int) -> SignedRequest:
    """A request as the provider would send it now; where either scheme is taken, as it does today."""
    stamp = None if scheme == "v1" else str(now // _MILLISECOND).encode()
    before = None if stamp is None else stamp + b"."
    told = {TIMESTAMP: stamp, EVENT_NAME: EVENT.encode(), SIGNATURE: _signature(secret, before, body)}
    headers = {name.decode(): value.decode() for name, value in told.items() if value is not None}
    return SignedRequest((("content-type", "application/json"), *headers.items()), body)


def _signature(secret: bytes, before: bytes | None, body: bytes) -> bytes:
    """By v2 over a timestamp, as its header has it, and by v1 without."""
    if before is None:
        return _PREFIX + hmac.digest(secret, body, "sha256").hex().encode()
    return _PREFIX + base64.b64encode(hmac.digest(secret, before + body, "sha256"))


def _why_not_fresh(signed_at: int, tolerance: int, now: int) -> Refused | None:
    if now - signed_at > tolerance:
        return Refused(RefusalReason.TIMESTAMP_STALE)
    return Refused(RefusalReason.TIMESTAMP_FUTURE) if signed_at - now > min(tolerance, FUTURE) else None


def _understood(presented: Presented, body: bytes, source: str, secret_index: int) -> Verified:
    signed_at = presented.signed_at
    event = b", ".join(value for _, value in presented.fields).decode("ascii", "replace")
    if event.strip().lower() not in ("", EVENT):
        why = f"x-webhook-event says {clean(event, 64)}, and only {EVENT} is known"
        return Verified(None, Report(), secret_index, signed_at, unreadable=why)
    read = read_push(source, body)
    if isinstance(read, str):
        return Verified(None, Report(), secret_index, signed_at, unreadable=read)
    identity, report = read
    return Verified(identity, report, secret_index, signed_at)
