"""The ledger's own life, and what it keeps of requests that were refused."""

import asyncio

import pytest
from ledgers import NOON, Fixed, accepted, now, refusal, run

from schemas.ids import IdMaker
from schemas.words import RefusalReason
from storage.ledger import Ledger, NotStored
from storage.ledger_tallies import RECORDS_A_MINUTE


class TestLife:
    def test_closing_finishes_what_is_queued(self, file: Fixed) -> None:
        """Everything that was queued before the end is stored and answered, and nothing after it is taken."""

        async def story() -> None:
            async with file.ledger() as ledger:
                waiting = [ledger.append(accepted(f"batch_{number}")) for number in range(1_000)]
            assert all(not kept.duplicate for kept in await asyncio.gather(*waiting))
            with pytest.raises(NotStored):
                ledger.append(accepted("batch_later"))

        run(story())
        assert len(file.rows("SELECT id FROM deliveries")) == 1_000

    def test_closing_twice_is_closing(self, file: Fixed) -> None:
        """A second close, or one without a start, does nothing."""

        async def story() -> None:
            async with file.ledger() as ledger:
                pass
            await ledger.close()
            await Ledger(file.engine(), IdMaker(now)).close()

        run(story())

    def test_a_probe_commits(self, file: Fixed) -> None:
        """Whether a delivery could be stored is found out by storing something."""

        async def story() -> None:
            async with file.ledger(engine=file.engine(impatient=True)) as ledger:
                await ledger.probe(NOON)
                assert file.tallies() == {("", "probe"): 1}
                async with file.locked():
                    with pytest.raises(NotStored):
                        await ledger.probe(NOON)

        run(story())


class TestRefusals:
    def test_a_refusal_is_recorded_and_tallied(self, file: Fixed) -> None:
        """The reason stands there, and who, and when, and nothing of what was sent."""

        async def story() -> None:
            async with file.ledger() as ledger:
                ledger.refuse(refusal())

            expected = [("phaseo", "signature_wrong", 401, NOON, "192.0.2.1", 12)]
            assert expected == file.rows(
                "SELECT source, reason, http_status, received_at, remote, body_bytes FROM refusals"
            )
            assert file.tallies() == {("phaseo", "refused.signature_wrong"): 1}

        run(story())

    def test_records_are_bounded_and_tallies_are_not(self, file: Fixed) -> None:
        """Of a source's refusals a bounded number a minute is recorded; every one is counted."""

        async def story() -> None:
            async with file.ledger() as ledger:
                for _ in range(500):
                    ledger.refuse(refusal())
                ledger.refuse(refusal(source="other"))
                ledger.refuse(refusal(at=NOON + 60_000_000))

            count = "SELECT count(*) FROM refusals WHERE source ="
            assert file.rows(f"{count} 'phaseo'") == [(RECORDS_A_MINUTE + 1,)]
            assert file.rows(f"{count} 'other'") == [(1,)]
            assert file.rows("SELECT sum(count) FROM tallies WHERE source = 'phaseo'") == [(501,)]

        run(story())

    def test_a_flood_leaves_a_tally_only(self, file: Fixed) -> None:
        """What is refused for coming too often is not worth a record each."""

        async def story() -> None:
            async with file.ledger() as ledger:
                ledger.refuse(refusal(RefusalReason.FLOOD))

            assert file.rows("SELECT id FROM refusals") == []
            assert file.tallies() == {("phaseo", "refused.flood"): 1}

        run(story())

    def test_refusals_outlive_an_outage_of_the_store(self, file: Fixed) -> None:
        """What could not be written is written later, once."""

        async def story() -> None:
            async with file.ledger(engine=file.engine(impatient=True)) as ledger:
                async with file.locked():
                    ledger.refuse(refusal())
                    with pytest.raises(NotStored):
                        await ledger.append(accepted())
                    ledger.refuse(refusal())
                await ledger.append(accepted())

            assert len(file.rows("SELECT id FROM refusals")) == 2
            assert file.tallies() == {("phaseo", "refused.signature_wrong"): 2, ("phaseo", "accepted"): 1}

        run(story())
