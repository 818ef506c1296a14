"""Paging: the rows of a job that its provider shows page by page become a file like any other."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from typing import Protocol

from reconciler.naming import Naming
from schemas.config import Source
from schemas.contents import ResultPage
from schemas.dialects import Dialect
from schemas.jsonl import lines_of
from schemas.readings import Denied, Question, Response, Troubled
from schemas.tables import JobRow
from schemas.words import Trouble
from storage import submissions
from storage.files import Files
from storage.store import Store

MOST_PAGES = 1_000


class Asker(Protocol):
    """Whoever can ask a source: the reconciler that owns it, or an operator's command."""

    @property
    def source(self) -> Source: ...
    @property
    def dialect(self) -> Dialect: ...
    async def ask(self, question: Question) -> Response | Troubled: ...
    def spend(self) -> None:
        """One question more leaves than was taken as paid for."""
        ...


async def pages_of(asker: Asker, job: JobRow) -> AsyncIterator[ResultPage | Denied | Troubled]:
    """Each page of a job's rows, in order. What is no page is the last."""
    cursor: str | None = None
    for place in range(MOST_PAGES):
        if place:
            asker.spend()
        dialect, base_url = asker.dialect, asker.source.base_url
        questions = dialect.result_page(base_url, job.kind, job.job_id, job.polling_url, cursor)
        page = await _page(asker, job, questions)
        yield page
        if not isinstance(page, ResultPage) or page.cursor is None:
            return
        cursor = page.cursor
    yield Troubled(Trouble.UNREADABLE, f"its rows have more than {MOST_PAGES} pages")


async def _page(asker: Asker, job: JobRow, questions: Sequence[Question]) -> ResultPage | Denied | Troubled:
    page: ResultPage | Denied | Troubled = ResultPage()  # where there is nothing to ask, there are no rows
    for place, question in enumerate(questions):
        if place:
            asker.spend()
        response = await asker.ask(question)
        if not isinstance(response, Response):
            return response
        page = asker.dialect.read_result_page(job.kind, job.job_id, response, question)
        if not isinstance(page, Denied):
            break
    return page


async def naming_of(store: Store, files: Files, dialect: Dialect, job: JobRow) -> Naming:
    """The custom ids of what was asked, as far as the input is kept here.

    Raises:
        OSError: the files cannot be read at present.
    """
    async with store.reading() as connection:
        row = await submissions.get(connection, job.submission_id) if job.submission_id else None
    if row is None or row.staged_as is None:
        return Naming(())
    return Naming(await asyncio.to_thread(_asked, files, dialect, row.staged_as))


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


def lines_of_page(page: ResultPage, naming: Naming) -> Iterator[bytes]:
    """The rows of a page as lines of a file."""
    for one in page.rows:
        line = {"custom_id": naming.name(one.key), "row": one.row}
        yield json.dumps(line, ensure_ascii=False).encode("utf-8", "replace")
