"""Errors on demand, over real sockets: about one job, about one create call, and about the whole account."""

import asyncio
import json
import time
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest
from standing_in import EXAMPLE, Stage, stage, until

from sandbox.listing import FILTERS


def envelope(answer: httpx.Response) -> str:
    """Which of the six shapes an error has (contract 1.3)."""
    if answer.headers["content-type"].startswith("text/plain"):
        return "E6"
    body = answer.json()
    if isinstance(body["error"], str):
        assert body["status_code"] == answer.status_code
        assert body["request_id"] == body["generation_id"]
        return "E1"
    return "E2" if "reason" in body["error"] else "E3"


STATUS_WORDS = {
    # word: status, envelope, and what the body says
    "status_429": (429, "E3", "rate_limit_exceeded"),
    "status_429_bare": (429, "E3", "rate_limit_exceeded"),
    "status_429_date": (429, "E3", "rate_limit_exceeded"),
    "status_provider_401": (401, "E3", "invalid_request_error"),
    "status_provider_403": (403, "E3", "invalid_request_error"),
    "status_provider_404": (404, "E3", "invalid_request_error"),
    "status_denied": (404, "E1", "{kind}_not_found_or_not_owned"),
    "status_gateway_502": (502, "E2", "async_job_persistence_failed"),
    "status_500": (500, "E6", ""),
}


class TestStatusAnswers:
    @pytest.mark.parametrize("kind", ["batch", "video"])
    def test_first_three(self, kind: str) -> None:
        """
        Once a job is in progress three status calls meet the fault, each in its own envelope; the fourth is answered.
        """

        async def flow() -> None:
            async with stage(speed=50) as on:
                make, path = (on.create, "batches") if kind == "batch" else (on.film, "videos")
                jobs = {word: await make(word) for word in STATUS_WORDS}
                for word, job in jobs.items():
                    await on.reaches(job, "in_progress")
                    answers = [await on.client.get(f"/v1/{path}/{job}") for _ in range(3)]
                    status, shape, says = STATUS_WORDS[word]

                    assert [(each.status_code, envelope(each)) for each in answers] == [(status, shape)] * 3, word
                    assert says.format(kind=kind) in answers[0].text
                    assert (await on.client.get(f"/v1/{path}/{job}")).json()["id"] == job

        asyncio.run(flow())

    def test_denials_name_the_job(self) -> None:
        """
        The gateway's own 404 and 502 name the very job that was asked about.
        """

        async def flow() -> None:
            async with stage(speed=50) as on:
                denied, unstored = await on.create("status_denied"), await on.create("status_gateway_502")
                await on.reaches(unstored, "in_progress")

                assert (await on.client.get(f"/v1/batches/{denied}")).json()["batch_id"] == denied
                assert (await on.client.get(f"/v1/batches/{unstored}")).json()["error"]["batch_id"] == unstored

        asyncio.run(flow())

    def test_three_ways_to_ask_for_patience(self) -> None:
        """
        A provider's 429 asks for a second, for a moment soon that is given as a date, or for nothing.
        """

        async def flow() -> None:
            async with stage(speed=50) as on:
                words = ("status_429", "status_429_date", "status_429_bare")
                jobs = [await on.create(word) for word in words]
                await on.reaches(jobs[-1], "in_progress")
                before = time.time()
                seconds, date, bare = [await on.client.get(f"/v1/batches/{job}") for job in jobs]
                until_then = parsedate_to_datetime(date.headers["retry-after"])

                assert seconds.headers["retry-after"] == "1"
                assert int(before) + 1 <= until_then.timestamp() <= time.time() + 1
                assert "retry-after" not in bare.headers

        asyncio.run(flow())


async def listed(on: Stage, query: str = "") -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = (await on.get(f"/v1/batches?limit=100{query}"))["data"]
    return entries


class TestCreateCalls:
    @pytest.mark.parametrize(
        ("word", "kind", "status"),
        [
            ("create_unknown", "upstream_outcome_unknown", "submission_unknown"),
            ("create_unstored", "async_job_persistence_failed", "submitting"),
        ],
    )
    def test_a_batch_that_may_live(self, word: str, kind: str, status: str) -> None:
        """
        A 502 names a batch that lives: in the list under no filter, denied by the provider, and after a while like any other.
        """

        async def flow() -> None:
            async with stage(speed=100) as on:
                answer = await on.client.post(
                    "/v1/batches", json=on.order(word, **on.webhook("batch.created", "batch.completed"))
                )
                error = answer.json()["error"]
                job = error["batch_id"]
                (entry,) = await listed(on)
                asked = await on.client.get(f"/v1/batches/{job}")
                cancelled = await on.client.post(f"/v1/batches/{job}/cancel")
                words = "".join(f"&status={word}" for word in FILTERS)
                filtered = [await listed(on, words), await listed(on, f"&statuses={','.join(FILTERS)}")]
                told_early = list(on.receiver.receipts)

                async def found() -> bool:
                    return (await on.client.get(f"/v1/batches/{job}")).status_code == 200

                await until(found)
                shown = await on.batch(job)
                await on.over(job)
                await on.settled(job)

                assert (answer.status_code, envelope(answer), error["type"]) == (502, "E2", kind)
                assert (entry["id"], entry["status"], entry["lifecycle_status"]) == (job, status, "pending")
                assert [(each.status_code, envelope(each)) for each in (asked, cancelled)] == [(404, "E3")] * 2
                assert filtered == [[], []]
                assert told_early == []
                assert (shown["status"], shown["id"]) == ("in_progress", job)
                assert [receipt.event["type"] for receipt in on.receipts(job)] == ["batch.created", "batch.completed"]

        asyncio.run(flow())

    @pytest.mark.parametrize(("generation", "left"), [("G1b", []), ("G2", ["failed"])])
    def test_refused_by_the_provider(self, generation: str, left: list[str]) -> None:
        """
        The provider's 400 is passed on; since G2 a failed batch stays behind that the provider denies, and nobody is told.
        """

        async def flow() -> None:
            async with stage(generation=generation) as on:
                answer = await on.client.post("/v1/batches", json=on.order("create_refused"))
                entries = await listed(on)
                truths = (await on.get("/sandbox/truth"))["batches"]

                assert (answer.status_code, envelope(answer)) == (400, "E3")
                assert [entry["status"] for entry in entries] == left
                for entry, truth in zip(entries, truths, strict=True):
                    denied = await on.client.get(f"/v1/batches/{entry['id']}")
                    assert (denied.status_code, envelope(denied)) == (404, "E3")
                    assert (truth["status"], truth["settled"], truth["recorded"]) == ("failed", True, [])
                assert on.receiver.receipts == []

        asyncio.run(flow())

    def test_nothing_comes_of_it(self) -> None:
        """
        A 503 makes no batch. In G1, which stores nothing before the provider has answered, such words are refused.
        """

        async def flow() -> None:
            async with stage(speed=1) as on, stage(speed=1, generation="G1b") as old:
                answer = await on.client.post("/v1/batches", json=on.order("create_unavailable"))
                refused = await old.client.post("/v1/batches", json=old.order("create_unknown"))

                assert (answer.status_code, envelope(answer)) == (503, "E2")
                assert answer.json()["error"]["reason"] == "batch_submission_persistence_failed"
                assert (refused.json()["reason"], await listed(on)) == ("sandbox_scenario_unknown", [])

        asyncio.run(flow())


GET, LIST, CREATE, UPLOAD, FILM, VIDEO = "get", "list", "create", "upload", "film", "video"
KEY_REFUSED = (401, "E1", "key_not_found_or_revoked")
KEY_LIMIT = (429, "E1", "key_limit_exceeded")
DISABLED = (403, "E1", "batch_api_feature_flag_disabled")
ROUTES = (GET, LIST, CREATE, UPLOAD, FILM, VIDEO)

ACCOUNT_FAULTS: dict[str, dict[str, tuple[int, str, str]]] = {
    # fault: the routes that it touches, and how they answer then
    "key_refused": dict.fromkeys(ROUTES, KEY_REFUSED),
    "key_limit": dict.fromkeys(ROUTES, KEY_LIMIT),
    "feature_disabled": dict.fromkeys((GET, LIST, CREATE, UPLOAD), DISABLED),
    "upload_quota": {UPLOAD: (429, "E2", "batch_file_hourly_quota_exceeded")},
    "insufficient_funds": {
        UPLOAD: (402, "E2", "insufficient_funds"),
        CREATE: (402, "E2", "insufficient_funds"),
        FILM: (402, "E1", "insufficient_funds"),
    },
    "none": {},
}


async def ask_everything(on: Stage, job: str, video: str) -> dict[str, httpx.Response]:
    upload = {"files": {"file": ("requests.jsonl", EXAMPLE)}, "data": {"purpose": "batch"}}
    return {
        GET: await on.client.get(f"/v1/batches/{job}"),
        LIST: await on.client.get("/v1/batches?limit=100"),
        CREATE: await on.client.post("/v1/batches", json=on.order()),
        UPLOAD: await on.client.post("/v1/files", **upload),
        FILM: await on.client.post("/v1/videos", json={"model": "sora-2", "prompt": "a goat"}),
        VIDEO: await on.client.get(f"/v1/videos/{video}"),
    }


def told(answer: httpx.Response) -> tuple[int, str, str]:
    """Status, envelope and reason of a refusal."""
    body = answer.json()
    reason = body["reason"] if isinstance(body["error"], str) else body["error"]["reason"]
    return answer.status_code, envelope(answer), reason


class TestAccount:
    def test_switches(self) -> None:
        """
        Each fault of the account touches its routes and no others, until another takes its place or none.
        """

        async def flow() -> None:
            async with stage(speed=1) as on:
                job, video = await on.create(), await on.film()
                for fault, touched in ACCOUNT_FAULTS.items():
                    switched = await on.client.post("/sandbox/fault", json={"fault": fault})
                    answers = await ask_everything(on, job, video)

                    assert switched.json() == {"fault": fault}
                    assert {
                        route: told(answer) for route, answer in answers.items() if not answer.is_success
                    } == touched
                    assert not any("retry-after" in answer.headers for answer in answers.values())

        asyncio.run(flow())

    def test_a_socket_minds_the_key(self) -> None:
        """
        A key that is refused is refused before the upgrade, too; the preview is about batches' and files' routes alone.
        """

        async def flow() -> None:
            async with stage(speed=1) as on:
                job = await on.create()
                await on.client.post("/sandbox/fault", json={"fault": "key_refused"})
                upgrade = {
                    "Connection": "Upgrade",
                    "Upgrade": "websocket",
                    "Sec-WebSocket-Version": "13",
                    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
                }
                refused = await on.client.get(f"/v1/async/batch/{job}/ws", headers=upgrade)

                assert told(refused) == KEY_REFUSED

        asyncio.run(flow())

    def test_g1_says_it_otherwise(self) -> None:
        """
        G1 answers 501 while the API is switched off, and has no quota that could be used up.
        """

        async def flow() -> None:
            async with stage(speed=1, generation="G1b") as on:
                job, video = await on.create(), await on.film()
                await on.client.post("/sandbox/fault", json={"fault": "feature_disabled"})
                answers = await ask_everything(on, job, video)
                quota = await on.client.post("/sandbox/fault", json={"fault": "upload_quota"})

                assert told(answers[GET]) == (501, "E1", "batch_api_temporarily_disabled")
                assert answers[VIDEO].status_code == 200
                assert quota.status_code == 400
                assert "upload_quota" not in quota.json()["error"]

        asyncio.run(flow())

    @pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"fault":"oops"}', b'{"fault":[]}', b"{}", b"[" * 100_000])
    def test_what_is_no_fault(self, body: bytes) -> None:
        """
        Anything else is refused and changes nothing.
        """

        async def flow() -> None:
            async with stage(speed=1) as on:
                await on.client.post("/sandbox/fault", json={"fault": "key_limit"})
                answer = await on.client.post("/sandbox/fault", content=body)
                asked = await on.client.get("/v1/batches")

                assert answer.status_code == 400
                assert json.loads(answer.text)["error"]
                assert asked.status_code == 429

        asyncio.run(flow())
