"""The ledger: what it has answered is on disk, once."""

import asyncio

from ledgers import NOON, Fixed, accepted, all_of, run, unreadable

from schemas.words import Status
from storage.ledger import Kept


class TestAppend:
    def test_a_delivery_is_recorded_whole(self, file: Fixed) -> None:
        """A first request becomes a delivery, a receipt and a body, with everything that it reported."""

        async def story() -> None:
            async with file.ledger() as ledger:
                report = {
                    "event_type": "batch.completed",
                    "event_id": "evt_1",
                    "attempt": 2,
                    "status": Status.COMPLETED,
                    "native_status": "completed",
                    "progress": 100,
                }
                kept = await ledger.append(accepted(body=b'{"a":1}', **report)._replace(submission="sub_1"))

                assert not kept.duplicate
                [delivery] = file.rows("SELECT * FROM deliveries")
                assert (
                    kept.delivery, "phaseo", "batch", "batch_1", "batch.completed", "batch.completed", "completed",
                    None, 1, NOON, NOON, 0, None,
                ) == delivery  # fmt: skip
                [receipt] = file.rows(
                    "SELECT id, delivery_id, body_id, source, received_at, signed_at, secret_index, submission, event_type,"
                    " event_id, attempt, reported_status, native_status, progress, unreadable, verdict FROM receipts"
                )
                assert (
                    kept.receipt, kept.delivery, kept.receipt, "phaseo", NOON, NOON, 0, "sub_1", "batch.completed",
                    "evt_1", 2, "completed", "completed", 100, None, None,
                ) == receipt  # fmt: skip
                assert [(kept.receipt, b'{"a":1}')] == file.rows("SELECT * FROM bodies")

        run(story())

    def test_one_row_for_each_identity(self, file: Fixed) -> None:
        """The same delivery a second time is a receipt of the delivery that is known, however much later it comes."""

        async def story() -> None:
            async with file.ledger() as ledger:
                first = await ledger.append(accepted(at=NOON))
                second = await ledger.append(accepted(at=NOON + 60))
            async with file.ledger() as ledger:
                third = await ledger.append(accepted(at=NOON + 30))

            assert [first.duplicate, second.duplicate, third.duplicate] == [False, True, True]
            assert {first.delivery} == {second.delivery, third.delivery}
            assert [(first.delivery, 3, NOON, NOON + 60)] == file.rows(
                "SELECT id, times_received, first_received_at, last_received_at FROM deliveries"
            )
            assert len(file.rows("SELECT id FROM receipts")) == 3

        run(story())

    def test_the_first_of_a_group_is_no_duplicate(self, file: Fixed) -> None:
        """Of a thousand at once exactly one is told that it is the first, and all are counted."""

        async def story() -> None:
            async with file.ledger() as ledger:
                answers = await all_of(ledger, *[accepted() for _ in range(1_000)])

            duplicates = [kept.duplicate for kept in answers if isinstance(kept, Kept)]
            assert duplicates == [False] + [True] * 999
            assert file.rows("SELECT times_received FROM deliveries") == [(1_000,)]
            assert len({kept.receipt for kept in answers if isinstance(kept, Kept)}) == 1_000
            assert file.tallies() == {("phaseo", "accepted"): 1_000, ("phaseo", "duplicate"): 999}

        run(story())

    def test_a_group_mixes_new_and_known(self, file: Fixed) -> None:
        """In one group a known delivery, a new one, and the new one again are each told what they are."""

        async def story() -> None:
            async with file.ledger() as ledger:
                known = await ledger.append(accepted("batch_1"))
                async with file.locked():
                    waiting = [ledger.append(accepted("batch_0"))]
                    waiting += [ledger.append(accepted(job)) for job in ("batch_1", "batch_2", "batch_2", "batch_1")]
                _, *answers = await asyncio.gather(*waiting)

            assert [kept.duplicate for kept in answers] == [True, False, True, True]
            assert [known.delivery] * 2 == [answers[0].delivery, answers[3].delivery]
            assert answers[1].delivery == answers[2].delivery

        run(story())

    def test_two_jobs_with_one_delivery_key_are_two(self, file: Fixed) -> None:
        """Every batch has a batch.completed: the key is unique within its job only, and within its source."""

        async def story() -> None:
            async with file.ledger() as ledger:
                answers = await all_of(
                    ledger, accepted("batch_1"), accepted("batch_2"), accepted("batch_1", source="other")
                )

            assert [kept.duplicate for kept in answers if isinstance(kept, Kept)] == [False] * 3
            assert len(file.rows("SELECT id FROM deliveries")) == 3

        run(story())

    def test_what_cannot_be_read_is_known_by_its_bytes(self, file: Fixed) -> None:
        """An unreadable request is kept whole, and the same bytes again are the same delivery."""

        async def story() -> None:
            async with file.ledger() as ledger:
                answers = await all_of(ledger, unreadable(b"\xff"), unreadable(b"\xff"), unreadable(b"\xfe"))

            assert [kept.duplicate for kept in answers if isinstance(kept, Kept)] == [False, True, False]
            assert [
                row
                for row in file.rows("SELECT kind, job_id, delivery_key, times_received FROM deliveries")
                if row[3] == 2
            ] == [("unreadable", "", "sha256:a8100ae6aa1940d0b663bb31cd466142ebbdbd5187131b92d93818987832eb89", 2)]
            assert file.rows("SELECT unreadable FROM receipts") == [("not UTF-8",)] * 3
            assert file.tallies()["phaseo", "unreadable"] == 3

        run(story())

    def test_a_commit_with_receipts_wakes(self, file: Fixed) -> None:
        """Whoever waits for new receipts hears of each commit that brought some, and of no other."""

        async def story() -> None:
            async with file.ledger() as ledger:
                await ledger.probe(NOON)
                assert file.commits == 0
                await ledger.append(accepted())
                assert file.commits == 1

        run(story())


class TestBodies:
    def test_equal_bytes_are_kept_once(self, file: Fixed) -> None:
        """Within a group and across groups, a delivery's receipts share the body that they have in common."""

        async def story() -> None:
            async with file.ledger() as ledger:
                await all_of(ledger, *[accepted(body=body) for body in (b"one", b"two", b"one")])
                await all_of(ledger, *[accepted(body=body) for body in (b"two", b"three", b"three")])

            assert file.rows("SELECT body FROM bodies ORDER BY id") == [(b"one",), (b"two",), (b"three",)]
            held = file.rows("SELECT body FROM receipts JOIN bodies ON bodies.id = body_id ORDER BY receipts.id")
            assert held == [(b"one",), (b"two",), (b"one",), (b"two",), (b"three",), (b"three",)]

        run(story())

    def test_two_deliveries_never_share_a_body(self, file: Fixed) -> None:
        """Bytes are compared within one delivery: what belongs to another may be pruned at another time."""

        async def story() -> None:
            async with file.ledger() as ledger:
                await all_of(ledger, accepted("batch_1", body=b"same"), accepted("batch_2", body=b"same"))

            assert len(file.rows("SELECT id FROM bodies")) == 2

        run(story())

    def test_an_equal_digest_is_not_enough(self, file: Fixed) -> None:
        """Another body with the same digest is kept for itself."""

        async def story() -> None:
            async with file.ledger() as ledger:
                await ledger.append(accepted(body=b"one"))
                file.change("UPDATE bodies SET body = substr(body, 1, 0)")
                await ledger.append(accepted(body=b"one"))

            assert file.rows("SELECT body FROM bodies ORDER BY id") == [(b"",), (b"one",)]

        run(story())

    def test_a_pruned_body_is_kept_anew(self, file: Fixed) -> None:
        """When the bytes are gone, the next receipt brings them again, and later ones find those."""

        async def story() -> None:
            async with file.ledger() as ledger:
                await ledger.append(accepted(body=b"one"))
                file.change("DELETE FROM bodies")
                second = await ledger.append(accepted(body=b"one"))
                await ledger.append(accepted(body=b"one"))

            assert [(second.receipt, b"one")] == file.rows("SELECT id, body FROM bodies")
            assert [(second.receipt,)] * 2 == file.rows("SELECT body_id FROM receipts ORDER BY id")[1:]

        run(story())
