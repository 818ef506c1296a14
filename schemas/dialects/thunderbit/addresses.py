"""Where jobs stand (contract 1, 4): under one of two endpoints, neither of which knows the jobs of the other."""

from urllib.parse import urlsplit

from schemas.dialects.urls import follow, segment
from schemas.readings import Question

DISTILL, EXTRACT = ENDPOINTS = ("/batch/distill", "/batch/extract")


def root(base_url: str) -> str:
    """The API itself. Its path may be configured or left out: the vendor's own clients are told the host alone (contract 1)."""
    base = base_url.rstrip("/")
    return base if urlsplit(base).path.endswith("/v1") else f"{base}/openapi/v1"


def places(base_url: str, job_id: str, offered: str | None) -> tuple[tuple[str, str | None], ...]:
    """Where a job may stand: at the URL that it was seen at, else at either endpoint; each with an offered URL that is not
    followed."""
    top = root(base_url)
    paths = [f"{urlsplit(top).path}{endpoint}/{segment(job_id)}" for endpoint in ENDPOINTS]
    url, mismatch = follow(top, offered, paths)
    if offered is not None and mismatch is None:
        return ((url, None),)
    return tuple((follow(top, None, [path])[0], mismatch) for path in paths)


def place_of(asked: Question | None) -> str | None:
    """Where the job stands that a question was about."""
    return None if asked is None else asked.url.partition("?")[0]


def endpoint_of(place: str | None) -> str | None:
    """Under which endpoint a job stands."""
    above = urlsplit(place or "").path.rpartition("/")[0]
    return next((endpoint for endpoint in ENDPOINTS if above.endswith(endpoint)), None)
