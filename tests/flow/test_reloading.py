"""The configuration is read anew while the service runs: no request is lost by it, and no source is let go without need."""

import asyncio
import contextlib
import itertools
import json
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from commands import SCRIPT, environment, free_port, wait_for
from receiving import OTHER_SECRET, SECRET, House, house, read_reply, sample, signed, source, wire
from service import Asked, Provider, Said, SourceAt, batch, file_of, said, service, until

from operators.clock import now
from operators.reloading import Current
from schemas.config import Config, Retention, Secret

TOKEN = "0123456789abcdefghijklmnopqrstuv"
PAUSE = 0.01  # between two deliveries on a connection: enough to be in the middle of some, and no test of speed
NEW_SECRET = "whsec_the_next_one_0123456789abcdef"


class TestReceiver:
    """SIGHUP as the receiver sees it."""

    def test_a_rotation_under_load_refuses_nobody(self, tmp_path: Path) -> None:
        """
        Over kept connections, signed with the old and the new secret in turn, everything is taken while the configuration
        is read anew again and again. Without the old one, what is signed with it is 401, and the rest is taken still.
        """

        async def story() -> None:
            async with house(tmp_path) as here:
                here.app.reload(_with(here, SECRET, NEW_SECRET))
                is_over = False

                async def send(number: int) -> list[int]:
                    statuses = []
                    async with wire(here.port) as (reader, writer):
                        for turn in range(40):
                            secret = (SECRET, NEW_SECRET)[turn % 2]
                            writer.write(signed(here.clock(), sample(f"batch_{number}_{turn}"), secret=secret))
                            statuses.append((await read_reply(reader)).status)
                    return statuses

                async def turn_round() -> int:
                    for count in itertools.count():
                        here.app.reload(_with(here, *((SECRET, NEW_SECRET), (NEW_SECRET, SECRET))[count % 2]))
                        await asyncio.sleep(0)
                        if is_over:
                            return count
                    raise AssertionError

                turning = asyncio.create_task(turn_round())
                statuses = await asyncio.gather(*[send(number) for number in range(16)])
                is_over = True
                assert await turning > 10
                assert {status for each in statuses for status in each} == {202}
                assert here.count("receipts") == 16 * 40

                here.app.reload(_with(here, NEW_SECRET))
                async with wire(here.port) as (reader, writer):
                    for secret, expected in ((SECRET, 401), (NEW_SECRET, 202), (SECRET, 401), (NEW_SECRET, 200)):
                        writer.write(signed(here.clock(), secret=secret))
                        assert (await read_reply(reader)).status == expected

        asyncio.run(story())

    def test_a_request_is_finished_with_what_it_began_with(self, tmp_path: Path) -> None:
        """Whose head was there before the reload is judged by the old secret, although its body comes after."""

        async def story() -> None:
            async with house(tmp_path) as here, wire(here.port) as (reader, writer):
                request = signed(here.clock())
                writer.write(request[:-5])
                await here.deliver(sample("batch_2"))  # by its answer the half-sent one has arrived too
                here.app.reload(_with(here, NEW_SECRET))
                writer.write(request[-5:])
                assert (await read_reply(reader)).status == 202
                writer.write(request)
                assert (await read_reply(reader)).status == 401

        asyncio.run(story())

    def test_sources_come_and_go(self, tmp_path: Path) -> None:
        """An added source takes deliveries at once, a removed one is a 404, and the others notice nothing."""

        async def story() -> None:
            async with house(tmp_path) as here:
                new = {"phaseo": here.config.sources["phaseo"], "new": source("new", NEW_SECRET)}
                here.app.reload(here.config.model_copy(update={"sources": new}))
                answers = [
                    await here.deliver(path="/webhooks/phaseo"),
                    await here.deliver(path="/webhooks/new", secret=NEW_SECRET),
                    await here.deliver(path="/webhooks/other", secret=OTHER_SECRET),
                ]
                assert [answer.status for answer in answers] == [202, 202, 404]

        asyncio.run(story())

    def test_a_budget_of_refusals_changes_and_is_not_forgotten(self, tmp_path: Path) -> None:
        """Row 22: a reload gives a flood no new budget, unless the budget itself was changed."""

        async def story() -> None:
            async with house(tmp_path, refusals_per_minute=2) as here:

                async def forged() -> int:
                    return (await here.deliver(secret=NEW_SECRET)).status

                assert [await forged() for _ in range(3)] == [401, 401, 429]
                here.app.reload(here.config)
                assert await forged() == 429
                more = here.config.receiver.model_copy(update={"refusals_per_minute": 1})
                here.app.reload(here.config.model_copy(update={"receiver": more}))
                assert [await forged() for _ in range(2)] == [401, 429]

        asyncio.run(story())


def _with(here: House, *secrets: str) -> Config:
    changed = {**here.config.sources, "phaseo": source("phaseo", *secrets)}
    return here.config.model_copy(update={"sources": changed})


class TestReconciler:
    """SIGHUP as the reconciler sees it."""

    def test_only_what_changed_is_begun_anew(self) -> None:
        """
        A source whose settings stay keeps its lease and its questions in flight; one with another key is asked with that
        from then on; an added one is asked, and a removed one is let go at once.
        """

        async def flow() -> None:
            held, release = asyncio.Event(), asyncio.Event()

            async def script(asked: Asked) -> Said:
                if asked.job_id == "kept_1" and not release.is_set():
                    held.set()
                    await release.wait()
                return file_of(asked) or said(batch(asked.job_id, "in_progress"))

            async with Provider(script).listening() as provider:
                at = SourceAt(provider.base_url)
                async with service({"kept": at, "changed": at, "removed": at}, {"poll_cap_seconds": 0.1}) as running:
                    for name in ("kept", "changed", "removed"):
                        await running.track(f"{name}_1", name)
                    await running.reaches("changed_1", "running")
                    await running.reaches("removed_1", "running")
                    await held.wait()
                    before = await _fences(running)

                    sources = dict(running.config.sources)
                    del sources["removed"]
                    sources["changed"] = sources["changed"].model_copy(update={"api_key": Secret("another_key")})
                    sources["added"] = sources["kept"].model_copy(update={"name": "added"})
                    running.config = running.config.model_copy(update={"sources": sources})
                    running.reconciler.reload(running.config)

                    async def is_let_go() -> bool:
                        return (await _leases(running))["source:removed"] == 0

                    await until(is_let_go, "the removed source to be let go")
                    asked_last = len(provider.about("removed_1"))
                    await running.track("added_1", "added")
                    await running.reaches("added_1", "running")

                    async def is_asked_with_the_other() -> bool:
                        last = provider.about("changed_1")[-1].headers["authorization"]
                        return last == "Bearer another_key"

                    await until(is_asked_with_the_other, "the changed source to be asked with its new key")
                    release.set()
                    await running.reaches("kept_1", "running")
                    after = await _fences(running)

                    assert after["source:kept"] == before["source:kept"]
                    assert after["source:changed"] == before["source:changed"] + 1
                    assert len(provider.about("removed_1")) == asked_last
                    assert [entry for entry in running.logged if entry["event"] == "lease_lost"] == []

        asyncio.run(flow())

    def test_the_reconcilers_own_settings_are_everybodys(self) -> None:
        """With another pace every source is asked at that pace, and again and again: the last reload holds."""

        async def flow() -> None:
            async with Provider(lambda asked: file_of(asked) or said(batch(asked.job_id))).listening() as provider:
                slow = {"poll_seconds": 1000.0, "poll_cap_seconds": 1000.0}
                async with service(provider.base_url, slow) as running:
                    await running.track("one")
                    await running.reaches("one", "running")
                    for seconds in (500.0, 250.0, 0.1):
                        knobs = {"poll_seconds": seconds, "poll_cap_seconds": seconds}
                        pace = running.config.reconciler.model_copy(update=knobs)
                        running.reconciler.reload(running.config.model_copy(update={"reconciler": pace}))

                    async def is_taken_up() -> bool:
                        owned = running.reconciler._owned.get("gateway")
                        return owned is not None and owned.pace.cap < 1_000_000

                    await until(is_taken_up, "the last reload to be taken up")
                    await running.poll("one")  # what is due already stays due at the old time
                    await until(lambda: _is_asked_often(provider), "the job to be asked at the new pace")

        asyncio.run(flow())

    def test_pruning_goes_by_the_new_retention_at_once(self) -> None:
        """Whoever shortens a retention need not wait for the next hour."""

        async def flow() -> None:
            async with service("http://127.0.0.1:1/v1") as running:
                async with running.store.writing() as connection:
                    await connection.exec_driver_sql(
                        "INSERT INTO tallies (minute, source, what, count) VALUES (strftime('%s') / 60 - 7200, 'x', 'y', 1)"
                    )

                async def count() -> int:
                    async with running.store.reading() as connection:
                        found = await connection.exec_driver_sql("SELECT count(*) FROM tallies WHERE source = 'x'")
                        return int(found.scalar_one())

                assert await count() == 1
                running.reconciler.reload(running.config.model_copy(update={"retention": Retention(tallies=1)}))

                async def is_gone() -> bool:
                    return await count() == 0

                await until(is_gone, "the old tally to be pruned")

        asyncio.run(flow())


async def _fences(running: Any) -> dict[str, int]:
    async with running.store.reading() as connection:
        return dict(list(await connection.exec_driver_sql("SELECT name, fence FROM leases")))


async def _leases(running: Any) -> dict[str, int]:
    async with running.store.reading() as connection:
        return dict(list(await connection.exec_driver_sql("SELECT name, until FROM leases")))


async def _is_asked_often(provider: Provider) -> bool:
    return len(provider.about("one")) >= 5


class TestWrong:
    """A configuration that cannot be used changes nothing."""

    def test_each_problem_is_told_and_the_old_one_holds(self) -> None:
        """Every problem is a line in the log, without any secret; followers hear nothing of it."""

        async def flow() -> None:
            async with service("http://127.0.0.1:1/v1", errors_expected=True) as running:
                current, heard = Current(running.config, running.store), []
                current.followers.append(heard.append)
                secret = running.path.with_name("secret")
                secret.write_text("whsec_short")
                wrong = running.path.read_text().replace('webhook_secrets_env = ["SECRET_gateway"]', "")
                running.path.write_text(f'{wrong}\nwebhook_secrets_file = ["{secret}"]\npoll_secnds = 3\n')
                await current.reload()

                told = [entry for entry in running.logged if entry["event"] == "config_problem"]
                assert {entry["key"].rpartition(".")[2] for entry in told} >= {"webhook_secrets_file", "poll_secnds"}
                assert all(entry["fix"] for entry in told)
                assert "whsec_short" not in repr(running.logged)
                assert heard == []
                assert current.config is running.config

        asyncio.run(flow())


# The whole service, as a process


@dataclass
class Up:
    """A service of a verb, and the files that it goes by."""

    process: subprocess.Popen[bytes]
    folder: Path
    port: int

    def write(self, *secrets: str, more: str = "", receiver: str = "") -> None:
        names = []
        for number, secret in enumerate(secrets):
            (self.folder / f"secret_{number}").write_text(secret + "\n")
            names.append(f"secret_{number}")
        (self.folder / "batchkeeper.toml").write_text(
            f"[receiver]\nport = {self.port}\n{receiver}\n[operators]\nport = 0\n"
            f'token_file = "token"\n'
            f'[sources.gateway]\ndialect = "phaseo"\nbase_url = "http://127.0.0.1:1/v1"\napi_key_file = "key"\n'
            f"webhook_secrets_file = {json.dumps(names)}\n{more}\n"
        )

    def lines(self, event: str) -> list[dict[str, Any]]:
        written = [json.loads(line) for line in (self.folder / "log").read_text().splitlines() if line[:1] == "{"]
        return [line for line in written if line["event"] == event]

    async def reload(self, event: str = "config_reloaded") -> dict[str, Any]:
        """Send SIGHUP, and wait for the line that ends it."""
        before = len(self.lines(event))
        self.process.send_signal(signal.SIGHUP)

        async def is_told() -> bool:
            assert self.process.poll() is None
            return len(self.lines(event)) > before

        await until(is_told, event)
        return self.lines(event)[-1]


@contextlib.contextmanager
def started(folder: Path, verb: str, answers: bool = True) -> Iterator[Up]:
    (folder / "key").write_text("phaseo_v1_sk_reloading_0123456789abcdef")
    (folder / "token").write_text(TOKEN)
    port = free_port()
    with (folder / "log").open("wb") as output:
        up = Up(None, folder, port)  # type: ignore[arg-type]
        up.write(SECRET)
        variables = environment({"BATCHKEEPER_RECONCILER__LEASE_SECONDS": "600"})
        if verb != "up":
            subprocess.run([SCRIPT, "migrate"], cwd=folder, env=variables, check=True, capture_output=True)
        up.process = subprocess.Popen([SCRIPT, verb], cwd=folder, env=variables, stdout=output, stderr=output)
    try:
        if answers:
            wait_for(up.process, f"http://127.0.0.1:{port}/readyz", folder / "log")
        yield up
    finally:
        up.process.kill()
        up.process.wait()


@dataclass
class Load:
    """Deliveries that are being sent, and how those before were answered."""

    secrets: list[str]
    statuses: list[int] = field(default_factory=list)
    on_their_way: list[str] = field(default_factory=list)
    is_over: bool = False

    async def retire(self, secret: str) -> None:
        """Sign with this one no more, and wait for the answers to what was signed with it."""
        self.secrets.remove(secret)

        async def is_answered() -> bool:
            return secret not in self.on_their_way

        await until(is_answered, "the answers", every=0.001)

    async def send(self, port: int, number: int) -> None:
        async with wire(port) as (reader, writer):
            for turn in itertools.count():
                if self.is_over:
                    return
                secret = self.secrets[turn % len(self.secrets)]
                self.on_their_way.append(secret)
                writer.write(signed(now(), sample(f"batch_{number}_{turn}"), "/webhooks/gateway", secret=secret))
                self.statuses.append((await read_reply(reader)).status)
                self.on_their_way.remove(secret)
                await asyncio.sleep(PAUSE)


@contextlib.asynccontextmanager
async def loaded(port: int, *secrets: str) -> AsyncIterator[Load]:
    """Deliveries over eight kept connections, signed with each secret in turn, until the end of the block."""
    load = Load(list(secrets))
    sending = [asyncio.create_task(load.send(port, number)) for number in range(8)]
    try:
        yield load
    finally:
        load.is_over = True
        await asyncio.gather(*sending)


@pytest.mark.processes
@pytest.mark.parametrize("verb", ["up", "receive"])
def test_a_secret_is_changed_without_losing_a_delivery(tmp_path: Path, verb: str) -> None:
    """
    The new secret is added, deliveries come signed with either, the old one is taken away: nothing but what is signed with
    the old one is ever refused, on connections that stay open through every SIGHUP. What cannot change is named, and a
    configuration that is wrong changes nothing.
    """

    async def flow() -> None:
        with started(tmp_path, verb) as up:
            async with loaded(up.port, SECRET) as load:
                up.write(SECRET, NEW_SECRET)
                assert (await up.reload())["sources_changed"] == ["gateway"]
                load.secrets.append(NEW_SECRET)
                for _ in range(3):
                    await up.reload()
                up.write(SECRET, NEW_SECRET, receiver="queue_limit = 9", more="toleranse_seconds = 3")
                assert (await up.reload("config_refused"))["problems"] == 1
                up.write(SECRET, NEW_SECRET, receiver="queue_limit = 9", more="tolerance_seconds = 200")
                await up.reload("needs_restart")
                await load.retire(SECRET)
                up.write(NEW_SECRET)
                await up.reload()
            assert len(load.statuses) > 50
            assert set(load.statuses) == {202}
            assert [line["key"] for line in up.lines("needs_restart")] == ["receiver.queue_limit"]
            assert "toleranse_seconds" in up.lines("config_problem")[0]["key"]

            async with wire(up.port) as (reader, writer):
                for secret, expected in ((SECRET, 401), (NEW_SECRET, 202)):
                    writer.write(signed(now(), None, "/webhooks/gateway", secret=secret))
                    assert (await read_reply(reader)).status == expected
            assert not any(secret in (tmp_path / "log").read_text() for secret in (SECRET, NEW_SECRET))

            up.process.send_signal(signal.SIGTERM)
            assert up.process.wait(15) == 0

    asyncio.run(flow())


@pytest.mark.processes
def test_sources_and_the_token_come_with_it(tmp_path: Path) -> None:
    """
    `up` begins to keep and to show an added source at SIGHUP, lets a removed one go, and wants the operators' new token; a
    source that was there before keeps its lease all the while.
    """
    added = """[sources.added]
        dialect = "phaseo"
        api_key_file = "key"
        webhook = "none"
        base_url = "http://127.0.0.1:1/v1"
    """

    async def flow() -> None:
        with started(tmp_path, "up") as up:
            address = up.lines("operating")[0]["address"]

            async def shown(token: str) -> list[str] | int:
                async with httpx.AsyncClient(trust_env=False) as client:
                    answer = await client.get(f"{address}/api/v1/sources", headers={"authorization": f"Bearer {token}"})
                return (
                    [one["name"] for one in answer.json()["sources"]]
                    if answer.status_code == 200
                    else answer.status_code
                )

            assert await shown(TOKEN) == ["gateway"]
            up.write(SECRET, more=added)
            (tmp_path / "token").write_text(TOKEN[::-1])
            told = await up.reload()
            assert (told["sources_added"], told["keys_changed"]) == (["added"], ["operators.token"])
            assert await shown(TOKEN) == 401
            assert await shown(TOKEN[::-1]) == ["added", "gateway"]

            async def has_both() -> bool:
                return [line["source"] for line in up.lines("lease_taken")] == ["gateway", "added"]

            await until(has_both, "the second lease")
            up.write(SECRET)
            assert (await up.reload())["sources_removed"] == ["added"]

            async def is_let_go() -> bool:
                return [line["source"] for line in up.lines("source_ended")] == ["added"]

            await until(is_let_go, "the removed source to be let go")
            assert await shown(TOKEN[::-1]) == ["gateway"]
            assert await has_both()

    asyncio.run(flow())


@pytest.mark.processes
def test_the_reconciler_alone_asks_with_the_new_key(tmp_path: Path) -> None:
    """`reconcile` reads an API key anew at SIGHUP, and takes its source up again with it at once."""

    async def flow() -> None:
        with started(tmp_path, "reconcile", answers=False) as up:

            async def has_begun(times: int) -> bool:
                return len(up.lines("lease_taken")) == times

            await until(lambda: has_begun(1), "the first lease")
            (tmp_path / "key").write_text("phaseo_v1_sk_another_0123456789abcdef00")
            assert (await up.reload())["sources_changed"] == ["gateway"]
            await until(lambda: has_begun(2), "the lease again")
            up.process.send_signal(signal.SIGTERM)
            assert up.process.wait(15) == 0

    asyncio.run(flow())
