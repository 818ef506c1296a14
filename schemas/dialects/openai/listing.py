"""OpenAI's list of batches (`batches.list` of the SDK), all of the organization: 100 to a page, and what comes `after` an id."""

from schemas.dialects import id_pages
from schemas.dialects.openai.errors import read_trouble
from schemas.dialects.openai.objects import read_object
from schemas.dialects.urls import segment
from schemas.readings import Page, Question, Response, Troubled

MOST = 100


def list_page(base_url: str, cursor: str | None) -> Question:
    """`cursor` is the id of the last batch of the page before."""
    after = "" if cursor is None else f"&after={segment(cursor)}"
    return Question("GET", f"{base_url}/batches?limit={MOST}{after}")


def read_page(response: Response, cursor: str | None) -> Page | Troubled:
    if not 200 <= response.status < 300:
        return read_trouble(response)
    return id_pages.read_page(response, cursor, MOST, read_object)
