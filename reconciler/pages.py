"""Asking a source's list: the first page, and those after it as far as there are any and the budget allows."""

from dataclasses import dataclass

from reconciler.owned import Owned
from schemas.readings import Observation, Page, Response, Troubled


@dataclass(frozen=True, slots=True)
class Listed:
    """What the list showed: its pages as one, and the trouble that ended the reading early, if any did.

    `page.is_full` says that there may be jobs which it does not show.
    """

    page: Page
    trouble: Troubled | None = None

    @property
    def is_in_vain(self) -> bool:
        """It brought trouble and nothing else."""
        return self.trouble is not None and not self.page.observations


def has_list(owned: Owned) -> bool:
    return owned.dialect.list_page(owned.source.base_url, None) is not None


async def read_list(owned: Owned, most: int) -> Listed:
    """Read up to so many pages. The first is taken as paid for; each further one is spent from the budget."""
    seen: dict[tuple[str, str], Observation] = {}
    unreadable, is_full, cursor = 0, False, None
    for number in range(most):
        if number:
            owned.spend()
        page = await _page(owned, cursor)
        if isinstance(page, Troubled):
            return Listed(Page(tuple(seen.values()), unreadable, is_full=True), page)
        for one in page.observations:
            seen.setdefault((one.kind, one.job_id), one)
        unreadable, is_full, cursor = unreadable + page.unreadable, page.is_full, page.cursor
        if cursor is None or not owned.budget.left(owned.clock(), 1):
            break
    return Listed(Page(tuple(seen.values()), unreadable, is_full or cursor is not None))


async def _page(owned: Owned, cursor: str | None) -> Page | Troubled:
    question = owned.dialect.list_page(owned.source.base_url, cursor)
    if question is None:
        return Page()
    response = await owned.client.send(question)
    return owned.dialect.read_page(response) if isinstance(response, Response) else response
