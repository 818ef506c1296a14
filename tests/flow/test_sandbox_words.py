"""What every scenario word does to a batch and its webhooks, over real sockets."""

import asyncio
import json
import time
from contextlib import suppress

import httpx
import pytest
from standing_in import FOUR_FAILURES, SCHEDULED, is_so, outcomes, recorded, stage, until

from sandbox.faults import SLOW

SENT_AND_RECORDED = {
    "": ([(1, "delivered")], [(1, "delivered")]),
    "webhook_lost": ([], []),
    "webhook_phantom": ([], [(1, "delivered")]),
    "webhook_given_up": ([], FOUR_FAILURES),
    "webhook_timed_out": ([], FOUR_FAILURES),
    "webhook_badly_signed": ([(n, "rejected") for n in (1, 2, 3, 4)], FOUR_FAILURES),
    "webhook_unsigned": ([(n, "rejected") for n in (1, 2, 3, 4)], FOUR_FAILURES),
    "webhook_tampered": ([(n, "rejected") for n in (1, 2, 3, 4)], FOUR_FAILURES),
    "webhook_badly_signed_once": ([(1, "rejected"), (2, "delivered")], [(1, SCHEDULED), (2, "delivered")]),
    "webhook_repeated": ([(1, "delivered")] * 3, [(1, "delivered")]),
    "webhook_lost,fails": ([], []),
    "webhook_phantom,expires": ([], [(1, "delivered")]),
    "webhook_repeated,webhook_badly_signed_once": (
        [(1, "rejected")] * 3 + [(2, "delivered")] * 3,
        [(1, SCHEDULED), (2, "delivered")],
    ),
}


class TestWebhookWords:
    def test_sent_and_recorded(self) -> None:
        """
        What reaches the receiver and what the gateway says about it are two things.
        """

        async def flow() -> None:
            async with stage() as on:
                jobs = [await on.create(words) for words in SENT_AND_RECORDED]
                truths = dict(zip(SENT_AND_RECORDED, await on.settled(*jobs), strict=True))
                genuine = {
                    words: [receipt.genuine for receipt in on.receipts(job)]
                    for words, job in zip(SENT_AND_RECORDED, jobs, strict=True)
                }

                assert {words: (outcomes(truth), recorded(truth)) for words, truth in truths.items()} == (
                    SENT_AND_RECORDED
                )
                assert genuine == {
                    words: [outcome == "delivered" for _, outcome in sent]
                    for words, (sent, _) in SENT_AND_RECORDED.items()
                }
                assert {entry["error_message"] for entry in truths["webhook_timed_out"]["recorded"]} == {
                    "Webhook request timed out after 30000ms"
                }
                assert truths["webhook_phantom"]["recorded"][0]["response_body_preview"] == "ok"

        asyncio.run(flow())

    def test_unsigned_and_tampered(self) -> None:
        """
        An unsigned delivery has all headers but timestamp and signature; a tampered one lies about the status.
        """

        async def flow() -> None:
            async with stage() as on:
                bare, lying = await on.create("webhook_unsigned"), await on.create("webhook_tampered")
                await on.settled(bare, lying)
                unsigned, tampered = on.receipts(bare)[0], on.receipts(lying)[0]

                assert unsigned.named("x-phaseo-") | {"timestamp", "signature"} == tampered.named("x-phaseo-")
                assert not unsigned.named("x-phaseo-") & {"timestamp", "signature"}
                assert (tampered.event["type"], tampered.event["data"]["status"]) == ("batch.completed", "failed")

        asyncio.run(flow())

    def test_delayed_and_reordered(self) -> None:
        """
        A delayed webhook leaves three minutes late, and a reordered batch.created follows the terminal one.
        """

        async def flow() -> None:
            async with stage(speed=600) as on:
                job = await on.create("webhook_delayed,webhook_reordered")
                await on.over(job)
                noticed = time.monotonic()
                await on.settled(job)
                terminal, created = on.receipts(job)

                assert terminal.at - noticed > 0.2
                assert [terminal.event["type"], created.event["type"]] == ["batch.completed", "batch.created"]
                assert created.event["data"]["status"] == "completed"

        asyncio.run(flow())

    def test_a_test_can_send_for_itself(self) -> None:
        """
        The control surface sends one genuine event at once, whatever the scenario, outside the account.
        """

        async def flow() -> None:
            async with stage(speed=1) as on:
                job = await on.create("webhook_lost")
                answer = await on.client.post(f"/sandbox/deliver/{job}/completed")
                wrong = await on.client.post(f"/sandbox/deliver/{job}/eaten")
                truth = await on.truth(job)

                assert answer.json() == {
                    "delivery_key": "batch.completed",
                    "attempt": 1,
                    "outcome": "delivered",
                    "response_status": 202,
                }
                assert on.receipts(job)[0].event["data"]["status"] == "pending"
                assert (outcomes(truth), recorded(truth)) == ([(1, "delivered")], [])
                assert (wrong.status_code, truth["done"]) == (400, False)

        asyncio.run(flow())


ENDS = {
    # words: status, announced as, completed and failed rows, output file and error file
    "fails": ("failed", ["batch.failed"], (0, 0), (False, False)),
    "expires": ("expired", ["batch.failed"], (3, 3), (True, True)),
    "rows_fail": ("completed", ["batch.completed"], (4, 2), (True, True)),
    "all_rows_fail": ("completed", [], (0, 6), (False, True)),
}


class TestEnds:
    def test_ends(self) -> None:
        """
        Each end has its status, its files and its announcement; without a good row there is none.
        """

        async def flow() -> None:
            async with stage() as on:
                jobs = {words: await on.create(words) for words in ENDS}
                shown = {words: await on.over(job) for words, job in jobs.items()}
                await on.settled(*jobs.values())
                told = {words: [receipt.event for receipt in on.receipts(job)] for words, job in jobs.items()}
                found = {
                    words: (
                        batch["status"],
                        [event["type"] for event in told[words]],
                        (batch["request_counts"]["completed"], batch["request_counts"]["failed"]),
                        (batch["output_file_id"] is not None, batch["error_file_id"] is not None),
                    )
                    for words, batch in shown.items()
                }
                errors = await on.client.get(f"/v1/files/{shown['expires']['error_file_id']}/content")
                unrun = [json.loads(line)["error"]["code"] for line in errors.text.splitlines()]

                assert found == ENDS
                assert unrun == ["batch_expired"] * 3
                assert shown["fails"]["errors"]["data"][0]["code"] == "model_unavailable"
                assert "billing" not in shown["all_rows_fail"]
                assert told["expires"][0]["data"]["status"] == "expired"
                assert told["expires"][0]["data"]["upstream_error"]["code"] == "batch_expired"
                assert told["fails"][0]["data"]["billing"]["state"] == "void"

        asyncio.run(flow())

    def test_output_late(self) -> None:
        """
        For two minutes a finished batch names no files; the webhook goes out when it can be billed, with them.
        """

        async def flow() -> None:
            async with stage(speed=100) as on:
                job = await on.create("output_late")
                early = await on.over(job)
                await on.settled(job)
                late = await on.batch(job)
                (receipt,) = on.receipts(job)

                assert (early["status"], early["output_file_id"]) == ("completed", None)
                assert "billing" not in early
                assert receipt.event["data"]["output_file_id"] == late["output_file_id"] is not None
                assert (await on.client.get(f"/v1/files/{late['output_file_id']}/content")).status_code == 200

        asyncio.run(flow())

    def test_output_missing(self) -> None:
        """
        The output file's id is shown and announced, and nobody ever finds the file.
        """

        async def flow() -> None:
            async with stage() as on:
                job = await on.create("output_missing,rows_fail")
                shown = await on.over(job)
                await on.settled(job)
                missing = await on.client.get(f"/v1/files/{shown['output_file_id']}/content")
                present = await on.client.get(f"/v1/files/{shown['error_file_id']}")

                assert (missing.status_code, missing.json()["reason"]) == (404, "file_not_found_or_not_owned")
                assert present.status_code == 200
                assert len(on.receipts(job, "batch.completed")) == 1

        asyncio.run(flow())


class TestCancels:
    def test_accepted(self) -> None:
        """
        An accepted cancel answers cancelling, takes its time, and can lose; afterwards it is refused.
        """

        async def flow() -> None:
            async with stage(speed=900) as on:
                jobs = {words: await on.create(words) for words in ("", "cancel_late", "cancel_loses")}
                answers = []
                for job in jobs.values():
                    await on.reaches(job, "in_progress")
                    answers.append((await on.client.post(f"/v1/batches/{job}/cancel")).json())
                shown = {words: await on.over(job) for words, job in jobs.items()}
                again = await on.client.post(f"/v1/batches/{jobs['']}/cancel")
                truths = await on.settled(*jobs.values())

                for answer in answers:
                    assert (answer["status"], answer["lifecycle_status"]) == ("cancelling", "pending")
                    assert answer["cancel_url"] is not None
                assert {words: batch["status"] for words, batch in shown.items()} == {
                    "": "cancelled",
                    "cancel_late": "cancelled",
                    "cancel_loses": "completed",
                }
                assert (again.status_code, again.json()["error"]["type"]) == (409, "invalid_request_error")
                assert [[receipt.event["type"] for receipt in on.receipts(job)] for job in jobs.values()] == [
                    ["batch.cancelled"],
                    ["batch.cancelled"],
                    ["batch.completed"],
                ]
                assert [truth["cancels"] for truth in truths] == [2, 1, 1]

        asyncio.run(flow())

    def test_refused(self) -> None:
        """
        A refused cancel is the provider's 409, and the batch goes on as before.
        """

        async def flow() -> None:
            async with stage() as on:
                job = await on.create("cancel_refused")
                answer = await on.client.post(f"/v1/batches/{job}/cancel")
                shown = await on.over(job)

                assert answer.status_code == 409
                assert isinstance(answer.json()["error"], dict)
                assert shown["status"] == "completed"

        asyncio.run(flow())


class TestStatusWords:
    def test_first_three_answers(self) -> None:
        """
        Once in progress, three status calls meet the fault, each in its own envelope; the fourth is answered.
        """

        async def flow() -> None:
            async with stage(speed=300) as on:
                words = ("status_429", "status_500", "status_provider_404", "status_malformed")
                jobs = {word: await on.create(word) for word in words}
                answers: dict[str, list[httpx.Response]] = {}
                for word, job in jobs.items():
                    await on.reaches(job, "in_progress")
                    answers[word] = [await on.client.get(f"/v1/batches/{job}") for _ in range(3)]
                    assert (await on.batch(job))["id"] == job
                cut, page, strange = answers["status_malformed"]

                for slow in answers["status_429"]:
                    assert (slow.status_code, slow.headers["retry-after"]) == (429, "1")
                    assert slow.json()["error"]["type"] == "rate_limit_exceeded"
                for broken in answers["status_500"]:
                    assert (broken.status_code, broken.text) == (500, "Internal Server Error")
                for unknown in answers["status_provider_404"]:
                    assert (unknown.status_code, isinstance(unknown.json()["error"], dict)) == (404, True)
                with pytest.raises(json.JSONDecodeError):
                    cut.json()
                assert page.headers["content-type"].startswith("text/html")
                assert strange.json()["id"] not in jobs.values()

        asyncio.run(flow())

    def test_stale(self) -> None:
        """
        The end is announced at once, and for two minutes after that status answers know nothing of it.
        """

        async def flow() -> None:
            async with stage(speed=100) as on:
                job = await on.create("status_stale")
                await until(lambda: is_so(lambda: bool(on.receipts(job))))
                stale = await on.batch(job)
                told = on.receipts(job)[0]

                async def caught_up() -> bool:
                    return bool((await on.batch(job))["status"] == "completed")

                await until(caught_up)

                assert told.event["data"]["status"] == "completed"
                assert (stale["status"], stale["output_file_id"]) == ("in_progress", None)
                assert time.monotonic() - told.at >= 120 / 100 - 0.05

        asyncio.run(flow())

    def test_slow(self) -> None:
        """
        A slow status answer takes three seconds, and does not hold up a sandbox that is stopped meanwhile.
        """

        async def flow() -> None:
            async with stage() as on:
                job = await on.create("status_slow")
                began = time.monotonic()
                asking = asyncio.create_task(on.client.get(f"/v1/batches/{job}"))
                done, _ = await asyncio.wait([asking], timeout=0.4)
                on.box.stop()
                with suppress(httpx.HTTPError):
                    await asking

                assert not done
                assert time.monotonic() - began < SLOW

        asyncio.run(flow())
