"""The sender's signature, by the words of Standard Webhooks, for every stand-in whose provider signs so.

It is written for the sandbox alone: the product verifies with code of its own. Were the two to share a line, they could be
wrong together.
"""

from base64 import b64decode, b64encode
from hashlib import sha256
from hmac import digest


def signed_headers(secret: str, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers. The key is what follows `whsec_`, decoded from base64; without that prefix it is the secret's text."""
    key = b64decode(secret.removeprefix("whsec_")) if secret.startswith("whsec_") else secret.encode()
    content = f"{message_id}.{timestamp}.".encode() + body
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{b64encode(digest(key, content, sha256)).decode()}",
    }
