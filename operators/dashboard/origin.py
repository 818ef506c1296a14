"""Where a request comes from: a page of ours, or another site that made the browser send it. Pure."""

from collections.abc import Mapping
from urllib.parse import urlsplit

_OURS = frozenset({"same-origin", "none"})
_LONGEST = 1_000


def is_from_here(headers: Mapping[str, str]) -> bool:
    """Whether a form was sent by a page of ours, as far as the browser tells. One that tells nothing is not refused for that:
    every form carries a seal besides, and the cookie is not sent along from another site."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in _OURS
    origin = headers.get("origin", "null")
    # Under our policy to send no referrer, the origin of a form is "null" too.
    return origin == "null" or _authority(origin) == headers.get("host", "").lower()


def _authority(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return None


def is_local(path: str) -> bool:
    """Whether a path leads to a page of ours, and cannot be read as another host's address."""
    is_path = path.startswith("/") and not path.startswith("//") and "\\" not in path
    return is_path and path.isascii() and path.isprintable() and len(path) <= _LONGEST
