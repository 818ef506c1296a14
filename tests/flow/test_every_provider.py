"""What holds for every provider, beside its stand-in and over real sockets: jobs come to their true end, whatever webhooks do.

What a provider does not have is left out by name: see `providers`.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from providers import PROVIDERS, Beside, Provider, TrueJob, beside
from service import ever_told, told, until
from submitted import come_to, states

from operators.clock import now
from schemas.dialects import DIALECTS

pytestmark = pytest.mark.parametrize("made", PROVIDERS, ids=[one.name for one in PROVIDERS])

Make = Callable[[], Provider]
DELIVERY = "delivery"


def with_webhooks(made: Make) -> Provider:
    provider = made()
    if not provider.sends_webhooks:
        pytest.skip(f"{provider.name} sends no webhooks")
    return provider


async def comes_to(on: Beside, job_id: str) -> tuple[dict[str, Any], TrueJob]:
    """A job when it has settled, and what the stand-in says of it."""
    (view,) = await on.service.settles(job_id)
    return view, (await on.truth())[job_id]


def agree(view: dict[str, Any], true: TrueJob) -> None:
    """We know what happened, row by row."""
    assert (view["status"], view["basis"]) == (true.status, "observed")
    if view["row_match"] is not None:
        assert (view["row_match"]["succeeded"], view["row_match"]["failed"]) == (true.succeeded, true.failed)


def test_a_good_day(made: Make, tmp_path: Path) -> None:
    """What is submitted ends as the stand-in says, its rows are here and matched, and no delivery is missed."""

    async def flow() -> None:
        async with beside(made()) as on:
            job = await on.start(tmp_path)
            view, true = await comes_to(on, job.job_id)

            agree(view, true)
            assert (view["row_match"] is not None) == on.provider.submits
            if on.provider.submits:
                assert (view["row_match"]["asked"], view["row_match"]["missing"]) == (4, 0)
            assert not {code for category, code in told(view) if category != "execution"}
            assert [one["verdict"] for one in await on.service.deliveries()].count("unreadable") == 0
            assert bool(await on.service.deliveries()) == on.provider.sends_webhooks

    asyncio.run(flow())


def test_all_webhooks_lost(made: Make, tmp_path: Path) -> None:
    """Without a single webhook the end is the same; that none came is a failure of delivery, and of nothing else."""

    async def flow() -> None:
        provider = with_webhooks(made)
        async with beside(provider) as on:
            job = await on.start(tmp_path, "webhook_lost")
            view, true = await comes_to(on, job.job_id)

            agree(view, true)
            assert DELIVERY in {category for category, _ in told(view)}
            assert await on.service.deliveries() == []

    asyncio.run(flow())


def test_deliveries_repeated_and_late(made: Make, tmp_path: Path) -> None:
    """Deliveries that come again, or after the end was found by asking, are recorded once each and move nothing."""

    async def flow() -> None:
        provider = with_webhooks(made)
        async with beside(provider) as on:
            job = await on.start(tmp_path, "webhook_repeated")
            view, true = await comes_to(on, job.job_id)
            for _ in range(3):
                await provider.deliver(on.client, true)

            async def all_judged() -> list[dict[str, Any]]:
                rows = await on.service.deliveries()
                return rows if rows and all(row["verdict"] for row in rows) else []

            rows = await until(all_judged, "every delivery to be judged")
            assert len({row["delivery_key"] for row in rows}) == len(rows)
            assert max(row["times_received"] for row in rows) >= 3
            again, _ = await comes_to(on, job.job_id)
            assert (again["status"], again["revision"]) == (view["status"], view["revision"])
            assert not {code for category, code in ever_told(again) if category == DELIVERY}

    asyncio.run(flow())


def test_a_foreign_secret(made: Make, tmp_path: Path) -> None:
    """A delivery that is signed well, with another source's secret, is refused and leaves nothing behind."""

    async def flow() -> None:
        provider = with_webhooks(made)
        async with beside(provider) as on:
            body = on.dialect.sample(
                on.service.config.sources[provider.name].webhook_events[0], "batch_strange", "completed", "https://x", 1
            )
            signed = on.dialect.sign(b"whsec_b3RoZXJvdGhlcm90aGVyb3RoZXJvdGhlcm90aGVyb3RoZXI=", body, now())
            assert signed is not None
            url = f"{on.service.receiver_url}/webhooks/{provider.name}"
            answer = await on.service.client.post(url, content=signed.body, headers=dict(signed.headers))

            assert answer.status_code == 401
            assert await on.service.deliveries() == []

    asyncio.run(flow())


def test_cancelled(made: Make, tmp_path: Path) -> None:
    """A cancel that is asked for while the job runs ends it, as the stand-in says, and is told as ours."""

    async def flow() -> None:
        if not made().cancels:
            pytest.skip("nothing to cancel with")
        async with beside(made(), speed=4) as on:
            job = await on.start(tmp_path)
            await on.service.reaches(job.job_id, "pending", "running")
            await on.service.cancel(job.job_id)
            view, true = await comes_to(on, job.job_id)

            assert view["status"] == true.status
            code = "cancelled_by_operator" if true.status == "cancelled" else "too_late"
            assert ("cancellation", code) in told(view)

    asyncio.run(flow())


def test_a_lost_create(made: Make, tmp_path: Path) -> None:
    """A job whose create was never answered is found: by the list, by what its webhook brings along, or by an id of ours."""

    if not made().submits:
        pytest.skip("its jobs are made elsewhere")

    async def flow() -> None:
        if not made().finds_lost_creates:
            pytest.skip("nothing tells which create a job comes from")
        async with beside(made()) as on:
            stored = await on.submit(tmp_path, "create_lost")
            job = await on.job(stored)
            view, true = await comes_to(on, job.job_id)

            agree(view, true)
            (row,) = await states(on.service, stored)
            assert row.job_id == job.job_id
            assert len(await on.truth()) == 1

    asyncio.run(flow())


def test_a_lost_create_that_nothing_can_find(made: Make, tmp_path: Path) -> None:
    """Where nothing tells which create a job comes from, a person decides: the create is not sent again, and its job is left
    alone when the list shows it."""

    async def flow() -> None:
        if made().finds_lost_creates:
            pytest.skip("it is found")
        async with beside(made(), more={"sweep_seconds": 0.5}) as on:
            stored = await on.submit(tmp_path, "create_lost")
            (row,) = await come_to(on.service, stored, "unconfirmed")
            (lost,) = await on.truth()
            assert "see there yourself" in (row.message or "")

            other = await on.job(await on.submit(tmp_path))
            view, true = await comes_to(on, other.job_id)
            agree(view, true)

            async def seen() -> Any:
                return (await on.service.source(on.provider.name))["orphans"]

            await until(seen, "the list to be looked through")
            (row,) = await states(on.service, stored)
            assert (row.state, row.job_id) == ("unconfirmed", None)
            assert await on.service.row(lost) is None
            assert (await on.truth()).keys() == {lost, other.job_id}

    asyncio.run(flow())


def test_no_provider_is_left_out(made: Make) -> None:
    """Every dialect goes through these flows."""
    assert {one.name for one in PROVIDERS} == DIALECTS.keys()
    assert made().name in DIALECTS
