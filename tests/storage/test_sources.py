"""Sources as they went here: entered once, and told what is wrong with asking them."""

from stored import NOON, Run, within

from schemas.times import MINUTE
from storage import sources
from storage.store import Store


def test_entered_once(store: Store, run: Run) -> None:
    """A source keeps since when it is listened to, and what is wrong with it; only its dialect follows the configuration."""

    async def flow() -> None:
        await within(store.writing(), sources.enter, "acme", "phaseo", NOON)
        await within(store.writing(), sources.change, "acme", {"trouble": "key_refused", "trouble_since": NOON})
        await within(store.writing(), sources.enter, "acme", "other", NOON + MINUTE)
        found = await within(store.reading(), sources.get, "acme")

        assert found is not None
        assert (found.dialect, found.listening_since, found.trouble) == ("other", NOON, "key_refused")

    run(flow())


def test_each_alone(store: Store, run: Run) -> None:
    """A change is of one source, and they are listed by name."""

    async def flow() -> None:
        for name in ("beta", "alpha"):
            await within(store.writing(), sources.enter, name, "phaseo", NOON)
        await within(store.writing(), sources.change, "beta", {"trouble": "gateway"})
        listed = await within(store.reading(), sources.all_of_them)

        assert [(row.name, row.trouble) for row in listed] == [("alpha", None), ("beta", "gateway")]
        assert await within(store.reading(), sources.get, "gamma") is None

    run(flow())
