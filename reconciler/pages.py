"""Asking a source's list: the first page, and those after it as far as there are any and the budget allows."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from reconciler.owned import Owned
from schemas.readings import Observation, Page, Response, Troubled
from schemas.words import Trouble

Name = tuple[str, str]  # kind and provider's job id


@dataclass(frozen=True, slots=True)
class Listed:
    """What the list showed: its pages as one, and the trouble that ended the reading early, if any did.

    `page.is_full` says that there may be jobs which it does not show, and `message` why that is, to be shown.
    """

    page: Page
    trouble: Troubled | None = None
    message: str | None = None

    @property
    def is_in_vain(self) -> bool:
        """It brought trouble and nothing else."""
        return self.trouble is not None and not self.page.observations

    @property
    def is_refused(self) -> bool:
        """The question itself was refused, as by a gateway that has no list: another try would go the same way."""
        return self.trouble is not None and self.trouble.trouble is Trouble.REQUEST


def has_list(owned: Owned) -> bool:
    return owned.dialect.list_page(owned.source.base_url, None) is not None


async def read_list(owned: Owned, most: int, hoped: Collection[Name] | None = None) -> Listed:
    """Read up to so many pages, or fewer once all that one `hoped` to see was there.

    The first is taken as paid for; each further one is spent from the budget.
    """
    pages: list[Page] = []
    cursor: str | None = None
    while True:
        page = await _page(owned, cursor)
        if isinstance(page, Troubled):
            return together(pages, page)
        pages.append(page)
        cursor = page.cursor
        if cursor is None or (hoped is not None and _names(pages).issuperset(hoped)):
            return together(pages)
        if len(pages) == most:
            return together(pages, cut=f"no more than {most} pages of it are read")
        if not owned.budget.left(owned.clock(), 1):
            return together(pages, cut="the budget allowed no further page")
        owned.spend()


def together(pages: Sequence[Page], trouble: Troubled | None = None, cut: str | None = None) -> Listed:
    """Several pages as one. Of a job that several show the first counts. `cut` says what ended the reading, if not trouble."""
    seen: dict[Name, Observation] = {}
    for page in pages:
        for one in page.observations:
            seen.setdefault((one.kind, one.job_id), one)
    message = "; ".join(_gaps(pages, trouble, cut)) or None
    return Listed(Page(tuple(seen.values()), _unreadable(pages), is_full=message is not None), trouble, message)


def _gaps(pages: Sequence[Page], trouble: Troubled | None, cut: str | None) -> Iterator[str]:
    """What kept the look from being whole."""
    if any(page.is_full and page.only is None and page.cursor is None for page in pages):
        yield "its page is full"
    full = [page.only for page in pages if page.is_full and page.only is not None]
    if full:
        yield f"its page is full for {', '.join(full)}"
    yield from (page.doubt for page in pages if page.doubt)
    if trouble is not None:
        yield f"{'it ended early' if pages else 'it cannot be had'} ({trouble.trouble}): {trouble.message}"
    if cut is not None:
        yield cut


def _unreadable(pages: Sequence[Page]) -> int:
    """Entries that could not be read: those of one status stand on the page of every status as well, as far as that goes."""
    filtered = sum(page.unreadable for page in pages if page.only is not None)
    return max(filtered, sum(page.unreadable for page in pages if page.only is None))


def _names(pages: Sequence[Page]) -> set[Name]:
    return {(one.kind, one.job_id) for page in pages for one in page.observations}


async def _page(owned: Owned, cursor: str | None) -> Page | Troubled:
    question = owned.dialect.list_page(owned.source.base_url, cursor)
    if question is None:
        return Page()
    response = await owned.client.send(question)
    return owned.dialect.read_page(response, cursor) if isinstance(response, Response) else response
