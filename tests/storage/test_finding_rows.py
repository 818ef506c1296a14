"""Findings about sources: one row each, opened, seen, closed, and opened again with another revision."""

from stored import NOON, Run, everything, within

from schemas.tables import FindingRow
from schemas.times import MINUTE
from storage import findings
from storage.findings import Found
from storage.store import Store

SILENT = Found("webhooks_silent", "", "3 jobs ended unheard", [{"name": "unheard_ends", "value": 3}])
LOUDER = Found("webhooks_silent", "", "4 jobs ended unheard", [])
KEY, WAY = (Found("asking_fails", subject, "HTTP 401", []) for subject in ("key_refused", "gateway"))


def test_a_life(store: Store, run: Run) -> None:
    """A finding opens once, says what it says now, closes when it is found no more, and opens again as another revision."""

    async def sync(at: int, *found: Found, undecided: tuple[str, ...] = ()) -> list[tuple[str, int | None]]:
        changed = await within(store.writing(), findings.sync, "acme", found, store.new_id, NOON + at, undecided)
        return [(row.message, row.closed_at) for row in changed]

    async def flow() -> None:
        assert await sync(0, SILENT) == [(SILENT.message, None)]
        assert await sync(1, LOUDER) == []
        (row,) = await everything(store, FindingRow)
        assert (row.message, row.revision, row.began_at, row.seen_at) == (LOUDER.message, 1, NOON, NOON + 1)
        assert await sync(2, undecided=("webhooks_silent",)) == []
        assert await sync(3) == [(LOUDER.message, NOON + 3)]
        assert await sync(4) == []
        assert await sync(5, SILENT) == [(SILENT.message, None)]
        (again,) = await everything(store, FindingRow)
        assert (again.id, again.revision, again.began_at, again.closed_at) == (row.id, 2, NOON + 5, None)

    run(flow())


def test_each_apart(store: Store, run: Run) -> None:
    """Several of one rule are told apart by subject, and one source's are not another's."""

    async def flow() -> None:
        await within(store.writing(), findings.sync, "acme", [KEY, WAY], store.new_id, NOON)
        await within(store.writing(), findings.sync, "beta", [WAY], store.new_id, NOON)
        await within(store.writing(), findings.sync, "acme", [WAY], store.new_id, NOON + MINUTE)
        standing = await within(store.reading(), findings.of_sources, ["acme", "beta", "gamma"])
        rows = await within(store.reading(), findings.of_source, "acme")

        assert {name: [row.subject for row in found] for name, found in standing.items()} == {
            "acme": ["gateway"],
            "beta": ["gateway"],
            "gamma": [],
        }
        assert [(row.subject, row.closed_at) for row in rows] == [("gateway", None), ("key_refused", NOON + MINUTE)]

    run(flow())
