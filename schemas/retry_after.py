"""Retry-After, as any HTTP answer may carry it."""

import re
from collections.abc import Mapping

from schemas.times import SECOND, parse_http_date


def retry_after(headers: Mapping[str, str]) -> int | None:
    """The wish in microseconds from now: seconds, or a date measured against the answer's own Date. Names in lower case."""
    value = headers.get("retry-after", "").strip()
    if re.fullmatch(r"[0-9]{1,9}", value):
        return int(value) * SECOND
    until, since = parse_http_date(value), parse_http_date(headers.get("date", ""))
    return None if until is None or since is None else until - since
