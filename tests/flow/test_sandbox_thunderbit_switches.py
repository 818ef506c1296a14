"""Each switch of the sandbox's Thunderbit: what it changes on the wire, and that nonsense changes nothing."""

import asyncio
import hmac
import json
import time
from hashlib import sha256
from typing import Any

import pytest
from at_thunderbit import BAD, GOOD, SECRET, id_of, outcomes, thunderbit

from sandbox.thunderbit.switches import Switches

MARKDOWN = f"# A page of the sandbox\n\nRead from <{GOOD}>.\n"
RECORDS = [{"name": "name 1", "price": 1}]


class TestSetting:
    def test_shown_and_set(self) -> None:
        """
        What is named changes, all the rest stays, and the answer has everything.
        """

        async def flow() -> None:
            async with thunderbit() as at:
                before = (await at.client.get("/sandbox/switches")).json()
                after = await at.client.post("/sandbox/switches", json={"errors": "swapped", "lag_seconds": 5})
                untouched = await at.client.post("/sandbox/switches", json={})

                assert before == Switches().model_dump()
                assert after.json() == before | {"errors": "swapped", "lag_seconds": 5}
                assert untouched.json() == after.json()

        asyncio.run(flow())

    def test_nonsense_changes_nothing(self) -> None:
        """
        An unknown switch or value is a 400 that names it, and the good ones beside it are not set either.
        """
        wrong: list[tuple[bytes, str]] = [
            (b"", "no JSON"),
            (b"[]", "no object"),
            (b'{"credits": "exhausted", "speed": 1}', '"speed"'),
            (b'{"credits": "exhausted", "signature": "v3"}', "signature"),
            (b'{"credits": "exhausted", "shows_total": 1}', "shows_total"),
            (b'{"credits": "exhausted", "extract_limit": true}', "extract_limit"),
            (b'{"credits": "exhausted", "rate_limit": 0}', "rate_limit"),
            (b'{"credits": "exhausted", "rate_limit": 1.5}', "rate_limit"),
            (b'{"credits": "exhausted", "retry_scale": NaN}', "retry_scale"),
            (b'{"credits": "exhausted", "lag_seconds": -1}', "lag_seconds"),
            (b'{"credits": "exhausted", "lag_seconds": null}', "lag_seconds"),
            (b'{"credits": "exhausted", "scenario": "webhook_lots"}', "webhook_lost"),
            (b'{"credits": "exhausted", "scenario": "\\ud800"}', "Known words"),
        ]

        async def flow() -> None:
            async with thunderbit() as at:
                for body, says in wrong:
                    answer = await at.client.post("/sandbox/switches", content=body)
                    assert (answer.status_code, says in answer.json()["error"]) == (400, True), body
                assert (await at.client.get("/sandbox/switches")).json() == Switches().model_dump()

        asyncio.run(flow())


class TestWords:
    @pytest.mark.parametrize(
        ("words", "pending", "running", "over", "rows"),
        [
            ("upper", "PENDING", "PROCESSING", "COMPLETED", ["SUCCEEDED", "FAILED"]),
            ("lower", "pending", "processing", "completed", ["completed", "failed"]),
            ("endpoint_page", "pending", "pending", "completed", ["success", "failed"]),
        ],
    )
    def test_status_words(self, words: str, pending: str, running: str, over: str, rows: list[str]) -> None:
        """
        Statuses are spelt as in the guides, as in the tutorials, or as on the endpoint page, which has no word for work.
        The webhook spells them in capitals.
        """

        async def flow() -> None:
            async with thunderbit(speed=1800, status_words=words, lag_seconds=100_000) as at:
                created = await at.post()
                job = f"/batch/distill/{created.json()['data']['id']}"
                await at.settled(job)
                working = await at.shown(job)
                await at.switch(lag_seconds=0)
                shown = await at.shown(job)

                assert created.json()["data"]["status"] == pending
                assert working["status"] == running
                assert (shown["status"], [row["status"] for row in shown["results"]]) == (over, rows)
                assert at.told(job) == ["COMPLETED"]

        asyncio.run(flow())

    @pytest.mark.parametrize("envelope", ["success", "data", "bare"])
    def test_envelope_and_id(self, envelope: str) -> None:
        """
        A job comes in either envelope or in none, and its id under either name.
        """

        async def flow() -> None:
            async with thunderbit(envelope=envelope, id_member="job_id", created_status=202) as at:
                created = await at.post()
                data = created.json() if envelope == "bare" else created.json()["data"]
                shown = (await at.ask(f"/batch/distill/{data['job_id']}")).json()
                outside = {"success": {"success", "data"}, "data": {"data"}}

                assert created.status_code == 202
                assert set(data) == {"job_id", "status", "total"}
                assert set(shown) == outside.get(
                    envelope, {"job_id", "status", "total", "completed", "failed", "results"}
                )

        asyncio.run(flow())


class TestRows:
    @pytest.mark.parametrize(
        ("shape", "kind", "output"),
        [
            ("flat", "distill", {"markdown": MARKDOWN}),
            ("nested", "distill", {"data": {"markdown": MARKDOWN}}),
            ("flat", "extract", {"data": RECORDS}),
            ("nested", "extract", {"data": {"url": GOOD, "data": RECORDS}}),
        ],
    )
    def test_row_shape(self, shape: str, kind: str, output: dict[str, Any]) -> None:
        """
        A row's output stands in the row, or one object deeper.
        """

        async def flow() -> None:
            async with thunderbit(speed=1800, row_shape=shape) as at:
                job = await at.create(kind=kind)
                await at.over(job)
                row = (await at.shown(job))["results"][0]

                assert row == {"url": GOOD, "status": "SUCCEEDED"} | output

        asyncio.run(flow())

    def test_row_error(self) -> None:
        """
        A row's error is a text, an object, or a member of its own.
        """

        async def flow() -> None:
            async with thunderbit(speed=1800) as at:
                job, found = await at.create(), {}
                await at.over(job)
                for form in ("text", "object", "code"):
                    await at.switch(row_error=form)
                    found[form] = (await at.shown(job))["results"][1]

                assert found["text"]["error"] == "SCRAPE_TIMEOUT"
                assert found["object"]["error"]["code"] == "SCRAPE_TIMEOUT"
                assert (found["code"]["errorCode"], "error" in found["code"]) == ("SCRAPE_TIMEOUT", False)

        asyncio.run(flow())

    def test_unfinished_rows(self) -> None:
        """
        Rows that are not finished are listed, or left out until they are.
        """

        async def flow() -> None:
            async with thunderbit(speed=1) as at:
                job, found = await at.create(), {}
                for way in ("listed", "omitted"):
                    await at.switch(unfinished_rows=way)
                    found[way] = (await at.shown(job))["results"]

                assert found == {
                    "listed": [{"url": GOOD, "status": "PENDING"}, {"url": BAD, "status": "PENDING"}],
                    "omitted": [],
                }

        asyncio.run(flow())

    def test_counts(self) -> None:
        """
        `completed` counts rows that succeeded or that finished; `failed`, `total` and `creditsUsed` can be there or not.
        """

        async def flow() -> None:
            async with thunderbit(speed=1800, completed_means="finished", shows_failed=False, shows_total=False) as at:
                job = await at.create()
                await at.over(job)
                few = await at.shown(job)
                await at.switch(completed_means="succeeded", shows_failed=True, shows_total=True, shows_credits=True)
                all_ = await at.shown(job)
                names = ("total", "completed", "failed", "creditsUsed")

                assert [few.get(name) for name in names] == [None, 2, None, None]
                assert [all_.get(name) for name in names] == [2, 1, 1, 1]

        asyncio.run(flow())


class TestRefusing:
    def test_error_forms(self) -> None:
        """
        An error is written in one of five forms, always with its own HTTP status.
        """
        both = {"message": "No job with id batch_0", "details": None}

        async def flow() -> None:
            async with thunderbit() as at:
                found = {}
                for form in ("current", "swapped", "message", "text", "page"):
                    await at.switch(errors=form)
                    answer = await at.ask("/batch/distill/batch_0")
                    assert answer.status_code == 404
                    found[form] = answer.text if form == "page" else answer.json()

                assert found == {
                    "current": {"success": False, "error": {"code": "JOB_NOT_FOUND", "status": 404} | both},
                    "swapped": {"success": False, "error": {"code": 404, "status": "JOB_NOT_FOUND"} | both},
                    "message": {"message": "No job with id batch_0"},
                    "text": {"error": "No job with id batch_0"},
                    "page": "<!doctype html><title>404</title><h1>404</h1>",
                }

        asyncio.run(flow())

    def test_base_path(self) -> None:
        """
        Only one of the base paths answers; the other is a page with 404.
        """

        async def flow() -> None:
            async with thunderbit() as at:
                job = await at.create()
                for answers, other in (("/openapi/v1", "/v1"), ("/v1", "/openapi/v1")):
                    await at.switch(base_path=answers)
                    pages = [await at.client.get(base + job) for base in (answers, other)]
                    assert [page.status_code for page in pages] == [200, 404]
                    assert pages[1].headers["content-type"] == "text/html; charset=utf-8"

        asyncio.run(flow())

    def test_extract_limit(self) -> None:
        """
        An extract job may have 50 URLs where the endpoint page is right; a distill job always 100.
        """

        async def flow() -> None:
            async with thunderbit(extract_limit=50) as at:
                answers = [await at.post(kind="extract", urls=[GOOD] * count) for count in (50, 51)]
                distill = await at.post(urls=[GOOD] * 100)

                assert [answer.status_code for answer in (*answers, distill)] == [200, 400, 200]
                assert answers[1].json()["error"]["code"] == "BATCH_SIZE_EXCEEDED"

        asyncio.run(flow())

    @pytest.mark.parametrize("status", [409, 400, 200])
    def test_delete_after_end(self, status: int) -> None:
        """
        A DELETE of a job that is over is refused in one of two ways, or accepted without effect.
        """

        async def flow() -> None:
            async with thunderbit(speed=1800, delete_after_end=status) as at:
                job = await at.create()
                await at.over(job)
                answer = await at.cancel(job)

                assert answer.status_code == status
                if status == 200:
                    assert answer.json() == {"success": True}
                else:
                    assert (answer.json()["error"]["code"], answer.json()["error"]["status"]) == (
                        "INVALID_PARAMETER",
                        status,
                    )
                assert (await at.truth(job))["status"] == "COMPLETED"

        asyncio.run(flow())

    def test_rate_limit_reset_and_retry_after(self) -> None:
        """
        Reset is an epoch in seconds or milliseconds, within a minute of now, and a 429 can have Retry-After.
        """

        async def flow() -> None:
            async with thunderbit(speed=1, rate_limit=1, rate_limit_unit="ms", retry_after=True) as at:
                job = await at.create()
                answer = await at.ask(job)
                left = int(answer.headers["x-ratelimit-reset"]) / 1_000 - time.time()

                assert answer.status_code == 429
                assert 0 < left <= 60
                assert 0 < int(answer.headers["retry-after"]) <= 60

        asyncio.run(flow())

    def test_retention(self) -> None:
        """
        So long after its end a job is no longer found; what was told of it stays told.
        """

        async def flow() -> None:
            async with thunderbit(speed=1800, retention_seconds=0) as at:
                job = await at.create()
                await at.settled(job)
                answers = [await at.ask(job), await at.cancel(job)]
                await at.switch(retention_seconds=None)
                found = await at.ask(job)

                assert [(each.status_code, each.json()["error"]["code"]) for each in answers] == [
                    (404, "JOB_NOT_FOUND")
                ] * 2
                assert found.status_code == 200
                assert at.told(job) == ["COMPLETED"]

        asyncio.run(flow())

    def test_credits_and_keys(self) -> None:
        """
        Without credits creates are 402 and polls are free; a key that is spoiled is refused everywhere, each way by its code.
        """

        async def flow() -> None:
            async with thunderbit() as at:
                job = await at.create()
                await at.switch(credits="exhausted")
                refused, asked = await at.post(), await at.ask(job)
                await at.switch(credits="enough")
                codes = {}
                for key in ("not_found", "revoked", "disabled", "expired", "invalid"):
                    await at.switch(key=key)
                    answers = [await at.ask(job), await at.post(), await at.cancel(job)]
                    assert [answer.status_code for answer in answers] == [401, 401, 401]
                    codes[key] = answers[0].json()["error"]["code"]
                await at.switch(key="live")

                assert (refused.status_code, refused.json()["error"]["code"]) == (402, "INSUFFICIENT_CREDITS")
                assert asked.status_code == (await at.ask(job)).status_code == 200
                assert codes == {
                    "not_found": "API_KEY_NOT_FOUND",
                    "revoked": "API_KEY_REVOKED",
                    "disabled": "API_KEY_DISABLED",
                    "expired": "API_KEY_EXPIRED",
                    "invalid": "INVALID_API_KEY",
                }
                assert len(await at.jobs()) == 1

        asyncio.run(flow())


class TestTelling:
    def test_signature(self) -> None:
        """
        v1 is hex over the body alone and comes without a timestamp; none is no signature, whatever the secret.
        """

        async def flow() -> None:
            async with thunderbit(speed=1800, signature="v1") as at:
                at.receiver.takes_unsigned = True
                old = await at.create()
                await at.settled(old)
                await at.switch(signature="none")
                none = await at.create()
                await at.settled(none)
                (receipt,), (bare,) = at.receipts(old), at.receipts(none)
                made = "sha256=" + hmac.new(SECRET.encode(), receipt.body, sha256).hexdigest()

                assert receipt.headers["x-webhook-signature"] == made
                assert "x-webhook-timestamp" not in receipt.headers
                assert "x-webhook-signature" not in bare.headers

        asyncio.run(flow())

    def test_payload(self) -> None:
        """
        The old payload has six members; the integration pages' one has the rows besides.
        """

        async def flow() -> None:
            async with thunderbit(speed=1800, payload="old") as at:
                job = await at.create()
                await at.settled(job)
                await at.switch(payload="with_rows")
                await at.client.post(f"/sandbox/deliver/{id_of(job)}")
                old, full = (json.loads(each.body) for each in at.receipts(job))

                assert list(old) == ["id", "status", "total", "completed", "failed", "completedAt"]
                assert full["results"] == (await at.shown(job))["results"]
                assert all(each.genuine for each in at.receipts(job))

        asyncio.run(flow())

    def test_timestamp(self) -> None:
        """
        All attempts carry the first one's timestamp and so the same bytes and signature.
        """

        async def flow() -> None:
            async with thunderbit(speed=1800, timestamp="fixed") as at:
                at.receiver.plan += [500, 500]
                job = await at.create()
                await at.settled(job)
                sent = {
                    (each.headers["x-webhook-timestamp"], each.headers["x-webhook-signature"])
                    for each in at.receipts(job)
                }

                assert (len(at.receipts(job)), len(sent)) == (3, 1)
                assert all(each.genuine for each in at.receipts(job))

        asyncio.run(flow())

    def test_retry_scale(self) -> None:
        """
        The pauses between attempts can be shortened by themselves: at speed 200 they take 12.8 s, here next to nothing.
        """

        async def flow() -> None:
            async with thunderbit(retry_scale=0.001) as at:
                at.receiver.plan += [500] * 6
                truth = await at.settled(await at.create())

                assert outcomes(truth) == [(n, "rejected") for n in range(1, 7)]

        asyncio.run(flow())

    def test_lag(self) -> None:
        """
        After the webhook has come the job still seems to be in work for so long.
        """

        async def flow() -> None:
            async with thunderbit(speed=1800, lag_seconds=100_000) as at:
                job = await at.create()
                truth, stale = await at.settled(job), await at.shown(job)
                await at.switch(lag_seconds=0)
                shown = await at.shown(job)

                assert at.told(job) == [truth["status"]] == ["COMPLETED"]
                assert (stale["status"], [row["status"] for row in stale["results"]]) == (
                    "PROCESSING",
                    ["SUCCEEDED", "PROCESSING"],
                )
                assert shown["status"] == "COMPLETED"

        asyncio.run(flow())


class TestWhole:
    def test_faulty_answers_and_scenario(self) -> None:
        """
        A scenario can be that of every job that names none, and its faults come as often as the switch says.
        """

        async def flow() -> None:
            async with thunderbit(faulty_answers=2, scenario="status_500,webhook_lost") as at:
                spoilt, own = await at.create(), await at.create("fails")
                answers = [(await at.ask(spoilt)).status_code for _ in range(3)]

                assert answers == [500, 500, 200]
                assert (await at.ask(own)).status_code == 200
                assert [job["scenario"] for job in await at.jobs()] == ["status_500,webhook_lost", "fails"]

        asyncio.run(flow())

    def test_forgotten(self) -> None:
        """
        A job can be forgotten at any moment: it is no longer found, and nothing is told of it.
        """

        async def flow() -> None:
            async with thunderbit(speed=1) as at:
                job = await at.create()
                assert (await at.client.post(f"/sandbox/delete/{id_of(job)}")).status_code == 200
                truth, answer = await at.settled(job), await at.ask(job)

                assert (answer.status_code, truth["deleted"], truth["sent"]) == (404, True, [])
                assert (await at.client.post("/sandbox/delete/batch_0")).status_code == 404

        asyncio.run(flow())
