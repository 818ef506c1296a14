"""Every word of trouble that the stand-in knows: each job ends as it really ended, with just the failures it deserves."""

import asyncio
from typing import Any

from sandbox.scenarios import PAIRS, WORDS
from service import QUICK, Stage, ever_told, event, stage, told, until

Found = tuple[str, frozenset[tuple[str, str]]]


def found(status: str, *failures: tuple[str, str]) -> Found:
    return status, frozenset(failures)


NEVER = ("delivery", "never_attempted")
REJECTED = ("delivery", "rejected")
UNREACHABLE = ("delivery", "unreachable")
ROWS_FAILED = ("execution", "rows_failed")

ENDS: dict[str, Found] = {
    "": found("completed"),
    "webhook_lost": found("completed", NEVER),
    "webhook_delayed": found("completed"),
    "webhook_repeated": found("completed"),
    "webhook_reordered": found("completed"),
    "webhook_badly_signed": found("completed", REJECTED),
    "webhook_badly_signed_once": found("completed"),
    "webhook_given_up": found("completed", UNREACHABLE),
    "webhook_timed_out": found("completed", ("delivery", "timed_out")),
    "webhook_phantom": found("completed", ("delivery", "phantom")),
    "fails": found("failed", ("execution", "failed")),
    "expires": found("expired", ("execution", "expired")),
    "rows_fail": found("completed", ROWS_FAILED),
    "all_rows_fail": found("completed", ROWS_FAILED),
    "output_late": found("completed"),
    "output_missing": found("completed", ("execution", "output_missing")),
    "cancel_late": found("completed"),  # nobody asks for a cancel here: see below for those who do
    "cancel_loses": found("completed"),
    "cancel_refused": found("completed"),
    "status_slow": found("completed"),
    "status_429": found("completed"),
    "status_500": found("completed"),
    "status_malformed": found("completed"),
    "status_stale": found("completed"),
    "status_provider_404": found("completed"),
    "webhook_lost,fails": found("failed", ("execution", "failed"), NEVER),
    "webhook_lost,output_late": found("completed", NEVER),
    "webhook_delayed,webhook_repeated": found("completed"),
    "webhook_reordered,expires": found("expired", ("execution", "expired")),
    "webhook_badly_signed,rows_fail": found("completed", ROWS_FAILED, REJECTED),
    "webhook_given_up,status_429": found("completed", UNREACHABLE),
    "status_stale,webhook_repeated": found("completed"),
    "status_500,rows_fail": found("completed", ROWS_FAILED),
    "webhook_lost,status_500": found("completed", NEVER),
    "webhook_phantom,expires": found("expired", ("execution", "expired"), ("delivery", "phantom")),
    "all_rows_fail,webhook_lost": found("completed", ROWS_FAILED),
}


def test_the_table_knows_every_word_and_pair() -> None:
    """A word that the stand-in learns has to be given its end here."""
    assert WORDS.keys() | set(PAIRS) <= ENDS.keys()


def test_every_scenario_ends_in_its_true_state_with_the_right_failures() -> None:
    """All at once: state and failures as the table says and the stand-in confirms, everything ready, settled and at rest."""

    async def flow() -> None:
        async with stage() as on:
            jobs = {await on.watched(scenario): scenario for scenario in ENDS}
            views = {view["job_id"]: view for view in await on.service.settles(*jobs)}
            truth = await on.truth()
            refusals = await on.service.refusals()

            assert {jobs[job]: found(view["status"], *told(view)) for job, view in views.items()} == ENDS
            assert {job: view["status"] for job, view in views.items()} == {job: truth[job]["status"] for job in jobs}
            assert all(view["ready"] and view["settled"] for view in views.values())
            assert all(view["trouble"] is None for view in views.values())
            assert all(truth[job]["settled"] for job in jobs)
            # Nine badly signed attempts: four, four of the pair, and the one that was then put right.
            assert [refusal["reason"] for refusal in refusals] == ["signature_wrong"] * 9
            assert (await on.service.source())["trouble"] is None

    asyncio.run(flow())
