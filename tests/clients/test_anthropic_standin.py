"""The published `anthropic` SDK lives through batches at the stand-in for Anthropic."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from typing import Any

import anthropic
import httpx
import pytest
from anthropic.types.messages import MessageBatch, MessageBatchIndividualResponse
from published import PATIENCE
from service import until

from sandbox.anthropic import defaults
from sandbox.anthropic.scenarios import STATUS_FAULTS
from sandbox.server import RunningSandbox, SandboxSettings

SPEED = 1000  # a batch lives for a quarter of a second
SLOW = 10  # and here for 24
PARAMS: Any = {"model": "claude-x", "max_tokens": 16, "messages": [{"role": "user", "content": "Hello"}]}


@pytest.fixture(autouse=True)
def no_further_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK takes more headers from the environment, whatever it is told."""
    monkeypatch.delenv("ANTHROPIC_CUSTOM_HEADERS", raising=False)


@dataclass
class Standing:
    """The stand-in, and the SDK in front of it. Calls of the SDK block, and go to a thread."""

    url: str
    sdk: anthropic.Anthropic
    control: httpx.AsyncClient

    async def arrange(self, scenario: str) -> None:
        (await self.control.post("/anthropic/sandbox/switches", json={"scenario": scenario})).raise_for_status()

    async def create(self, *custom_ids: str, scenario: str = "") -> MessageBatch:
        await self.arrange(scenario)
        requests: Any = [{"custom_id": name, "params": PARAMS} for name in custom_ids or ("a", "b", "c", "d")]
        return await asyncio.to_thread(self.sdk.messages.batches.create, requests=requests)

    async def get(self, batch_id: str) -> MessageBatch:
        return await asyncio.to_thread(self.sdk.messages.batches.retrieve, batch_id)

    async def ends(self, batch_id: str) -> MessageBatch:
        async def over() -> MessageBatch | None:
            shown = await self.get(batch_id)
            return shown if shown.processing_status == "ended" else None

        found: MessageBatch = await until(over, f"{batch_id} to end")
        return found

    async def cancel(self, batch_id: str) -> MessageBatch:
        return await asyncio.to_thread(self.sdk.messages.batches.cancel, batch_id)

    async def results(self, batch_id: str) -> list[MessageBatchIndividualResponse]:
        rows = await asyncio.to_thread(lambda: list(self.sdk.messages.batches.results(batch_id)))
        return [MessageBatchIndividualResponse.model_validate(row.model_dump()) for row in rows]

    async def truth(self) -> list[dict[str, Any]]:
        told = (await self.control.get("/anthropic/sandbox/truth")).json()["batches"]
        return [dict(one) for one in told]


@asynccontextmanager
async def standing(speed: float = SPEED, key: str = defaults.API_KEY) -> AsyncIterator[Standing]:
    async with (
        RunningSandbox(SandboxSettings(0, speed)) as box,
        httpx.AsyncClient(base_url=box.url, trust_env=False, timeout=PATIENCE) as control,
    ):
        sdk = anthropic.Anthropic(api_key=key, base_url=f"{box.url}/anthropic", max_retries=0, timeout=PATIENCE)
        with closing(sdk):
            yield Standing(box.url, sdk, control)


def test_a_whole_life() -> None:
    """Created, retrieved until it has ended, and its results read: one for each request, with a message or an error."""

    async def flow() -> None:
        async with standing() as on:
            born = await on.create("a", "b", "errored-c")
            end = await on.ends(born.id)
            rows = {row.custom_id: row.result for row in await on.results(born.id)}

            assert (born.processing_status, born.request_counts.processing) == ("in_progress", 3)
            assert (born.ended_at, born.results_url) == (None, None)
            assert end.request_counts.to_dict() == {
                "processing": 0,
                "succeeded": 2,
                "errored": 1,
                "canceled": 0,
                "expired": 0,
            }
            assert end.ended_at is not None
            assert (end.expires_at - end.created_at).total_seconds() == 86_400
            assert rows["a"].type == rows["b"].type == "succeeded"
            assert rows["errored-c"].type == "errored"
            assert rows["errored-c"].error.error.type == "invalid_request_error"
            assert len(rows) == 3

    asyncio.run(flow())


@pytest.mark.parametrize(
    ("scenario", "counts", "status"),
    [
        ("", {"succeeded": 4}, "completed"),
        ("rows_fail", {"succeeded": 2, "errored": 2}, "completed"),
        ("rows_expire", {"succeeded": 2, "expired": 2}, "completed"),
        ("fails", {"errored": 4}, "failed"),
        ("expires", {"expired": 4}, "expired"),
    ],
)
def test_ends(scenario: str, counts: dict[str, int], status: str) -> None:
    """Each end, as the counts, the results and the truth tell it alike."""

    async def flow() -> None:
        async with standing() as on:
            end = await on.ends((await on.create(scenario=scenario)).id)
            (true,) = await on.truth()

            assert {name: many for name, many in end.request_counts.to_dict().items() if many} == counts
            assert Counter(row.result.type for row in await on.results(end.id)) == counts
            assert Counter(row["outcome"] for row in true["rows"]) == counts
            assert (true["status"], true["done"]) == (status, True)

    asyncio.run(flow())


def test_cancelled() -> None:
    """A cancel is answered with `canceling`; what was not done by then is canceled. Once it is over, a cancel is refused."""

    async def flow() -> None:
        async with standing(SLOW) as on:
            born = await on.create()
            asked = await on.cancel(born.id)
            again = await on.cancel(born.id)
            end = await on.ends(born.id)
            with pytest.raises(anthropic.BadRequestError):
                await on.cancel(born.id)

            assert asked.processing_status == again.processing_status == "canceling"
            assert asked.cancel_initiated_at == again.cancel_initiated_at == end.cancel_initiated_at
            assert end.request_counts.canceled + end.request_counts.succeeded == 4
            assert end.request_counts.canceled > 0

    asyncio.run(flow())


@pytest.mark.parametrize(
    ("scenario", "error", "truth"),
    [
        ("cancel_refused", anthropic.BadRequestError, "in_progress"),
        ("cancel_unheard", anthropic.APIConnectionError, "canceling"),
    ],
)
def test_cancels_that_fail(scenario: str, error: type[Exception], truth: str) -> None:
    """A cancel that is refused changes nothing; one whose answer is lost is carried out."""

    async def flow() -> None:
        async with standing(SLOW) as on:
            born = await on.create(scenario=scenario)
            with pytest.raises(error):
                await on.cancel(born.id)
            (true,) = await on.truth()
            assert (true["processing_status"], true["cancels"]) == (truth, 1)

    asyncio.run(flow())


def test_cancels_that_change_nothing() -> None:
    """A cancel that loses, or comes in the last moment, leaves every request done."""

    async def flow() -> None:
        async with standing(SPEED / 10) as on:
            for scenario in ("cancel_loses", "cancel_too_late"):
                born = await on.create(scenario=scenario)
                asked = await on.cancel(born.id)
                end = await on.ends(born.id)
                assert asked.processing_status == ("canceling" if scenario == "cancel_loses" else "ended")
                assert end.request_counts.succeeded == 4

    asyncio.run(flow())


def test_the_list() -> None:
    """All batches, the newest first, page after page; what is deleted is on it no more, and is not known."""

    async def flow() -> None:
        async with standing() as on:
            born = [(await on.create()).id for _ in range(5)]
            listed = await asyncio.to_thread(lambda: [one.id for one in on.sdk.messages.batches.list(limit=2)])
            assert listed == born[::-1]

            await on.ends(born[0])
            gone = await asyncio.to_thread(on.sdk.messages.batches.delete, born[0])
            with pytest.raises(anthropic.NotFoundError):
                await on.get(born[0])
            left = await asyncio.to_thread(lambda: [one.id for one in on.sdk.messages.batches.list()])

            assert gone.id == born[0]
            assert left == born[:0:-1]
            assert [one["deleted"] for one in await on.truth()] == [True, False, False, False, False]

    asyncio.run(flow())


def test_only_what_has_ended_is_deleted() -> None:
    """A batch that is in progress is not deleted."""

    async def flow() -> None:
        async with standing(SLOW) as on:
            born = await on.create()
            with pytest.raises(anthropic.BadRequestError):
                await asyncio.to_thread(on.sdk.messages.batches.delete, born.id)

    asyncio.run(flow())


@pytest.mark.parametrize(
    ("word", "error"),
    [
        ("status_429", anthropic.RateLimitError),
        ("status_500", anthropic.InternalServerError),
        ("status_529", anthropic.OverloadedError),
        ("status_denied", anthropic.NotFoundError),
    ],
)
def test_status_answers_that_fail(word: str, error: type[anthropic.APIStatusError]) -> None:
    """Three status answers fail as told, in the form that the SDK reads; then the batch is shown."""

    async def flow() -> None:
        assert word in STATUS_FAULTS
        async with standing() as on:
            born = await on.create(scenario=word)
            for _ in range(3):
                with pytest.raises(error) as caught:
                    await on.get(born.id)
                assert caught.value.request_id
                assert caught.value.type
                assert caught.value.api_message
            assert (await on.get(born.id)).id == born.id

    asyncio.run(flow())


@pytest.mark.parametrize(
    ("word", "error", "made"),
    [
        ("create_refused", anthropic.BadRequestError, 0),
        ("create_unavailable", anthropic.RateLimitError, 0),
        ("create_lost", anthropic.APIConnectionError, 1),
        ("create_uncaught", anthropic.InternalServerError, 1),
    ],
)
def test_creates_that_fail(word: str, error: type[Exception], made: int) -> None:
    """A create fails as told, and a batch comes of it or not."""

    async def flow() -> None:
        async with standing() as on:
            with pytest.raises(error):
                await on.create(scenario=word)
            assert len(await on.truth()) == made

    asyncio.run(flow())


def test_results_that_are_missing_or_elsewhere() -> None:
    """Results may be a 404, and their URL may lead away, where this SDK would follow it."""

    async def flow() -> None:
        async with standing() as on:
            missing = await on.ends((await on.create(scenario="results_missing")).id)
            with pytest.raises(anthropic.NotFoundError):
                await on.results(missing.id)
            elsewhere = await on.ends((await on.create(scenario="results_elsewhere")).id)
            assert missing.results_url == f"{on.url}/anthropic/v1/messages/batches/{missing.id}/results"
            assert (elsewhere.results_url or "").startswith("http://elsewhere.example/")

    asyncio.run(flow())


def test_who_may_ask() -> None:
    """Another key is refused, and so is who does not say which version of the API is meant."""

    async def flow() -> None:
        async with standing(key="sk-ant-other") as on:
            with pytest.raises(anthropic.AuthenticationError):
                await on.create()
            bare = await on.control.get("/anthropic/v1/messages/batches", headers={"x-api-key": defaults.API_KEY})
            assert (bare.status_code, bare.json()["error"]["type"]) == (400, "invalid_request_error")
            assert await on.truth() == []

    asyncio.run(flow())


@pytest.mark.parametrize(
    ("requests", "what"),
    [
        ([], "requests"),
        ([{"custom_id": "a", "params": PARAMS}] * 2, "unique"),
        ([{"custom_id": "a b", "params": PARAMS}], "custom_id"),
        ([{"custom_id": "a", "params": {**PARAMS, "model": ""}}], "model"),
        ([{"custom_id": "a", "params": PARAMS, "url": "/v1/messages"}], "nothing else"),
    ],
)
def test_bad_orders(requests: Any, what: str) -> None:
    """One bad request refuses the whole batch."""

    async def flow() -> None:
        async with standing() as on:
            with pytest.raises(anthropic.BadRequestError, match=what):
                await asyncio.to_thread(on.sdk.messages.batches.create, requests=requests)
            assert await on.truth() == []

    asyncio.run(flow())


@pytest.mark.parametrize("body", [{"scenario": "storms"}, {"scenario": "fails,expires"}, {"weather": ""}, [], "x"])
def test_bad_switches(body: Any) -> None:
    """A switch that is not understood changes nothing."""

    async def flow() -> None:
        async with standing() as on:
            await on.arrange("rows_fail")
            answer = await on.control.post("/anthropic/sandbox/switches", json=body)
            assert answer.status_code == 400
            assert (await on.control.get("/anthropic/sandbox/switches")).json() == {"scenario": "rows_fail"}

    asyncio.run(flow())
