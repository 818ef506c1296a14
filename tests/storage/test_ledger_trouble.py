"""The ledger when something is wrong: nothing is acknowledged that is not stored, and it mends by itself."""

import asyncio
import resource
import time
from pathlib import Path

import pytest
from ledgers import WHOLE, Fixed, accepted, all_of, change, locked, migrated, now, poison, run

from storage import schema, sqlite
from storage.ledger import Kept, NotStored, QueueFull
from storage.store import Store


@pytest.fixture
def file(tmp_path: Path) -> Fixed:
    return migrated(tmp_path)


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
                async with locked(file.path):
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
                async with locked(file.path):
                    waiting = ledger.append(accepted())
                    done, _ = await asyncio.wait([waiting], timeout=1)
                    assert not done
                assert not (await waiting).duplicate

        run(story())

    def test_a_lock_that_stays_is_given_up_by_all(self, file: Fixed) -> None:
        """After five seconds everybody who waits is told, those behind too; afterwards all goes on by itself."""

        async def story() -> None:
            async with file.ledger() as ledger:
                async with locked(file.path):
                    began = time.monotonic()
                    answers = await all_of(ledger, *[accepted(f"batch_{number}") for number in range(1_000)])
                    took = time.monotonic() - began
                assert all(isinstance(answer, NotStored) for answer in answers)
                assert sqlite.BUSY_SECONDS - 1 < took < sqlite.BUSY_SECONDS + 3
                assert file.rows("SELECT id FROM receipts") == []
                assert not (await ledger.append(accepted())).duplicate

        run(story())

    def test_a_full_disk_refuses_and_recovers(self, file: Fixed) -> None:
        """When the store is full nothing is acknowledged, nothing is half there, and room made helps at once."""
        pages = file.rows("PRAGMA page_count")[0][0] + 60

        async def story() -> None:
            async with file.ledger(pragmas=(*sqlite.PRAGMAS, f"PRAGMA max_page_count={pages}")) as ledger:
                outcomes = [
                    await all_of(ledger, accepted(f"batch_{n}", body=bytes(4_000) + b"%d" % n)) for n in range(80)
                ]
                stored = [answer for (answer,) in outcomes if isinstance(answer, Kept)]
                refused = [answer for (answer,) in outcomes if isinstance(answer, NotStored)]

                assert stored
                assert refused
                assert sorted(kept.receipt for kept in stored) == [number for (number,) in file.rows(WHOLE)]
                change(file.path, "DELETE FROM bodies")
                assert isinstance(await ledger.append(accepted("batch_later")), Kept)

        run(story())
        assert file.rows("PRAGMA integrity_check") == [("ok",)]

    def test_a_failing_disk_refuses_and_recovers(self, file: Fixed) -> None:
        """An error while writing is nobody's success; once the disk writes again, so does the ledger."""

        async def story() -> None:
            async with file.ledger() as ledger:
                await ledger.append(accepted("batch_1"))
                limits = resource.getrlimit(resource.RLIMIT_FSIZE)
                resource.setrlimit(resource.RLIMIT_FSIZE, (4_096, limits[1]))
                try:
                    answers = await all_of(ledger, accepted("batch_2", body=bytes(50_000)))
                finally:
                    resource.setrlimit(resource.RLIMIT_FSIZE, limits)
                assert isinstance(answers[0], NotStored)
                assert not (await ledger.append(accepted("batch_2"))).duplicate

        run(story())
        assert file.rows("PRAGMA integrity_check") == [("ok",)]

    def test_missing_tables_refuse(self, tmp_path: Path) -> None:
        """Before the tables are there nothing is acknowledged; once they are, the same ledger works."""
        file = Fixed(tmp_path / "ledger.db")
        sqlite.claim_file(file.path)

        async def story() -> None:
            async with file.ledger() as ledger:
                with pytest.raises(NotStored):
                    await ledger.append(accepted())
                store = Store(file.path, now)
                await schema.migrate(store)
                await store.close()
                assert isinstance(await ledger.append(accepted()), Kept)

        run(story())

    def test_a_file_that_went_away_takes_no_more(self, file: Fixed) -> None:
        """Rows are never written to a file that bears the name no longer, and no empty one is made in its place."""

        async def story() -> None:
            async with file.ledger() as ledger:
                await ledger.append(accepted("batch_1"))
                file.path.rename(file.path.with_suffix(".away"))
                with pytest.raises(NotStored):
                    await ledger.append(accepted("batch_2"))
                assert not file.path.exists()
                file.path.with_suffix(".away").rename(file.path)
                assert isinstance(await ledger.append(accepted("batch_3")), Kept)

        run(story())

    def test_whoever_stops_waiting_harms_nobody(self, file: Fixed) -> None:
        """A request that is given up while it waits is stored all the same, and the next ones too."""

        async def story() -> None:
            async with file.ledger() as ledger:
                ledger.append(accepted("batch_1")).cancel()
                await ledger.append(accepted("batch_2"))

            assert len(file.rows("SELECT id FROM deliveries")) == 2

        run(story())
