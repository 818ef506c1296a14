"""Standard Webhooks as a sender makes them (its specification, 1.0.0), written for the sandbox alone.

The product verifies with code of its own. Were the two to share a line, they could be wrong together.
"""

import base64
from datetime import datetime
from hashlib import sha256
from hmac import digest

from sandbox.clock import unix


def signature(secret: str, message_id: str, timestamp: str, body: bytes) -> str:
    """`v1,` and base64 of HMAC-SHA256 over `id.timestamp.body`; the key is what stands in base64 after `whsec_`."""
    key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    signed = b".".join((message_id.encode(), timestamp.encode(), body))
    return "v1," + base64.b64encode(digest(key, signed, sha256)).decode()


def headers(secret: str, message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    timestamp = str(unix(at))
    return {
        "content-type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": signature(secret, message_id, timestamp, body),
    }
