"""Where a question may go: the configured origin, on a path that the dialect knows for that job, and nowhere else."""

from collections.abc import Sequence
from urllib.parse import quote, urlsplit


def segment(text: str) -> str:
    """A provider's id as one path segment. Nothing in it can end the segment or begin a query."""
    return quote(text, safe="")


def follow(base_url: str, offered: str | None, own_paths: Sequence[str]) -> tuple[str, str | None]:
    """Choose between a URL that a provider offered and our own.

    `own_paths` are absolute paths that name the job on the base URL's origin, the usual one first. Returns the URL to
    ask and, when the offered one was not followed, that one as the mismatch to record.
    """
    base = urlsplit(base_url)
    own = f"{base.scheme}://{base.netloc}{own_paths[0]}"
    if offered is None:
        return own, None
    for path in own_paths:
        if _names(offered, base_url, path):
            return f"{base.scheme}://{base.netloc}{path}", None
    return own, offered


def _names(offered: str, base_url: str, path: str) -> bool:
    try:
        theirs, base = urlsplit(offered), urlsplit(base_url)
        same_origin = (theirs.scheme, theirs.hostname, _port(theirs)) == (base.scheme, base.hostname, _port(base))
        plain = theirs.username is None and theirs.password is None and "?" not in offered and "#" not in offered
    except ValueError:
        return False
    return same_origin and plain and theirs.path == path and offered.isascii() and offered.isprintable()


def _port(parts: object) -> int | None:
    port: int | None = parts.port  # type: ignore[attr-defined]
    return port if port is not None else {"http": 80, "https": 443}.get(parts.scheme)  # type: ignore[attr-defined]
