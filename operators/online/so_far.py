"""The rows of a job that is not over, as far as its provider shows them now. Asked for, and kept nowhere."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from operators.errors import ProviderProblem
from operators.online.asking import client_for
from operators.parts import Part
from operators.results import Result
from reconciler.client import Client
from reconciler.owned import authorization_of, sockets_of
from reconciler.paging import lines_of_page, naming_of, pages_of
from reconciler.websocket import WebSocketClient, ask_whole
from schemas.config import Config, Source
from schemas.contents import ResultPage, ResultRow
from schemas.dialects import Dialect, dialect_of
from schemas.readings import Question, Response, Troubled
from schemas.tables import JobRow
from storage.files import files_for
from storage.store import Store


@dataclass(frozen=True, slots=True)
class _Asker:
    """Asks a source on behalf of a person."""

    source: Source
    dialect: Dialect
    client: Client
    sockets: WebSocketClient

    async def ask(self, question: Question) -> Response | Troubled:
        return await ask_whole(self.client, self.sockets, question)

    def spend(self) -> None:
        """A person's question counts with nobody's."""


async def rows_so_far(
    config: Config, store: Store, parts: Sequence[Part], clock: Callable[[], int]
) -> dict[int, list[Result]]:
    """By number of the job, the finished rows of those parts that run at a provider who shows them.

    Raises:
        ProviderProblem: it was asked, and did not show them.
    """
    found: dict[int, list[Result]] = {}
    for part in parts:
        if part.facts is None or part.facts.status.is_terminal:
            continue
        job = part.facts.job
        source = config.sources[job.source]
        if dialect_of(source).pages_results:
            found[job.id] = await _rows(config, source, store, job, clock)
    return found


async def _rows(config: Config, source: Source, store: Store, job: JobRow, clock: Callable[[], int]) -> list[Result]:
    dialect = dialect_of(source)
    naming = await naming_of(store, files_for(config.data), dialect, job)
    sockets = sockets_of(config, source, authorization_of(config, source, dialect, clock, keeps_tokens=False))
    found: list[Result] = []
    async with client_for(config, source, clock) as client:
        async for page in pages_of(_Asker(source, dialect, client, sockets), job):
            if not isinstance(page, ResultPage):
                raise ProviderProblem(f"{job.source} does not show the rows of {job.job_id} now: {page.message}")
            for line in lines_of_page(page, naming):
                row = dialect.read_row(line)
                if isinstance(row, ResultRow):
                    found.append(Result("succeeded" if row.succeeded else "failed", row, line))
    return found
