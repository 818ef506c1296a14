"""What the generations of the gateway's contract tell, and how, over real sockets. The rest they have in common."""

import asyncio
from typing import Any

import pytest
from standing_in import is_so, outcomes, recorded, stage, until

ALL = ("G1a", "G1b", "G2", "G3")
TELLING = {"event-id", "event-type", "delivery-key", "attempt", "max-attempts"}
SIGNED = {"timestamp", "signature"}
WHOLE = ["id", "type", "created_at", "delivery", "data"]

WIRES = {
    # generation: header prefix, headers with it, user agent, members of the body
    "G1a": ("x-ai-stats-", SIGNED, "AI-Stats-Async-Webhook/1.0", ["type", "created_at", "data"]),
    "G1b": ("x-ai-stats-", SIGNED | TELLING, "AI-Stats-Async-Webhook/1.0", WHOLE),
    "G2": ("x-phaseo-", SIGNED | TELLING, "Phaseo-Async-Webhook/1.0", WHOLE),
    "G3": ("x-phaseo-", SIGNED | TELLING, "Phaseo-Async-Webhook/1.0", WHOLE),
}


class TestDeliveries:
    @pytest.mark.parametrize("generation", ALL)
    def test_the_request_on_the_wire(self, generation: str) -> None:
        """
        A delivery has the headers and the members of its generation, one family of headers only, and is signed.
        """

        async def flow() -> None:
            prefix, names, agent, members = WIRES[generation]
            async with stage(generation=generation) as on:
                job = await on.create()
                await on.settled(job)
                (receipt,) = on.receipts(job)
                data = receipt.event["data"]

                assert receipt.genuine
                assert receipt.named(prefix) == names
                assert {name for name in receipt.headers if name.startswith("x-")} == {prefix + name for name in names}
                assert (receipt.headers["user-agent"], list(receipt.event)) == (agent, members)
                assert (data["id"], data["lifecycle_status"]) == (job, "completed")
                assert (data["native_id"] == job) is generation.startswith("G1")
                assert ("progress" in data) is (generation != "G1a")

        asyncio.run(flow())

    @pytest.mark.parametrize("generation", ["G1a", "G1b"])
    def test_without_a_secret_they_go_unsigned(self, generation: str) -> None:
        """
        A G1 webhook without a secret is delivered without timestamp and signature, and shown as having none.
        """

        async def flow() -> None:
            async with stage(generation=generation) as on:
                on.receiver.takes_unsigned = True
                job = await on.create(webhook={"url": on.hooks})
                (truth,) = await on.settled(job)
                (receipt,) = on.receipts(job)
                shown = (await on.batch(job))["webhook"]

                assert receipt.named("x-ai-stats-") == WIRES[generation][1] - SIGNED
                assert (shown["has_secret"], shown["url"], "endpoint_id" in shown) == (False, on.hooks, False)
                assert outcomes(truth) == [(1, "delivered")]

        asyncio.run(flow())

    @pytest.mark.parametrize(
        ("generation", "status", "visits", "delivered"),
        [
            ("G1a", 307, [("POST", "/hooks"), ("POST", "/elsewhere")], "delivered"),
            ("G1b", 307, [("POST", "/hooks"), ("POST", "/elsewhere")], "delivered"),
            ("G1b", 302, [("POST", "/hooks"), ("GET", "/elsewhere")], "delivered"),
            ("G2", 307, [("POST", "/hooks")], "rejected"),
            ("G3", 302, [("POST", "/hooks")], "rejected"),
        ],
    )
    def test_redirects(self, generation: str, status: int, visits: list[tuple[str, str]], delivered: str) -> None:
        """
        G1 follows redirects, after a 302 without the body; later generations count them as failures.
        """

        async def flow() -> None:
            async with stage(speed=60, generation=generation) as on:
                on.receiver.plan += [status]
                job = await on.create()
                await on.client.post(f"/sandbox/deliver/{job}/completed")
                (sent,) = (await on.truth(job))["sent"]

                assert (on.receiver.visits, sent["outcome"]) == (visits, delivered)

        asyncio.run(flow())

    def test_g1a_waits_for_ever(self) -> None:
        """
        G1a has no limit to its patience: when G2 has given an attempt up, one that G1a began before is still open.
        """

        async def flow() -> None:
            answering = asyncio.Event()

            async def dawdle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                await reader.readuntil(b"\r\n\r\n")
                await answering.wait()
                writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
                writer.close()

            async with (
                await asyncio.start_server(dawdle, "127.0.0.1", 0) as slow,
                stage(generation="G1a") as patient,
                stage(webhook_url=f"http://127.0.0.1:{slow.sockets[0].getsockname()[1]}/") as hasty,
            ):
                job = await patient.create(webhook={"url": f"http://127.0.0.1:{slow.sockets[0].getsockname()[1]}/"})
                await patient.over(job)
                other = await hasty.create()

                async def given_up() -> bool:
                    return bool((await hasty.truth(other))["recorded"])

                await until(given_up)
                waiting = await patient.truth(job)
                answering.set()
                (truth,) = await patient.settled(job)

                assert (await hasty.truth(other))["sent"][0]["outcome"] == "timed_out"
                assert (waiting["settled"], recorded(waiting)) == (False, [])
                assert outcomes(truth) == [(1, "delivered")]

        asyncio.run(flow())


ENDS: dict[str, dict[str, tuple[str, str, list[str], list[str]]]] = {
    # words: generation: REST status and lifecycle, events, push status and lifecycle
    "expires": {
        "G1a": ("expired", "failed", ["batch.failed"], ["failed", "failed"]),
        "G1b": ("expired", "expired", ["batch.expired"], ["expired", "expired"]),
        "G2": ("expired", "expired", ["batch.failed"], ["expired", "expired"]),
        "G3": ("expired", "expired", ["batch.failed"], ["expired", "expired"]),
    },
    "all_rows_fail": {
        "G1a": ("completed", "completed", ["batch.completed"], ["completed", "completed"]),
        "G1b": ("completed", "completed", ["batch.completed"], ["completed", "completed"]),
        "G2": ("completed", "completed", [], []),
        "G3": ("completed", "completed", [], []),
    },
}


class TestEnds:
    @pytest.mark.parametrize("generation", ALL)
    def test_ends(self, generation: str) -> None:
        """
        An expired batch is announced by its name in G1b alone, and only G1 announces what cannot be billed.
        """

        async def flow() -> None:
            async with stage(generation=generation) as on:
                jobs = {words: await on.create(words) for words in ENDS}
                await on.settled(*jobs.values())
                for words, job in jobs.items():
                    shown, receipts = await on.batch(job), on.receipts(job)
                    pushed = [word for receipt in receipts for word in _statuses(receipt.event["data"])]
                    found = (shown["status"], shown["lifecycle_status"], [r.event["type"] for r in receipts], pushed)

                    assert found == ENDS[words][generation]

        asyncio.run(flow())

    @pytest.mark.parametrize(("generation", "files"), [("G1a", False), ("G1b", False), ("G2", True)])
    def test_waiting_for_the_bill(self, generation: str, files: bool) -> None:
        """
        G1 announces the end at once, without the files that come late; G2 when it can bill, with them.
        """

        async def flow() -> None:
            async with stage(speed=200, generation=generation) as on:
                job = await on.create("output_late")
                await on.over(job)
                await on.settled(job)
                (receipt,) = on.receipts(job)

                assert (receipt.event["data"]["output_file_id"] is not None) is files
                assert (await on.batch(job))["output_file_id"] is not None

        asyncio.run(flow())

    @pytest.mark.parametrize(
        ("generation", "statuses"),
        [
            ("G1a", ("canceled", "pending")),
            ("G1b", ("canceled", "cancelled")),
            ("G2", ("cancelled", "cancelled")),
        ],
    )
    def test_the_providers_spelling(self, generation: str, statuses: tuple[str, str]) -> None:
        """
        G1 passes `canceled` on, and G1a does not know what it means; webhooks spell it the gateway's way.
        """

        async def flow() -> None:
            async with stage(generation=generation) as on:
                job = await on.create("cancelled_as_canceled")
                await on.client.post(f"/v1/batches/{job}/cancel")
                await on.settled(job)
                (receipt,) = on.receipts(job)

                assert _statuses(await on.batch(job)) == list(statuses)
                assert (receipt.event["type"], _statuses(receipt.event["data"])) == (
                    "batch.cancelled",
                    ["cancelled", "cancelled"],
                )

        asyncio.run(flow())

    @pytest.mark.parametrize(
        ("generation", "status", "lifecycle"), [("G1b", "completed", "completed"), ("G2", "in_progress", "running")]
    )
    def test_the_first_end_stays(self, generation: str, status: str, lifecycle: str) -> None:
        """
        While the provider still says in_progress after the end, G1 shows the end that it stored, without its files.
        """

        async def flow() -> None:
            async with stage(speed=150, generation=generation) as on:
                job = await on.create("status_stale")
                await until(lambda: is_so(lambda: bool(on.receipts(job))))
                shown = await on.batch(job)

                assert (shown["status"], shown["lifecycle_status"]) == (status, lifecycle)
                assert shown["output_file_id"] is None

        asyncio.run(flow())

    @pytest.mark.parametrize(
        ("generation", "ended", "cancelled"),
        [("G1a", 400, 200), ("G1b", 400, 200), ("G2", 409, 409), ("G3", 409, 409)],
    )
    def test_cancel_after_the_end(self, generation: str, ended: int, cancelled: int) -> None:
        """
        G1 refuses to cancel what it stored as ended, but for what is cancelled already; G2 passes the provider's 409 on.
        """

        async def flow() -> None:
            async with stage(generation=generation) as on:
                jobs = [await on.create() for _ in range(2)]
                await on.client.post(f"/v1/batches/{jobs[1]}/cancel")
                await on.settled(*jobs)
                answers = [await on.client.post(f"/v1/batches/{job}/cancel") for job in jobs]

                assert [answer.status_code for answer in answers] == [ended, cancelled]
                if ended == 400:
                    refusal = answers[0].json()
                    assert (refusal["reason"], refusal["status"]) == (
                        "batch_cancel_requires_non_terminal_status",
                        "completed",
                    )
                    assert answers[1].json()["status"] == "cancelled"

        asyncio.run(flow())


def _statuses(shown: dict[str, Any]) -> list[str]:
    return [shown["status"], shown["lifecycle_status"]]


class TestProgress:
    @pytest.mark.parametrize("generation", ALL)
    def test_only_g1b_tells(self, generation: str) -> None:
        """
        Polls of a batch bring progress events in G1b, in buckets, each once and rising; in no other generation.
        """

        async def flow() -> None:
            async with stage(speed=400, generation=generation) as on:
                job = await on.create(**on.webhook("batch.progress"))

                async def ended() -> bool:
                    return bool((await on.batch(job))["status"] == "completed")

                await until(ended)
                await on.settled(job)
                events = [receipt.event for receipt in on.receipts(job)]
                told = [event["data"]["progress"] for event in events]

                assert bool(told) is (generation == "G1b")
                assert set(told) <= {5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95}
                assert told == sorted(set(told))
                assert [event["delivery"]["key"] for event in events] == [f"batch.progress:{step}" for step in told]
                if told:
                    assert (await on.batch(job))["last_webhook_progress"] == told[-1]

        asyncio.run(flow())
