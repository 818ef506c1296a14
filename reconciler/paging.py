"""Paging: the rows of a job that its provider shows page by page become a file like any other."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence

from reconciler.naming import Naming
from reconciler.owned import Owned
from schemas.contents import ResultPage
from schemas.dialects import Dialect
from schemas.jsonl import lines_of
from schemas.readings import Denied, Question, Response, Troubled
from schemas.tables import JobRow
from schemas.words import Trouble
from storage import submissions
from storage.files import Files

MOST_PAGES = 1_000


async def pages_of(owned: Owned, job: JobRow) -> AsyncIterator[ResultPage | Denied | Troubled]:
    """Each page of a job's rows, in order. What is no page is the last."""
    cursor: str | None = None
    for _ in range(MOST_PAGES):
        dialect, base_url = owned.dialect, owned.source.base_url
        questions = dialect.result_page(base_url, job.kind, job.job_id, job.polling_url, cursor)
        page = await _page(owned, job, questions)
        yield page
        if not isinstance(page, ResultPage) or page.cursor is None:
            return
        cursor = page.cursor
    yield Troubled(Trouble.UNREADABLE, f"its rows have more than {MOST_PAGES} pages")


async def _page(owned: Owned, job: JobRow, questions: Sequence[Question]) -> ResultPage | Denied | Troubled:
    page: ResultPage | Denied | Troubled = Troubled(Trouble.REQUEST, "there is nothing to ask", was_sent=False)
    for question in questions:
        response = await owned.ask(question)
        if not isinstance(response, Response):
            return response
        page = owned.dialect.read_result_page(job.kind, job.job_id, response)
        if not isinstance(page, Denied):
            break
    return page


async def naming_of(owned: Owned, job: JobRow) -> Naming:
    """The custom ids of what was asked, as far as the input is kept here.

    Raises:
        OSError: the files cannot be read at present.
    """
    async with owned.store.reading() as connection:
        row = await submissions.get(connection, job.submission_id) if job.submission_id else None
    if row is None or row.staged_as is None:
        return Naming(())
    return Naming(await asyncio.to_thread(_asked, owned.files, owned.dialect, row.staged_as))


def _asked(files: Files, dialect: Dialect, staged_as: str) -> list[tuple[str, str]]:
    try:
        with files.open(staged_as) as stream:
            lines = [line.content or b"" for line in lines_of(stream)]
    except FileNotFoundError:
        return []
    return list(_named(dialect, lines))


def _named(dialect: Dialect, lines: Iterable[bytes]) -> Iterator[tuple[str, str]]:
    for place, line in enumerate(lines):
        key, custom_id = dialect.request_key(line, place), dialect.read_custom_id(line)
        if key is not None and custom_id is not None:
            yield key, custom_id


def lines_of_page(page: ResultPage, naming: Naming) -> bytes:
    """The rows of a page as lines of a file."""
    rows = ({"custom_id": naming.name(row.key), "row": row.row} for row in page.rows)
    return b"".join(json.dumps(row, ensure_ascii=False).encode("utf-8", "replace") + b"\n" for row in rows)
