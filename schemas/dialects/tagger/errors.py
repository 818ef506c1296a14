"""The tagger's errors (contract 1.3, 11): `detail` is a text, or a list for a 422; what escapes inside it is plain text.

One status code can mean several things, told apart by the text alone: a 404 is about the job only where it says so, and a
403 is also the answer to a header that was lost.
"""

from dataclasses import replace
from typing import Any

from schemas.readings import Response, Troubled
from schemas.retry_after import retry_after
from schemas.strict_json import NotStrictJson, parse_object
from schemas.texts import clean
from schemas.words import Trouble

JOB_NOT_FOUND = "Job not found"
STALE_TOKEN = "Invalid or expired token"  # noqa: S105
DISABLED = "User account is disabled"
# To a header that is missing, or of another scheme (contract 1.3): we always send one.
HEADER_LOST = frozenset({"Not authenticated", "Invalid authentication credentials"})
# What a 403 is about the account and not about one thing that was asked for.
ABOUT_ACCOUNT = HEADER_LOST | {DISABLED}

_MOST_SHOWN = 3
_NOWHERE = "; nothing is at this address: see whether base_url is right, and whether the job's id holds a slash"
_LOST = "; our Authorization header did not arrive: see what stands between us and the tagger"


def read_detail(response: Response) -> str | None:
    """What `detail` says; of a list where and what, and never the input, which it repeats. None: there is none."""
    try:
        detail = parse_object(response.body, any_text=True).get("detail")
    except NotStrictJson:
        return None
    if isinstance(detail, list):
        return clean("; ".join(_entry(entry) for entry in detail[:_MOST_SHOWN]), 300) or None
    return clean(detail, 300) if isinstance(detail, str) and detail else None


def denies_job(response: Response) -> bool:
    """The tagger itself says that it knows no such job. Any other 404 is about the path (contract 3)."""
    return response.status == 404 and read_detail(response) == JOB_NOT_FOUND


def in_words(response: Response) -> str:
    """An error as it can be shown."""
    said = read_detail(response) or clean(response.body[:200].decode("utf-8", "replace"), 200) or "no message"
    return f"HTTP {response.status}: {said}"


def read_trouble(response: Response) -> Troubled:
    """What an answer that is no success means for our asking."""
    if 300 <= response.status < 400:
        where = clean(response.headers.get("location", "nowhere"), 200)
        return Troubled(Trouble.REDIRECTED, f"redirected to {where}; redirects are not followed", response.status)
    detail, said = read_detail(response), in_words(response)
    trouble = Troubled(Trouble.REQUEST, said, response.status, retry_after(response.headers))
    match response.status:
        case 401:
            return replace(trouble, trouble=Trouble.KEY_REFUSED, about_source=True)
        case 403 if detail in HEADER_LOST:
            return replace(trouble, message=said + _LOST, about_source=True)
        case 403:
            return replace(trouble, trouble=Trouble.KEY_REFUSED, about_source=True)
        case 404:
            return replace(trouble, message=said + _NOWHERE)
        case 429:  # the tagger has no limits (contract 11): somebody before it has
            return replace(trouble, trouble=Trouble.RATE_LIMITED, about_source=True)
        case status if status >= 500:
            return replace(trouble, trouble=Trouble.GATEWAY)
    return trouble


def unreadable(response: Response, what: str) -> Troubled:
    return Troubled(Trouble.UNREADABLE, what, response.status)


def read_document(response: Response) -> dict[str, Any] | Troubled:
    """The object of a success; what is none, or cannot be read, is trouble."""
    if not 200 <= response.status < 300:
        return read_trouble(response)
    try:
        return parse_object(response.body, any_text=True)
    except NotStrictJson as error:
        return unreadable(response, f"the answer is not readable: {error}")


def _entry(entry: object) -> str:
    """One entry of a 422: `body.config.num_tags: Input should be less than or equal to 15`."""
    if not isinstance(entry, dict):
        return ""
    place = entry.get("loc")
    where = ".".join(str(step) for step in place[:6] if isinstance(step, str | int)) if isinstance(place, list) else ""
    told = entry.get("msg")
    return f"{where}: {told}" if isinstance(told, str) else where
