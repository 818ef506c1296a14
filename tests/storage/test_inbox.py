"""The inbox: receipts without a verdict, in the order in which they came, each with its delivery and its bytes."""

import random
from itertools import permutations, product
from typing import Any

import pytest
from stored import NOON, Run, a_receipt, everything, within

from schemas.tables import DeliveryRow, ReceiptRow
from schemas.times import MINUTE, SECOND
from schemas.words import Verdict
from storage import deliveries, inbox
from storage.listing import Part
from storage.store import Store


async def waiting(store: Store, now: int = NOON, limit: int = 10, source: str = "acme") -> list[inbox.Waiting]:
    return await within(store.reading(), inbox.waiting, source, now, limit)


async def judged(store: Store, receipt: ReceiptRow, verdict: Verdict) -> None:
    await within(store.writing(), inbox.set_verdict, receipt, verdict)


async def delivery_of(store: Store, receipt: ReceiptRow) -> Any:
    (found,) = [row for row in await everything(store, DeliveryRow) if row.id == receipt.delivery_id]
    return found


def test_order(store: Store, run: Run) -> None:
    """The oldest come first, of one source, no more than asked for, and only those without a verdict."""

    async def flow() -> None:
        made = [await a_receipt(store, f"b{number}", body=b"%d" % number) for number in range(4)]
        await a_receipt(store, "b9", source="other")
        await a_receipt(store, "b8", verdict=Verdict.AGREES)
        found = await waiting(store)

        assert [item.receipt for item in found] == made
        assert [item.delivery.job_id for item in found] == ["b0", "b1", "b2", "b3"]
        assert [item.body for item in found] == [b"0", b"1", b"2", b"3"]
        assert [item.receipt for item in await waiting(store, limit=2)] == made[:2]
        await judged(store, made[0], Verdict.STALE)
        assert [item.receipt for item in await waiting(store, limit=2)] == made[1:3]
        assert await waiting(store, source="nobody") == []

    run(flow())


def test_shared_bytes(store: Store, run: Run) -> None:
    """Receipts that share their bytes each come with them."""

    async def flow() -> None:
        first = await a_receipt(store, body=b"bytes")
        again = await a_receipt(store, same_bytes_as=first)

        assert [(item.receipt, item.body) for item in await waiting(store)] == [(first, b"bytes"), (again, b"bytes")]
        assert (await delivery_of(store, first)).times_received == 2

    run(flow())


def test_set_aside(store: Store, run: Run) -> None:
    """What was set aside stays away until its time is over, hides nobody meanwhile, and has its old place then."""

    async def flow() -> None:
        poison = [await a_receipt(store, f"p{number}") for number in range(3)]
        good = await a_receipt(store, "good")
        for receipt in poison:
            await within(store.writing(), inbox.set_aside, receipt.id, NOON + 5 * MINUTE)

        assert [item.receipt for item in await waiting(store, limit=2)] == [good]
        assert [item.receipt for item in await waiting(store, NOON + 5 * MINUTE - 1)] == [good]
        came_back = await waiting(store, NOON + 5 * MINUTE)
        assert [item.receipt.id for item in came_back] == [receipt.id for receipt in [*poison, good]]

    run(flow())


def test_verdict_strength_never_goes_down(store: Store, run: Run) -> None:
    """A delivery shows the strongest verdict of its receipts, in whatever order they are judged; each keeps its own."""

    async def flow() -> None:
        orders = [*product(Verdict, repeat=2), *random.Random(7).sample(list(permutations(Verdict)), 12)]
        for number, verdicts in enumerate(orders):
            receipts = [await a_receipt(store, f"b{number}") for _ in verdicts]
            async with store.writing() as connection:
                for position, (receipt, verdict) in enumerate(zip(receipts, verdicts, strict=True), 1):
                    await inbox.set_verdict(connection, receipt, verdict)
                    (shown,) = await deliveries.of_job(connection, ("acme", "batch", f"b{number}"))
                    assert shown.verdict == max(verdicts[:position], key=lambda word: word.strength)
                kept = await deliveries.receipts_of(connection, receipts[0].delivery_id, 10)
                assert [row.verdict for row in kept] == list(verdicts)

    run(flow())


def test_verdict_is_of_one_delivery(store: Store, run: Run) -> None:
    """A verdict touches its own receipt and its own delivery."""

    async def flow() -> None:
        one, two = await a_receipt(store, "b1"), await a_receipt(store, "b2")
        await judged(store, one, Verdict.CONFLICT)

        assert (await delivery_of(store, one)).verdict == Verdict.CONFLICT
        assert (await delivery_of(store, two)).verdict is None
        assert [item.receipt for item in await waiting(store)] == [two]

    run(flow())


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)])
def test_newest_report_is_shown(store: Store, run: Run, order: tuple[int, ...]) -> None:
    """A delivery shows what its newest receipt reports, even when an older one was set aside and is judged last."""

    async def flow() -> None:
        words = ["pending", "running", "completed"]
        receipts = [
            await a_receipt(store, at=NOON + number * SECOND, reported=word) for number, word in enumerate(words)
        ]
        for number in order:
            await judged(store, receipts[number], Verdict.AGREES)

        assert (await delivery_of(store, receipts[0])).reported_status == "completed"

    run(flow())


def test_deliveries_as_read(store: Store, run: Run) -> None:
    """The deliveries of a job, the receipts of a delivery, and the newest of all or of one source."""

    async def flow() -> None:
        one = await a_receipt(store, "b1", "batch.progress:50")
        two = await a_receipt(store, "b1", "batch.completed")
        again = await a_receipt(store, "b1", "batch.progress:50", same_bytes_as=one)
        three = await a_receipt(store, "b2", "batch.completed")
        other = await a_receipt(store, "b1", source="other")

        async def listed(query: Any, *arguments: Any) -> list[int]:
            return [row.id for row in await within(store.reading(), query, *arguments)]

        assert await listed(deliveries.of_job, ("acme", "batch", "b1")) == [one.delivery_id, two.delivery_id]
        assert await listed(deliveries.receipts_of, one.delivery_id, 10) == [one.id, again.id]
        assert await listed(deliveries.receipts_of, one.delivery_id, 1) == [one.id]
        assert await listed(deliveries.newest, Part(2)) == [other.delivery_id, three.delivery_id]
        assert await listed(deliveries.newest, Part(2), "acme") == [three.delivery_id, two.delivery_id]
        assert len(await listed(deliveries.newest, Part())) == 4

    run(flow())
