"""Standard Webhooks, with secrets and headers as the options have them (contract of the other providers, 1 and note 1)."""

import base64
from collections.abc import Sequence
from hashlib import sha256

from schemas.dialects import standard_webhooks
from schemas.dialects.dialect import Headers
from schemas.dialects.orders import SignedRequest
from schemas.dialects.standard.options import WHOLE_TEXT, Options
from schemas.dialects.standard.push import Push, read_push
from schemas.dialects.standard_webhooks import PREFIX, STANDARD, SVIX
from schemas.presented import Presented
from schemas.readings import Refused, Report, Verified

_SENDERS = {"webhook": STANDARD, "svix": SVIX}


def present(headers: Headers, options: Options) -> Presented | Refused:
    """What one request presents. Never raises."""
    return standard_webhooks.present(headers, _SENDERS[options.header_prefix])


def check(
    presented: Presented, body: bytes, secrets: Sequence[bytes], tolerance: int, now: int, options: Options
) -> Verified | Refused:
    """Whether that is authentic and fresh; `tolerance` and `now` in microseconds. Never raises."""
    known = [_in_base64(secret, options) for secret in secrets]
    signed = standard_webhooks.check(presented, body, known, tolerance, now, _SENDERS[options.header_prefix])
    if isinstance(signed, Refused):
        return signed
    push = read_push(body, signed.message_id, options)
    if isinstance(push, Push):
        return Verified(push.identity, push.report, signed.secret_index, signed.signed_at)
    return Verified(None, Report(), signed.secret_index, signed.signed_at, unreadable=push)


def sign(secret: bytes, body: bytes, now: int, options: Options) -> SignedRequest:
    """A request as the provider would send it now. Its id goes by the body: sent again, it is the same message.

    Raises:
        ValueError: the secret makes no key, which the configuration refuses.
    """
    message_id = f"msg_{sha256(body).hexdigest()[:32]}"
    sender = _SENDERS[options.header_prefix]
    headers = standard_webhooks.sign(_in_base64(secret, options), message_id, body, now, sender)
    return SignedRequest((("content-type", "application/json"), *headers), body)


def why_not_secret(secret: str, options: Options) -> str | None:
    """What is wrong with a configured secret; None: nothing."""
    why = standard_webhooks.why_no_key(_in_base64(secret.encode("utf-8", "replace"), options))
    return (
        f'{why}; if the provider signs with the text itself, write secret = "text" among the options' if why else None
    )


def _in_base64(secret: bytes, options: Options) -> bytes:
    """The secret in the standard's own form."""
    return PREFIX + base64.b64encode(secret) if options.secret == WHOLE_TEXT else secret
