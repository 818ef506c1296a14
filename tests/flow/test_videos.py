"""Videos, the second kind of job: from webhook and polling, as batches are; and kinds that nobody can ask about."""

import asyncio
from typing import Any

import pytest
from service import Asked, Provider, Stage, event, said, service, stage, told

from sandbox.server import DEFAULT_ENDPOINT_ID

VIDEO = "G-01K2XYZ3ABCDEFGHJKMNPQRSTV"
LISTENS = {"webhook_events": ["batch.completed", "video.completed", "video.failed", "video.expired"]}


def video(status: str, **more: Any) -> bytes:
    """A video as the gateway's REST shows it, with a webhook of ours."""
    lifecycle = {"queued": "pending", "in_progress": "running"}.get(status, status)
    account = {"endpoint_id": None, "has_secret": True, "events": [], "attempts": []}
    return said(
        {"id": VIDEO, "object": "video", "status": status, "lifecycle_status": lifecycle, "webhook": account, **more}
    )


def script(statuses: list[str]) -> Any:
    """A gateway whose video goes on by one status with each question about it, and stays at the last one."""

    def answer(asked: Asked) -> bytes:
        if asked.method == "POST":
            refusal = {
                "error": "not_implemented_yet",
                "reason": "video_cancellation_disabled",
                "error_origin": "gateway",
            }
            return said(refusal, 501)
        return video(statuses.pop(0) if len(statuses) > 1 else statuses[0])

    return answer


@pytest.mark.parametrize(
    ("last", "status", "failures"),
    [
        ("completed", "completed", set()),
        ("succeeded", "completed", set()),
        ("failed", "failed", {("execution", "failed")}),
        ("error", "failed", {("execution", "failed")}),
        ("expired", "expired", {("execution", "expired")}),
    ],
)
def test_a_video_by_polling(last: str, status: str, failures: set[tuple[str, str]]) -> None:
    """Without any webhook a video that is tracked reaches its true end, at its own address, and its failures are its own."""

    async def flow() -> None:
        statuses = ["queued", "in_progress", last]
        async with Provider(script(statuses)).listening() as provider, service(provider.base_url) as running:
            await running.track(VIDEO, kind="video")
            (view,) = await running.settles(VIDEO)

            assert (view["kind"], view["status"], view["native_status"]) == ("video", status, last)
            assert [one["to"] for one in view["transitions"]] == ["pending", "running", status]
            assert told(view) == failures
            assert {asked.target for asked in provider.asked} == {f"/v1/videos/{VIDEO}"}

    asyncio.run(flow())


NEVER, REJECTED = ("delivery", "never_attempted"), ("delivery", "rejected")
# What each scenario of the stand-in comes to for a video.
ENDS: dict[str, tuple[str, set[tuple[str, str]]]] = {
    "": ("completed", set()),
    "fails": ("failed", {("execution", "failed")}),
    "expires": ("expired", {("execution", "expired")}),
    "webhook_lost": ("completed", {NEVER}),
    "webhook_repeated": ("completed", set()),
    "webhook_badly_signed": ("completed", {REJECTED}),
    "status_429": ("completed", set()),
    "status_malformed": ("completed", set()),
    "status_stale": ("completed", set()),
}


async def film(on: Stage, scenario: str) -> str:
    """Make a video at the stand-in, which announces what our endpoint listens for."""
    asked = {"model": "sora-2", "prompt": "a goat", "metadata": {"scenario": scenario}}
    hook = {"endpoint_id": DEFAULT_ENDPOINT_ID, "events": ["video.completed", "video.failed", "video.expired"]}
    answer = await on.client.post("/v1/videos", json={**asked, "webhook": hook})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


@pytest.mark.both_stores
def test_videos_beside_the_stand_in() -> None:
    """State and failures of videos are as played, by webhook where it comes and by polls where not, and the gateway agrees."""

    async def flow() -> None:
        async with stage(more=LISTENS) as on:
            jobs = {await film(on, scenario): scenario for scenario in ENDS}
            for job in jobs:
                await on.service.track(job, kind="video")
            views = {jobs[view["job_id"]]: view for view in await on.service.settles(*jobs)}
            truth = await on.truth()

            assert {name: (view["status"], told(view)) for name, view in views.items()} == ENDS
            assert all(view["status"] == truth[view["job_id"]]["status"] for view in views.values())
            assert [one["delivery_key"] for one in views["expires"]["deliveries"]] == ["video.expired"]
            assert "download" not in str(views)
            assert (await on.service.source())["trouble"] is None

    asyncio.run(flow())


def test_a_video_by_webhook() -> None:
    """A signed delivery about a video adopts it; its own key is expected at its end, and what came in between moves nothing."""

    async def flow() -> None:
        statuses = ["in_progress"]
        async with (
            Provider(script(statuses)).listening() as provider,
            service(provider.base_url, more=LISTENS) as running,
        ):
            changed = event(VIDEO, "processing", "status_changed:queued:in_progress", kind="video")
            progress = event(VIDEO, "processing", "progress:50", kind="video", progress=50)
            assert [(await running.deliver(body)).status_code for body in (changed, progress, changed)] == [
                202,
                202,
                200,
            ]
            await running.reaches(VIDEO, "running")
            statuses[:] = ["completed"]
            assert (await running.deliver(event(VIDEO, "completed", kind="video"))).is_success
            (view,) = await running.settles(VIDEO)

            assert (view["origin"], view["status"], told(view)) == ("delivery", "completed", set())
            assert [one["delivery_key"] for one in view["deliveries"]] == [
                "video.status_changed:queued:in_progress",
                "video.progress:50",
                "video.completed",
            ]

    asyncio.run(flow())


def test_a_lost_webhook_of_a_video() -> None:
    """A video whose announcement never came is healed by a poll, and the delivery failure is told under its own key."""

    async def flow() -> None:
        async with (
            Provider(script(["completed"])).listening() as provider,
            service(provider.base_url, more=LISTENS) as running,
        ):
            await running.track(VIDEO, kind="video")
            (view,) = await running.settles(VIDEO)

            assert told(view) == {("delivery", "never_attempted")}
            assert "video.completed" in view["failures"][0]["message"]

    asyncio.run(flow())


def test_a_video_cannot_be_cancelled() -> None:
    """The gateway cancels no videos: the job goes on to its own end, and the cancellation failed as not possible."""

    async def flow() -> None:
        statuses = ["in_progress"]
        async with Provider(script(statuses)).listening() as provider, service(provider.base_url) as running:
            await running.track(VIDEO, kind="video")
            await running.reaches(VIDEO, "running")
            await running.cancel(VIDEO)
            await running.shows(VIDEO, lambda view: view["actions"][0]["state"] == "not_cancellable", "the refusal")
            statuses[:] = ["completed"]
            (view,) = await running.settles(VIDEO)

            assert (view["status"], told(view)) == ("completed", {("cancellation", "not_cancellable")})
            assert f"/v1/videos/{VIDEO}/cancel" in {asked.target for asked in provider.asked}

    asyncio.run(flow())


def test_other_kinds_are_kept_and_shown() -> None:
    """A delivery about a kind that nobody can ask about is recorded and shown, and no question is made of it."""

    async def flow() -> None:
        async with Provider(script(["completed"])).listening() as provider, service(provider.base_url) as running:
            assert (await running.deliver(event("music_1", "composing", "opened", kind="music"))).is_success
            await running.track(VIDEO, kind="video")
            await running.settles(VIDEO)
            (row,) = await running.deliveries()

            assert (row["kind"], row["job_id"], row["delivery_key"]) == ("music", "music_1", "music.opened")
            assert row["verdict"] == "unknown_job"
            assert await running.row("music_1") is None
            assert [asked.target for asked in provider.asked if "music" in asked.target] == []

    asyncio.run(flow())


def test_unknown_words_are_kept_and_shown() -> None:
    """A word of status that nobody knows is shown as it is, and is never taken for an end, whoever says it."""

    async def flow() -> None:
        statuses = ["rendering"]
        async with Provider(script(statuses)).listening() as provider, service(provider.base_url) as running:
            assert (await running.deliver(event(VIDEO, "Polishing", "polished", kind="video"))).is_success
            view = await running.shows(VIDEO, lambda view: view["asking"]["answers"] >= 2, "several answers")

            assert (view["status"], view["native_status"]) == ("pending", "rendering")
            assert view["deliveries"][0]["receipts"][0]["native_status"] == "Polishing"
            assert view["deliveries"][0]["delivery_key"] == "video.polished"

    asyncio.run(flow())
