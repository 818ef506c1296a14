"""How values are written on a page: times, ids, numbers, and whatever a provider sent. Pure."""

import json
import re
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup, escape

from operators.dashboard.charts import Column
from schemas.texts import clean
from schemas.times import SECOND, in_words, parse_rfc3339

LONGEST = 2_000
HEAD, TAIL = 15, 8  # of a long id: enough to tell it from its neighbours


def moment(time: str | None) -> str:
    """An RFC 3339 time as a person reads it, in UTC."""
    return "" if time is None else time[:19].replace("T", " ")


def ago(time: str | None, now: int) -> str:
    """How long ago a time was, or in how long it will be."""
    at = None if time is None else parse_rfc3339(time)
    if at is None:
        return ""
    return f"{in_words(now - at)} ago" if at <= now else f"in {in_words(at - now)}"


def is_past(time: str, now: int) -> bool:
    """Whether a time has come already: what is due then is due now."""
    return (parse_rfc3339(time) or 0) <= now


def apart(ahead_seconds: float | None) -> str:
    """How our clock and the provider's are apart."""
    if ahead_seconds is None:
        return "not told yet"
    words = in_words(round(abs(ahead_seconds) * SECOND))
    return "in step" if abs(ahead_seconds) < 1 else f"{words} {'ahead' if ahead_seconds > 0 else 'behind'}"


def cut(text: str) -> str:
    """A long id with its middle left out."""
    whole = clean(text, LONGEST)
    return whole if len(whole) <= HEAD + TAIL + 3 else f"{whole[:HEAD]}…{whole[-TAIL:]}"


def number(count: int | None) -> str:
    """A count with its thousands apart, by a space that does not break. As markup: other odd spaces are shown as escapes."""
    return "–" if count is None else Markup(f"{count:,}".replace(",", "&#8239;"))  # noqa: S704  (digits, and our own space)


def size(count: int | None) -> str:
    """Bytes in the unit that fits."""
    if count is None:
        return "–"
    left, unit = float(count), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if left < 1000:
            break
        left, unit = left / 1000, larger
    return f"{left:.0f} {unit}" if unit == "B" or left >= 100 else f"{left:.1f} {unit}"


def plain(value: Any) -> str:
    """Any value in one line: a time without fractions, a list of words with commas, what else has members as JSON."""
    if value is None or value in ("", [], {}):
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and not any(isinstance(one, dict | list) for one in value):
        return ", ".join(plain(one) for one in value)
    if isinstance(value, dict | list):
        return clean(json.dumps(value, ensure_ascii=False, sort_keys=True), LONGEST)
    is_time = isinstance(value, str) and len(value) > 19 and value[10] == "T" and parse_rfc3339(value) is not None
    return f"{moment(value)} UTC" if is_time else clean(str(value), LONGEST)


def with_code(text: str) -> Markup:
    """A sentence in which what stands between back-ticks is something to type."""
    parts = re.split("`([^`]+)`", clean(text, LONGEST))
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if n % 2 else escape(part) for n, part in enumerate(parts)
    )


def json_lines(value: Any) -> list[str]:
    """A value as JSON over several lines, each of which is safe to show."""
    return [clean(line, LONGEST) for line in json.dumps(value, ensure_ascii=False, indent=2).split("\n")]


def percent(part: int, whole: int) -> str:
    """A share, never rounded up to all of it."""
    if whole == 0:
        return "–"
    share = 100 * part / whole
    return f"{share:.0f} %" if part == whole else f"{min(share, 99.9):.1f} %"


def drawn(columns: Sequence[Column]) -> Markup:
    """The columns of a chart as SVG. Written here, for a template takes ten times as long for that many numbers."""
    return Markup("\n").join(_drawn(column) for column in columns)


def _drawn(column: Column) -> Markup:
    bars = "".join(
        f'<rect class="bar b-{bar.series}" x="{bar.x}" y="{bar.y}" width="{bar.width}" height="{bar.height}"/>'
        for bar in column.bars
    )
    told = escape(f"{moment(column.at)} UTC: {column.told}")
    return Markup(f"<g><title>{told}</title>{bars}</g>")  # noqa: S704  (series are words of ours, the rest are numbers)
