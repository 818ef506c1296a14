"""The sandbox over real sockets: its wire, and what every scenario word does to a batch and its webhooks.

Most tests run at speed 1800, where the life of a batch takes 0.3 s and all four attempts of a webhook 0.7 s.
"""

import asyncio
import hmac
import json
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

import sandbox
from sandbox.server import (
    DEFAULT_API_KEY,
    DEFAULT_ENDPOINT_ID,
    DEFAULT_WEBHOOK_SECRET,
    RunningSandbox,
    SandboxSettings,
)

EXAMPLE = (Path(sandbox.__file__).parent / "examples" / "requests.jsonl").read_bytes()
MANAGER = {"Authorization": "Bearer phaseo_v1_mk_abc123_secret"}
DEADLINE = 8.0


@dataclass
class Receipt:
    """One request as the receiver saw it."""

    headers: dict[str, str]
    body: bytes
    genuine: bool
    at: float

    @property
    def event(self) -> dict[str, Any]:
        event: dict[str, Any] = json.loads(self.body)
        return event


@dataclass
class Receiver:
    """Keeps what comes, refuses bad signatures, and answers by its plan while that lasts."""

    secret: str = DEFAULT_WEBHOOK_SECRET
    plan: list[int] = field(default_factory=list)
    receipts: list[Receipt] = field(default_factory=list)

    async def take(self, request: Request) -> Response:
        body, headers = await request.body(), dict(request.headers)
        signed = headers["x-phaseo-timestamp"].encode() + b"." + body
        made = hmac.new(self.secret.encode(), signed, sha256).hexdigest()
        genuine = hmac.compare_digest(made, headers["x-phaseo-signature"])
        self.receipts.append(Receipt(headers, body, genuine, time.monotonic()))
        if not genuine:
            return PlainTextResponse("bad signature", status_code=401)
        status = self.plan.pop(0) if self.plan else 202
        return PlainTextResponse("kept", status_code=status, headers={"Location": "/elsewhere"})


class _Unsignalled(uvicorn.Server):
    @asynccontextmanager
    async def running(self, listener: socket.socket) -> AsyncIterator[None]:
        task = asyncio.create_task(self._serve([listener]))
        try:
            yield
        finally:
            self.should_exit = True
            await task


@dataclass
class Stage:
    """A sandbox, a receiver, and a client between them."""

    box: RunningSandbox
    client: httpx.AsyncClient
    receiver: Receiver

    async def create(self, scenario: str = "", **extra: Any) -> str:
        named = {"metadata": {"scenario": scenario}} if scenario else {}
        rows = [{"custom_id": f"row-{n}", "body": {"messages": []}} for n in range(6)]
        order = {"requests": rows, "endpoint": "/v1/chat/completions", "webhook_endpoint_id": DEFAULT_ENDPOINT_ID}
        answer = await self.client.post("/v1/batches", json=order | named | extra)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id"])

    async def get(self, path: str) -> dict[str, Any]:
        answer = await self.client.get(path)
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.json()
        return shown

    async def batch(self, job: str) -> dict[str, Any]:
        return await self.get(f"/v1/batches/{job}")

    async def truth(self, job: str) -> dict[str, Any]:
        listed = (await self.get("/sandbox/truth"))["batches"]
        return next(entry for entry in listed if entry["job_id"] == job)

    async def settled(self, *jobs: str) -> list[dict[str, Any]]:
        async def all_settled() -> bool:
            return all([(await self.truth(job))["settled"] for job in jobs])

        await until(all_settled)
        return [await self.truth(job) for job in jobs]

    async def over(self, job: str) -> dict[str, Any]:
        async def ended() -> bool:
            return bool((await self.truth(job))["done"])

        await until(ended)
        return await self.batch(job)

    async def reaches(self, job: str, *statuses: str) -> None:
        async def there() -> bool:
            return (await self.truth(job))["status"] in statuses

        await until(there)

    def receipts(self, job: str, key: str | None = None) -> list[Receipt]:
        mine = [receipt for receipt in self.receiver.receipts if receipt.event["data"]["id"] == job]
        return [receipt for receipt in mine if key in {None, receipt.event["delivery"]["key"]}]


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(DEADLINE):
        while not await holds():  # noqa: ASYNC110 - what is awaited happens beyond a socket
            await asyncio.sleep(0.01)


@asynccontextmanager
async def stage(speed: float = 1800, **settings: Any) -> AsyncIterator[Stage]:
    receiver, listener = Receiver(), socket.socket(proto=socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    app = Starlette(routes=[Route("/hooks", receiver.take, methods=["POST"])])
    server = _Unsignalled(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", ws="none"))
    listener.listen()
    hooks = f"http://127.0.0.1:{listener.getsockname()[1]}/hooks"
    chosen = SandboxSettings(**({"port": 0, "speed": speed, "webhook_url": hooks} | settings))
    headers = {"Authorization": f"Bearer {DEFAULT_API_KEY}"}
    async with (
        server.running(listener),
        RunningSandbox(chosen) as box,
        httpx.AsyncClient(base_url=box.url, headers=headers, trust_env=False, timeout=DEADLINE) as client,
    ):
        yield Stage(box, client, receiver)
        server.should_exit = True  # both servers take a moment to stop; let it be the same moment


def outcomes(truth: dict[str, Any]) -> list[tuple[int, str]]:
    return [(sent["attempt"], sent["outcome"]) for sent in truth["sent"]]


def recorded(truth: dict[str, Any]) -> list[tuple[int, str]]:
    return [(entry["attempt_number"], entry["status"]) for entry in truth["recorded"]]


SCHEDULED = "scheduled_retry"
FOUR_FAILURES = [(1, SCHEDULED), (2, SCHEDULED), (3, SCHEDULED), (4, "failed_permanently")]


class TestGoodDay:
    def test_from_upload_to_results(self) -> None:
        """
        An uploaded file becomes a batch that walks through its statuses, is announced once, and has its answers.
        """

        async def flow() -> None:
            async with stage(speed=600) as on:
                uploaded = await on.client.post(
                    "/v1/files", files={"file": ("requests.jsonl", EXAMPLE)}, data={"purpose": "batch"}
                )
                file_id = uploaded.json()["id"]
                job = await on.create(requests=None, input_file_id=file_id)
                seen: list[tuple[str, str, bool]] = []
                shown = await on.batch(job)
                while shown["status"] != "completed":
                    view = (shown["status"], shown["lifecycle_status"], shown["cancel_url"] is not None)
                    seen += [view] if view not in seen else []
                    await asyncio.sleep(0.005)
                    shown = await on.batch(job)
                (truth,) = await on.settled(job)
                output = await on.client.get(f"/v1/files/{shown['output_file_id']}/content?any=1")
                ids = {json.loads(line)["custom_id"] for line in output.text.splitlines()}

                assert [entry for entry in seen if entry[0] != "validating"] == [
                    ("in_progress", "running", True),
                    ("finalizing", "pending", False),
                ]
                assert shown["native_batch_id"] != job
                assert shown["request_counts"] == {"total": 12, "completed": 12, "failed": 0}
                assert (shown["error_file_id"], shown["billing"]["charged"]) == (None, True)
                assert ids == {json.loads(line)["custom_id"] for line in EXAMPLE.decode().splitlines()}
                assert outcomes(truth) == [(1, "delivered")]
                assert recorded(truth) == [(1, "delivered")]
                assert truth["recorded"][0]["response_body_preview"] == "kept"

        asyncio.run(flow())

    def test_the_request_on_the_wire(self) -> None:
        """
        A delivery has the gateway's headers, a compact body in the gateway's order and the push shape of the batch.
        """

        async def flow() -> None:
            async with stage(public_base_url="https://api.example.org") as on:
                job = await on.create(session_id="täglich")
                await on.settled(job)
                (receipt,) = on.receipts(job)
                event, data, told = receipt.event, receipt.event["data"], receipt.headers
                rest = await on.batch(job)

                assert receipt.genuine
                assert receipt.body == json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
                assert list(event) == ["id", "type", "created_at", "delivery", "data"]
                assert event["id"] == told["x-phaseo-event-id"] == f"evt_batch_{job}_batch_completed"
                assert event["type"] == told["x-phaseo-event-type"] == "batch.completed"
                assert event["delivery"] == {"key": "batch.completed", "attempt": 1, "max_attempts": 4}
                assert told["x-phaseo-delivery-key"] == "batch.completed"
                assert (told["x-phaseo-attempt"], told["x-phaseo-max-attempts"]) == ("1", "4")
                assert abs(int(told["x-phaseo-timestamp"]) - time.time()) < 5
                assert (told["content-type"], told["user-agent"]) == ("application/json", "Phaseo-Async-Webhook/1.0")
                assert list(data)[:6] == ["id", "object", "kind", "status", "lifecycle_status", "progress"]
                assert (data["kind"], data["status"], data["progress"]) == ("batch", "completed", 100)
                assert data["native_id"] == rest["native_batch_id"]
                assert (data["session_id"], data["webhook"]["attempts"]) == ("täglich", [])
                assert data["polling_url"] == f"https://api.example.org/v1/batches/{job}"
                assert data["websocket_url"] == f"wss://api.example.org/v1/async/batch/{job}/ws"
                assert (data["cancel_url"], data["billing"]["state"]) == (None, "settled")
                assert rest["polling_url"] == f"{on.box.url}/v1/batches/{job}"
                assert "kind" not in rest

        asyncio.run(flow())

    def test_asking_opens_the_file_and_announces_once(self) -> None:
        """
        Once a status call has seen the end the file can be read, and however many ask, one webhook goes out.
        """

        async def flow() -> None:
            async with stage(speed=1000) as on:
                job = await on.create()
                await on.reaches(job, "completed")
                shown, *_ = await asyncio.gather(*(on.batch(job) for _ in range(8)))
                answer = await on.client.get(f"/v1/files/{shown['output_file_id']}")
                await on.settled(job)

                assert answer.json()["purpose"] == "batch_output"
                assert len(on.receipts(job)) == 1

        asyncio.run(flow())

    def test_created_is_sent_to_subscribers(self) -> None:
        """
        A batch that asks for batch.created gets it besides the terminal one.
        """

        async def flow() -> None:
            async with stage() as on:
                webhook = {"endpoint_id": DEFAULT_ENDPOINT_ID, "events": ["created", "completed"]}
                job = await on.create(webhook=webhook)
                await on.settled(job)

                assert [receipt.event["type"] for receipt in on.receipts(job)] == ["batch.created", "batch.completed"]
                assert on.receipts(job)[0].event["data"]["status"] == "pending"

        asyncio.run(flow())


class TestDeliveries:
    def test_refusals_are_retried_with_what_is_true_then(self) -> None:
        """
        A refused delivery comes again with the same ids, a new attempt number, and the earlier attempts inside.
        """

        async def flow() -> None:
            async with stage() as on:
                on.receiver.plan += [503, 302]
                job = await on.create()
                (truth,) = await on.settled(job)
                receipts = on.receipts(job)
                last = receipts[-1].event

                assert outcomes(truth) == [(1, "rejected"), (2, "rejected"), (3, "delivered")]
                assert len({receipt.event["id"] for receipt in receipts}) == 1
                assert [entry["error_message"] for entry in last["data"]["webhook"]["attempts"]] == [
                    "Webhook returned HTTP 503",
                    "Webhook redirects are not allowed",
                ]
                assert receipts[1].at - receipts[0].at >= 60 / 1800

        asyncio.run(flow())

    def test_four_attempts_and_no_more(self) -> None:
        """
        After four refusals the gateway gives up, and the batch shows it.
        """

        async def flow() -> None:
            async with stage() as on:
                on.receiver.plan += [410] * 9
                job = await on.create()
                (truth,) = await on.settled(job)
                delivery = (await on.batch(job))["webhook"]["delivery"]

                assert [attempt for attempt, _ in outcomes(truth)] == [1, 2, 3, 4]
                assert recorded(truth) == FOUR_FAILURES
                assert (delivery["pending_retries"], delivery["last_attempt_status"]) == (0, "failed_permanently")

        asyncio.run(flow())

    def test_rotation_and_disabling_act_at_once(self) -> None:
        """
        The next attempt is signed with the rotated secret, and a disabled endpoint calls the retries off.
        """

        async def flow() -> None:
            async with stage(speed=600) as on:
                one = f"/v1/webhook-endpoints/{DEFAULT_ENDPOINT_ID}"
                job = await on.create("webhook_badly_signed_once")
                await until(lambda: is_so(lambda: bool(on.receipts(job))))
                rotated = await on.client.post(f"{one}/rotate-secret", headers=MANAGER)
                await until(lambda: is_so(lambda: len(on.receipts(job)) == 2))
                receipt = on.receipts(job)[1]
                signed = receipt.headers["x-phaseo-timestamp"].encode() + b"." + receipt.body
                made = hmac.new(rotated.json()["signing_secret"].encode(), signed, sha256).hexdigest()
                await on.client.patch(one, headers=MANAGER, json={"status": "disabled"})
                (truth,) = await on.settled(job)

                assert made == receipt.headers["x-phaseo-signature"]
                assert recorded(truth)[-1] == (3, "failed_permanently")
                assert truth["recorded"][-1]["error_message"] == "Webhook configuration is no longer valid."

        asyncio.run(flow())


async def is_so(holds: Callable[[], bool]) -> bool:
    return holds()


SENT_AND_RECORDED = {
    "": ([(1, "delivered")], [(1, "delivered")]),
    "webhook_lost": ([], []),
    "webhook_phantom": ([], [(1, "delivered")]),
    "webhook_given_up": ([], FOUR_FAILURES),
    "webhook_timed_out": ([], FOUR_FAILURES),
    "webhook_badly_signed": ([(n, "rejected") for n in (1, 2, 3, 4)], FOUR_FAILURES),
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
                asking = asyncio.create_task(on.client.get(f"/v1/batches/{job}"))
                done, _ = await asyncio.wait([asking], timeout=0.4)
                began = time.monotonic()
                on.box.stop()
                with suppress(httpx.HTTPError):
                    await asking

                assert not done
                assert time.monotonic() - began < 2

        asyncio.run(flow())


class TestStopping:
    def test_stops_with_webhooks_in_flight(self) -> None:
        """
        Neither a waiting retry nor a receiver that does not answer delays the end.
        """

        async def flow() -> float:
            silent = socket.socket()
            silent.bind(("127.0.0.1", 0))
            silent.listen()
            hooks = f"http://127.0.0.1:{silent.getsockname()[1]}/"
            async with stage(webhook_url=hooks) as on:
                await on.create("webhook_given_up")
                job = await on.create()
                await on.over(job)
                began = time.monotonic()
            silent.close()
            return time.monotonic() - began

        assert asyncio.run(flow()) < 2
