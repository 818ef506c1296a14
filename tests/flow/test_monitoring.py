"""Monitoring: `/metrics` tells what happened, `/healthz` turns when the service does not do its work, and so does the probe."""

import asyncio
import contextlib
import socket
from asyncio.subprocess import PIPE
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from commands import SCRIPT, environment, free_port, running
from prometheus_client.parser import text_string_to_metric_families
from service import DEADLINE, Service, event, reconciling, service, signed, stage, until
from sqlalchemy import func, select

from operators import health
from operators.app import build_app
from operators.clock import now
from operators.metrics.counters import NOT_SHOWN, is_shown
from reconciler.daemon import Reconciler
from reconciler.showing import SAVE_EVERY
from schemas.config import Operators, Secret
from schemas.tables import DeliveryRow, FailureRow, JobRow, ReceiptRow, RefusalRow
from schemas.times import HOUR, MINUTE, SECOND, parse_rfc3339
from storage import counting
from storage.rows import table

TOKEN = "0123456789abcdef0123456789abcdef"
READ_TOKEN = "fedcba9876543210fedcba9876543210"
BEARER = {"authorization": f"Bearer {TOKEN}"}
SLOWLY = 100  # so that a job can be cancelled before it has ended
NOBODY = "http://127.0.0.1:1/v1"
OF_GATEWAY = frozenset({("source", "gateway")})
Found = Mapping[tuple[str, frozenset[tuple[str, str]]], float]


class Unsignalled(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def operated(beside: Service, clock: Callable[[], int] = now) -> AsyncIterator[httpx.AsyncClient]:
    """The operators' app on the store of a service."""
    config = beside.config.model_copy(
        update={"operators": Operators(port=0, token=Secret(TOKEN), read_token=Secret(READ_TOKEN))}
    )
    listener = socket.create_server(("127.0.0.1", 0))
    server = Unsignalled(
        uvicorn.Config(build_app(lambda: config, beside.store, clock), lifespan="off", log_config=None)
    )
    serving = asyncio.create_task(server.serve([listener]))
    try:
        base = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with httpx.AsyncClient(trust_env=False, base_url=base, timeout=DEADLINE) as client:
            yield client
    finally:
        server.should_exit = True
        await serving


async def metrics(client: httpx.AsyncClient) -> Found:
    answer = await client.get("/metrics", headers=BEARER)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name.removeprefix("batchkeeper_"), frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def one(found: Found, metric: str, **labels: str) -> float:
    return found.get((metric, frozenset({"source": "gateway", **labels}.items())), 0)


async def by(running: Service, row: type[Any], *columns: str) -> Counter[tuple[Any, ...]]:
    """How many rows there are really, by some columns."""
    rows = table(row)
    grouped = [rows.c[name] for name in columns]
    async with running.store.reading() as connection:
        found = await connection.execute(select(*grouped, func.count()).group_by(*grouped))
        return Counter({tuple(values): number for *values, number in found})


@pytest.mark.both_stores
def test_the_numbers_are_what_happened() -> None:
    """Jobs, failures, receipts, retries, refusals and actions are as the rows have them, and all that is counted is shown."""

    async def flow() -> None:
        async with stage(SLOWLY) as on, operated(on.service) as client:
            watched = [await on.watched(scenario) for scenario in ("", "fails", "rows_fail", "")]
            unwanted = await on.watched()
            await on.service.reaches(unwanted, "pending", "running")
            await on.service.cancel(unwanted)
            url = f"{on.service.receiver_url}/webhooks/gateway"
            for _ in range(3):
                await on.service.client.post(url, content=b"{}", headers=signed(b"{}", "another secret"))
            await on.service.client.post(f"{on.service.receiver_url}/webhooks/nobody", content=b"{}")
            body = event("batch_elsewhere", "completed")
            assert (await on.service.deliver(body)).status_code == 202
            assert (await on.service.deliver(body)).status_code == 200
            await on.service.settles(*watched, unwanted)

            found = await until(lambda: _agrees(on.service, client), "the numbers to be those of the rows")

            assert one(found, "jobs", status="completed") >= 2
            assert one(found, "jobs", status="failed") == 1
            assert one(found, "failures", category="execution", code="failed") == 1
            assert one(found, "failures", category="execution", code="rows_failed") == 1
            assert one(found, "refusals_total", reason="signature_wrong") == 3
            assert one(found, "refusals_total", source="other", reason="unknown_source") == 1
            assert one(found, "receipts_duplicate_total") >= 1
            assert asked_to_cancel(found) == 1
            assert one(found, "source_kept") == 1

            async with on.service.store.reading() as connection:
                counted = {tally.what for tally in await counting.ever(connection)}
            assert {what for what in counted if not is_shown(what)} <= NOT_SHOWN

    asyncio.run(flow())


async def _agrees(running: Service, client: httpx.AsyncClient) -> Found | None:
    """The numbers, once they are those of the rows. What was refused is written within seconds, and not at once."""
    found = await metrics(client)
    jobs = await by(running, JobRow, "status")
    failures = await by(running, FailureRow, "category", "code", "holds")
    receipts, deliveries = await by(running, ReceiptRow, "source"), await by(running, DeliveryRow, "source")
    refusals = await by(running, RefusalRow, "source", "reason")
    agree = [
        {key: one(found, "jobs", status=key[0]) for key in jobs} == jobs,
        all(
            one(found, "failures", category=category, code=code) == number
            for (category, code, holds), number in failures.items()
            if holds
        ),
        one(found, "receipts_total") == receipts["gateway",],
        one(found, "receipts_duplicate_total") == receipts["gateway",] - deliveries["gateway",],
        sum(refusals.values()) == 4,
        all(
            one(found, "refusals_total", source=source or "other", reason=reason) == number
            for (source, reason), number in refusals.items()
        ),
    ]
    return found if all(agree) else None


def asked_to_cancel(found: Found) -> float:
    """Whatever was known of `cancel_url` by then."""
    wanted = {("verb", "cancel"), ("state", "asked")}
    return sum(value for (name, labels), value in found.items() if name == "actions_total" and wanted <= labels)


def test_the_last_http_statuses() -> None:
    """What the provider last answered us, and what we last answered it, by its own account of its attempts."""

    async def flow() -> None:
        later = 0

        async with stage(clock=lambda: now() + later) as on, operated(on.service) as client:
            await on.service.settles(await on.watched())
            later = 2 * SAVE_EVERY

            async def shown() -> Found | None:
                found = await metrics(client)
                return found if ("provider_attempt_http_status", OF_GATEWAY) in found else None

            found = await until(shown, "the statuses to be shown")
            assert one(found, "answer_http_status") == 200
            assert one(found, "provider_attempt_http_status") == 202
            assert 0 < one(found, "provider_attempt_timestamp_seconds") < now() / SECOND + 60
            (gateway,) = (await client.get("/api/v1/status", headers=BEARER)).json()["sources"]
            assert abs((parse_rfc3339(gateway["last_answer_at"]) or 0) - now() - later) < MINUTE

    asyncio.run(flow())


def test_metrics_want_the_token_and_health_does_not() -> None:
    """Numbers are behind the token like everything else; whether the service is well, anybody may ask."""

    async def flow() -> None:
        async with service(NOBODY) as beside, operated(beside) as client:
            assert (await client.get("/metrics")).status_code == 401
            for wrong in ("Bearer wrong", TOKEN, f"Basic {TOKEN}", "Bearer"):
                answer = await client.get("/metrics", headers={"authorization": wrong})
                assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
            assert (await client.get("/metrics", headers={"authorization": f"Bearer {READ_TOKEN}"})).status_code == 200
            assert (await client.get("/healthz")).status_code in (200, 503)

    asyncio.run(flow())


async def _is(client: httpx.AsyncClient, status: int, reason: str | None = None) -> None:
    async def so() -> bool:
        answer = await client.get("/healthz")
        told = answer.json()
        return answer.status_code == status and told.get("reason") == reason and told["healthy"] is (status == 200)

    await until(so, f"/healthz to answer {status}")


def test_health_follows_the_reconciler() -> None:
    """503 while nobody reconciles, 200 while somebody does, and 503 again when that one ends or is not heard of for long."""

    async def flow() -> None:
        later = 0

        async with (
            service(NOBODY, {"lease_seconds": 30}, reconciles=False) as beside,
            operated(beside, lambda: now() + later) as client,
        ):
            await _is(client, 503, health.NO_RECONCILER)
            async with reconciling(Reconciler(beside.config, beside.store, now)):
                await _is(client, 200)
                later = HOUR
                await _is(client, 503, health.NO_RECONCILER)
                later = 0
                await _is(client, 200)
            await _is(client, 503, health.NO_RECONCILER)

    asyncio.run(flow())


def test_health_turns_when_everything_is_refused() -> None:
    """Ten refused requests and none accepted are an outage; one accepted, and they are somebody else's trouble."""

    async def flow() -> None:
        async with service(NOBODY) as beside, operated(beside) as client:
            await _is(client, 200)
            url = f"{beside.receiver_url}/webhooks/gateway"
            for _ in range(health.MANY):
                answer = await beside.client.post(url, content=b"{}", headers=signed(b"{}", "another secret"))
                assert answer.status_code == 401
            await _is(client, 503, health.ALL_REFUSED)
            assert (await beside.deliver(event("batch_a", "completed"))).status_code == 202
            await _is(client, 200)

    asyncio.run(flow())


def test_health_turns_when_the_store_is_away() -> None:
    """A store that cannot be read is told in our own words, and nothing of its own. (The reconciler stumbles over it, too.)"""

    async def flow() -> None:
        async with service(NOBODY, errors_expected=True) as beside, operated(beside) as client:
            await _is(client, 200)
            async with beside.store.writing() as connection:
                await connection.exec_driver_sql("ALTER TABLE leases RENAME TO spoilt")
            await _is(client, 503, health.STORE_AWAY)
            async with beside.store.writing() as connection:
                await connection.exec_driver_sql("ALTER TABLE spoilt RENAME TO leases")
            await _is(client, 200)

    asyncio.run(flow())


async def _probe(*arguments: str, folder: Path | None = None, **variables: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        SCRIPT, "healthcheck", *arguments, cwd=folder, env=environment(variables), stdout=PIPE, stderr=PIPE
    )
    out, err = await process.communicate()
    return process.returncode or 0, (out + err).decode()


def test_the_probe_tells_by_its_exit_code() -> None:
    """0 when every address answers 200, 1 when one does not or nothing listens, 2 for what is no address."""

    async def flow() -> None:
        async with service(NOBODY, reconciles=False) as beside, operated(beside) as client:
            sick, well = f"{client.base_url}/healthz", f"{beside.receiver_url}/readyz"
            said = await asyncio.gather(
                _probe("--url", well),
                _probe("--url", sick),
                _probe("--url", well, "--url", sick),
                _probe("--url", f"http://127.0.0.1:{free_port()}/healthz"),
                _probe("--url", "nonsense"),
            )

        assert [code for code, _ in said] == [0, 1, 1, 1, 2]
        assert f"{sick}: 503, {health.NO_RECONCILER}" in said[1][1]
        assert "no answer" in said[3][1]

    asyncio.run(flow())


@pytest.mark.processes
def test_operated_alone(tmp_path: Path) -> None:
    """`operate` serves the operators' app and nothing else; the probe without an address asks what is configured."""
    (tmp_path / "key").write_text("phaseo_v1_sk_monitored_0123456789abcdef")
    (tmp_path / "secret").write_text("whsec_" + "s" * 40)
    (tmp_path / "token").write_text(TOKEN)
    (tmp_path / "batchkeeper.toml").touch()
    ports = {"RECEIVER__PORT": str(free_port()), "OPERATORS__PORT": str(free_port())}
    given = {
        "DATABASE__URL": f"sqlite:///{tmp_path}/ledger.db",
        "OPERATORS__TOKEN_FILE": "token",
        "SOURCES__GATEWAY__DIALECT": "phaseo",
        "SOURCES__GATEWAY__API_KEY_FILE": "key",
        "SOURCES__GATEWAY__WEBHOOK_SECRETS_FILE": "secret",
        "SOURCES__GATEWAY__BASE_URL": NOBODY,
        **ports,
    }
    variables = {f"BATCHKEEPER_{name}": value for name, value in given.items()}
    origin = f"http://127.0.0.1:{ports['OPERATORS__PORT']}"
    with running(["up"], tmp_path, variables, f"{origin}/healthz"):
        assert asyncio.run(_probe(folder=tmp_path, **variables))[0] == 0
    with running(["operate"], tmp_path, variables, f"{origin}/livez"):
        assert httpx.get(f"{origin}/metrics", headers=BEARER, trust_env=False).status_code == 200
        code, said = asyncio.run(_probe(folder=tmp_path, **variables))
    assert code == 1
    assert f"{origin}/healthz: 503, {health.NO_RECONCILER}" in said
    assert f":{ports['RECEIVER__PORT']}/readyz: no answer" in said
