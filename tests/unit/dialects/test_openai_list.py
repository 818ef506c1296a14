"""OpenAI's list of batches: its pages, and how one leads to the next."""

import json
from typing import Any

import pytest

from schemas.dialects.openai import OpenAI
from schemas.readings import Page, Response, Troubled
from schemas.words import Trouble


def entry(number: int, **members: Any) -> dict[str, Any]:
    return {"id": f"batch_{number}", "object": "batch", "status": "completed", "created_at": 1_781_166_600, **members}


def page(entries: list[Any], cursor: str | None = None, **members: Any) -> Page:
    body = {"object": "list", "data": entries, **members}
    read = OpenAI().read_page(Response(200, {}, json.dumps(body).encode()), cursor)
    assert isinstance(read, Page)
    return read


def test_an_entry_is_a_whole_batch() -> None:
    """An entry shows our token, too: a create whose answer was lost is found by it."""
    token = {"metadata": {"batchkeeper_submission": "sub_7"}}
    (seen,) = page([entry(1, **token, input_file_id="file-1")], has_more=False).observations

    assert (seen.job_id, seen.submission, seen.input_file_id) == ("batch_1", "sub_7", "file-1")


@pytest.mark.parametrize(
    ("entries", "members", "cursor", "is_full"),
    [
        ([entry(1), entry(2)], {"has_more": True, "last_id": "batch_2"}, "batch_2", True),
        ([entry(1), entry(2)], {"has_more": True}, "batch_2", True),
        ([entry(1), entry(2)], {"has_more": True, "last_id": None}, "batch_2", True),
        ([entry(1), entry(2)], {"has_more": False, "last_id": "batch_2"}, None, False),
        ([entry(1)], {}, None, False),
        ([entry(n) for n in range(100)], {}, "batch_99", True),
        ([], {"has_more": True}, None, True),
        ([entry(1), "nonsense"], {"has_more": True}, None, True),
        ([entry(1)], {"has_more": "yes"}, None, False),
    ],
)
def test_is_there_another_page(entries: list[Any], members: dict[str, Any], cursor: str | None, is_full: bool) -> None:
    """As it says; where it does not say, a full page is taken for one of several. One that leads nowhere is said to be full."""
    read = page(entries, **members)

    assert (read.cursor, read.is_full, read.only) == (cursor, is_full, None)


def test_a_page_that_leads_to_itself() -> None:
    """A list that goes on where it has been is not followed, and the look was not whole."""
    read = page([entry(1)], cursor="batch_1", has_more=True)

    assert read.cursor is None
    assert read.doubt


def test_entries_that_cannot_be_read() -> None:
    """Each is counted; a batch that stands there twice is seen once; nothing beyond a page is looked at."""
    read = page([entry(1), entry(1), None, {"id": 3}, entry(2, status=None)], has_more=False)

    assert ([seen.job_id for seen in read.observations], read.unreadable) == (["batch_1"], 3)
    assert len(page([entry(n) for n in range(150)]).observations) == 100


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"data": {}}', b'{"data": null}', b"<html>"])
def test_no_list(body: bytes) -> None:
    """Without entries it is none."""
    read = OpenAI().read_page(Response(200, {}, body))

    assert isinstance(read, Troubled)
    assert read.trouble is Trouble.UNREADABLE
