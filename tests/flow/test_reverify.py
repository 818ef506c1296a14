"""Verifying refused requests once more: what was authentic at its arrival is taken in, in order and once, and nothing else."""

import asyncio
import json
import shutil
import signal
import sqlite3
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from commands import SCRIPT, environment
from receiving import BASE_URL, SECRET, House, configured, house, sample, settled, signed
from service import KEY, Service, SourceAt, Stage, event, read_config, service, told, until, write_config
from service import signed as signed_headers
from sqlalchemy import text

from operators import filters
from operators.auditing import Scope as Audited
from operators.auditing import differences
from operators.clock import now
from operators.errors import BadInput, NoSuchThing, NotPossible
from operators.happenings import Follower
from operators.listings import list_refusals
from operators.queries import explain_job, list_sources
from operators.refused import show_refusal
from operators.reverifying import PORTION, Asked, Scope, read_scope, reverify
from sandbox.server import DEFAULT_WEBHOOK_SECRET, RunningSandbox, SandboxSettings
from schemas.config import Config
from schemas.config.secret import Secret
from schemas.ids import shown as named
from schemas.times import HOUR, MINUTE
from storage import counting, sources
from storage.ledger import Ledger
from storage.store import Store, engine_for

FORGER = "whsec_of_nobody_whom_anybody_knows"
ROTATED = "whsec_what_the_provider_signs_with_now"

RECORDED = ("cli", "rotated at 03:12")
WHO = Asked(*RECORDED)


def mended(config: Config, *secrets: str, source: str = "phaseo") -> Scope:
    """A source whose secrets have been put right."""
    put_right = {"webhook_secrets": tuple(Secret(one) for one in secrets)}
    return Scope(config.sources[source].model_copy(update=put_right))


async def refused(here: House, *jobs: str, secret: str = ROTATED, at: int | None = None) -> None:
    """Deliveries that are refused, in this order."""
    for job in jobs:
        request = signed(here.clock() if at is None else at, sample(job), secret=secret)
        assert (await here.send(request)).status == 401
    await settled(here)


def taken_in(here: House) -> list[str]:
    """The jobs of all receipts, in the order in which they were taken in."""
    sql = "SELECT job_id FROM receipts JOIN deliveries ON deliveries.id = delivery_id ORDER BY receipts.id"
    return [job for (job,) in here.rows(sql)]


def outcomes(done: dict[str, Any]) -> list[tuple[str, str | None]]:
    return [(one["outcome"], one["reason"]) for one in done["requests"]]


# With providers, jobs and a reconciler


@asynccontextmanager
async def rotated(speed: float = 1000) -> AsyncIterator[Stage]:
    """A provider that signs with another secret than the service has."""
    async with (
        RunningSandbox(SandboxSettings(0, speed)) as box,
        httpx.AsyncClient(base_url=box.url, headers={"Authorization": f"Bearer {KEY}"}, trust_env=False) as client,
        service({"gateway": SourceAt(f"{box.url}/v1", secret="whsec_what_it_was_before_today")}) as running,
    ):
        on = Stage(box, running, client)
        await on.point_webhooks_at(f"{running.receiver_url}/webhooks/gateway")
        yield on


async def kept(running: Service) -> dict[str, int]:
    """How many requests about each job are kept."""
    async with running.store.reading() as connection:
        bodies = await connection.scalars(text("SELECT body FROM refused_requests WHERE taken_in_at IS NULL"))
    found: dict[str, int] = {}
    for body in bodies:
        job = json.loads(bytes(body))["data"]["id"]
        found[job] = found.get(job, 0) + 1
    return found


@pytest.mark.both_stores
def test_a_rotated_secret() -> None:
    """The provider signs with a new secret and all is refused. Once the secret is mended, what the provider sent is taken in, in
    order of arrival, and every job reaches its end by it; what others sent meanwhile stays refused."""

    async def flow() -> None:
        async with rotated() as on:
            jobs = [await on.create() for _ in range(3)]
            tampered = await on.create("webhook_tampered")

            async def all_refused() -> bool:
                found = await kept(on.service)
                return all(found.get(job, 0) == 4 for job in [*jobs, tampered])

            body = event("batch_of_a_forger", "completed")
            await on.service.client.post(
                f"{on.service.receiver_url}/webhooks/gateway", content=body, headers=signed_headers(body, FORGER)
            )
            await until(all_refused, "four attempts at each delivery to be refused")
            await until(lambda: _has(on.service, "batch_of_a_forger"), "the forgery to be kept")
            assert all([await on.service.row(job) is None for job in jobs])

            done = await reverify(
                on.service.store, mended(on.service.config, DEFAULT_WEBHOOK_SECRET, source="gateway"), now(), WHO
            )
            views = await on.service.settles(*jobs)

            taken = [one for one in done["requests"] if one["outcome"] == "taken_in"]
            assert sorted(one["about"]["job_id"] for one in taken) == sorted(jobs * 4)
            assert sorted(kept_jobs := await kept(on.service)) == sorted(["batch_of_a_forger", tampered]), kept_jobs
            assert done["stay_refused"] == {"signature_wrong": 5}
            assert [(view["status"], told(view)) for view in views] == [("completed", set())] * 3
            assert all(one["times_received"] == 4 for view in views for one in view["deliveries"])
            async with on.service.store.reading() as connection:
                arrived = list(await connection.scalars(text("SELECT received_at FROM receipts ORDER BY id")))
            assert arrived == sorted(arrived)
            assert len(arrived) == 12
            assert await on.service.row(tampered) is None
            await nothing_is_made_up(on.service, views)

    asyncio.run(flow())


async def nothing_is_made_up(running: Service, views: list[dict[str, Any]]) -> None:
    """No answer of ours was lost, nothing is heard now, no request counts twice, and explain says what came to pass."""
    assert [one async for one in differences(running.store, Audited())] == []
    receipts = [one for view in views for delivery in view["deliveries"] for one in delivery["receipts"]]
    assert all(one["taken_in_at"] and one["refusal"] for one in receipts)
    async with running.store.reading() as connection:
        row = await sources.get(connection, "gateway")
        counted = await counting.totals(connection)
        asked = filters.read(filters.REFUSALS, {"source": ["gateway"]}, now())
        listed = (await list_refusals(connection, asked)).rows
        explained = await explain_job(
            connection, running.config, views[0]["id"], now(), running.store.engine.lease_clock(now())
        )
        (source,) = await list_sources(connection, running.config, now(), running.store.engine.lease_clock(now()))
        told_now, _ = await Follower(now() - MINUTE).look(connection)
    assert row is not None
    assert row.heard_at is None
    assert ("gateway", "accepted") not in counted
    assert counted["gateway", "taken_in"] == 12
    assert sum(one["taken_in"] is not None for one in listed) == 12
    last = source["last_reverify"]
    assert (last["face"], last["reason"], last["taken_in"], last["ended_at"] is not None) == (*RECORDED, 12, True)
    asked = [(one["source"], one["about"]) for one in told_now if one["what"] == "reverify"]
    assert asked == [("gateway", {**dict(zip(("face", "reason"), RECORDED, strict=True)), "taken_in": 12})]
    brought = [one for one in told_now if one["what"] == "delivery"]
    assert len(brought) == 12
    assert all(one["about"]["by"] == "reverify" and one["about"]["refused_at"] < one["at"] for one in brought)
    messages = [one["message"] for one in explained["findings"] if one["rule"] == "received"]
    assert [("refused with 401 when it came, and taken in by reverify" in one) for one in messages] == [True]


async def _has(running: Service, job: str) -> bool:
    return job in await kept(running)


# With a receiver alone


@pytest.mark.both_stores
class TestAuthentic:
    def test_twice_is_once(self, tmp_path: Path) -> None:
        """A second run takes in nothing, and says for the same ones why they stay refused."""

        async def flow() -> None:
            async with house(tmp_path) as here:
                await refused(here, "b1", "b2")
                await refused(here, "forged", secret=FORGER)
                scope = mended(here.config, SECRET, ROTATED)
                first = await reverify(here.store, scope, here.clock(), WHO)
                second = await reverify(here.store, scope, here.clock(), WHO)

                assert outcomes(first) == [("taken_in", None)] * 2 + [("stays_refused", "signature_wrong")]
                assert outcomes(second) == [("stays_refused", "signature_wrong")]
                assert second["requests"][0]["message"] == "none of the 2 secrets of phaseo signed it"
                assert taken_in(here) == ["b1", "b2"]

        asyncio.run(flow())

    def test_a_dry_run_changes_nothing(self, tmp_path: Path) -> None:
        """It says what would be taken in, and does not."""

        async def flow() -> None:
            async with house(tmp_path) as here:
                await refused(here, "b1")
                done = await reverify(here.store, mended(here.config, ROTATED), here.clock(), None)

                assert outcomes(done) == [("would_be_taken_in", None)]
                assert (done["authentic"], done["taken_in"], taken_in(here)) == (1, 0, [])
                assert here.count("refused_requests") == 1

        asyncio.run(flow())

    def test_what_was_delivered_since(self, tmp_path: Path) -> None:
        """When the provider tried again with success meanwhile, what was refused is one more receipt of that delivery."""

        async def flow() -> None:
            async with house(tmp_path) as here:
                await refused(here, "b1")
                assert (await here.deliver(sample("b1"))).status == 202
                done = await reverify(here.store, mended(here.config, ROTATED), here.clock(), WHO)

                assert [one["duplicate"] for one in done["requests"]] == [True]
                assert here.rows("SELECT times_received FROM deliveries") == [(2,)]

        asyncio.run(flow())

    def test_within_two_times(self, tmp_path: Path) -> None:
        """Only what arrived from one time on and before another is looked at."""

        async def flow() -> None:
            async with house(tmp_path) as here:
                await refused(here, "b1", "b2", "b3")
                arrived = [at for (at,) in here.rows("SELECT received_at FROM refusals ORDER BY id")]
                scope = replace(mended(here.config, ROTATED), since=arrived[1], until=arrived[2])
                await reverify(here.store, scope, here.clock(), WHO)

                assert taken_in(here) == ["b2"]

        asyncio.run(flow())

    def test_threat_07_a_second_look_goes_by_the_time_of_arrival(self, tmp_path: Path) -> None:
        """Long after, what was fresh when it came is taken in, and what was old when it came is not."""

        async def flow() -> None:
            async with house(tmp_path) as here:
                await refused(here, "fresh")
                await refused(here, "old", at=here.clock() - HOUR)
                here.clock.off = 24 * HOUR
                done = await reverify(here.store, mended(here.config, ROTATED), here.clock(), WHO)

                assert outcomes(done) == [("taken_in", None), ("stays_refused", "timestamp_stale")]
                message = done["requests"][1]["message"]
                assert message == "it was signed 60 min before it arrived, and phaseo takes 5 min"
                (at,) = here.rows("SELECT received_at FROM receipts")[0]
                assert at < here.clock() - 23 * HOUR

        asyncio.run(flow())

    @pytest.mark.parametrize("off", [HOUR, -HOUR])
    def test_a_clock_that_was_off(self, tmp_path: Path, off: int) -> None:
        """What was refused because our clock was an hour off is taken in with the time at which it truly came; what was an hour
        late by the true time stays refused, and so does all of it when the clock is not said to have been off."""

        async def flow() -> None:
            async with house(tmp_path) as here:
                here.clock.off = off
                true = here.clock() - off
                await refused(here, "b1", "b2", secret=SECRET, at=true)
                await refused(here, "replayed", secret=SECRET, at=true - 2 * HOUR)
                here.clock.off = 0
                scope = mended(here.config, SECRET)
                without = await reverify(here.store, scope, here.clock(), WHO)
                done = await reverify(here.store, replace(scope, clock_ahead=off), here.clock(), WHO)

                assert {outcome for outcome, _ in outcomes(without)} == {"stays_refused"}
                assert outcomes(done) == [("taken_in", None)] * 2 + [("stays_refused", "timestamp_stale")]
                assert taken_in(here) == ["b1", "b2"]
                assert all(abs(at - true) < MINUTE for (at,) in here.rows("SELECT received_at FROM receipts"))

        asyncio.run(flow())

    def test_what_stays_refused_says_why(self, tmp_path: Path) -> None:
        """A header field that contradicts the body, and another scheme, are named as such."""

        async def flow() -> None:
            async with house(tmp_path) as here:
                request = signed(here.clock(), sample("b1"), secret=ROTATED, x_phaseo_delivery_key="batch.failed")
                assert (await here.send(request)).status == 401
                await settled(here)
                scope = mended(here.config, ROTATED)
                contradicting = await reverify(here.store, scope, here.clock(), WHO)
                other = replace(scope, source=scope.source.model_copy(update={"dialect": "openai"}))
                foreign = await reverify(here.store, other, here.clock(), WHO)

                assert outcomes(contradicting) == [("stays_refused", "header_contradicts")]
                assert outcomes(foreign) == [("stays_refused", "signature_malformed")]
                assert foreign["requests"][0]["message"] == "it is signed as phaseo, which phaseo does not take"

        asyncio.run(flow())


class TestShown:
    def test_one_refusal_whole(self, tmp_path: Path) -> None:
        """What it presented, that it is kept, and afterwards as which receipt it was taken in."""

        async def flow() -> None:
            async with house(tmp_path) as here:
                await refused(here, "b1")
                done = await reverify(here.store, mended(here.config, ROTATED), here.clock(), None)
                name = done["requests"][0]["refusal"]
                before = await shown(here.store, name)
                (real,) = (await reverify(here.store, mended(here.config, ROTATED), here.clock(), WHO))["requests"]
                after = await shown(here.store, name)

                assert (before["reason"], before["taken_in"]) == ("signature_wrong", None)
                assert "secret was changed" in before["likely_cause"]
                request = before["request"]
                assert (request["scheme"], request["message_id"]) == ("phaseo", None)
                assert abs(request["signed_seconds_before_arrival"]) < 60
                assert request["fields"]["delivery-key"] == "batch.completed"
                assert request["bytes_kept"] == before["body_bytes"] > 0
                assert after["taken_in"]["receipt"] == real["receipt"]
                assert after["request"]["bytes_kept"] == 0

        asyncio.run(flow())

    def test_what_is_not_kept(self, tmp_path: Path) -> None:
        """Of a request that no second look could find authentic there is the refusal alone; and nobody has a name for nothing."""

        async def flow() -> None:
            async with house(tmp_path) as here:
                assert (await here.deliver(without=["x-phaseo-signature"])).status == 401
                await settled(here)
                async with here.store.reading() as connection:
                    number = await connection.scalar(text("SELECT id FROM refusals"))
                assert (await shown(here.store, named("ref", number)))["request"] is None
                for wrong in ("ref_1", named("ref", 5), ""):
                    with pytest.raises(NoSuchThing):
                        await shown(here.store, wrong)

        asyncio.run(flow())

    @pytest.mark.parametrize(
        ("source", "since", "until_", "ahead"),
        [("nobody", None, None, 0), ("phaseo", "soon", None, 0), ("phaseo", "1h", "2h", 0)]
        + [("phaseo", None, None, ahead) for ahead in (float("nan"), float("inf"), 1e9)],
    )
    def test_what_cannot_be_asked(
        self, tmp_path: Path, source: str, since: str | None, until_: str | None, ahead: float
    ) -> None:
        """An unknown source, a time that is none, a span that ends before it begins, and a clock beyond reason are refused."""
        with pytest.raises(BadInput):
            read_scope(configured(tmp_path / "x.db"), source, since, until_, ahead, 0)

    def test_a_source_without_a_secret(self, tmp_path: Path) -> None:
        """Nothing can be authentic there."""
        with pytest.raises(NotPossible, match="no webhook secret"):
            read_scope(configured(tmp_path / "x.db"), "open_door", None, None, 0, 0)


async def shown(store: Store, name: str) -> dict[str, Any]:
    async with store.reading() as connection:
        return await show_refusal(connection, name)


# Floods


def test_threat_22_a_flood_crowds_out_nobody_else(tmp_path: Path) -> None:
    """While one address floods a source with forgeries until it is told to be quiet, what comes from another is kept."""

    async def flow() -> None:
        async with house(tmp_path, trusted_proxies=("127.0.0.0/8",), refusals_per_minute=100) as here:
            await refused_from(here, "192.0.2.1", "before")
            for number in range(400):
                await refused_from(here, "198.51.100.7", f"forged_{number}", secret=FORGER)
            await refused_from(here, "192.0.2.1", "after")
            await settled(here)
            await reverify(here.store, mended(here.config, ROTATED), here.clock(), WHO)

            assert taken_in(here) == ["before", "after"]
            assert here.rows("SELECT count(*) FROM tallies WHERE what = 'refused.flood'") != [(0,)]
            assert here.count("refused_requests") < 400

    asyncio.run(flow())


async def refused_from(here: House, address: str, job: str, secret: str = ROTATED) -> None:
    request = signed(here.clock(), sample(job), secret=secret, x_forwarded_for=address)
    assert (await here.send(request)).status in (401, 429)


# Killed


async def command(folder: Path, environ: dict[str, str], *words: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        SCRIPT, *words, cwd=folder, env=environment(environ), stdin=DEVNULL, stdout=PIPE, stderr=PIPE
    )
    told_, complaint = await process.communicate()
    print(words, process.returncode, told_.decode(), complaint.decode())  # noqa: T201  (shown where the test fails)
    return process.returncode or 0, told_.decode()


@pytest.fixture(scope="module")
def many_refused(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with refused requests for two portions, and a forgery among them."""
    folder = tmp_path_factory.mktemp("refused")

    async def flow() -> None:
        async with house(folder, url=None) as here:
            for number in range(PORTION + 20):
                await here.send(signed(here.clock(), sample(f"b{number:03}"), secret=ROTATED))
                if number == 50:
                    await here.send(signed(here.clock(), sample("forged"), secret=FORGER))

    asyncio.run(flow())
    return folder / "ledger.db"


@pytest.mark.processes
@pytest.mark.parametrize("point", ["V1:1", "V1:2", "V2:1", "V2:2", "V3:1", "V3:2"])
def test_killed_at_each_step(point: str, many_refused: Path, tmp_path: Path) -> None:
    """Killed at this step while a receiver runs beside it, and begun again: all are taken in once, in order, and no forgery."""

    async def flow() -> None:
        path, environ = write_config(tmp_path, {"phaseo": SourceAt(BASE_URL, secret=ROTATED)})
        config = read_config(path, environ)
        shutil.copyfile(many_refused, tmp_path / "ledger.db")
        (tmp_path / "ledger.db").chmod(0o600)
        store = Store(engine_for(config.database.url), lambda: 1_790_000_000_000_000)
        ledger = Ledger(store.engine, store.new_id)
        await ledger.start()  # its lock is held all the while
        words = ("reverify", "--source", "phaseo", "--yes", "--reason", "rotated at 03:12")
        assert (await command(tmp_path, {**environ, "BATCHKEEPER_CRASH_AT": point}, *words))[0] == -signal.SIGKILL
        assert (await command(tmp_path, environ, *words))[0] == 0
        await ledger.close()
        await store.close()

        connection = sqlite3.connect(tmp_path / "ledger.db")
        jobs = connection.execute(
            "SELECT job_id FROM receipts JOIN deliveries ON deliveries.id = delivery_id ORDER BY receipts.id"
        ).fetchall()
        marks = connection.execute(
            "SELECT count(*) FROM refused_requests JOIN receipts ON receipts.id = receipt_id"
        ).fetchall()
        connection.close()
        assert [job for (job,) in jobs] == [f"b{number:03}" for number in range(PORTION + 20)]
        assert marks == [(PORTION + 20,)]

    asyncio.run(flow())


@pytest.mark.processes
def test_the_commands(many_refused: Path, tmp_path: Path) -> None:
    """Without --yes nothing is done, and exit code 2 says so; then it is; and each refusal tells what became of it."""

    async def flow() -> None:
        _, environ = write_config(tmp_path, {"phaseo": SourceAt(BASE_URL, secret=ROTATED)})
        shutil.copyfile(many_refused, tmp_path / "ledger.db")
        (tmp_path / "ledger.db").chmod(0o600)
        words = ("reverify", "--source", "phaseo")
        code, said = await command(tmp_path, environ, *words)
        assert (code, f"{PORTION + 20} of {PORTION + 21} would be taken in" in said) == (2, True)
        code, said = await command(tmp_path, environ, *words, "--dry-run", "--json")
        dry = json.loads(said)
        assert (code, dry["authentic"], dry["taken_in"]) == (0, PORTION + 20, 0)
        code, said = await command(tmp_path, environ, *words, "--yes")
        assert code == 2
        code, said = await command(tmp_path, environ, "sources", "--json")
        assert (code, json.loads(said)[0]["last_reverify"]) == (0, None)
        code, said = await command(tmp_path, environ, *words, "--yes", "--reason", "rotated at 03:12")
        assert (code, f"{PORTION + 20} of {PORTION + 21} taken in" in said) == (0, True)
        assert "the secret of phaseo did not sign it" in said
        code, said = await command(tmp_path, environ, "sources")
        assert f"{PORTION + 20} taken in at" in " ".join(said.split())
        assert "by cli: rotated at 03:12" in " ".join(said.split())
        code, said = await command(tmp_path, environ, "refusal", dry["requests"][0]["refusal"])
        assert (code, "UTC, as rcp_" in said, "delivery-key" in said) == (0, True, True)
        code, said = await command(tmp_path, environ, "refusal", "ref_nobody")
        assert code == 4

    asyncio.run(flow())
