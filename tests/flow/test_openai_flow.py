"""The whole service with an OpenAI source, beside the sandbox's stand-in for OpenAI, over real sockets."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
from service import DEADLINE, KEY, Service, SourceAt, ever_told, service, told, until
from submitted import come_to, states, store

from operators.clock import now
from operators.submitting import Wishes
from sandbox.openai import defaults
from sandbox.openai.endpoint import ENDPOINT_ID
from sandbox.server import RunningSandbox, SandboxSettings
from schemas.dialects.openai import OpenAI
from schemas.tables import JobRow

OTHER_SECRET = "whsec_c29tZSBvdGhlciBzZWNyZXQgb2YgYW4gZW5kcG9pbnQ="
LONG = 600  # seconds: a delivery window, or a pause, that does not end in these tests


@dataclass
class OpenAIStage:
    """The stand-in with a service beside it."""

    service: Service
    client: httpx.AsyncClient  # of whoever else uses the account

    async def upload(self, lines: bytes) -> str:
        form = {"file": ("rows.jsonl", lines)}
        answer = await self.client.post("/openai/v1/files", files=form, data={"purpose": "batch"})
        return str(answer.raise_for_status().json()["id"])

    async def create(self, file_id: str, scenario: str = "") -> str:
        """Make a batch at the stand-in, behind the service's back."""
        order: dict[str, Any] = {"input_file_id": file_id, "endpoint": "/v1/responses", "completion_window": "24h"}
        order |= {"metadata": {"scenario": scenario}} if scenario else {}
        answer = await self.client.post("/openai/v1/batches", json=order)
        return str(answer.raise_for_status().json()["id"])

    async def submit(self, folder: Path, scenario: str = "", count: int = 6) -> JobRow:
        """Submit as `batchkeeper submit` does; the job, once it was created."""
        path = folder / "rows.jsonl"
        path.write_bytes(lines_of(count))
        stored = await store(self.service, path, Wishes({"scenario": scenario} if scenario else {}))
        (row,) = await come_to(self.service, stored, "created")
        found = await self.service.row(str(row.job_id))
        assert found is not None
        return found

    async def truth(self) -> dict[str, dict[str, Any]]:
        told_ = (await self.client.get("/openai/sandbox/truth")).json()
        return {entry["job_id"]: entry for entry in told_["batches"]}

    async def deliver(self, job_id: str, event: str) -> None:
        answer = await self.client.post(f"/openai/sandbox/deliver/{job_id}/{event}")
        assert answer.json()["outcome"] == "delivered"

    async def post(self, body: bytes, secret: str = defaults.WEBHOOK_SECRET) -> httpx.Response:
        """A delivery of our own making."""
        request = OpenAI().sign(secret.encode(), body, now())
        url = f"{self.service.receiver_url}/webhooks/gateway"
        return await self.service.client.post(url, content=request.body, headers=dict(request.headers))


@asynccontextmanager
async def openai_stage(
    speed: float = 1000, knobs: Mapping[str, Any] | None = None, secret: str = defaults.WEBHOOK_SECRET, **more: Any
) -> AsyncIterator[OpenAIStage]:
    """A stand-in whose webhooks come to a running service. The source names no endpoint: nobody has to, at OpenAI."""
    settings = SandboxSettings(0, speed, openai_api_key=KEY)
    async with (
        RunningSandbox(settings) as box,
        httpx.AsyncClient(
            base_url=box.url, headers={"Authorization": f"Bearer {KEY}"}, trust_env=False, timeout=DEADLINE
        ) as client,
    ):
        table = {"dialect": "openai", "webhook_endpoint_id": None, **more}
        source = SourceAt(f"{box.url}/openai/v1", table, secret=secret)
        async with service({"gateway": source}, knobs) as running:
            hook = {"url": f"{running.receiver_url}/webhooks/gateway"}
            answer = await client.post(f"/openai/v1/webhook_endpoints/{ENDPOINT_ID}", json=hook)
            assert answer.status_code == 200, answer.text
            yield OpenAIStage(running, client)


def lines_of(count: int) -> bytes:
    rows = [
        {"custom_id": f"row-{n}", "method": "POST", "url": "/v1/responses", "body": {"model": "gpt-5", "input": "Hi"}}
        for n in range(count)
    ]
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def matched(view: dict[str, Any]) -> tuple[int, int, int, int]:
    match = view["row_match"]
    return match["asked"], match["succeeded"], match["failed"], match["missing"]


async def same_bytes(on: OpenAIStage, view: dict[str, Any]) -> None:
    """What was fetched is what stands there."""
    for output in view["outputs"]:
        theirs = (await on.client.get(f"/openai/v1/files/{output['file_id']}/content")).content
        assert Path(output["where"]).read_bytes() == theirs
        assert output["sha256"] == sha256(theirs).hexdigest()


@pytest.mark.both_stores
def test_openai_with_every_webhook_lost(tmp_path: Path) -> None:
    """Submitted to OpenAI and never heard of again: by asking alone each batch comes to its true end, its outputs are here byte
    for byte and matched with what was asked; what is told is the end, and that its one webhook is missing."""
    ends = {
        "": ("completed", (6, 6, 0, 0), set()),
        "rows_fail": ("completed", (6, 4, 2, 0), {("execution", "rows_failed")}),
        "expires": ("expired", (6, 3, 3, 0), {("execution", "expired"), ("execution", "rows_failed")}),
        "fails": ("failed", (6, 0, 0, 6), {("execution", "failed")}),
    }

    async def flow() -> None:
        async with openai_stage() as on:
            made = {}
            for scenario in ends:
                words = ",".join(word for word in ("webhook_lost", scenario) if word)
                made[scenario] = (await on.submit(tmp_path, words)).job_id
            views = await on.service.settles(*made.values())
            truth = await on.truth()

            for (scenario, job_id), view in zip(made.items(), views, strict=True):
                status, rows, failures = ends[scenario]
                assert (view["status"], truth[job_id]["status"]) == (status, status)
                assert truth[job_id]["sent"] == view["deliveries"] == []
                assert matched(view) == rows
                missing = {("delivery", "missing")}
                assert told(view) - {("execution", "rows_failed")} == missing | failures - {
                    ("execution", "rows_failed")
                }
                assert view["submission"] is not None
                await same_bytes(on, view)

    asyncio.run(flow())


@pytest.mark.both_stores
def test_a_good_day_at_openai(tmp_path: Path) -> None:
    """Every webhook arrives: each makes us ask, the batch ends by the answer, and nothing is told against it."""

    async def flow() -> None:
        quiet = {"poll_seconds": LONG, "poll_cap_seconds": LONG, "first_poll_seconds": LONG}
        async with openai_stage(knobs=quiet) as on:
            job = await on.submit(tmp_path)
            (view,) = await on.service.settles(job.job_id)
            (delivery,) = view["deliveries"]

            assert (view["status"], ever_told(view), matched(view)) == ("completed", set(), (6, 6, 0, 0))
            assert (delivery["delivery_key"], delivery["verdict"]) == ("batch.completed", "disagrees")
            assert (delivery["event_type"], delivery["reported_status"]) == ("batch.completed", None)

    asyncio.run(flow())


def test_duplicates_and_deliveries_about_another_time(tmp_path: Path) -> None:
    """What comes before the end moves nothing; four with one name are one delivery; one that names another end moves nothing."""

    async def flow() -> None:
        async with openai_stage(speed=1, delivery_window_seconds=LONG) as on:
            job = await on.submit(tmp_path, "webhook_repeated,cancel_at_once")
            await on.deliver(job.job_id, "batch.cancelled")
            early = await on.service.shows(
                job.job_id,
                lambda view: [one["verdict"] for one in view["deliveries"]] == ["disagrees"],
                "it to be judged",
            )
            await on.service.cancel(job.job_id)
            await on.service.reaches(job.job_id, "cancelled")

            async def settled() -> bool:
                return bool((await on.truth())[job.job_id]["settled"])

            await until(settled, "the stand-in to have sent everything")
            await on.deliver(job.job_id, "batch.failed")
            view = await on.service.shows(
                job.job_id,
                lambda view: [bool(one["verdict"]) for one in view["deliveries"]] == [True, True],
                "two deliveries to be judged",
            )
            by_key = {one["delivery_key"]: one for one in view["deliveries"]}

            assert early["status"] in ("pending", "running", "unknown")
            assert by_key["batch.cancelled"]["times_received"] == 4
            assert by_key["batch.failed"]["verdict"] == "stale"
            assert (view["status"], view["revision"]) == ("cancelled", 1)
            assert told(view) - {("execution", "rows_failed")} == {("cancellation", "cancelled_by_operator")}

    asyncio.run(flow())


def test_a_late_delivery(tmp_path: Path) -> None:
    """A webhook that comes when the end is known is received as what was expected, settles the job and changes nothing."""

    async def flow() -> None:
        async with openai_stage(delivery_window_seconds=LONG) as on:
            job = await on.submit(tmp_path, "webhook_lost")
            await on.service.reaches(job.job_id, "completed")
            waiting = await on.service.shows(job.job_id, lambda view: view["ready_at"], "ready")
            await on.deliver(job.job_id, "batch.completed")
            (view,) = await on.service.settles(job.job_id)
            (delivery,) = view["deliveries"]

            assert waiting["settled_at"] is None
            assert (delivery["verdict"], view["revision"], ever_told(view)) == ("stale", 1, set())

    asyncio.run(flow())


@pytest.mark.parametrize(
    ("scenario", "reason"),
    [
        ("webhook_badly_signed", "signature_wrong"),
        ("webhook_tampered", "signature_wrong"),
        ("webhook_unsigned", "signature_missing"),
    ],
)
def test_deliveries_that_are_not_authentic(scenario: str, reason: str, tmp_path: Path) -> None:
    """What was signed with another secret, about another batch, or not at all, is refused and counts for nothing."""

    async def flow() -> None:
        async with openai_stage(delivery_window_seconds=LONG) as on:
            job = await on.submit(tmp_path, scenario)
            await until(on.service.refusals, "a refusal")
            view = await on.service.shows(job.job_id, lambda view: view["ready_at"], "ready")

            assert (view["status"], view["deliveries"]) == ("completed", [])
            assert {refusal["reason"] for refusal in await on.service.refusals()} == {reason}

            async def answered() -> set[int]:
                return {sent["response_status"] for sent in (await on.truth())[job.job_id]["sent"]}

            assert await until(answered, "the stand-in to note its answers") == {401}

    asyncio.run(flow())


def test_a_source_with_another_secret(tmp_path: Path) -> None:
    """Where another endpoint's secret is configured, every delivery is refused, and the batch ends by asking all the same."""

    async def flow() -> None:
        async with openai_stage(secret=OTHER_SECRET, delivery_window_seconds=LONG) as on:
            job = await on.submit(tmp_path)
            await until(on.service.refusals, "a refusal")
            view = await on.service.shows(job.job_id, lambda view: view["ready_at"], "ready")

            assert (view["status"], view["deliveries"]) == ("completed", [])
            assert {refusal["reason"] for refusal in await on.service.refusals()} == {"signature_wrong"}

    asyncio.run(flow())


@pytest.mark.parametrize("scenario", ["create_lost", "create_uncaught"])
def test_a_lost_create_at_openai(scenario: str, tmp_path: Path) -> None:
    """The batch is found in the list by our token, and no second one is made."""

    async def flow() -> None:
        async with openai_stage() as on:
            job = await on.submit(tmp_path, scenario)
            (view,) = await on.service.settles(job.job_id)

            assert (view["status"], len(await on.truth())) == ("completed", 1)
            assert view["submission"] is not None

    asyncio.run(flow())


def test_creates_that_openai_refuses(tmp_path: Path) -> None:
    """What it says no to is refused for good, and nothing is there; what it turns away for now is sent again."""

    async def flow() -> None:
        async with openai_stage() as on:
            path = tmp_path / "rows.jsonl"
            path.write_bytes(lines_of(2))
            no = await store(on.service, path, Wishes({"scenario": "create_refused"}))
            (refused,) = await come_to(on.service, no, "refused")
            later = await store(on.service, path, Wishes({"scenario": "create_unavailable"}))

            async def tried() -> bool:
                (row,) = await states(on.service, later)
                return row.tries > 0

            await until(tried, "the second to be turned away")
            (waiting,) = await states(on.service, later)
            assert "as its scenario asks" in (refused.message or "")
            assert waiting.state in ("uploaded", "creating")
            assert await on.truth() == {}

    asyncio.run(flow())


@pytest.mark.parametrize(
    ("scenario", "status", "failures"),
    [
        ("", "cancelled", {("cancellation", "cancelled_by_operator")}),
        ("cancel_at_once", "cancelled", {("cancellation", "cancelled_by_operator")}),
        ("cancel_unheard", "cancelled", {("cancellation", "cancelled_by_operator")}),
        ("cancel_too_late", "completed", {("cancellation", "too_late")}),
    ],
)
def test_cancels_at_openai(scenario: str, status: str, failures: set[tuple[str, str]], tmp_path: Path) -> None:
    """Accepted, accepted unheard, or too late: what became of it, and the webhook of that end."""

    async def flow() -> None:
        async with openai_stage(speed=20) as on:
            job = await on.submit(tmp_path, scenario)
            await on.service.cancel(job.job_id)
            (view,) = await on.service.settles(job.job_id)

            assert view["status"] == status
            assert told(view) - {("execution", "rows_failed")} == failures
            assert [one["delivery_key"] for one in view["deliveries"]] == [f"batch.{status}"]

    asyncio.run(flow())


def test_status_answers_that_go_wrong_at_openai(tmp_path: Path) -> None:
    """500s, garbage and denials: the batch is asked about until it tells the truth, and none of it is held against it."""

    async def flow() -> None:
        async with openai_stage(delivery_window_seconds=LONG) as on:
            job = await on.submit(tmp_path, "status_500,status_malformed,status_denied")
            await on.service.reaches(job.job_id, "completed")
            view = await on.service.shows(job.job_id, lambda view: view["ready_at"], "ready")

            assert (await on.truth())[job.job_id]["gets"] >= 10
            assert (view["status"], told(view)) == ("completed", set())

    asyncio.run(flow())


def test_what_others_made_at_openai() -> None:
    """A batch that others made is adopted by its signed webhook; what only the list shows is counted, over all of its pages."""

    async def flow() -> None:
        async with openai_stage(knobs={"first_poll_seconds": 0}, sweep_seconds=0.3) as on:
            file_id = await on.upload(lines_of(2))
            for _ in range(110):
                await on.create(file_id, "webhook_lost")
            heard = await on.create(file_id)
            (view,) = await on.service.settles(heard)

            async def counted() -> dict[str, Any] | None:
                source = await on.service.source()
                return source if source["orphans"] == {"batch": 110} else None

            source = await until(counted, "110 batches of others to be counted")
            assert (view["origin"], view["status"], told(view)) == ("delivery", "completed", set())
            assert source["list"]["shows_all"] is True

    asyncio.run(flow())


def test_events_about_other_things() -> None:
    """An endpoint that is subscribed to more than batches brings more: recorded, acknowledged, and followed by nothing."""

    async def flow() -> None:
        async with openai_stage() as on:
            bodies = [
                {"type": "response.completed", "id": "evt_1", "data": {"id": "resp_1"}},
                {"type": "fine_tuning.job.failed", "id": "evt_2", "data": {"id": "ftjob_1"}},
                {"type": "something.new", "id": "evt_3", "data": {"what": "ever"}},
            ]
            answers = [await on.post(json.dumps(body).encode()) for body in bodies]
            assert {answer.status_code for answer in answers} <= {200, 202}

            async def judged() -> list[dict[str, Any]] | None:
                found = await on.service.deliveries()
                return found if len(found) == 3 and all(one["verdict"] for one in found) else None

            found = await until(judged, "three verdicts")
            assert {one["verdict"] for one in found} == {"unknown_job"}
            assert {one["kind"] for one in found} == {"response", "fine_tuning.job", "something"}
            assert await on.service.row("resp_1") is None

            assert (await on.post(b'{"type": "batch.completed", "data": {}}')).status_code == 202
            wrong = await on.post(json.dumps(bodies[0]).encode(), OTHER_SECRET)
            assert wrong.status_code == 401

    asyncio.run(flow())
