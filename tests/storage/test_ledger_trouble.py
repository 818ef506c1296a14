"""The ledger when something is wrong: nothing is acknowledged that is not stored, and it mends by itself."""

import asyncio
import time

import pytest
from ledgers import Fixed, accepted, all_of, poison, run

from storage.ledger import Kept, NotStored, QueueFull
from storage.sqlite.file import BUSY_SECONDS


class TestTrouble:
    def test_a_poison_row_fails_alone(self, file: Fixed) -> None:
        """One row that the store cannot take costs the others of its group nothing, and them no tally."""

        async def story() -> None:
            async with file.ledger() as ledger:
                requests = [accepted(f"batch_{number}") for number in range(20)]
                answers = await all_of(ledger, *requests[:10], poison(), *requests[10:])

                assert isinstance(answers.pop(10), NotStored)
                assert all(isinstance(kept, Kept) and not kept.duplicate for kept in answers)
                assert len(file.rows("SELECT id FROM deliveries")) == 20
                assert file.tallies() == {("phaseo", "accepted"): 20}

        run(story())

    def test_an_id_in_use_is_made_anew(self, file: Fixed) -> None:
        """A number that somebody else has used already is an error of the key and not taken for a known delivery."""
        numbers = iter([7, 8, 7, 9, 10, 11])

        async def story() -> None:
            async with file.ledger(new_id=lambda: next(numbers)) as ledger:
                first = await ledger.append(accepted("batch_1"))
                second = await ledger.append(accepted("batch_2"))

            assert first == Kept(8, 7, False)
            assert second == Kept(11, 10, False)

        run(story())

    def test_a_full_queue_says_so(self, file: Fixed) -> None:
        """More than may wait is refused at once, and what waited is stored once the store is free."""

        async def story() -> None:
            async with file.ledger(queue_limit=5) as ledger:
                async with file.locked():
                    waiting = [ledger.append(accepted(f"batch_{number}")) for number in range(5)]
                    with pytest.raises(QueueFull):
                        ledger.append(accepted("batch_5"))
                await asyncio.gather(*waiting)
                await ledger.append(accepted("batch_5"))

            assert len(file.rows("SELECT id FROM deliveries")) == 6

        run(story())

    def test_a_lock_is_waited_for(self, file: Fixed) -> None:
        """While another writes for a second, nothing is refused."""

        async def story() -> None:
            async with file.ledger() as ledger:
                async with file.locked():
                    waiting = ledger.append(accepted())
                    done, _ = await asyncio.wait([waiting], timeout=1)
                    assert not done
                assert not (await waiting).duplicate

        run(story())

    def test_a_lock_that_stays_is_given_up_by_all(self, file: Fixed) -> None:
        """After five seconds everybody who waits is told, those behind too; afterwards all goes on by itself."""

        async def story() -> None:
            async with file.ledger() as ledger:
                async with file.locked():
                    began = time.monotonic()
                    answers = await all_of(ledger, *[accepted(f"batch_{number}") for number in range(1_000)])
                    took = time.monotonic() - began
                assert all(isinstance(answer, NotStored) for answer in answers)
                assert BUSY_SECONDS - 1 < took < BUSY_SECONDS + 3
                assert file.rows("SELECT id FROM receipts") == []
                assert not (await ledger.append(accepted())).duplicate

        run(story())

    def test_whoever_stops_waiting_harms_nobody(self, file: Fixed) -> None:
        """A request that is given up while it waits is stored all the same, and the next ones too."""

        async def story() -> None:
            async with file.ledger() as ledger:
                ledger.append(accepted("batch_1")).cancel()
                await ledger.append(accepted("batch_2"))

            assert len(file.rows("SELECT id FROM deliveries")) == 2

        run(story())
