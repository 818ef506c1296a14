"""From a template and its values to an answer: every value escaped, nothing left undefined, nothing that another origin sends."""

from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from operators.dashboard import writing
from operators.dashboard.failure_words import help_url, is_as_asked, trouble_url
from operators.dashboard.verdict_words import verdict_words
from schemas.texts import clean

HERE = Path(__file__).parent
LONGEST = 4_000
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
HEADERS: Mapping[str, str] = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
_FILES = {path.name: path.read_bytes() for path in sorted((HERE / "static").iterdir()) if path.suffix in _TYPES}
_DIGESTS = {name: sha256(content).hexdigest()[:16] for name, content in _FILES.items()}


def _shown(value: Any) -> Any:
    """What a template writes: without control characters, and bounded. Markup is what we made ourselves."""
    if isinstance(value, Markup):
        return value
    return "–" if value is None else clean(str(value), LONGEST)


def static_url(name: str) -> str:
    """A file of ours under the digest of its content, so that it may be kept for ever."""
    return f"/static/{_DIGESTS[name]}/{name}"


def in_path(text: str) -> str:
    """A text as one part of a path, or several: ids may hold slashes."""
    return quote(text, safe="/")


def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    filters: Mapping[str, Callable[..., Any]] = {
        "moment": writing.moment,
        "drawn": writing.drawn,
        "ago": writing.ago,
        "is_past": writing.is_past,
        "cut": writing.cut,
        "number": writing.number,
        "size": writing.size,
        "plain": writing.plain,
        "percent": writing.percent,
        "with_code": writing.with_code,
        "json_lines": writing.json_lines,
        "in_path": in_path,
        "apart": writing.apart,
        "verdict_words": verdict_words,
    }
    made.filters.update(filters)
    made.globals.update(static_url=static_url, help_url=help_url, trouble_url=trouble_url, is_as_asked=is_as_asked)
    return made


_TEMPLATES = _environment()


def render(template: str, values: Mapping[str, Any], status: int = 200) -> Response:
    """A whole page. Templates, like static files, are read once."""
    return HTMLResponse(_TEMPLATES.get_template(template).render(values), status, dict(HEADERS))


async def static(request: Request) -> Response:
    """A file of ours. Its address names its content, so whoever has it never asks again."""
    name = request.path_params["name"]
    if _DIGESTS.get(name) != request.path_params["digest"]:
        return Response(status_code=404, headers=dict(HEADERS))
    headers = {**HEADERS, "cache-control": "public, max-age=31536000, immutable"}
    return Response(_FILES[name], headers=headers, media_type=_TYPES[Path(name).suffix])
