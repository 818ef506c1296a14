"""The sandbox's Thunderbit over real sockets, as its newest guides describe it: jobs, rows, cancels, webhooks, refusals."""

import asyncio
import json
import re
import socket
from typing import Any

import pytest
from at_thunderbit import BAD, GOOD, SCHEMA, SECRET, id_of, outcomes, thunderbit
from standing_in import until

from sandbox.server import DEFAULT_THUNDERBIT_KEY

OTHER_KEY = "tb_" + "0123456789abcdef" * 2


class TestGoodDay:
    @pytest.mark.parametrize(("kind", "cost"), [("distill", 1), ("extract", 20)])
    def test_from_create_to_webhook(self, kind: str, cost: int) -> None:
        """
        A job is pending, in work and over; its rows appear, it is announced once, and one failed row costs nothing.
        """

        async def flow() -> None:
            async with thunderbit() as at:
                answer = await at.post(kind=kind)
                job = f"/batch/{kind}/{answer.json()['data']['id']}"
                seen = [answer.json()["data"]["status"]]
                while seen[-1] != "COMPLETED":
                    shown = await at.shown(job)
                    seen += [shown["status"]] if shown["status"] != seen[-1] else []
                    await asyncio.sleep(0.005)
                truth = await at.settled(job)
                (receipt,) = at.receipts(job)
                told = json.loads(receipt.body)

                assert answer.json() == {
                    "success": True,
                    "data": {"id": id_of(job), "status": "PENDING", "total": 2},
                }
                assert seen == [word for word in ("PENDING", "PROCESSING", "COMPLETED") if word in seen]
                assert (shown["total"], shown["completed"], shown["failed"]) == (2, 1, 1)
                assert [row["status"] for row in shown["results"]] == ["SUCCEEDED", "FAILED"]
                assert shown["results"][1] == {"url": BAD, "status": "FAILED", "error": "SCRAPE_TIMEOUT"}
                assert told == {
                    "id": id_of(job),
                    "jobType": f"batch_{kind}",
                    "status": "COMPLETED",
                    "total": 2,
                    "completed": 1,
                    "failed": 1,
                    "creditsUsed": cost,
                    "createdAt": told["createdAt"],
                    "completedAt": told["completedAt"],
                }
                assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", told["completedAt"])
                assert receipt.body == json.dumps(told, separators=(",", ":")).encode()
                assert receipt.genuine
                assert receipt.headers["x-webhook-event"] == "batch.completed"
                assert re.fullmatch(r"\d{13}", receipt.headers["x-webhook-timestamp"])
                assert outcomes(truth) == [(1, "delivered")]
                assert truth["webhook_url"] == at.hooks
                assert SECRET not in json.dumps(truth)
                assert [(row["url"], row["outcome"], row["error"]) for row in truth["rows"]] == [
                    (GOOD, "SUCCEEDED", None),
                    (BAD, "FAILED", "SCRAPE_TIMEOUT"),
                ]

        asyncio.run(flow())

    def test_what_rows_say(self) -> None:
        """
        Distilled pages have Markdown, extracted ones have records with the fields of their schema; a URL names its error.
        """

        async def flow() -> None:
            async with thunderbit(speed=1800) as at:
                urls = [GOOD, GOOD, "https://shop.example/?sandbox=SCRAPE_SSL_ERROR"]
                plain = {"type": "object", "properties": {"site": {"type": "url"}, "stock": {"type": "integer"}}}
                jobs = [
                    await at.create(urls=urls),
                    await at.create(kind="extract", urls=urls),
                    (await at.client.post("/openapi/v1/batch/extract", json={"urls": urls, "schema": plain})).json()[
                        "data"
                    ]["id"],
                ]
                jobs[2] = f"/batch/extract/{jobs[2]}"
                for job in jobs:
                    await at.over(job)
                distilled, extracted, plainly = [(await at.shown(job))["results"] for job in jobs]

                assert distilled[0]["markdown"] == f"# A page of the sandbox\n\nRead from <{GOOD}>.\n"
                assert distilled[0] == distilled[1]
                assert distilled[2]["error"] == "SCRAPE_SSL_ERROR"
                assert [row.get("data") for row in extracted[:2]] == [
                    [{"name": "name 1", "price": 1}],
                    [{"name": "name 2", "price": 2}],
                ]
                assert plainly[0]["data"] == [{"site": GOOD, "stock": 1}]

        asyncio.run(flow())

    def test_pages_of_rows(self) -> None:
        """
        Pages count from 0, have 20 rows unless asked otherwise, and are empty after the last.
        """

        async def flow() -> None:
            async with thunderbit(speed=1800) as at:
                urls = [f"https://shop.example/p/{n}" for n in range(50)]
                job = await at.create(urls=urls)
                await at.over(job)

                async def page(**query: int) -> list[str]:
                    return [row["url"] for row in (await at.ask(job, **query)).json()["data"]["results"]]

                assert await page() == urls[:20]
                assert await page(page=2) == urls[40:]
                assert await page(page=3) == []
                assert await page(page=1, pageSize=7) == urls[7:14]
                assert await page(page=0, pageSize=100) == urls
                for query in ({"page": -1}, {"pageSize": 0}, {"pageSize": 101}):
                    refused = await at.ask(job, **query)
                    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "INVALID_PARAMETER")
                    assert list(refused.json()["error"]["details"]) == list(query)

        asyncio.run(flow())

    def test_a_cancelled_job(self) -> None:
        """
        A cancel is answered at once and told by webhook; what was read stays, and no more is read. A second one is answered 409.
        """

        async def flow() -> None:
            async with thunderbit(speed=20) as at:
                job = await at.create(urls=[GOOD] * 100)
                answer = await at.cancel(job)
                again = await at.cancel(job)
                await at.settled(job)
                late, shown, truth = await at.cancel(job), await at.shown(job), await at.truth(job)

                assert (answer.status_code, answer.json()) == (200, {"success": True})
                assert again.json() == {"success": True}
                assert (late.status_code, late.json()["error"]["code"]) == (409, "INVALID_PARAMETER")
                assert shown["status"] == "CANCELLED"
                assert {row["status"] for row in shown["results"]} <= {"PENDING", "PROCESSING"}
                assert at.told(job) == ["CANCELLED"]
                assert at.receipts(job)[0].headers["x-webhook-event"] == "batch.completed"
                assert (truth["status"], truth["cancels"]) == ("CANCELLED", 3)

        asyncio.run(flow())

    def test_without_a_webhook_or_a_secret(self) -> None:
        """
        A job without a webhook settles untold. Without a secret the webhook has a timestamp and no signature.
        """

        async def flow() -> None:
            async with thunderbit(speed=1800) as at:
                at.receiver.takes_unsigned = True
                untold, unsigned = await at.create(webhook=None), await at.create(webhook={"url": at.hooks})
                truth = await at.settled(untold)
                await at.settled(unsigned)
                (receipt,) = at.receipts(unsigned)

                assert (truth["sent"], truth["webhook_url"]) == ([], None)
                assert "x-webhook-timestamp" in receipt.headers
                assert "x-webhook-signature" not in receipt.headers

        asyncio.run(flow())

    def test_custom_headers_are_taken_and_not_sent(self) -> None:
        """
        `webhook.headers` changes nothing; `callback` is the older name of `webhook`.
        """

        async def flow() -> None:
            async with thunderbit(speed=1800) as at:
                hook = {"url": at.hooks, "secret": SECRET, "headers": {"X-Mine": "yes"}}
                job = await at.create(webhook=None, callback=hook)
                await at.settled(job)
                (receipt,) = at.receipts(job)

                assert receipt.genuine
                assert "x-mine" not in receipt.headers

        asyncio.run(flow())


class TestRetries:
    def test_six_attempts_and_no_more(self) -> None:
        """
        What is not answered 2xx is sent again five times, each signed anew; a redirect is such an answer and is not followed.
        """

        async def flow() -> None:
            async with thunderbit(speed=20_000) as at:
                at.receiver.plan += [500, 302, 404, 503, 400, 500, 500]
                job = await at.create()
                truth = await at.settled(job)
                stamps = [each.headers["x-webhook-timestamp"] for each in at.receipts(job)]

                assert [sent["response_status"] for sent in truth["sent"]] == [500, 302, 404, 503, 400, 500]
                assert outcomes(truth) == [(n, "rejected") for n in range(1, 7)]
                assert {path for _, path in at.receiver.visits} == {"/hooks"}
                assert len(set(stamps)) > 1
                assert all(each.genuine for each in at.receipts(job))
                assert truth["status"] == "COMPLETED"

        asyncio.run(flow())

    def test_a_silent_receiver_has_failed(self) -> None:
        """
        What is not answered in time counts as not taken, and is sent again; neither delays the end of the sandbox.
        """

        async def flow() -> None:
            with socket.create_server(("127.0.0.1", 0)) as silent:
                hook = {"url": f"http://127.0.0.1:{silent.getsockname()[1]}/"}
                async with thunderbit(speed=20_000) as at:
                    job = await at.create(webhook=hook)

                    async def tried() -> bool:
                        return bool((await at.truth(job))["sent"])

                    await until(tried)
                    truth = await at.truth(job)

                    assert (outcomes(truth)[0], truth["settled"]) == ((1, "timed_out"), False)

        asyncio.run(flow())

    def test_sent_again_on_request(self) -> None:
        """
        A webhook can be sent once more at any time after the end, and not before.
        """

        async def flow() -> None:
            async with thunderbit(speed=20) as at:
                job = await at.create("webhook_lost", urls=[GOOD] * 100)
                early = await at.client.post(f"/sandbox/deliver/{id_of(job)}")
                await at.cancel(job)
                await at.settled(job)
                sent = await at.client.post(f"/sandbox/deliver/{id_of(job)}")
                unknown = await at.client.post("/sandbox/deliver/batch_0")

                assert (early.status_code, unknown.status_code) == (400, 404)
                assert sent.json() == {"outcome": "delivered", "response_status": 202}
                assert at.told(job) == ["CANCELLED"]
                assert at.receipts(job)[0].genuine

        asyncio.run(flow())


class TestRefusals:
    def test_who_may_ask(self) -> None:
        """
        Each way in which a key can be wrong has its own code.
        """

        async def flow() -> None:
            async with thunderbit() as at:
                job = await at.create()
                keys = {
                    None: "API_KEY_MISSING",
                    DEFAULT_THUNDERBIT_KEY: "API_KEY_MISSING",
                    "Bearer": "API_KEY_MISSING",
                    "Bearer tb_short": "API_KEY_INVALID_FORMAT",
                    f"Bearer {DEFAULT_THUNDERBIT_KEY.upper()}": "API_KEY_INVALID_FORMAT",
                    f"Bearer {OTHER_KEY}": "API_KEY_NOT_FOUND",
                }
                for header, code in keys.items():
                    request = at.client.build_request("GET", f"/openapi/v1{job}")
                    del request.headers["authorization"]
                    if header:
                        request.headers["Authorization"] = header
                    answer = await at.client.send(request)
                    assert (answer.status_code, answer.json()["error"]["code"]) == (401, code)
                    assert answer.json()["error"]["status"] == 401
                    assert "x-ratelimit-reset" in answer.headers

        asyncio.run(flow())

    def test_unknown_jobs_and_paths(self) -> None:
        """
        The two families are apart; an unknown path is a page without an envelope, and so are other methods.
        """

        async def flow() -> None:
            async with thunderbit() as at:
                job = await at.create()
                strange = [job.replace("distill", "extract"), "/batch/distill/batch_0", "/batch/distill/a%20b%2F"]
                for path in strange[:2]:
                    for answer in (await at.ask(path), await at.cancel(path)):
                        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "JOB_NOT_FOUND")
                for path in ("/batch", "/batch/distill", "/batch/other/batch_0", "/extract/batch", strange[2]):
                    page = await at.ask(path)
                    assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
                assert (await at.client.put(f"/openapi/v1{job}")).status_code == 404
                assert (await at.client.get("/nothing")).status_code == 404
                assert (await at.truth(job))["gets"] == 0

        asyncio.run(flow())

    CREATES: tuple[tuple[str, dict[str, Any], str], ...] = (
        ("distill", {"urls": None}, "INVALID_PARAMETER urls"),
        ("distill", {"urls": []}, "INVALID_PARAMETER urls"),
        ("distill", {"urls": [GOOD] * 101}, "BATCH_SIZE_EXCEEDED"),
        ("extract", {"urls": [GOOD] * 101}, "BATCH_SIZE_EXCEEDED"),
        ("distill", {"urls": ["ftp://shop.example"]}, "INVALID_URL"),
        ("distill", {"urls": ["https://"]}, "INVALID_URL"),
        ("distill", {"urls": ["https://[bad"]}, "INVALID_URL"),
        ("distill", {"urls": [7]}, "INVALID_URL"),
        ("distill", {"urls": ["https://shop.example/?sandbox=typo"]}, "INVALID_URL"),
        ("distill", {"timeout": 4_999}, "INVALID_PARAMETER timeout"),
        ("distill", {"timeout": 60_001}, "INVALID_PARAMETER timeout"),
        ("extract", {"timeout": 120_001}, "INVALID_PARAMETER timeout"),
        ("distill", {"timeout": True}, "INVALID_PARAMETER timeout"),
        ("distill", {"renderMode": "most"}, "INVALID_PARAMETER renderMode"),
        ("distill", {"renderMode": []}, "INVALID_PARAMETER renderMode"),
        ("distill", {"countryCode": "USA"}, "INVALID_PARAMETER countryCode"),
        ("distill", {"country_code": 1}, "INVALID_PARAMETER country_code"),
        ("distill", {"includeHtml": "no"}, "INVALID_PARAMETER includeHtml"),
        ("distill", {"include": "metadata"}, "INVALID_PARAMETER include"),
        ("extract", {"schema": None}, "SCHEMA_OR_PROMPT_REQUIRED"),
        ("extract", {"prompt": "all names"}, "SCHEMA_AND_PROMPT_EXCLUSIVE"),
        ("extract", {"schema": []}, "INVALID_SCHEMA"),
        ("extract", {"schema": {}}, "INVALID_SCHEMA"),
        ("extract", {"schema": None, "prompt": 1}, "INVALID_PARAMETER prompt"),
        ("distill", {"webhook": "http://127.0.0.1/"}, "INVALID_PARAMETER webhook"),
        ("distill", {"webhook": {}}, "INVALID_PARAMETER webhook.url"),
        ("distill", {"webhook": {"url": "/hooks"}}, "INVALID_PARAMETER webhook.url"),
        ("distill", {"webhook": {"url": "http://hooks.example/"}}, "INVALID_PARAMETER webhook.url"),
        ("distill", {"webhook": {"url": "http://127.0.0.1:65536/"}}, "INVALID_PARAMETER webhook.url"),
        ("distill", {"webhook": {"url": "http://127.0.0.1:-1/"}}, "INVALID_PARAMETER webhook.url"),
        ("distill", {"webhook": {"url": "https://xn--a.example/"}}, "INVALID_PARAMETER webhook.url"),
        ("distill", {"webhook": {"url": "https://[bad/"}}, "INVALID_PARAMETER webhook.url"),
        ("distill", {"webhook": {"url": GOOD, "secret": 1}}, "INVALID_PARAMETER webhook.secret"),
        ("distill", {"webhook": {"url": GOOD, "headers": []}}, "INVALID_PARAMETER webhook.headers"),
        ("distill", {"webhook": {"url": GOOD, "headers": {"X": 1}}}, "INVALID_PARAMETER webhook.headers"),
        ("distill", {"callback": {"url": GOOD}}, "INVALID_PARAMETER callback"),
        ("distill", {"metadata": {"scenario": "webhook_lots"}}, "INVALID_PARAMETER metadata.scenario"),
    )

    def test_creates_that_are_refused(self) -> None:
        """
        A create call with a mistake is a 400 with the code of the mistake and its field, and makes no job.
        """

        async def flow() -> None:
            async with thunderbit() as at:
                for kind, wrong, says in self.CREATES:
                    body = at.order() | ({"schema": SCHEMA} if kind == "extract" else {}) | wrong
                    answer = await at.client.post(f"/openapi/v1/batch/{kind}", json=body)
                    error = answer.json()["error"]
                    assert " ".join([error["code"], *(error["details"] or {})]) == says, wrong
                    assert (answer.status_code, error["status"], answer.json()["success"]) == (400, 400, False)
                for raw in (b"", b"{", b"[]", b"null", b'{"urls": ["\\ud800"]}', b"[" * 100_000):
                    answer = await at.client.post("/openapi/v1/batch/distill", content=raw)
                    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "MALFORMED_REQUEST_BODY"), raw
                assert await at.jobs() == []

        asyncio.run(flow())

    def test_what_is_taken_and_changes_nothing(self) -> None:
        """
        Options within their bounds, a prompt instead of a schema, and members that nobody knows are accepted.
        """

        async def flow() -> None:
            async with thunderbit() as at:
                options = {"timeout": 60_000, "renderMode": "full", "countryCode": "DE", "include": ["metadata"]}
                more = {"includeHtml": True, "extractLinks": False, "formats": ["md"], "forceRefresh": True, "other": 1}
                await at.create(**options, **more)
                body = at.order(prompt="all names", timeout=120_000)
                assert (await at.client.post("/openapi/v1/batch/extract", json=body)).status_code == 200

        asyncio.run(flow())

    def test_rate_limit(self) -> None:
        """
        Every answer says how many requests are left until when; what comes too much is 429.
        """

        async def flow() -> None:
            async with thunderbit(speed=1, rate_limit=3) as at:
                job = await at.create()
                answers = [await at.ask(job) for _ in range(3)]
                refused = answers[-1]

                assert [each.status_code for each in answers] == [200, 200, 429]
                assert [each.headers["x-ratelimit-remaining"] for each in answers] == ["1", "0", "0"]
                assert {each.headers["x-ratelimit-limit"] for each in answers} == {"3"}
                assert refused.json()["error"]["code"] == "RATE_LIMIT_EXCEEDED"
                assert "retry-after" not in refused.headers
                assert re.fullmatch(r"\d{10}", refused.headers["x-ratelimit-reset"])

        asyncio.run(flow())

    def test_a_minute_is_a_minute_of_life(self) -> None:
        """
        Once the minute is over the account may ask again.
        """

        async def flow() -> None:
            async with thunderbit(speed=200, rate_limit=1) as at:
                job = "/batch/distill/batch_0"

                async def answers(status: int) -> bool:
                    return (await at.ask(job)).status_code == status

                await until(lambda: answers(429))
                await until(lambda: answers(404))

        asyncio.run(flow())
