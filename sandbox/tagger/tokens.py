"""Access tokens: JWTs signed with HMAC-SHA256 (contract 1.1)."""

import base64
import hmac
import json
from binascii import Error
from hashlib import sha256
from typing import Any

HEADER = {"alg": "HS256", "typ": "JWT"}


def signed(claims: dict[str, Any], secret: bytes) -> str:
    """The same claims make the same token, byte for byte."""
    content = f"{_written(HEADER)}.{_written(claims)}"
    return f"{content}.{_signature(content, secret)}"


def read_token(token: str, secret: bytes, now: float) -> dict[str, Any] | None:
    """The claims of a good access token; None for any other text. `now` is in Unix seconds, and there is no leeway."""
    content, _, signature = token.rpartition(".")
    if not hmac.compare_digest(_signature(content, secret).encode(), signature.encode("utf-8", "replace")):
        return None
    try:
        claims = json.loads(_bytes(content.partition(".")[2]))
    except (ValueError, Error):
        return None
    if not isinstance(claims, dict) or claims.get("type") != "access" or claims["exp"] <= now:
        return None
    return claims


def _written(part: dict[str, Any]) -> str:
    return _text(json.dumps(part, separators=(",", ":")).encode())


def _signature(content: str, secret: bytes) -> str:
    return _text(hmac.digest(secret, content.encode("utf-8", "replace"), sha256))


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
