"""Where a webhook may go."""

from urllib.parse import urlsplit

import httpx

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def is_callback(url: str) -> bool:
    """https anywhere, and http to loopback only, as at the Phaseo stand-in. What could not be posted to is no callback."""
    try:
        parts, host = urlsplit(url), httpx.URL(url).host
        if not parts.hostname or not host or parts.port == 0:
            return False
    except (ValueError, httpx.InvalidURL):
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
