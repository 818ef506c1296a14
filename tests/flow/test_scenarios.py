"""Every word of trouble that the stand-in knows: each job ends as it really ended, with just the failures it deserves."""

import asyncio
from collections import Counter
from typing import Any

import pytest
from service import Stage, event, ever_told, stage, told, until
from sqlalchemy import text

from sandbox.scenarios import PAIRS, WORDS

WITHOUT_A_JOB = {"create_refused", "create_unavailable"}
WITHOUT_AN_ID = {"create_lost", "create_uncaught"}  # the batch lives, and whoever made it does not know which it is
Found = tuple[str, frozenset[tuple[str, str]]]


def found(status: str, *failures: tuple[str, str]) -> Found:
    return status, frozenset(failures)


NEVER = ("delivery", "never_attempted")
REJECTED = ("delivery", "rejected")
UNREACHABLE = ("delivery", "unreachable")
PHANTOM = ("delivery", "phantom")
ROWS_FAILED = ("execution", "rows_failed")

ENDS: dict[str, Found] = {
    "": found("completed"),
    "webhook_lost": found("completed", NEVER),
    "webhook_delayed": found("completed"),
    "webhook_repeated": found("completed"),
    "webhook_reordered": found("completed"),
    "webhook_badly_signed": found("completed", REJECTED),
    "webhook_badly_signed_once": found("completed"),
    "webhook_unsigned": found("completed", REJECTED),
    "webhook_tampered": found("completed", REJECTED),
    "webhook_given_up": found("completed", UNREACHABLE),
    "webhook_timed_out": found("completed", ("delivery", "timed_out")),
    "webhook_phantom": found("completed", PHANTOM),
    "works_long": found("completed"),
    "fails": found("failed", ("execution", "failed")),
    "expires": found("expired", ("execution", "expired")),
    "rows_fail": found("completed", ROWS_FAILED),
    "all_rows_fail": found("completed", ROWS_FAILED),
    "output_late": found("completed"),
    "output_missing": found("completed", ("execution", "output_missing")),
    "cancel_late": found("completed"),  # nobody asks for a cancel here: see below for those who do
    "cancel_loses": found("completed"),
    "cancel_refused": found("completed"),
    "cancel_unheard": found("completed"),
    "cancel_too_late": found("completed"),
    "cancel_at_once": found("completed"),
    "cancelled_as_canceled": found("completed"),
    "lifecycle_missing": found("completed"),
    "status_slow": found("completed"),
    "status_429": found("completed"),
    "status_500": found("completed"),
    "status_malformed": found("completed"),
    "status_stale": found("completed"),
    "status_provider_404": found("completed"),
    "status_429_bare": found("completed"),
    "status_429_date": found("completed"),
    "status_provider_401": found("completed"),
    "status_provider_403": found("completed"),
    "status_denied": found("completed"),
    "status_gateway_502": found("completed"),
    "create_unknown": found("completed"),
    "create_unstored": found("completed"),
    "metadata_hidden": found("completed"),
    "content_cut": found("completed"),
    "content_404": found("completed"),
    "content_500": found("completed"),
    "content_stalls": found("completed"),
    "content_compressed": found("completed"),
    "output_crlf": found("completed"),
    "output_huge": found("completed"),
    "rows_missing": found("completed"),
    "rows_repeated": found("completed"),
    "rows_strange": found("completed"),
    "counts_wrong": found("completed"),
    "counts_missing": found("completed"),
    "socket_refused": found("completed"),
    "socket_drops": found("completed"),
    "webhook_lost,fails": found("failed", ("execution", "failed"), NEVER),
    "webhook_lost,output_late": found("completed", NEVER),
    "webhook_delayed,webhook_repeated": found("completed"),
    "webhook_reordered,expires": found("expired", ("execution", "expired")),
    "webhook_badly_signed,rows_fail": found("completed", ROWS_FAILED, REJECTED),
    "webhook_given_up,status_429": found("completed", UNREACHABLE),
    "status_stale,webhook_repeated": found("completed"),
    "status_500,rows_fail": found("completed", ROWS_FAILED),
    "webhook_lost,status_500": found("completed", NEVER),
    "webhook_phantom,expires": found("expired", ("execution", "expired"), PHANTOM),
    "all_rows_fail,webhook_lost": found("completed", ROWS_FAILED),
}


def test_the_table_knows_every_word_and_pair() -> None:
    """A word that the stand-in learns has to be given its end here, unless no job comes of it or nobody is told its id."""
    assert WORDS.keys() | set(PAIRS) <= ENDS.keys() | WITHOUT_A_JOB | WITHOUT_AN_ID


REFUSALS = {
    # Four attempts each, but for the one that is put right after the first.
    "webhook_badly_signed": ["signature_wrong"] * 4,
    "webhook_badly_signed,rows_fail": ["signature_wrong"] * 4,
    "webhook_badly_signed_once": ["signature_wrong"],
    "webhook_tampered": ["signature_wrong"] * 4,
    "webhook_unsigned": ["signature_missing"] * 4,
}


@pytest.mark.both_stores
@pytest.mark.parametrize("half", [0, 1])
def test_every_scenario_ends_in_its_true_state_with_the_right_failures(half: int) -> None:
    """All at once: state and failures as the table says and the stand-in confirms, everything ready, settled and at rest."""

    async def flow() -> None:
        played = {scenario: ENDS[scenario] for scenario in list(ENDS)[half::2]}
        async with stage() as on:
            jobs = {await on.watched(scenario): scenario for scenario in played}
            views = {view["job_id"]: view for view in await on.service.settles(*jobs)}
            truth = await on.truth()
            refusals = await on.service.refusals()

            assert {jobs[job]: found(view["status"], *told(view)) for job, view in views.items()} == played
            assert {job: view["status"] for job, view in views.items()} == {job: truth[job]["status"] for job in jobs}
            assert all(view["ready"] and view["settled"] for view in views.values())
            assert all(view["trouble"] is None for view in views.values())
            assert all(truth[job]["settled"] for job in jobs)
            expected = Counter(reason for scenario in played for reason in REFUSALS.get(scenario, ()))
            assert Counter(refusal["reason"] for refusal in refusals) == expected
            assert (await on.service.source())["trouble"] is None

    asyncio.run(flow())


def test_a_good_day_shows_no_red() -> None:
    """Twenty jobs on a good day: none was ever charged with a failure, each is over after few questions, and is left alone."""

    async def flow() -> None:
        async with stage() as on:
            jobs = [await on.watched() for _ in range(20)]
            views = await on.service.settles(*jobs)
            gets = {job: entry["gets"] for job, entry in (await on.truth()).items()}

            for view in views:
                assert (view["status"], view["basis"], view["ready"], view["settled"]) == (
                    "completed", "observed", True, True,
                )  # fmt: skip
                assert ever_told(view) == set()
                assert view["asking"]["next_at"] is None
                assert [delivery["verdict"] for delivery in view["deliveries"]] in (["agrees"], ["disagrees"])
                assert view["transitions"][-1]["revision"] == 1
            await asyncio.sleep(1.5)  # twice the longest interval between two questions
            assert {job: entry["gets"] for job, entry in (await on.truth()).items()} == gets

    asyncio.run(flow())


def test_with_every_webhook_lost_all_jobs_still_end_right() -> None:
    """Nothing arrives, whatever else goes wrong: every job reaches its true end by being asked about."""

    async def flow() -> None:
        async with stage() as on:
            kinds = (
                "",
                "fails",
                "expires",
                "rows_fail",
                "status_429",
                "status_malformed",
                "output_late",
                "status_stale",
            )
            jobs = [await on.watched(",".join(filter(None, ("webhook_lost", kind)))) for kind in kinds * 3]
            for job in jobs:
                await on.service.reaches(job, "completed", "failed", "expired")
            truth = await on.truth()
            ended = {job: row.status for job in jobs if (row := await on.service.row(job))}

            assert ended == {job: truth[job]["status"] for job in jobs}
            assert await on.service.deliveries() == []
            assert all(not truth[job]["sent"] for job in jobs)

    asyncio.run(flow())


@pytest.mark.both_stores
def test_truth_comes_with_the_webhook() -> None:
    """With routine questions a minute away, a webhook about the end has the job confirmed long before the next one."""

    async def flow() -> None:
        slow = {"poll_seconds": 60, "poll_cap_seconds": 60, "first_poll_seconds": 60}
        async with stage(speed=600, knobs=slow) as on:
            jobs = [await on.watched() for _ in range(10)]
            for job in jobs:
                await on.service.reaches(job, "completed")
            rows = {job: await on.service.row(job) for job in jobs}
            heard = {row["job_id"]: row["first_received_at"] for row in await on.service.deliveries()}
            arrived = {job: await _received_at(on, job) for job in jobs}

            assert heard.keys() == set(jobs)
            waited = [row.ended_at - arrived[job] for job, row in rows.items() if row and row.ended_at]
            assert len(waited) == 10
            assert max(waited) < 20_000_000

    asyncio.run(flow())


async def _received_at(on: Stage, job: str) -> int:
    async with on.service.store.reading() as connection:
        statement = text("SELECT first_received_at FROM deliveries WHERE job_id = :job")
        found = await connection.execute(statement, {"job": job})
        return int(found.scalar_one())


# Cancelling: at this speed a batch lives 10.8 s and takes 0.4 s to be cancelled, or 6 s when it is slow about it.
CANCEL_SPEED = 50


def _actions(view: dict[str, Any]) -> list[str]:
    return [action["state"] for action in view["actions"] if action["verb"] == "cancel"]


def test_cancels_and_what_becomes_of_them() -> None:
    """Cancelled, stuck and then cleared, too late, refused while open, unheard: each by what was asked, answered, and came of
    it."""

    async def flow() -> None:
        async with stage(speed=CANCEL_SPEED) as on:
            words = (
                "", "cancel_late", "cancel_loses", "cancel_refused", "cancel_unheard", "cancel_too_late", "cancel_at_once"
            )  # fmt: skip
            jobs = {word: await on.watched(word) for word in words}
            for job in jobs.values():
                await on.service.reaches(job, "pending", "running")
                await on.service.cancel(job, "the input was wrong")
            await on.service.shows(
                jobs["cancel_late"], lambda view: ("cancellation", "stuck") in ever_told(view), "to be stuck"
            )
            await on.service.shows(
                jobs["cancel_refused"], lambda view: told(view) == {("cancellation", "refused")}, "to be refused"
            )
            views = dict(zip(words, await on.service.settles(*jobs.values()), strict=True))
            truth = await on.truth()

            assert {word: (view["status"], told(view)) for word, view in views.items()} == {
                "": ("cancelled", {("cancellation", "cancelled_by_operator")}),
                "cancel_late": ("cancelled", {("cancellation", "cancelled_by_operator")}),
                "cancel_loses": ("completed", {("cancellation", "too_late")}),
                "cancel_refused": ("completed", {("cancellation", "too_late")}),
                "cancel_unheard": ("cancelled", {("cancellation", "cancelled_by_operator")}),
                "cancel_too_late": ("completed", {("cancellation", "too_late")}),
                "cancel_at_once": ("cancelled", {("cancellation", "cancelled_by_operator")}),
            }
            assert [view["status"] for view in views.values()] == [truth[job]["status"] for job in jobs.values()]
            assert {failure["code"] for failure in views["cancel_late"]["cleared_failures"]} == {"stuck"}
            assert {failure["code"] for failure in views["cancel_refused"]["cleared_failures"]} == {"refused"}
            # What was carried out unheard may be over before it is sent once more, or before that one is answered.
            unheard = (_actions(views.pop("cancel_unheard")), truth[jobs.pop("cancel_unheard")]["cancels"])
            assert unheard in ((["moot"], 1), (["moot"], 2), (["accepted"], 2))
            others = {"cancel_refused": "refused", "cancel_too_late": "refused"}
            assert {word: _actions(view) for word, view in views.items()} == {
                word: [others.get(word, "accepted")] for word in views
            }
            assert all(truth[job]["cancels"] == 1 for job in jobs.values())
            assert views[""]["failures"][0]["evidence"]["reason"] == "the input was wrong"

    asyncio.run(flow())


def test_a_cancel_by_somebody_else_is_told_apart() -> None:
    """A batch cancelled at the provider without us ends as cancelled elsewhere; its delivery arrived, so that is all."""

    async def flow() -> None:
        async with stage(speed=CANCEL_SPEED) as on:
            job = await on.watched()
            await on.service.reaches(job, "pending", "running")
            answer = await on.client.post(f"/v1/batches/{job}/cancel")
            (view,) = await on.service.settles(job)

            assert answer.status_code == 200
            assert (view["status"], ever_told(view)) == ("cancelled", {("cancellation", "cancelled_elsewhere")})

    asyncio.run(flow())


# Jobs that nobody registered


def test_a_signed_delivery_about_an_unknown_job_adopts_it() -> None:
    """A batch that nobody registered: its webhook takes it in, and it ends like any other."""

    async def flow() -> None:
        async with stage() as on:
            jobs = [await on.create(word) for word in ("", "fails", "expires")]
            views = await on.service.settles(*jobs)

            assert [(view["status"], told(view)) for view in views] == [
                ("completed", set()),
                ("failed", {("execution", "failed")}),
                ("expired", {("execution", "expired")}),
            ]
            assert {view["origin"] for view in views} == {"delivery"}
            assert {row["verdict"] for row in await on.service.deliveries()} == {"unknown_job"}

    asyncio.run(flow())


def test_threat_70_without_adoption_an_unknown_job_leaves_an_orphan_until_it_is_tracked() -> None:
    """With adopt = "none" the delivery is kept and nothing is asked; tracked later, the job counts that delivery as received."""

    async def flow() -> None:
        async with stage(more={"adopt": "none"}) as on:
            job = await on.create()

            async def judged() -> list[dict[str, Any]]:
                return [row for row in await on.service.deliveries() if row["verdict"] is not None]

            (orphan,) = await until(judged, "the delivery to be judged")
            assert (orphan["job_id"], orphan["verdict"]) == (job, "unknown_job")
            assert await on.service.row(job) is None
            assert (await on.truth())[job]["gets"] == 0

            await on.service.track(job)
            (view,) = await on.service.settles(job)
            assert (view["status"], ever_told(view)) == ("completed", set())
            assert [delivery["delivery_key"] for delivery in view["deliveries"]] == ["batch.completed"]

    asyncio.run(flow())


def test_a_job_that_the_provider_never_heard_of_is_not_made_up() -> None:
    """A signed delivery about a job that the provider denies: adopted, asked about, in trouble, not ended and not to blame."""

    async def flow() -> None:
        async with stage() as on:
            answer = await on.service.deliver(event("batch_of_nobody", "completed"))
            view = await on.service.shows(
                "batch_of_nobody", lambda view: view["asking"]["trouble"] == "not_found", "to be denied"
            )

            assert answer.status_code == 202
            assert (view["status"], told(view)) == ("unknown", set())
            assert view["reported"]["status"] == "completed"

    asyncio.run(flow())


def test_a_source_that_lives_by_polling_alone_expects_no_delivery() -> None:
    """With webhook = "none" no webhook is expected, and none is missed: jobs end, and a lost one is no failure."""

    async def flow() -> None:
        async with stage(more={"webhook": "none", "webhook_secrets_env": []}) as on:
            jobs = [await on.watched(word) for word in ("", "webhook_lost", "webhook_phantom")]
            views = await on.service.settles(*jobs)

            assert [(view["status"], ever_told(view)) for view in views] == [("completed", set())] * 3
            assert await on.service.deliveries() == []

    asyncio.run(flow())
