"""The audit over what a store holds: every difference is told once with its facts, whatever there is beside it."""

from typing import Any

import pytest
from stored import NOON, Run, a_job, a_receipt, within

from operators import auditing
from operators.auditing import Scope
from operators.standing import standing
from schemas.tables import AttemptRow, JobRow, ReceiptRow
from schemas.times import HOUR, MINUTE
from schemas.words import AttemptOutcome, Code, Verdict
from storage import attempts, failures, findings, inbox, sources
from storage.failures import Named
from storage.findings import Found
from storage.rows import table
from storage.store import Store

KEY = "batch.completed"


async def audited(store: Store, **scope: Any) -> list[tuple[str, str]]:
    """The differences, each with the job that it is about."""
    return [(one["difference"], one["job_id"]) async for one in auditing.differences(store, Scope(**scope))]


async def charge(store: Store, job: JobRow, *codes: str, at: int = NOON) -> None:
    named = [Named("delivery", code, f"{KEY}.{code}", "it never came", {"attempts": []}) for code in codes]
    await within(store.writing(), failures.sync, job, named, store.new_id, at)


async def tell(store: Store, job: JobRow, outcome: str, number: int = 1, **columns: Any) -> None:
    """One entry of the provider's account."""
    row = {"id": store.new_id(), "job": job.id, "delivery_key": KEY, "number": number, "tried_at": NOON + HOUR}
    entry = AttemptRow(**{**row, "timed_out": 0, "outcome": outcome, "first_seen_at": NOON, **columns})
    await within(store.writing(), attempts.keep, [entry])


async def deliver(store: Store, job_id: str, attempt: int | None = 1, verdict: Verdict = Verdict.AGREES) -> None:
    receipt = await a_receipt(store, job_id, KEY, reported="failed")
    receipt.attempt = attempt
    async with store.writing() as connection:
        await inbox.set_verdict(connection, receipt, verdict)
        if attempt is not None:
            rows = table(ReceiptRow)
            await connection.execute(rows.update().where(rows.c.id == receipt.id).values(attempt=attempt))


def test_every_word(store: Store, run: Run) -> None:
    """Each delivery failure that holds is a difference by its own word; one that was cleared, or of another category, is none."""
    words = [
        Code.REJECTED,
        Code.TIMED_OUT,
        Code.UNREACHABLE,
        Code.NEVER_ATTEMPTED,
        Code.PHANTOM,
        Code.LOST_HERE,
        Code.MISSING,
    ]

    async def flow() -> None:
        for word in words:
            await charge(store, await a_job(store, f"batch_{word}"), word.value)
        cleared, failed = await a_job(store, "batch_cleared"), await a_job(store, "batch_failed")
        await charge(store, cleared, "missing")
        await charge(store, cleared)
        named = [Named("execution", "failed", "", "it failed", {})]
        await within(store.writing(), failures.sync, failed, named, store.new_id, NOON)

        assert sorted(await audited(store)) == sorted((word.value, f"batch_{word}") for word in words)

    run(flow())


@pytest.mark.parametrize(
    ("account", "attempt", "expected"),
    [
        ([(1, "given_up")], 1, True),
        ([(1, "given_up")], None, True),  # it does not number them
        ([(1, "retrying")], 1, True),
        ([(1, "retrying"), (2, "given_up")], 1, True),  # told once
        ([(1, "retrying")], 2, False),  # another attempt has reached us, which its account does not show yet
        ([(1, "retrying"), (2, "delivered")], 1, False),  # it has taken note in the end
        ([(1, "delivered")], 1, False),
    ],
)
def test_unacknowledged(
    store: Store, run: Run, account: list[tuple[int, str]], attempt: int | None, expected: bool
) -> None:
    """A delivery that we hold, and of which the provider calls the attempt that brought it undelivered, is told once."""

    async def flow() -> None:
        job = await a_job(store, has_webhook=1)
        for number, outcome in account:
            await tell(store, job, AttemptOutcome(outcome).value, number)
        await deliver(store, job.job_id, attempt)

        assert await audited(store) == ([("unacknowledged", job.job_id)] if expected else [])

    run(flow())


def test_not_ours(store: Store, run: Run) -> None:
    """Attempts from before we listened, at jobs whose news goes elsewhere, or of deliveries that never came are none of it."""

    async def flow() -> None:
        await within(store.writing(), sources.enter, "acme", "phaseo", NOON)
        early, elsewhere = await a_job(store, "batch_early", has_webhook=1), await a_job(store, "batch_elsewhere")
        await tell(store, early, "given_up", tried_at=NOON - 1)
        await tell(store, elsewhere, "given_up")
        for job in (early, elsewhere):
            await deliver(store, job.job_id)
        await tell(store, await a_job(store, "batch_lost", has_webhook=1), "given_up")

        assert await audited(store) == []

    run(flow())


def test_scope(store: Store, run: Run, clock: Any) -> None:
    """One source, and a time, narrow it; conflicts are told of jobs that nobody knows, too."""

    async def flow() -> None:
        await charge(store, await a_job(store, "batch_1"), "missing")
        await charge(store, await a_job(store, "batch_2", "beta"), "phantom")
        clock.now = NOON + HOUR
        await charge(store, await a_job(store, "batch_3"), "rejected", at=NOON + HOUR)
        await deliver(store, "batch_4", verdict=Verdict.CONFLICT)

        assert await audited(store, source="beta") == [("phantom", "batch_2")]
        assert await audited(store, since=NOON + MINUTE) == [("rejected", "batch_3"), ("conflict", "batch_4")]
        assert len(await audited(store)) == 4

    run(flow())


def test_many_pages(store: Store, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than a page is told whole and once, the newest first."""
    monkeypatch.setattr(auditing, "PAGE", 3)

    async def flow() -> None:
        for number in range(7):
            await charge(store, await a_job(store, f"batch_{number}"), "missing")

        assert await audited(store) == [("missing", f"batch_{number}") for number in reversed(range(7))]

    run(flow())


def test_sources(store: Store, run: Run) -> None:
    """The findings that stand against the audited sources are told beside."""

    async def flow() -> None:
        for name in ("acme", "beta"):
            found = [Found("own_clock", "", "the clocks are apart", [])]
            await within(store.writing(), findings.sync, name, found, store.new_id, NOON)
        both = await within(store.reading(), standing, ["acme", "beta"])
        one = await within(store.reading(), standing, ["beta"])

        assert [(row["source"], row["rule"], row["state"]) for row in both] == [
            ("acme", "own_clock", "standing"),
            ("beta", "own_clock", "standing"),
        ]
        assert [row["source"] for row in one] == ["beta"]

    run(flow())
