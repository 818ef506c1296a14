"""Where a source asks: a path with `{job}` in it, on the origin of base_url and below its path, and nowhere else."""

from urllib.parse import urlsplit

from schemas.dialects.urls import segment

JOB = "{job}"
_PORTS = {"http": 80, "https": 443}


def why_no_template(text: str) -> str | None:
    """Why this cannot say where a job is asked about; None: it can."""
    if not text.isascii() or not text.isprintable() or " " in text or "\\" in text:
        return "this is not a path or a URL"
    if text.count(JOB) != 1 or text.count("{") != 1 or text.count("}") != 1:
        return f"it has to hold {JOB} once, in place of the job's id, and no other braces"
    if "#" in text:
        return "it has a fragment"
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return "this is not a path or a URL"
    if text.startswith("//") or not (text.startswith("/") or parts.scheme in _PORTS):
        return "it is neither a path that begins with / nor a URL that begins with https:// or http://"
    if "@" in parts.netloc:
        return "it holds a user name or a password"
    if JOB in parts.netloc or {".", ".."} & set(parts.path.split("/")):
        return "its host has to be the same for every job, and its path has no steps of . or .."
    return None


def is_below(template: str, base_url: str) -> bool:
    """Whether a template names a place on the origin of base_url and below its path."""
    ours, base = urlsplit(template), urlsplit(base_url)
    is_same_origin = not ours.netloc or _origin(template) == _origin(base_url)
    return is_same_origin and ours.path.startswith(f"{base.path.rstrip('/')}/")


def url_of(template: str, base_url: str, job_id: str) -> str:
    """The URL for one job. The origin is that of base_url, whatever the template says; nothing in an id ends its segment."""
    ours, base = urlsplit(template), urlsplit(base_url)
    query = f"?{ours.query}" if ours.query else ""
    return f"{base.scheme}://{base.netloc}{ours.path}{query}".replace(JOB, segment(job_id))


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)
