"""The ledger over a SQLite file: one process at a time, on a disk that fills up, fails, or goes away."""

import resource
from pathlib import Path

import pytest
from ledgers import WHOLE, Fixed, accepted, all_of, now, run

from schemas.ids import IdMaker
from storage import schema
from storage.ledger import Kept, Ledger, LedgerInUse, NotStored
from storage.sqlite.engine import Sqlite
from storage.sqlite.file import PRAGMAS, claim_file
from storage.store import Store


class TestFile:
    def test_one_receiver_for_one_file(self, file: Fixed) -> None:
        """A second ledger on the same file is refused with advice, and may come once the first has gone."""

        async def story() -> None:
            async with file.ledger():
                with pytest.raises(LedgerInUse, match="one receiver per SQLite file"):
                    await Ledger(file.engine(), IdMaker(now)).start()
            async with file.ledger() as ledger:
                await ledger.append(accepted())

        run(story())

    def test_a_full_disk_refuses_and_recovers(self, file: Fixed) -> None:
        """When the store is full nothing is acknowledged, nothing is half there, and room made helps at once."""
        pages = file.rows("PRAGMA page_count")[0][0] + 60

        async def story() -> None:
            async with file.ledger(engine=Sqlite(file.path, (*PRAGMAS, f"PRAGMA max_page_count={pages}"))) as ledger:
                outcomes = [
                    await all_of(ledger, accepted(f"batch_{n}", body=bytes(4_000) + b"%d" % n)) for n in range(80)
                ]
                stored = [answer for (answer,) in outcomes if isinstance(answer, Kept)]
                refused = [answer for (answer,) in outcomes if isinstance(answer, NotStored)]

                assert stored
                assert refused
                assert sorted(kept.receipt for kept in stored) == [number for (number,) in file.rows(WHOLE)]
                file.change("DELETE FROM bodies")
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
        file = Fixed(f"sqlite:///{tmp_path}/ledger.db")
        claim_file(file.path)

        async def story() -> None:
            async with file.ledger() as ledger:
                with pytest.raises(NotStored):
                    await ledger.append(accepted())
                store = Store(Sqlite(file.path), now)
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
