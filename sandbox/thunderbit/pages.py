"""What a page says: which URLs fail, and what the others give as Markdown or as a record (contract 4.1, 4.2)."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, parse_qs, urlsplit

MEMBER = "sandbox"
DEFAULT_ERROR = "SCRAPE_TIMEOUT"
ROW_ERRORS = (
    DEFAULT_ERROR,
    "SCRAPE_SSL_ERROR",
    "SCRAPE_DNS_RESOLUTION_ERROR",
    "SCRAPE_SITE_ERROR",
    "SCRAPE_EMPTY_CONTENT",
    "SCRAPE_CONTENT_TOO_LARGE",
    "SCRAPE_TARGET_FORBIDDEN",
    "SCRAPE_TARGET_NOT_FOUND",
    "SCRAPE_TARGET_RATE_LIMITED",
    "SCRAPE_UNSUPPORTED_FILE",
)


class BadUrl(ValueError):
    """The message says why."""


def _parts_of(url: str) -> SplitResult:
    """Its parts.

    Raises:
        BadUrl: not an http or https URL with a host.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        raise BadUrl(f"Not a URL: {url}") from None
    if parts.scheme not in {"http", "https"} or not host:
        raise BadUrl(f"Not an http or https URL: {url}")
    return parts


def error_of(url: str) -> str | None:
    """How the page fails: `?sandbox=fail`, or one of ROW_ERRORS instead of `fail`. None: it succeeds.

    Raises:
        BadUrl: not a URL, or it asks for a failure that there is not.
    """
    asked = parse_qs(_parts_of(url).query, keep_blank_values=True).get(MEMBER)
    if asked is None:
        return None
    error = DEFAULT_ERROR if asked[0] == "fail" else asked[0]
    if error not in ROW_ERRORS:
        raise BadUrl(f"There is no ?{MEMBER}={asked[0]}: say fail or one of {', '.join(ROW_ERRORS)}.")
    return error


def markdown(url: str) -> str:
    return f"# A page of the sandbox\n\nRead from <{url}>.\n"


def record(url: str, schema: Mapping[str, Any], index: int) -> dict[str, Any]:
    """One record with a value for each field; vendor types in capitals and plain JSON Schema are both understood."""
    fields = schema.get("properties", schema)
    named = fields if isinstance(fields, dict) else {}
    return {name: _value(name, wish, url, index) for name, wish in named.items()}


def _value(name: str, wish: Any, url: str, index: int) -> Any:
    type_ = str(wish.get("type", "text") if isinstance(wish, dict) else wish).lower()
    values: dict[str, Any] = {
        "number": index + 1,
        "integer": index + 1,
        "boolean": True,
        "url": url,
        "email": f"row{index + 1}@shop.example",
        "date": "2026-05-03",
    }
    return values.get(type_, f"{name} {index + 1}")
