"""The published `openai` SDK lives through batches at the stand-in for OpenAI, and takes its webhooks."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest
from openai.types import Batch
from openai.types.webhooks import BatchCompletedWebhookEvent
from published import PATIENCE, refusal
from service import Asked, Provider, said, until

import sandbox
from sandbox.openai import defaults
from sandbox.openai.endpoint import ENDPOINT_ID, EVENTS
from sandbox.server import RunningSandbox, SandboxSettings

ROWS = (Path(sandbox.__file__).parent / "examples" / "requests.jsonl").read_bytes()
SPEED = 1000  # a batch lives for half a second
ENDED = ("completed", "failed", "expired", "cancelled")


@dataclass
class Standing:
    """The stand-in, the SDK in front of it, and a listener behind it. Calls of the SDK block, and go to a thread."""

    url: str
    sdk: openai.OpenAI
    listener: Provider

    async def upload(self, content: bytes = ROWS) -> str:
        made = await asyncio.to_thread(self.sdk.files.create, file=("requests.jsonl", content), purpose="batch")
        return made.id

    async def create(self, file_id: str, scenario: str = "", endpoint: Any = "/v1/chat/completions") -> Batch:
        metadata = {"team": "search"} | ({"scenario": scenario} if scenario else {})
        return await asyncio.to_thread(
            self.sdk.batches.create,
            input_file_id=file_id,
            endpoint=endpoint,
            completion_window="24h",
            metadata=metadata,
        )

    async def ends(self, batch_id: str) -> Batch:
        async def over() -> Batch | None:
            shown = await asyncio.to_thread(self.sdk.batches.retrieve, batch_id)
            return shown if shown.status in ENDED else None

        found: Batch = await until(over, f"{batch_id} to end")
        return found

    async def rows(self, file_id: str | None) -> dict[str, dict[str, Any]]:
        if file_id is None:
            return {}
        content = await asyncio.to_thread(self.sdk.files.content, file_id)
        rows = [json.loads(line) for line in content.read().decode().splitlines()]
        joined = {str(row["custom_id"]): row for row in rows}
        assert len(joined) == len(rows)
        return joined

    async def truth(self, batch_id: str) -> dict[str, Any]:
        async with httpx.AsyncClient(trust_env=False) as client:
            told = (await client.get(f"{self.url}/openai/sandbox/truth")).json()
        return next(entry for entry in told["batches"] if entry["job_id"] == batch_id)

    async def deliveries(self, many: int) -> list[Asked]:
        async def arrived() -> list[Asked] | None:
            return self.listener.asked if len(self.listener.asked) >= many else None

        found: list[Asked] = await until(arrived, f"{many} webhooks")
        return found

    def unwrap(self, delivery: Asked) -> Any:
        return self.sdk.webhooks.unwrap(delivery.body, delivery.headers, secret=defaults.WEBHOOK_SECRET)


@asynccontextmanager
async def standing(answer: bytes = b"", speed: float = SPEED, key: str = defaults.API_KEY) -> AsyncIterator[Standing]:
    async with (
        Provider(lambda asked: answer or said(b"kept", 202)).listening() as listener,
        RunningSandbox(SandboxSettings(0, speed, openai_webhook_url=f"{listener.url}/hooks")) as box,
    ):
        http = openai.DefaultHttpxClient(trust_env=False)
        sdk = openai.OpenAI(
            api_key=key, base_url=f"{box.url}/openai/v1", http_client=http, max_retries=0, timeout=PATIENCE
        )
        with closing(sdk):
            yield Standing(box.url, sdk, listener)


def test_a_whole_life() -> None:
    """Uploaded, created, retrieved until it has completed; its output holds the rows that were asked; and told of by webhook."""

    async def flow() -> None:
        async with standing() as on:
            file_id = await on.upload()
            record = await asyncio.to_thread(on.sdk.files.retrieve, file_id)
            born = await on.create(file_id)
            end = await on.ends(born.id)
            answers = await on.rows(end.output_file_id)
            output = await asyncio.to_thread(on.sdk.files.retrieve, str(end.output_file_id))
            (delivery,) = await on.deliveries(1)
            event = on.unwrap(delivery)

            assert (record.bytes, record.purpose, output.purpose) == (len(ROWS), "batch", "batch_output")
            assert (born.status, born.input_file_id, born.metadata) == ("validating", file_id, {"team": "search"})
            assert end.status == "completed"
            assert end.request_counts is not None
            assert (end.request_counts.total, end.request_counts.completed) == (12, 12)
            assert answers.keys() == {str(json.loads(line)["custom_id"]) for line in ROWS.splitlines()}
            assert {row["response"]["status_code"] for row in answers.values()} == {200}
            assert isinstance(event, BatchCompletedWebhookEvent)
            assert event.data.id == born.id

    asyncio.run(flow())


@pytest.mark.parametrize(
    ("scenario", "status", "good", "bad"),
    [
        ("fails", "failed", 0, 0),
        ("expires", "expired", 6, 6),
        ("rows_fail", "completed", 8, 4),
        ("all_rows_fail", "completed", 0, 12),
    ],
)
def test_other_ends(scenario: str, status: str, good: int, bad: int) -> None:
    """Each end has its files and its event, and the stand-in's own account says the same."""

    async def flow() -> None:
        async with standing() as on:
            born = await on.create(await on.upload(), scenario)
            end = await on.ends(born.id)
            (delivery,) = await on.deliveries(1)
            truth = await on.truth(born.id)

            assert end.status == status == truth["status"]
            assert (len(await on.rows(end.output_file_id)), len(await on.rows(end.error_file_id))) == (good, bad)
            assert on.unwrap(delivery).type == f"batch.{status}"
            assert (end.errors is not None) == (status == "failed")
            assert (truth["rows"]["answered"], truth["rows"]["failed"]) == (good, bad)

    asyncio.run(flow())


def test_an_input_that_is_none() -> None:
    """A file with a line that is no request makes a batch that fails, with an error that names the line."""

    async def flow() -> None:
        async with standing() as on:
            end = await on.ends((await on.create(await on.upload(b"this is no JSON\n"))).id)

            assert end.status == "failed"
            assert end.errors is not None
            assert [error.line for error in end.errors.data or []] == [1]

    asyncio.run(flow())


def test_the_list_goes_on_after_an_id() -> None:
    """The SDK's own pages, of two each, bring every batch once, the newest first."""

    async def flow() -> None:
        async with standing() as on:
            file_id = await on.upload()
            made = [(await on.create(file_id)).id for _ in range(5)]
            listed = await asyncio.to_thread(lambda: [batch.id for batch in on.sdk.batches.list(limit=2)])
            later = await asyncio.to_thread(lambda: [batch.id for batch in on.sdk.batches.list(after=made[3]).data])

            assert listed == made[::-1]
            assert later == made[2::-1]
            assert await asyncio.to_thread(refusal, lambda: on.sdk.batches.list(after="batch_of_nobody")) == 400
            assert await asyncio.to_thread(refusal, lambda: on.sdk.batches.list(limit=101)) == 400

    asyncio.run(flow())


def test_cancelled() -> None:
    """A cancel is taken and comes true, with what was done by then; once more, it is refused."""

    async def flow() -> None:
        async with standing(speed=60) as on:
            born = await on.create(await on.upload())
            cancelling = await asyncio.to_thread(on.sdk.batches.cancel, born.id)
            end = await on.ends(born.id)

            assert (cancelling.status, end.status) == ("cancelling", "cancelled")
            assert await asyncio.to_thread(refusal, lambda: on.sdk.batches.cancel(born.id)) == 409
            (delivery,) = await on.deliveries(1)
            assert on.unwrap(delivery).type == "batch.cancelled"

    asyncio.run(flow())


@pytest.mark.parametrize(
    ("scenario", "answered", "then"),
    [
        ("cancel_at_once", "cancelled", "cancelled"),
        ("cancel_loses", "cancelling", "cancelling"),
        ("cancel_refused", 409, "validating"),
        ("cancel_too_late", 409, "completed"),
    ],
)
def test_other_cancels(scenario: str, answered: str | int, then: str) -> None:
    """Taken or refused, and what the batch says next."""

    async def flow() -> None:
        async with standing(speed=1) as on:
            born = await on.create(await on.upload(), scenario)
            if isinstance(answered, int):
                assert await asyncio.to_thread(refusal, lambda: on.sdk.batches.cancel(born.id)) == answered
            else:
                assert (await asyncio.to_thread(on.sdk.batches.cancel, born.id)).status == answered
            assert (await asyncio.to_thread(on.sdk.batches.retrieve, born.id)).status == then

    asyncio.run(flow())


def test_a_cancel_that_is_not_answered() -> None:
    """It is carried out all the same."""

    async def flow() -> None:
        async with standing(speed=40) as on:
            born = await on.create(await on.upload(), "cancel_unheard")
            with pytest.raises(openai.APIConnectionError):
                await asyncio.to_thread(on.sdk.batches.cancel, born.id)
            assert (await on.ends(born.id)).status == "cancelled"

    asyncio.run(flow())


@pytest.mark.parametrize(
    ("scenario", "raised", "made"),
    [
        ("create_refused", openai.BadRequestError, 0),
        ("create_unavailable", openai.RateLimitError, 0),
        ("create_uncaught", openai.InternalServerError, 1),
        ("create_lost", openai.APIConnectionError, 1),
        ("nonsense", openai.BadRequestError, 0),
    ],
)
def test_creates_that_go_wrong(scenario: str, raised: type[Exception], made: int) -> None:
    """The caller is told what the SDK has a class for; whether a batch came of it is another matter, and the list shows it."""

    async def flow() -> None:
        async with standing() as on:
            file_id = await on.upload()
            with pytest.raises(raised):
                await on.create(file_id, scenario)
            listed = await asyncio.to_thread(lambda: [batch.input_file_id for batch in on.sdk.batches.list()])
            assert listed == [file_id] * made

    asyncio.run(flow())


def test_refusals_are_the_sdks_own_errors() -> None:
    """What is not there, what is asked wrongly and who has another key: each has its status, and never makes a batch."""

    async def flow() -> None:
        async with standing() as on:
            file_id = await on.upload()
            batches, files, endpoints = on.sdk.batches, on.sdk.files, on.sdk.webhooks
            told = {"input_file_id": file_id, "endpoint": "/v1/responses", "completion_window": "24h"}
            many: Mapping[str, str] = {str(number): "" for number in range(17)}
            calls: list[tuple[int, Any]] = [
                (404, lambda: batches.retrieve("batch_of_nobody")),
                (404, lambda: batches.cancel("batch_of_nobody")),
                (404, lambda: files.retrieve("file-of-nobody")),
                (404, lambda: files.content("file-of-nobody")),
                (404, lambda: endpoints.retrieve("we_of_nobody")),
                (404, lambda: batches.create(**{**told, "input_file_id": "file-of-nobody"})),
                (400, lambda: batches.create(**{**told, "endpoint": "/v1/videos"})),
                (400, lambda: batches.create(**{**told, "completion_window": "48h"})),
                (400, lambda: batches.create(**told, metadata=dict(many))),
                (400, lambda: batches.create(**told, metadata={"k": "x" * 513})),
                (400, lambda: files.create(file=("rows.csv", b"1"), purpose="batch")),
                (400, lambda: files.create(file=("rows.jsonl", b"1"), purpose="fine-tune")),
                (404, on.sdk.models.list),
            ]
            for status, call in calls:
                assert await asyncio.to_thread(refusal, call) == status
            assert await asyncio.to_thread(lambda: list(batches.list())) == []

    asyncio.run(flow())


def test_a_wrong_key() -> None:
    """With another key every call is a 401."""

    async def flow() -> None:
        async with standing(key="sk-another") as on:
            for call in (on.sdk.batches.list, lambda: on.sdk.batches.retrieve("batch_1")):
                assert await asyncio.to_thread(refusal, call) == 401

    asyncio.run(flow())


def test_status_answers_that_go_wrong() -> None:
    """Three of each, once it is in progress; then the truth."""

    async def flow() -> None:
        async with standing() as on:
            born = await on.create(await on.upload(), "status_429,status_500,status_denied")

            async def past_validation() -> bool:
                return str((await on.truth(born.id))["status"]) != "validating"

            await until(past_validation, "the batch to be in progress")
            statuses = [await asyncio.to_thread(refusal, lambda: on.sdk.batches.retrieve(born.id)) for _ in range(9)]
            assert statuses == [429] * 3 + [500] * 3 + [404] * 3
            assert (await on.ends(born.id)).status == "completed"

    asyncio.run(flow())


def test_one_message_for_all_attempts() -> None:
    """A webhook that is not taken is sent again: the same message, signed anew, until it is given up."""

    async def flow() -> None:
        async with standing(said(b"no", 503), speed=100_000) as on:
            born = await on.create(await on.upload())
            deliveries = await on.deliveries(9)

            async def settled() -> bool:
                return bool((await on.truth(born.id))["settled"])

            await until(settled, "the stand-in to give up")
            truth = await on.truth(born.id)

            assert len({delivery.headers["webhook-id"] for delivery in deliveries}) == 1
            assert {on.unwrap(delivery).data.id for delivery in deliveries} == {born.id}
            assert [sent["attempt"] for sent in truth["sent"]] == list(range(1, 10))
            assert {sent["outcome"] for sent in truth["sent"]} == {"rejected"}

    asyncio.run(flow())


@pytest.mark.parametrize(
    ("scenario", "arrive", "authentic"),
    [
        ("webhook_repeated", 3, 3),
        ("webhook_badly_signed", 1, 0),
        ("webhook_tampered", 1, 0),
        ("webhook_delayed", 1, 1),
    ],
)
def test_webhooks_that_go_wrong(scenario: str, arrive: int, authentic: int) -> None:
    """What the SDK's verifier takes of them, and what it does not."""

    async def flow() -> None:
        async with standing() as on:
            await on.create(await on.upload(), scenario)
            taken = []
            for delivery in await on.deliveries(arrive):
                try:
                    taken.append(on.unwrap(delivery))
                except openai.InvalidWebhookSignatureError:
                    continue
            assert len(taken) == authentic

    asyncio.run(flow())


def test_unsigned_and_lost() -> None:
    """An unsigned webhook has none of the three headers; a lost one is never sent."""

    async def flow() -> None:
        async with standing() as on:
            file_id = await on.upload()
            lost = await on.create(file_id, "webhook_lost")
            await on.create(file_id, "webhook_unsigned")
            (delivery,) = await on.deliveries(1)

            async def settled() -> bool:
                return bool((await on.truth(lost.id))["settled"])

            await until(settled, "the lost one to be over")
            assert not [name for name in delivery.headers if name.startswith("webhook-")]
            assert (await on.truth(lost.id))["sent"] == []

    asyncio.run(flow())


def test_its_endpoint() -> None:
    """The project's endpoint is shown without its secret, can be pointed elsewhere, and decides which events are sent."""

    async def flow() -> None:
        async with standing() as on:
            endpoints = on.sdk.webhooks
            (listed,) = await asyncio.to_thread(lambda: list(endpoints.list()))
            shown = await asyncio.to_thread(endpoints.retrieve, ENDPOINT_ID)
            there = f"{on.listener.url}/elsewhere"
            changed = await asyncio.to_thread(
                lambda: endpoints.update(ENDPOINT_ID, url=there, event_types=["batch.failed"])
            )
            file_id = await on.upload()
            unheard, heard = await on.create(file_id), await on.create(file_id, "fails")
            (delivery,) = await on.deliveries(1)

            async def settled() -> bool:
                return bool((await on.truth(unheard.id))["settled"])

            await until(settled, "the other to be over")
            assert listed == shown
            assert tuple(shown.event_types) == EVENTS
            assert defaults.WEBHOOK_SECRET not in shown.to_json()
            assert (changed.url, changed.event_types) == (there, ["batch.failed"])
            assert (delivery.target, on.unwrap(delivery).data.id) == ("/elsewhere", heard.id)
            assert (await on.truth(unheard.id))["sent"] == []

    asyncio.run(flow())


def test_sent_by_hand() -> None:
    """Any of the four events can be sent about any batch, once, well signed, whatever its scenario says."""

    async def flow() -> None:
        async with standing(speed=1) as on, httpx.AsyncClient(trust_env=False) as client:
            born = await on.create(await on.upload(), "webhook_unsigned")
            root = f"{on.url}/openai/sandbox/deliver"
            sent = await client.post(f"{root}/{born.id}/batch.expired")
            wrong = await client.post(f"{root}/{born.id}/batch.created")
            nobody = await client.post(f"{root}/batch_of_nobody/batch.expired")
            (delivery,) = await on.deliveries(1)

            assert sent.json() == {"event": "batch.expired", "outcome": "delivered", "response_status": 202}
            assert (wrong.status_code, nobody.status_code) == (400, 404)
            assert (on.unwrap(delivery).type, on.unwrap(delivery).data.id) == ("batch.expired", born.id)

    asyncio.run(flow())
