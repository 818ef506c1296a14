"""What is kept of refused requests: within bounds, evenly shared, beside the refusals, and no longer than they."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from ledgers import NOON, Fixed, accepted, now, run
from stored import Clock, Run, everything, within

from schemas.ids import IdMaker
from schemas.tables import RefusalRow, RefusedRequestRow
from schemas.times import DAY, SECOND
from schemas.words import RefusalReason
from storage import ledger_tallies, refused_requests, retention
from storage.keeping import Keeping
from storage.ledger import NotStored, Refusal, RefusedRequest
from storage.ledger_tallies import RECORDS_A_MINUTE, REQUEST_BYTES, Record, Tallies
from storage.store import Store

WRONG, STALE = RefusalReason.SIGNATURE_WRONG, RefusalReason.TIMESTAMP_STALE
GENUINE, FLOOD = "192.0.2.1", "198.51.100.7"


def refusal(reason: RefusalReason = WRONG, at: int = NOON, source: str = "phaseo") -> Refusal:
    return Refusal(source, reason, 401, at, GENUINE, 12)


def request(body: bytes = b"{}", near: str = GENUINE) -> RefusedRequest:
    return RefusedRequest(body, '{"scheme":"phaseo"}', "sub_token", near)


def kept(file: Fixed) -> list[tuple[bytes, str]]:
    return [
        (bytes(body), near) for body, near in file.rows("SELECT body, neighbourhood FROM refused_requests ORDER BY id")
    ]


class TestLedger:
    def test_beside_its_refusal(self, file: Fixed) -> None:
        """A refused request is written with the id of its refusal, and all that was given; without one there is only that."""

        async def story() -> None:
            async with file.ledger() as ledger:
                ledger.refuse(refusal(), request(b"\x00\xff"))
                ledger.refuse(refusal(RefusalReason.SIGNATURE_MISSING))

            (with_request, _), (without, _) = file.rows("SELECT id, reason FROM refusals ORDER BY id")
            assert file.rows(
                "SELECT id, source, presented, submission, neighbourhood, is_extra, taken_in_at, receipt_id"
                " FROM refused_requests"
            ) == [(with_request, "phaseo", '{"scheme":"phaseo"}', "sub_token", GENUINE, 0, None, None)]
            assert kept(file) == [(b"\x00\xff", GENUINE)]
            assert without > with_request

        run(story())

    def test_beyond_the_minutes_records(self, file: Fixed) -> None:
        """When a flood has used up the records of a minute, what can be verified once more is kept all the same."""

        async def story() -> None:
            async with file.ledger() as ledger:
                for _ in range(RECORDS_A_MINUTE + 5):
                    ledger.refuse(refusal(RefusalReason.SIGNATURE_MISSING))
                ledger.refuse(refusal(), request())

            assert len(file.rows("SELECT id FROM refusals")) == RECORDS_A_MINUTE + 1
            assert file.rows("SELECT is_extra FROM refused_requests") == [(1,)]

        run(story())

    def test_a_large_one_is_only_recorded(self, file: Fixed) -> None:
        """A request beyond the largest size is refused, counted and recorded like any other, and not kept."""

        async def story() -> None:
            async with file.ledger() as ledger:
                ledger.refuse(refusal(), request(b"x" * REQUEST_BYTES))

            assert len(file.rows("SELECT id FROM refusals")) == 1
            assert kept(file) == []

        run(story())

    def test_a_failed_group_loses_none(self, file: Fixed) -> None:
        """What could not be written while the store was away is written when it is back."""

        async def story() -> None:
            async with file.ledger(engine=file.engine(impatient=True)) as ledger:
                async with file.locked():
                    ledger.refuse(refusal(), request(b"1"))
                    with pytest.raises(NotStored):
                        await ledger.append(accepted())
                    ledger.refuse(refusal(), request(b"2"))
                await ledger.append(accepted())

            assert [body for body, _ in kept(file)] == [b"1", b"2"]

        run(story())


class TestTallies:
    def test_waiting_ones_share_their_room(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """While requests wait to be written, a flood of them costs another neighbourhood, or source, none."""
        monkeypatch.setattr(ledger_tallies, "HELD", 4)
        tallies = Tallies()
        tallies.refuse(refusal(), request(b"genuine"))
        tallies.refuse(refusal(source="other"), request(b"another source's", near=FLOOD))
        for number in range(50):
            tallies.refuse(refusal(), request(b"%d" % number, near=FLOOD))
        held = [record.request.body for record in tallies.take().records if record.request]

        assert held == [b"genuine", b"another source's", b"48", b"49"]

    def test_what_lost_its_place_is_still_recorded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A request that had to go leaves its refusal among the minute's records, in its place."""
        monkeypatch.setattr(ledger_tallies, "HELD", 1)
        tallies = Tallies()
        for at in range(RECORDS_A_MINUTE + 3):
            tallies.refuse(refusal(at=NOON + at), request())
        records = tallies.take().records

        # The last one is beyond the minute's number, and there for its request alone.
        assert [record.refusal.received_at - NOON for record in records] == [
            *range(RECORDS_A_MINUTE),
            RECORDS_A_MINUTE + 2,
        ]
        assert [record.request is not None for record in records] == [False] * RECORDS_A_MINUTE + [True]

    def test_counters_do_not_wait(self) -> None:
        """Counters are taken at once; records wait until they are asked for."""
        tallies = Tallies()
        tallies.refuse(refusal(), request())

        assert tallies.take(with_records=False).records == ()
        later = tallies.take()
        assert (len(later.counters), len(later.records)) == (0, 1)

    def test_given_back_in_order(self) -> None:
        """What could not be written stands before what came meanwhile."""
        tallies = Tallies()
        tallies.refuse(refusal(at=NOON), request())
        notes = tallies.take()
        tallies.refuse(refusal(at=NOON + 1), request())
        tallies.give_back(notes)

        assert [record.refusal.received_at for record in tallies.take().records] == [NOON, NOON + 1]


class Keeper:
    """A keeper with a small room, over a book of its own."""

    def __init__(self, file: Fixed, most: int = 4, most_bytes: int = 1_000) -> None:
        self.book = file.engine().book()
        self.keeping = Keeping(self.book, most, most_bytes)
        self._new_id = IdMaker(now)

    def __call__(self, *records: Record) -> None:
        with self.book.transaction():
            self.keeping.keep(records, self._new_id)


@pytest.fixture
def keep(file: Fixed) -> Iterator[Keeper]:
    keeper = Keeper(file)
    yield keeper
    keeper.book.close()


class TestKeeping:
    def test_a_flood_crowds_out_nobody(self, file: Fixed, keep: Keeper) -> None:
        """However many come from one neighbourhood, those of another stay."""
        keep(Record(refusal(), request(b"before")))
        for number in range(30):
            keep(Record(refusal(), request(b"%d" % number, FLOOD)))
        keep(Record(refusal(), request(b"after")))

        assert kept(file) == [(b"before", GENUINE), (b"28", FLOOD), (b"29", FLOOD), (b"after", GENUINE)]
        assert len(file.rows("SELECT id FROM refusals")) == 32

    def test_each_reason_and_source_has_its_room(self, file: Fixed, keep: Keeper) -> None:
        """Forged signatures take no room from requests that were only late, and none from another source."""
        keep(Record(refusal(STALE), request(b"late")), Record(refusal(source="other"), request(b"other")))
        for number in range(30):
            keep(Record(refusal(), request(b"%d" % number, f"{number}")))

        assert {body for body, _ in kept(file)} == {b"late", b"other", b"26", b"27", b"28", b"29"}

    def test_bytes_are_bounded(self, file: Fixed) -> None:
        """Large bodies go before they take more than the room."""
        keep = Keeper(file, most=100, most_bytes=500)
        for _ in range(10):
            keep(Record(refusal(), request(b"x" * 200)))
        keep.book.close()

        assert len(kept(file)) == 2

    def test_extra_refusals_go_with_their_requests(self, file: Fixed, keep: Keeper) -> None:
        """What was recorded for its request's sake alone goes with that; so nobody can fill the disk with records."""
        for _ in range(30):
            keep(Record(refusal(), request(near=FLOOD), is_extra=True))

        assert len(file.rows("SELECT id FROM refusals")) == len(kept(file)) == 4

    def test_after_a_restart(self, file: Fixed, keep: Keeper) -> None:
        """A new keeper knows what stands there already."""
        for number in range(4):
            keep(Record(refusal(), request(b"%d" % number, FLOOD)))
        other = Keeper(file)
        other(Record(refusal(), request(b"new")))
        other.book.close()

        assert [body for body, _ in kept(file)] == [b"1", b"2", b"3", b"new"]

    def test_what_was_taken_in_is_spared(self, file: Fixed, keep: Keeper) -> None:
        """A request that was taken in takes no room, and is not deleted for another's sake."""
        for number in range(4):
            keep(Record(refusal(), request(b"%d" % number)))
        [(first,), *_] = file.rows("SELECT id FROM refused_requests ORDER BY id")
        with keep.book.transaction():
            keep.book.mark_taken_in([(first, 77)], NOON)
        for number in range(4, 9):
            keep(Record(refusal(), request(b"%d" % number)))

        assert file.rows("SELECT id, receipt_id, taken_in_at FROM refused_requests WHERE receipt_id IS NOT NULL") == [
            (first, 77, NOON)
        ]
        assert [body for body, _ in kept(file)] == [b"", b"5", b"6", b"7", b"8"]


@contextmanager
def book_of(file: Fixed) -> Iterator[Any]:
    book = file.engine().book()
    try:
        with book.transaction():
            yield book
    finally:
        book.close()


class TestRetention:
    def test_requests_go_before_their_refusals(self, store: Store, run: Run, file: Fixed, clock: Clock) -> None:
        """Old ones go as `refusals` says, a batch at a time; none is left without its refusal, and the young stay."""
        clock.now = NOON - DAY
        with book_of(file) as book:
            book.record([(store.new_id(), Record(refusal(at=clock.now), request())) for _ in range(3)])
        clock.now = NOON + DAY
        with book_of(file) as book:
            book.record([(store.new_id(), Record(refusal(at=clock.now), request()))])

        async def story() -> None:
            assert await within(store.writing(), retention.refusals, NOON, 100) == 0
            assert await within(store.writing(), retention.refused_requests, NOON, 2) == 2
            assert await within(store.writing(), retention.refusals, NOON, 100) == 2
            assert await within(store.writing(), retention.refused_requests, NOON, 100) == 1
            assert await within(store.writing(), retention.refusals, NOON, 100) == 1
            assert len(await everything(store, RefusalRow)) == len(await everything(store, RefusedRequestRow)) == 1

        run(story())


class TestWaiting:
    def test_in_order_of_arrival(self, store: Store, run: Run, file: Fixed) -> None:
        """By the time at which they arrived, not by when they were written; within two times, of one source."""
        arrived = {NOON + 2 * SECOND: b"2", NOON: b"0", NOON + SECOND: b"1"}
        with book_of(file) as book:
            book.record([(store.new_id(), Record(refusal(at=at), request(body))) for at, body in arrived.items()])
            book.record([(store.new_id(), Record(refusal(source="other"), request(b"other")))])

        async def bodies(*span: int | None) -> list[bytes]:
            async with store.reading() as connection:
                numbers = await refused_requests.waiting(connection, "phaseo", *span)
                return [one.request.body for one in await refused_requests.these(connection, numbers)]

        async def story() -> None:
            assert await bodies() == [b"0", b"1", b"2"]
            assert await bodies(NOON + 1) == [b"1", b"2"]
            assert await bodies(None, NOON + 2 * SECOND) == [b"0", b"1"]

        run(story())
