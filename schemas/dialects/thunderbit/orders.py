"""What may be ordered of Thunderbit (contract 4.1): rows that name URLs, and params that go along for all of them."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from schemas.dialects.orders import CheckedRequest
from schemas.dialects.thunderbit.addresses import DISTILL, ENDPOINTS, EXTRACT
from schemas.texts import clean

Check = Callable[[Any], str | None]

_WHICH = f"say which endpoint the rows are for: {' or '.join(ENDPOINTS)}"
_MEMBERS = frozenset({"custom_id", "url"})
_RENDER_MODES = ("none", "basic", "full", "advanced")  # the last is what one page calls the third
_COUNTRY = re.compile(r"[A-Za-z]{2}", re.ASCII)


def check_request(row: Mapping[str, Any], endpoint: str | None) -> CheckedRequest:
    return CheckedRequest(endpoint if endpoint in ENDPOINTS else None, tuple(_problems(row, endpoint)))


def _problems(row: Mapping[str, Any], endpoint: str | None) -> Iterator[str]:
    if endpoint not in ENDPOINTS:
        yield _WHICH if endpoint is None else f"{clean(endpoint, 80)} is no endpoint; {_WHICH}"
    if (why := _why_not_url(row.get("url"))) is not None:
        yield why
    for name in sorted(row.keys() - _MEMBERS):
        yield f"{clean(name, 80)} cannot stand in a row; what holds for all URLs of a job is given as params"


def _why_not_url(url: Any) -> str | None:
    if not isinstance(url, str) or not url:
        return "url is missing or no text; it names the page to read"
    if not url.isprintable() or " " in url:
        return f"url {clean(url, 80)} holds a space or what cannot be written; write it as %XX"
    try:
        parts = urlsplit(url)
        is_web = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_web = False
    return None if is_web else f"url {clean(url, 80)} is not an http:// or https:// URL with a host"


def why_not_order(endpoint: str, params: Mapping[str, Any]) -> str | None:
    """Everything that is wrong with an order; None: nothing is."""
    if endpoint not in ENDPOINTS:
        return f"{clean(endpoint, 80)} is no endpoint; {_WHICH}"
    checks = _CHECKS[endpoint]
    wrong = [_why_not_param(name, value, endpoint) for name, value in params.items()]
    if endpoint == EXTRACT and "schema" not in params:
        wrong.append(f"the param schema is missing; {EXTRACT} needs it to know what to extract")
    if params.keys() - checks.keys():
        wrong.append(f"params of {endpoint}: {', '.join(sorted(checks))}")
    return "; ".join(why for why in wrong if why is not None) or None


def _why_not_param(name: str, value: Any, endpoint: str) -> str | None:
    checks = _CHECKS[endpoint]
    if name in checks:
        why = checks[name](value)
        return None if why is None else f"the param {name} {why}"
    return f"the param {clean(name, 80)} {_REFUSED.get(name, f'is not one of {endpoint}')}"


def _whole(least: int, most: int) -> Check:
    def check(value: Any) -> str | None:
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        return None if is_whole and least <= value <= most else f"has to be a whole number from {least} to {most}"

    return check


def _flag(value: Any) -> str | None:
    return None if isinstance(value, bool) else "has to be true or false"


def _words(value: Any) -> str | None:
    is_words = isinstance(value, list) and all(isinstance(word, str) and word for word in value) and value
    return None if is_words else "has to be a list of words"


def _render_mode(value: Any) -> str | None:
    return None if value in _RENDER_MODES else f"has to be one of {', '.join(_RENDER_MODES)}"


def _country(value: Any) -> str | None:
    is_code = isinstance(value, str) and _COUNTRY.fullmatch(value)
    return None if is_code else 'has to be a country\'s code in two letters, such as "US"'


def _schema(value: Any) -> str | None:
    return None if isinstance(value, dict) and value else "has to be an object that names what to extract"


_OF_BOTH: Mapping[str, Check] = {
    "renderMode": _render_mode,
    "include": _words,
    "formats": _words,
    "forceRefresh": _flag,
}
_CHECKS: Mapping[str, Mapping[str, Check]] = {
    DISTILL: {
        **_OF_BOTH,
        "timeout": _whole(5_000, 60_000),
        "countryCode": _country,
        "includeHtml": _flag,
        "extractLinks": _flag,
    },
    EXTRACT: {**_OF_BOTH, "timeout": _whole(5_000, 120_000), "schema": _schema},
}
_BY_SOURCE = "cannot be given: where the news goes is configured for the source"
_REFUSED: Mapping[str, str] = {
    "urls": "cannot be given: the URLs are those of the rows",
    "webhook": _BY_SOURCE,
    "callback": _BY_SOURCE,
    "country_code": "is written countryCode here",
}
