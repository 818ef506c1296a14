"""Standard Webhooks 1.0.0 with a shared secret (contract of the other providers, 1 and 6): base64 of HMAC-SHA256 over
`id.timestamp.body`, in a list of `v1,...` of which any one may match. For every dialect whose provider sends so.

Id, timestamp and body are signed, and nothing else. The asymmetric `v1a` is not spoken.
"""

import base64
import binascii
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from schemas.dialects.dialect import Headers
from schemas.dialects.once import once
from schemas.presented import Presented, hashed, which_signed
from schemas.readings import Refused
from schemas.times import SECOND
from schemas.words import RefusalReason

PREFIX = b"whsec_"
SCHEME = "standard webhooks v1"
MOST_SIGNATURES = 16  # that are looked at, in one header; a rotation needs two

# A full stop in the id would let a stranger move the borders between the parts of what was signed once (specification,
# "Signature scheme").
_MESSAGE_ID = re.compile(rb"[!-\-/-~]{1,256}")
_SECONDS = re.compile(rb"[0-9]{10}")
_V1 = re.compile(rb"v1,([A-Za-z0-9+/]{43}=)")


@dataclass(frozen=True, slots=True)
class Sender:
    """What differs from sender to sender.

    `prefixes`: how the names of its three headers begin, in the order in which they are looked for; a request is read under
    one of them. `has_plain_secrets`: a secret without `whsec_` is the key itself, as UTF-8 text, and not base64.
    """

    prefixes: tuple[bytes, ...] = (b"webhook-",)
    has_plain_secrets: bool = False


STANDARD = Sender()
SVIX = Sender(prefixes=(b"svix-", b"webhook-"))


class Signed(NamedTuple):
    """The request is authentic and fresh. `signed_at` in microseconds, by the sender's clock."""

    message_id: str
    secret_index: int
    signed_at: int


def verify(
    headers: Headers, body: bytes, secrets: Sequence[bytes], tolerance: int, now: int, sender: Sender = STANDARD
) -> Signed | Refused:
    """Check one request; `tolerance` in microseconds, either side, inclusive. Headers as ASGI gives them. Never raises."""
    presented = present(headers, sender)
    return presented if isinstance(presented, Refused) else check(presented, body, secrets, tolerance, now, sender)


def present(headers: Headers, sender: Sender = STANDARD) -> Presented | Refused:
    """What one request presents. Never raises. The id is a part of what is signed, and refused in the words for a signature."""
    values = dict(headers)
    prefix = _family(values, sender)
    signature = once(
        headers, values, prefix + b"signature", RefusalReason.SIGNATURE_MISSING, RefusalReason.SIGNATURE_DOUBLED
    )
    named = once(headers, values, prefix + b"id", RefusalReason.SIGNATURE_MISSING, RefusalReason.SIGNATURE_DOUBLED)
    stamp = once(
        headers, values, prefix + b"timestamp", RefusalReason.TIMESTAMP_MISSING, RefusalReason.TIMESTAMP_DOUBLED
    )
    if isinstance(signature, Refused):
        return signature
    if isinstance(named, Refused):
        return named
    if isinstance(stamp, Refused):
        return stamp
    offered = _offered(signature)
    if not offered or not _MESSAGE_ID.fullmatch(named):
        return Refused(RefusalReason.SIGNATURE_MALFORMED)
    if not _SECONDS.fullmatch(stamp):
        return Refused(RefusalReason.TIMESTAMP_MALFORMED)
    before = named + b"." + stamp + b"."
    return Presented(SCHEME, int(stamp) * SECOND, before, tuple([hashed(one) for one in offered]))


def check(
    presented: Presented,
    body: bytes,
    secrets: Sequence[bytes],
    tolerance: int,
    now: int,
    sender: Sender = STANDARD,
) -> Signed | Refused:
    """Whether that is authentic and fresh. Never raises. A secret that makes no key matches nothing."""
    signed_at = presented.signed_at
    if presented.scheme != SCHEME or signed_at is None:
        return Refused(RefusalReason.SIGNATURE_MALFORMED)
    keys = [key_of(secret, sender) for secret in secrets]
    right = [None if key is None else _signature(key, presented.before, body) for key in keys]
    matching = which_signed(presented, right)
    if matching is None:
        return Refused(RefusalReason.SIGNATURE_WRONG)
    if abs(now - signed_at) > tolerance:
        return Refused(RefusalReason.TIMESTAMP_STALE if signed_at < now else RefusalReason.TIMESTAMP_FUTURE)
    return Signed(presented.message_id or "", matching, signed_at)


def sign(
    secret: bytes, message_id: str, body: bytes, now: int, sender: Sender = STANDARD
) -> tuple[tuple[str, str], ...]:
    """The three headers that make a request authentic.

    Raises:
        ValueError: the secret makes no key; `why_no_key` says why.
    """
    key = key_of(secret, sender)
    if key is None:
        raise ValueError(f"nothing can be signed with this webhook secret: it {why_no_key(secret, sender)}")
    stamp, prefix = str(now // SECOND), sender.prefixes[0].decode()
    signature = _signature(key, f"{message_id}.{stamp}.".encode(), body).decode()
    told = {"id": message_id, "timestamp": stamp, "signature": f"v1,{signature}"}
    return tuple((prefix + name, value) for name, value in told.items())


def key_of(secret: bytes, sender: Sender = STANDARD) -> bytes | None:
    """The key that a secret stands for; None: it makes none. Base64 is strict: a lost `=` is a lost part of the secret."""
    if not secret.startswith(PREFIX) and sender.has_plain_secrets:
        return secret or None
    try:
        return base64.b64decode(secret.removeprefix(PREFIX), validate=True) or None
    except binascii.Error:
        return None


def why_no_key(secret: bytes, sender: Sender = STANDARD) -> str | None:
    """What is wrong with a secret, to follow upon its name, without showing any of it; None: nothing."""
    if key_of(secret, sender) is not None:
        return None
    return f"is not whole base64{' after whsec_' if secret.startswith(PREFIX) else ''}, so it makes no signing key"


def _family(values: Mapping[bytes, bytes], sender: Sender) -> bytes:
    """The prefix under which this request is signed; the sender's first where it is not signed at all."""
    return next((prefix for prefix in sender.prefixes if prefix + b"signature" in values), sender.prefixes[0])


def _offered(signature: bytes) -> list[bytes]:
    """The well-formed signatures of version 1. One of another version, or malformed, does not spoil those beside it."""
    found = (_V1.fullmatch(one) for one in signature.split(b" ", MOST_SIGNATURES)[:MOST_SIGNATURES])
    return [one.group(1) for one in found if one is not None]


def _signature(key: bytes, before: bytes, body: bytes) -> bytes:
    return base64.b64encode(hmac.digest(key, before + body, "sha256"))
