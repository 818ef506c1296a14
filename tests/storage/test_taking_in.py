"""Taking in what was refused: once, whole, beside whoever receives, and on disk as if it had been accepted at its arrival."""

import asyncio
from collections.abc import Sequence

import pytest
from ledgers import NOON, Fixed, accepted, all_of, poison
from stored import Another, Run

from schemas.times import MINUTE
from schemas.words import RefusalReason
from storage.engine import StoreAway
from storage.ledger import Kept, Refusal, RefusedRequest
from storage.ledger_tallies import Record
from storage.store import Store
from storage.taking_in import Again, TakingIn


def refuse(file: Fixed, store: Store, count: int) -> list[int]:
    """So many refused requests, as the receiver leaves them."""
    numbers = [store.new_id() for _ in range(count)]
    record = Record(
        Refusal("phaseo", RefusalReason.SIGNATURE_WRONG, 401, NOON, None, 2), RefusedRequest(b"{}", "{}", None, "n")
    )
    book = file.engine().book()
    with book.transaction():
        book.record([(number, record) for number in numbers])
    book.close()
    return numbers


def again(numbers: Sequence[int]) -> list[Again]:
    return [Again(number, accepted(f"batch_{place}", at=NOON + place)) for place, number in enumerate(numbers)]


def marked(file: Fixed) -> dict[int, int | None]:
    return dict(file.rows("SELECT id, receipt_id FROM refused_requests"))


def test_as_if_it_had_been_accepted(store: Store, run: Run, file: Fixed) -> None:
    """A receipt with the time of its arrival, its bytes, its counters; the refused request names it and gives its bytes up."""
    numbers = refuse(file, store, 2)
    kept: dict[int, Kept] = run(TakingIn(store).take_in(again(numbers), NOON + 99))

    assert marked(file) == {number: kept[number].receipt for number in numbers}
    assert file.rows("SELECT id, received_at FROM receipts ORDER BY id") == [
        (kept[number].receipt, NOON + place) for place, number in enumerate(numbers)
    ]
    assert [bytes(body) for (body,) in file.rows("SELECT body FROM bodies")] == [b"{}"] * 2
    assert file.rows("SELECT taken_in_at, body FROM refused_requests") == [(NOON + 99, b"")] * 2
    assert file.rows("SELECT taken_in_at, refusal_id FROM receipts ORDER BY id") == [
        (NOON + 99, one) for one in numbers
    ]
    assert file.rows("SELECT times_received, times_taken_in, taken_in_at FROM deliveries") == [(1, 1, NOON + 99)] * 2
    assert file.tallies() == {("phaseo", "taken_in"): 2}


def test_beside_what_was_accepted(store: Store, run: Run, file: Fixed) -> None:
    """Of a delivery that came by itself, too, only what was taken in counts as that, and only in the minute when it was."""
    numbers = refuse(file, store, 3)
    late = NOON + 5 * MINUTE

    async def story() -> None:
        async with file.ledger() as ledger:
            await all_of(ledger, accepted("batch_1", at=NOON))
        same = [Again(number, accepted("batch_1", at=NOON - 1)) for number in numbers[:2]]
        await TakingIn(store).take_in([*same, Again(numbers[2], accepted("batch_2", at=NOON))], late)

    run(story())
    assert sorted(file.rows("SELECT job_id, times_received, times_taken_in, taken_in_at FROM deliveries")) == [
        ("batch_1", 3, 2, late),
        ("batch_2", 1, 1, late),
    ]
    assert sorted(file.rows("SELECT minute, what, count FROM tallies")) == [
        (NOON // MINUTE, "accepted", 1),
        (late // MINUTE, "taken_in", 3),
    ]


def test_twice(store: Store, run: Run, file: Fixed) -> None:
    """What was taken in is not taken in once more, and what is not there cannot be."""
    numbers = refuse(file, store, 2)
    group = again([*numbers, 12345])

    assert set(run(TakingIn(store).take_in(group, NOON))) == set(numbers)
    assert run(TakingIn(store).take_in(group, NOON)) == {}
    assert len(file.rows("SELECT id FROM receipts")) == 2


def test_two_at_once(another: Another, run: Run, file: Fixed) -> None:
    """Two who take in the same take each in once between them."""
    one, other = another(), another()
    group = again(refuse(file, one, 40))

    async def story() -> list[dict[int, Kept]]:
        return await asyncio.gather(TakingIn(one).take_in(group, NOON), TakingIn(other).take_in(group, NOON))

    first, second = run(story())
    assert first.keys() | second.keys() == {each.refusal for each in group}
    assert not first.keys() & second.keys()
    assert len(file.rows("SELECT id FROM receipts")) == 40


def test_beside_a_receiver(store: Store, run: Run, file: Fixed) -> None:
    """While a receiver holds its lock and writes, both get through, and nothing is lost or doubled."""
    groups = [again(refuse(file, store, 10)) for _ in range(5)]

    async def story() -> None:
        async with file.ledger() as ledger:
            taking_in = TakingIn(store)

            async def take_in() -> None:
                for group in groups:
                    await taking_in.take_in(group, NOON)

            answers, _ = await asyncio.gather(
                all_of(ledger, *[accepted(f"live_{number}") for number in range(300)]), take_in()
            )
            assert all(isinstance(answer, Kept) for answer in answers)

    run(story())
    assert len(file.rows("SELECT id FROM receipts")) == 350
    assert len(file.rows("SELECT id FROM deliveries WHERE job_id LIKE 'live%'")) == 300


def test_whole_or_not_at_all(store: Store, run: Run, file: Fixed) -> None:
    """A group that the store cannot take leaves nothing, and no mark."""
    numbers = refuse(file, store, 2)
    group = [*again(numbers[:1]), Again(numbers[1], poison())]
    with pytest.raises(Exception, match="surrogates"):
        run(TakingIn(store).take_in(group, NOON))

    assert file.rows("SELECT id FROM receipts") == []
    assert marked(file) == dict.fromkeys(numbers)


def test_a_store_that_is_away(run: Run, file: Fixed, store: Store) -> None:
    """Whoever cannot write says so, as everybody does; afterwards it can be done."""
    numbers = refuse(file, store, 1)
    impatient = Store(file.engine(impatient=True), lambda: NOON)

    async def story() -> None:
        async with file.locked():
            with pytest.raises(StoreAway):
                await TakingIn(impatient).take_in(again(numbers), NOON)
        await TakingIn(impatient).take_in(again(numbers), NOON)
        await impatient.close()

    run(story())
    assert None not in marked(file).values()
