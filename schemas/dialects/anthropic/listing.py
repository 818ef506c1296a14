"""Anthropic's list of batches (`batches.list` of the SDK): all of the key's workspace, the newest first, and what comes after an
id. It could show 1,000 to a page; 100 are what fits an answer of the usual size."""

from schemas.dialects import id_pages
from schemas.dialects.anthropic.errors import read_trouble
from schemas.dialects.anthropic.objects import read_object
from schemas.dialects.urls import segment
from schemas.readings import Page, Question, Response, Troubled

MOST = 100


def list_page(base_url: str, cursor: str | None) -> Question:
    """`cursor` is the id of the last batch of the page before."""
    after = "" if cursor is None else f"&after_id={segment(cursor)}"
    return Question("GET", f"{base_url}/messages/batches?limit={MOST}{after}")


def read_page(response: Response, cursor: str | None) -> Page | Troubled:
    if not 200 <= response.status < 300:
        return read_trouble(response)
    return id_pages.read_page(response, cursor, MOST, read_object)
