"""OpenAI's signature: Standard Webhooks, where a secret without `whsec_` is the key itself (contract 1)."""

from collections.abc import Sequence
from hashlib import sha256

from schemas.dialects import standard_webhooks
from schemas.dialects.dialect import Headers
from schemas.dialects.openai.push import Push, read_push
from schemas.dialects.orders import SignedRequest
from schemas.dialects.standard_webhooks import Sender
from schemas.presented import Presented
from schemas.readings import Refused, Report, Verified

SENDER = Sender(has_plain_secrets=True)


def present(headers: Headers) -> Presented | Refused:
    """What one request presents. Never raises."""
    return standard_webhooks.present(headers, SENDER)


def check(presented: Presented, body: bytes, secrets: Sequence[bytes], tolerance: int, now: int) -> Verified | Refused:
    """Whether that is authentic and fresh; `tolerance` and `now` in microseconds. Never raises."""
    signed = standard_webhooks.check(presented, body, secrets, tolerance, now, SENDER)
    if isinstance(signed, Refused):
        return signed
    push = read_push(body)
    if isinstance(push, Push):
        return Verified(push.identity, push.report, signed.secret_index, signed.signed_at)
    return Verified(None, Report(), signed.secret_index, signed.signed_at, unreadable=push)


def sign(secret: bytes, body: bytes, now: int) -> SignedRequest:
    """A request as OpenAI would send it now. Its `webhook-id` goes by the body: sent again, it is the same message.

    Raises:
        ValueError: the secret makes no key, which the configuration refuses.
    """
    message_id = f"wh_{sha256(body).hexdigest()[:32]}"
    headers = standard_webhooks.sign(secret, message_id, body, now, SENDER)
    return SignedRequest((("content-type", "application/json"), *headers), body)


def why_bad_secret(secret: str) -> str | None:
    """What is wrong with a configured secret; None: nothing."""
    return standard_webhooks.why_no_key(secret.encode("utf-8", "replace"), SENDER)
