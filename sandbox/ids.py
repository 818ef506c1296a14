"""Identifiers: the gateway's are prefixed ULIDs, the provider's are prefixed hex and never the same."""

import secrets
import time

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def ulid() -> str:
    """26 upper-case characters: 48 bits of milliseconds, 80 random bits."""
    number = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    return "".join(CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))


def batch_id() -> str:
    return f"batch_{ulid()}"


def request_id() -> str:
    return f"G-{ulid()}"


def native_batch_id() -> str:
    return f"batch_{secrets.token_hex(16)}"


def native_video_id() -> str:
    return f"video_{secrets.token_hex(16)}"


def native_file_id() -> str:
    return f"file-{secrets.token_hex(12)}"
