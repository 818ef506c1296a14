"""The sender's signature and event id (contract 4.3 and 4.6), written for the sandbox alone.

The product verifies with code of its own. Were the two to share a line, they could be wrong together.
"""

import re
from hashlib import sha256
from hmac import digest

EVENT_ID_CHARACTERS = 160


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Lower-case hex HMAC-SHA256 of `timestamp.body`; the key is the whole secret, `whsec_` included."""
    return digest(secret.encode(), timestamp.encode() + b"." + body, sha256).hex()


def event_id(kind: str, job_id: str, delivery_key: str) -> str:
    """Stable over all attempts of one delivery; long job ids push the event's name over the edge."""
    joined = f"evt_{kind}_{job_id}_{delivery_key}"
    return re.sub(r"[^A-Za-z0-9_-]+", "_", joined)[:EVENT_ID_CHARACTERS]
