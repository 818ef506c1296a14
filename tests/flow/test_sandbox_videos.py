"""Videos, the second kind of job, over real sockets: their life, their webhooks, their content, and their faults."""

import asyncio
from typing import Any

import httpx
import pytest
from standing_in import FOUR_FAILURES, SCHEDULED, Stage, is_so, outcomes, recorded, stage, until

ALL_EVENTS = ("video.created", "video.status_changed", "video.progress", "video.completed")


class TestLife:
    def test_from_prompt_to_film(self) -> None:
        """
        A video is queued, worked on and completed; REST and webhooks say so in their own words, and then it can be had.
        """

        async def flow() -> None:
            async with stage(speed=100, public_base_url="https://api.example.org") as on:
                job = await on.film()
                seen: list[tuple[Any, ...]] = []
                early = await on.client.get(f"/v1/videos/{job}/content")
                shown = await on.video(job)
                while shown["status"] != "completed":
                    view = (shown["status"], shown["lifecycle_status"], shown["cancel_url"], "download_url" in shown)
                    seen += [view] if view not in seen else []
                    await asyncio.sleep(0.005)
                    shown = await on.video(job)
                (truth,) = await on.settled(job)
                film = await on.client.get(shown["content_url"])

                assert job.startswith("G-")
                assert (shown["id"], shown["request_id"], truth["kind"]) == (job, job, "video")
                assert [view for view in seen if view[0] != "queued"] == [("in_progress", "running", None, False)]
                assert [view for view in seen if view[0] == "queued"] in ([], [("queued", "pending", None, False)])
                assert (shown["progress"], shown["polling_url"]) == (100, f"{on.box.url}/v1/videos/{job}")
                assert (early.status_code, early.json()["error"]) == (409, "not_ready")
                assert (film.headers["content-type"], film.content[4:8]) == ("video/mp4", b"ftyp")

        asyncio.run(flow())

    def test_a_download_link_opens_without_a_key(self) -> None:
        """
        A completed video has a link that ends; it opens without a key for this video, unchanged, and for nothing else.
        """

        async def flow() -> None:
            async with stage() as on:
                one, other = await on.film(), await on.film()
                await on.settled(one, other)
                link = (await on.video(one))["download_url"]
                foreign = (await on.video(other))["download_url"].partition("?")[2]
                async with httpx.AsyncClient(trust_env=False) as stranger:
                    opened = await stranger.get(link)
                    wrong = [
                        await stranger.get(link[:-1] + ("0" if link[-1] != "0" else "1")),
                        await stranger.get(f"{link.partition('?')[0]}?{foreign}"),
                        await stranger.get(link.partition("?")[0]),
                        await stranger.get(link.replace("expires=1", "expires=2")),
                    ]

                assert opened.status_code == 200
                assert [answer.status_code for answer in wrong] == [401] * 4

        asyncio.run(flow())

    def test_the_alias_keeps_its_own_urls(self) -> None:
        """
        Under /v1/video/generations a video has the same life and URLs of that address; there is no list, and no delete.
        """

        async def flow() -> None:
            async with stage(speed=1) as on:
                made = await on.client.post("/v1/video/generations", json={"model": "sora-2", "prompt": "a goat"})
                job = made.json()["id"]
                again = await on.get(f"/v1/video/generations/{job}?any=1")
                absent = [await on.client.get("/v1/videos"), await on.client.delete(f"/v1/videos/{job}")]

                assert made.json()["polling_url"] == f"{on.box.url}/v1/video/generations/{job}" == again["polling_url"]
                assert [answer.text for answer in absent] == ["404 Not Found"] * 2

        asyncio.run(flow())

    def test_nobody_cancels(self) -> None:
        """
        A cancel is always 501, for an open video, a finished one and one that nobody knows; an unknown one is 404.
        """

        async def flow() -> None:
            async with stage() as on:
                job = await on.film()
                answers = [await on.client.post(f"/v1/videos/{job}/cancel")]
                await on.settled(job)
                answers += [await on.client.post(f"/v1/videos/{each}/cancel") for each in (job, "G-1")]
                unknown = await on.client.get("/v1/videos/G-1")

                for answer in answers:
                    assert (answer.status_code, answer.json()["reason"]) == (501, "video_cancellation_disabled")
                assert (unknown.status_code, unknown.json()["reason"]) == (404, "video_not_found_or_not_owned")
                assert (await on.truth(job))["cancels"] == 2

        asyncio.run(flow())

    @pytest.mark.parametrize(
        ("changed", "error", "reason"),
        [
            ({"model": None}, "model_required", "model_required"),
            ({"prompt": ""}, "validation_error", "missing_video_prompt"),
            ({"metadata": {"n": 1}}, "validation_error", "invalid_video_metadata"),
            ({"webhook": {"url": "http://u", "secret": "s"}}, "validation_error", "video_webhook_endpoint_required"),
            ({"webhook": "text"}, "validation_error", "invalid_video_webhook"),
            ({"metadata": {"scenario": "rows_fail"}}, "validation_error", "sandbox_scenario_unknown"),
            ({"metadata": {"scenario": "oops"}}, "validation_error", "sandbox_scenario_unknown"),
        ],
    )
    def test_refusals(self, changed: dict[str, Any], error: str, reason: str) -> None:
        """
        A bad create call is E1 400, also one whose scenario cannot happen to a video.
        """

        async def flow() -> None:
            async with stage(speed=1) as on:
                answer = await on.client.post("/v1/videos", json={"model": "sora-2", "prompt": "a goat"} | changed)

                assert (answer.status_code, answer.json()["error"], answer.json()["reason"]) == (400, error, reason)
                assert (await on.get("/sandbox/truth"))["videos"] == []

        asyncio.run(flow())


async def told(on: Stage, generation_events: tuple[str, ...], scenario: str = "") -> tuple[str, list[dict[str, Any]]]:
    """Make a video, ask about it until it is over, and return its id and what was told of it."""
    job = await on.film(scenario, *generation_events)

    async def over() -> bool:
        return bool((await on.video(job))["status"] in {"completed", "failed", "expired"})

    await until(over)
    await on.settled(job)
    return job, [receipt.event for receipt in on.receipts(job)]


class TestWebhooks:
    def test_every_change_is_told(self) -> None:
        """
        Creation, each change of status, each step of progress and the end are told, with keys and members of their own.
        """

        async def flow() -> None:
            async with stage(speed=100, public_base_url="https://api.example.org") as on:
                job, events = await told(on, ALL_EVENTS)
                by_key = {event["delivery"]["key"]: event for event in events}
                steps = [event for event in events if event["type"] == "video.progress"]
                started = by_key["video.status_changed:queued:in_progress"]
                created, done = by_key["video.created"]["data"], by_key["video.completed"]["data"]

                assert all(receipt.genuine for receipt in on.receipts(job))
                assert len(by_key) == len(events)
                assert list(started) == ["id", "type", "created_at", "delivery", "data", "status_change"]
                assert started["type"] == "video.status_changed"
                assert started["status_change"] == {"previous_status": "queued", "status": "in_progress"}
                assert (started["data"]["status"], started["data"]["lifecycle_status"]) == ("processing", "running")
                assert "video.status_changed:in_progress:completed" in by_key
                assert steps
                assert by_key.keys() >= {f"video.progress:{step['data']['progress']}" for step in steps}
                assert "status_change" not in by_key["video.completed"]
                assert (done["object"], done["kind"], done["id"], done["progress"]) == ("video", "video", job, 100)
                assert done["content_url"] == f"https://api.example.org/v1/videos/{job}/content"
                assert created["content_url"] == done["content_url"]
                assert done["download_url"].startswith(f"{done['content_url']}?")
                assert not {"download_url", "expires_at"} & created.keys()
                assert (created["cancel_url"], done["cancel_url"]) == (f"{done['polling_url']}/cancel", None)
                assert not any(name.startswith("estimation_") for name in done["billing"])

        asyncio.run(flow())

    @pytest.mark.parametrize(
        ("generation", "events"),
        [
            ("G1a", {"video.completed"}),
            ("G1b", {"video.completed"}),
            ("G2", {"video.status_changed", "video.completed"}),
        ],
    )
    def test_defaults(self, generation: str, events: set[str]) -> None:
        """
        Without a list of events every generation tells the end, and since G2 each change of status.
        """

        async def flow() -> None:
            async with stage(speed=400, generation=generation) as on:
                _, found = await told(on, ())

                assert {event["type"] for event in found} == events

        asyncio.run(flow())

    def test_progress_as_the_provider_said_it(self) -> None:
        """
        G1a tells of progress at the same steps, and says the provider's own number.
        """

        async def flow() -> None:
            async with stage(speed=20, generation="G1a") as on:
                job = await on.film("", "video.progress")

                async def said_between_two_steps() -> bool:
                    await on.video(job)
                    return any(receipt.event["data"]["progress"] % 5 for receipt in on.receipts(job))

                await until(said_between_two_steps)

                assert {receipt.event["type"] for receipt in on.receipts(job)} == {"video.progress"}

        asyncio.run(flow())

    @pytest.mark.parametrize(
        ("generation", "scenario", "status", "event"),
        [
            ("G2", "fails", "failed", "video.failed"),
            ("G2", "expires", "expired", "video.expired"),
            ("G1b", "expires", "expired", "video.expired"),
            ("G1a", "expires", "expired", "video.failed"),
        ],
    )
    def test_bad_ends(self, generation: str, scenario: str, status: str, event: str) -> None:
        """
        A video that fails or expires says why and has no content; G1a has no word for one that expired.
        """

        async def flow() -> None:
            async with stage(generation=generation) as on:
                job, events = await told(on, (), scenario)
                shown, (end,) = await on.video(job), [each for each in events if each["type"] == event]

                assert (shown["status"], shown["error"] is not None) == (status, True)
                assert end["data"]["upstream_error"]["code"] == shown["error"]["code"]
                assert (await on.client.get(f"/v1/videos/{job}/content")).status_code == 409

        asyncio.run(flow())


SENT_AND_RECORDED = {
    "webhook_lost": ([], []),
    "webhook_phantom": ([], [(1, "delivered")]),
    "webhook_given_up": ([], FOUR_FAILURES),
    "webhook_badly_signed_once": ([(1, "rejected"), (2, "delivered")], [(1, SCHEDULED), (2, "delivered")]),
    "webhook_repeated": ([(1, "delivered")] * 3, [(1, "delivered")]),
}


class TestWords:
    def test_webhook_words(self) -> None:
        """
        The words about webhooks bend the terminal event of a video as they do a batch's.
        """

        async def flow() -> None:
            async with stage() as on:
                jobs = [await on.film(words, "video.completed") for words in SENT_AND_RECORDED]
                truths = await on.settled(*jobs)
                found = {truth["scenario"]: (outcomes(truth), recorded(truth)) for truth in truths}

                assert found == SENT_AND_RECORDED

        asyncio.run(flow())

    def test_status_words(self) -> None:
        """
        The words about status answers hold for the first three answers about a video in progress.
        """

        async def flow() -> None:
            async with stage(speed=60) as on:
                words = ("status_429", "status_500", "status_provider_404", "status_malformed")
                jobs = [await on.film(word) for word in words]
                for job in jobs:
                    await on.reaches(job, "in_progress")
                answers = [[await on.client.get(f"/v1/videos/{job}") for _ in range(4)] for job in jobs]
                found = [[answer.status_code for answer in four] for four in answers]

                assert found == [[429] * 3 + [200], [500] * 3 + [200], [404] * 3 + [200], [200] * 4]
                assert answers[2][0].json()["error"]["message"].startswith("No video found")
                assert answers[3][1].headers["content-type"].startswith("text/html")

        asyncio.run(flow())

    def test_stale(self) -> None:
        """
        The end is told at once, and for two minutes after that status answers know nothing of it.
        """

        async def flow() -> None:
            async with stage(speed=100) as on:
                job = await on.film("status_stale", "video.completed")
                await until(lambda: is_so(lambda: bool(on.receipts(job))))
                stale = await on.video(job)

                async def caught_up() -> bool:
                    return bool((await on.video(job))["status"] == "completed")

                await until(caught_up)

                assert (stale["status"], "download_url" in stale) == ("in_progress", False)

        asyncio.run(flow())

    def test_a_seed_draws_for_videos_too(self) -> None:
        """
        A video that names no scenario gets one that can happen to it.
        """

        async def drawn() -> list[str]:
            async with stage(speed=1, seed=3) as on:
                for _ in range(8):
                    answer = await on.client.post("/v1/videos", json={"model": "sora-2", "prompt": "a goat"})
                    assert answer.status_code == 200
                return [entry["scenario"] for entry in (await on.get("/sandbox/truth"))["videos"]]

        first = asyncio.run(drawn())

        assert all(first)
        assert first == asyncio.run(drawn())
