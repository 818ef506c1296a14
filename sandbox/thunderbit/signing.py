"""Thunderbit's two ways of signing a webhook (contract 9.2), written for the sandbox alone."""

from base64 import b64encode
from hashlib import sha256
from hmac import digest


def signature_v2(secret: str, timestamp: str, body: bytes) -> str:
    """`sha256=` and padded Base64 of HMAC-SHA256 over `timestamp.body`; the key is the whole secret as UTF-8."""
    return "sha256=" + b64encode(digest(secret.encode(), timestamp.encode() + b"." + body, sha256)).decode()


def signature_v1(secret: str, body: bytes) -> str:
    """`sha256=` and lower-case hex of HMAC-SHA256 over the body alone; the older scheme under the same header name."""
    return "sha256=" + digest(secret.encode(), body, sha256).hex()
