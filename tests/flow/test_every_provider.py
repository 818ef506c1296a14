"""What holds for every provider, beside its stand-in and over real sockets: jobs come to their true end, whatever webhooks do.

What a provider does not have is left out by name: see `providers`.
"""

import asyncio
from base64 import b64encode
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from providers import PROVIDERS, Beside, Provider, TrueJob, beside
from service import Asked, Service, SourceAt, ever_told, said, service, told, until
from service import Provider as Scripted
from submitted import come_to, states

from operators.clock import now
from operators.demo.processes import free_port
from sandbox.server import RunningSandbox, SandboxSettings
from schemas.dialects import DIALECTS, dialect_of

pytestmark = pytest.mark.parametrize("made", PROVIDERS, ids=[one.name for one in PROVIDERS])

Make = Callable[[], Provider]
NOWHERE = "http://127.0.0.1:9"
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


# --- beside other sources ---------------------------------------------------------------------------------------------

HOSTILE: dict[str, Callable[[Asked], Any]] = {
    "garbage": lambda _: said(b'{"id": "\xff\x00'),
    "errors": lambda _: said({"error": {"message": "broken"}}, 500),
    "silence": lambda _: asyncio.Event().wait(),
    "hang_ups": lambda _: b"",
}


def elsewhere(provider: Provider, name: str, url: str) -> SourceAt:
    """A source of a provider that stands at another URL, with a secret of its own."""
    at = provider.source(RunningSandbox(SandboxSettings(0)))  # which does not run
    secret = f"whsec_{b64encode(f'the secret of the source {name}'.encode()).decode()}"
    return replace(at, base_url=f"{url}{urlsplit(at.base_url).path}", secret=secret)


def test_beside_hostile_providers(made: Make, tmp_path: Path) -> None:
    """Whatever the providers of other sources do, a job ends here as on a good day; theirs are open still, and nothing is
    concluded of them."""

    async def flow() -> None:
        async with AsyncExitStack() as stack:
            urls = {"down": f"http://127.0.0.1:{free_port()}"}
            hostile = {name: Scripted(script, has_list=True) for name, script in HOSTILE.items()}
            for name, one in hostile.items():
                urls[name] = (await stack.enter_async_context(one.listening())).url
            others = {name: elsewhere(PROVIDERS[n % 4](), name, url) for n, (name, url) in enumerate(urls.items())}
            knobs = {"request_timeout_seconds": 5}
            on = await stack.enter_async_context(beside(made(), knobs, others=others))
            for name in urls:
                await on.service.track(f"batch_{name}", name)

            async def all_asked() -> bool:
                return all(one.asked for one in hostile.values())

            await until(all_asked, "the others to be asked")
            job = await on.start(tmp_path)
            view, true = await comes_to(on, job.job_id)

            agree(view, true)
            assert not {code for category, code in told(view) if category != "execution"}
            assert (await on.service.source(on.provider.name))["trouble"] is None
            for name in urls:
                there = await on.service.view(f"batch_{name}")
                assert (there["status"], there["transitions"], told(there)) == ("unknown", [], set())

    asyncio.run(flow())


def test_secrets_that_are_crossed(made: Make) -> None:
    """The secret of one source verifies nothing at another, of the same provider or of another one; at its own it does."""

    async def flow() -> None:
        provider = with_webhooks(made)
        others = [other() for other in PROVIDERS if other().sends_webhooks]
        sources = {f"other_{n}": elsewhere(other, f"other_{n}", NOWHERE) for n, other in enumerate(others)}
        async with service({"own": elsewhere(provider, "own", NOWHERE), **sources}, reconciles=False) as running:
            secrets = {name: one.webhook_secrets[0].reveal() for name, one in running.config.sources.items()}
            for name in sources:
                assert (await post(running, "own", secrets[name])).status_code == 401
                assert (await post(running, name, secrets["own"])).status_code == 401
            assert (await post(running, "own", secrets["own"])).is_success
            assert {one["source"] for one in await running.deliveries()} == {"own"}

    asyncio.run(flow())


async def post(running: Service, name: str, secret: str) -> httpx.Response:
    """A delivery as the provider of that source sends it, signed with any secret."""
    source = running.config.sources[name]
    dialect = dialect_of(source)
    body = dialect.sample(source.webhook_events[0], "batch_strange", "completed", "https://x", 1)
    signed = dialect.sign(secret.encode(), body, now())
    assert signed is not None
    url = f"{running.receiver_url}/webhooks/{name}"
    return await running.client.post(url, content=signed.body, headers=dict(signed.headers))


def test_no_provider_is_left_out(made: Make) -> None:
    """Every dialect goes through these flows."""
    assert {one.name for one in PROVIDERS} == DIALECTS.keys()
    assert made().name in DIALECTS
