"""Error answers of a provider that nobody has read: the HTTP status decides, and the words are only shown."""

from schemas.readings import Denied, Response, Troubled
from schemas.retry_after import retry_after
from schemas.strict_json import NotStrictJson, parse_object
from schemas.texts import clean
from schemas.words import Trouble

_NOWHERE = "; nothing seems to be at this address, so see whether base_url and the options' URLs are right"
_SHOWN = 200


def read_denied(response: Response) -> Denied | None:
    """A 404 or a 410 in JSON is about the job. Any other page may be about the address, and come from anybody on the way."""
    if response.status not in (404, 410):
        return None
    try:
        parse_object(response.body, any_text=True)
    except NotStrictJson:
        return None
    return Denied(words_of(response))


def read_trouble(response: Response) -> Troubled:
    """What an answer that is not the one asked for means for our asking."""
    if 300 <= response.status < 400:
        where = clean(response.headers.get("location", "nowhere"), _SHOWN)
        return Troubled(Trouble.REDIRECTED, f"redirected to {where}; redirects are not followed", response.status)
    trouble, about_source = _meaning(response.status)
    return Troubled(
        trouble,
        words_of(response) + (_NOWHERE if response.status in (404, 410) else ""),
        response.status,
        retry_after(response.headers),
        about_source=about_source,
    )


def words_of(response: Response) -> str:
    """The status and the beginning of what was said."""
    said = clean(response.body[:_SHOWN].decode("utf-8", "replace"), _SHOWN)
    return f"HTTP {response.status}: {said or 'no message'}"


def _meaning(status: int) -> tuple[Trouble, bool]:
    """Whose trouble it is, and whether every other question would go the same way. A 403 may be about one job alone."""
    if status == 429:
        return Trouble.RATE_LIMITED, True
    if status in (401, 403):
        return Trouble.KEY_REFUSED, status == 401
    return (Trouble.GATEWAY if status >= 500 or status == 408 else Trouble.REQUEST), False
