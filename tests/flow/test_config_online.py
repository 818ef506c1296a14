"""`config check --online`: questions that change nothing, to a sandbox and to providers that answer as the test says."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path
from typing import Any

import httpx
import pytest
from commands import SCRIPT, environment
from service import (
    DEADLINE,
    DEFAULT_ENDPOINT_ID,
    KEY,
    MANAGER,
    Asked,
    Provider,
    SourceAt,
    listed,
    read_config,
    said,
    write_config,
)

from operators.clock import now
from operators.online.asking import ask
from operators.online.findings import exit_code, findings
from sandbox.server import RunningSandbox, SandboxSettings
from schemas.config import Secret
from schemas.times import SECOND

MANAGEMENT_KEY = MANAGER["Authorization"].removeprefix("Bearer ")
OURS = "http://127.0.0.1:8080/webhooks/gateway"
RECEIVER = {"port": 8080}
QUICKLY = {"request_timeout_seconds": 0.3}
GOOD = [("key", "good"), ("clocks", "good"), ("webhook", "good")]


@dataclass
class Told:
    """What a check came to."""

    found: list[tuple[str, str]]
    text: str
    code: int


async def checked(
    base_url: str,
    home: Path,
    *,
    key: str = KEY,
    managing: bool = False,
    named: str | None = DEFAULT_ENDPOINT_ID,
    clock: Callable[[], int] = now,
    knobs: Mapping[str, Any] | None = None,
    **more: Any,
) -> Told:
    """Check one source that is asked at this address."""
    path, environ = write_config(home, {"gateway": SourceAt(base_url, more)}, knobs or {}, RECEIVER)
    config = read_config(path, {**environ, "KEY_gateway": key})
    source = config.sources["gateway"].model_copy(update={"webhook_endpoint_id": named})
    heard = await ask(config, source, clock, Secret(MANAGEMENT_KEY) if managing else None)
    told = findings(config, source, heard, managing)
    text = "\n".join(one.message for one in told)
    assert MANAGEMENT_KEY not in text
    assert key not in text
    return Told([(one.about, one.tone) for one in told], text, exit_code(told))


@dataclass
class Box:
    """A sandbox, and a client of its management routes."""

    base_url: str
    client: httpx.AsyncClient

    async def change(self, **changes: Any) -> None:
        """Change the endpoint at the provider."""
        answer = await self.client.patch(f"/webhook-endpoints/{DEFAULT_ENDPOINT_ID}", json=changes)
        assert answer.status_code == 200, answer.text

    async def asked(self) -> dict[str, int]:
        answer = await self.client.get(self.base_url.replace("/v1", "/sandbox/requests"))
        return dict(answer.json()["requests"])


@asynccontextmanager
async def sandbox() -> AsyncIterator[Box]:
    async with (
        RunningSandbox(SandboxSettings(0, webhook_url=OURS)) as box,
        httpx.AsyncClient(base_url=f"{box.url}/v1", headers=MANAGER, trust_env=False, timeout=DEADLINE) as client,
    ):
        yield Box(f"{box.url}/v1", client)


# --- a good day -------------------------------------------------------------------------------------------------------


def test_a_good_day(tmp_path: Path) -> None:
    """An inference key works and may not see the endpoint, which is no error; what to compare by hand is said. Two questions
    are asked, and nothing is changed by them.
    """

    async def flow() -> None:
        async with sandbox() as box:
            told = await checked(box.base_url, tmp_path)

            assert (told.found, told.code) == ([*GOOD[:2], ("webhook", "note")], 0)
            assert "management_key_required" in told.text
            assert OURS in told.text
            assert "batch.completed, batch.failed, batch.cancelled, batch.expired" in told.text
            asked = {f"GET /v1/webhook-endpoints/{DEFAULT_ENDPOINT_ID}": 1, "GET /v1/batches": 1}
            assert {path: count for path, count in (await box.asked()).items() if "/v1/" in path} == asked

    asyncio.run(flow())


def test_with_a_management_key(tmp_path: Path) -> None:
    """With a management key the endpoint is seen, and all is well."""

    async def flow() -> None:
        async with sandbox() as box:
            told = await checked(box.base_url, tmp_path, managing=True)

            assert (told.found, told.code) == (GOOD, 0)

    asyncio.run(flow())


def test_no_endpoint_named(tmp_path: Path) -> None:
    """Without webhook_endpoint_id the endpoints that have our URL are named; none is a mistake."""

    async def flow() -> None:
        async with sandbox() as box:
            there = await checked(box.base_url, tmp_path, managing=True, named=None)
            await box.change(url="http://127.0.0.1:8080/webhooks/other")
            gone = await checked(box.base_url, tmp_path, managing=True, named=None)

            assert (there.found[2:], there.code) == ([("webhook", "note")], 0)
            assert f"{DEFAULT_ENDPOINT_ID} (active)" in there.text
            assert (gone.found[2:], gone.code) == ([("webhook", "failure")], 1)

    asyncio.run(flow())


# --- what is wrong ----------------------------------------------------------------------------------------------------

CHANGES = {
    "disabled": ({"status": "disabled"}, "is disabled and sends nothing"),
    "another URL": ({"url": "http://127.0.0.1:9/webhooks/gateway"}, f"9/webhooks/gateway and ours is {OURS}"),
    "events missing": ({"events": ["batch.completed", "job.Failed"]}, "not subscribed to batch.cancelled, of which"),
}


@pytest.mark.parametrize(("changes", "message"), CHANGES.values(), ids=CHANGES)
def test_an_endpoint_that_is_wrong(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    """An endpoint that is disabled, has another URL, or lacks events is wrong, and it is said in which way."""

    async def flow() -> None:
        async with sandbox() as box:
            await box.change(**changes)
            told = await checked(box.base_url, tmp_path, managing=True)

            assert told.found[2] == ("webhook", "failure")
            assert message in told.text
            assert told.code == 1

    asyncio.run(flow())


def test_an_endpoint_that_is_gone(tmp_path: Path) -> None:
    """An endpoint that was deleted, or never was, is wrong."""

    async def flow() -> None:
        async with sandbox() as box:
            never = await checked(box.base_url, tmp_path, managing=True, named="nobodys?limit=1")
            await box.client.delete(f"/webhook-endpoints/{DEFAULT_ENDPOINT_ID}")
            deleted = await checked(box.base_url, tmp_path, managing=True)

            assert never.found[2:] == deleted.found[2:] == [("webhook", "failure")]
            assert "the account has no such endpoint (not_found: Webhook endpoint not found)" in deleted.text

    asyncio.run(flow())


def test_more_than_we_listen_for(tmp_path: Path) -> None:
    """An endpoint that sends more than we listen for is good; it is worth knowing."""

    async def flow() -> None:
        async with sandbox() as box:
            await box.change(events=["job.completed", "failed", "BATCH.Canceled", "batch.created"])
            told = await checked(box.base_url, tmp_path, managing=True)

            assert (told.found, told.code) == ([*GOOD, ("webhook", "note"), ("webhook", "note")], 0)
            assert "not subscribed to batch.expired, of which another of its events tells" in told.text
            assert "also subscribed to batch.created" in told.text

    asyncio.run(flow())


KEYS = {
    "wrong": (f"{KEY}x", "invalid_secret", "copy it again, whole"),
    "of nobody": ("phaseo_v1_sk_nobody0_secret", "key_not_found_or_revoked", "make a new one"),
    "for management": (MANAGEMENT_KEY + "y", "management_key_not_valid_for_gateway", "an inference key"),
    "of another form": ("nonsense", "invalid_key_format", "copy it again"),
}


@pytest.mark.parametrize(("key", "reason", "advice"), KEYS.values(), ids=KEYS)
def test_a_key_that_does_not_work(tmp_path: Path, key: str, reason: str, advice: str) -> None:
    """A key that is refused is wrong, with the provider's reason and what to do. A management key sees the endpoint even so."""

    async def flow() -> None:
        async with sandbox() as box:
            told = await checked(box.base_url, tmp_path, key=key)
            managed = await checked(box.base_url, tmp_path, key=key, managing=True)

            assert (told.found, told.code) == ([("key", "failure"), GOOD[1], ("webhook", "note")], 1)
            assert reason in told.text
            assert advice in told.text
            assert (managed.found, managed.code) == ([("key", "failure"), *GOOD[1:]], 1)

    asyncio.run(flow())


def test_a_base_url_without_its_version(tmp_path: Path) -> None:
    """Where nothing stands, the way is wrong and not the key."""

    async def flow() -> None:
        async with sandbox() as box:
            told = await checked(box.base_url.removesuffix("/v1"), tmp_path)

            assert (told.found[0], told.code) == (("provider", "failure"), 1)
            assert "base_url has to end in /v1" in told.text

    asyncio.run(flow())


def test_a_redirect(tmp_path: Path) -> None:
    """A redirect is not followed, with neither key: it is told where it leads."""

    async def flow() -> None:
        async with (
            Provider(lambda _: listed(), has_list=True).listening() as elsewhere,
            Provider(lambda _: said(b"", 307, location=f"{elsewhere.url}/v1"), has_list=True).listening() as provider,
        ):
            told = await checked(provider.base_url, tmp_path, managing=True)

            assert (told.found[0], told.found[-1], told.code) == (("provider", "failure"), ("webhook", "failure"), 1)
            assert f"redirected to {elsewhere.url}/v1" in told.text
            assert elsewhere.asked == []
            assert [asked.headers["authorization"] for asked in provider.asked] == [
                f"Bearer {KEY}",
                f"Bearer {MANAGEMENT_KEY}",
            ]

    asyncio.run(flow())


# --- providers of other sorts -----------------------------------------------------------------------------------------


def test_a_gateway_without_a_list(tmp_path: Path) -> None:
    """Where there is no list (generation G1a), a batch that nobody has tells that the key works."""

    async def flow() -> None:
        nobodys = {"error": "not_found", "reason": "batch_not_found_or_not_owned", "error_origin": "user"}

        def script(asked: Asked) -> bytes:
            return said(nobodys, 404, date=formatdate(usegmt=True)) if asked.job_id else said(b"404 Not Found", 404)

        async with Provider(script, has_list=True).listening() as provider:
            told = await checked(provider.base_url, tmp_path)

            assert (told.found, told.code) == ([("key", "note"), GOOD[1], ("webhook", "note")], 0)
            assert "no list" in told.text
            assert "this gateway shows no webhook endpoints" in told.text

    asyncio.run(flow())


@pytest.mark.parametrize(("seconds", "way"), [(600, "ahead of"), (-600, "behind")])
def test_a_clock_that_is_off(tmp_path: Path, seconds: int, way: str) -> None:
    """A clock of ours that is ten minutes off is found by the date of the provider's answer, and which way it is off."""

    async def flow() -> None:
        async with sandbox() as box:
            told = await checked(box.base_url, tmp_path, clock=lambda: now() + seconds * SECOND)

            assert (told.found[1], told.code) == (("clocks", "failure"), 1)
            assert f"ours is 10 min {way} the provider's" in told.text

    asyncio.run(flow())


@pytest.mark.parametrize(("seconds", "tone"), [(0, "good"), (-7200, "failure"), (7200, "failure"), (None, "note")])
def test_a_date_of_the_providers(tmp_path: Path, seconds: int | None, tone: str) -> None:
    """The date is the header's; without one there is nothing to compare."""

    async def flow() -> None:
        more = {} if seconds is None else {"date": formatdate(time.time() + seconds, usegmt=True)}
        async with Provider(lambda _: listed_with(**more), has_list=True).listening() as provider:
            told = await checked(provider.base_url, tmp_path, webhook="none")

            assert told.found == [GOOD[0], ("clocks", tone), ("webhook", "good")]

    asyncio.run(flow())


def listed_with(**headers: str) -> bytes:
    return said({"object": "list", "data": [], "has_more": False}, **headers)


def test_nobody_there(tmp_path: Path) -> None:
    """A provider that nobody answers for, or not in time, could not be asked: nothing is known to be wrong."""

    async def flow() -> None:
        async def silence(_: Asked) -> bytes:
            await asyncio.sleep(DEADLINE)
            return b""

        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        gone = await checked(f"http://127.0.0.1:{port}/v1", tmp_path, managing=True)
        async with Provider(silence, has_list=True).listening() as provider:
            slow = await checked(provider.base_url, tmp_path, knobs=QUICKLY)

        assert (gone.found, gone.code) == (slow.found, slow.code) == ([("provider", "trouble")], 7)
        assert "unreachable: " in gone.text
        assert "timed_out: no whole answer within 0.3 s" in slow.text

    asyncio.run(flow())


# --- the verb ---------------------------------------------------------------------------------------------------------


async def typed(home: Path, environ: Mapping[str, str], *words: str) -> tuple[int, str, str]:
    """Run `config check` to its end: its exit code, and what it printed."""
    process = await asyncio.create_subprocess_exec(
        SCRIPT,
        *("--config", str(home / "batchkeeper.toml"), "config", "check", *words),
        env=environment(environ),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


def test_the_verb(tmp_path: Path) -> None:
    """Without --online nobody is asked. With it every source is, at once; each is shown, and the exit code is the worst."""

    async def flow() -> None:
        both, names = asyncio.Event(), set()

        async def script(asked: Asked) -> bytes:
            names.add(asked.target.split("/")[1])
            if len(names) == 2:
                both.set()
            await both.wait()
            return listed_with(date=formatdate(usegmt=True))

        async with Provider(script, has_list=True).listening() as provider:
            sources = {name: SourceAt(f"{provider.url}/{name}/v1", {"webhook": "none"}) for name in ("one", "two")}
            _, environ = write_config(tmp_path, sources, {}, RECEIVER)
            plain = await typed(tmp_path, environ)
            assert provider.asked == []
            online = await typed(tmp_path, environ, "--online")
        gone = await typed(tmp_path, environ, "--online")

        assert plain[0] == 0
        assert "batchkeeper.toml is fine" in plain[1]
        assert online[0] == 0, online
        assert online[1].startswith(plain[1])
        assert online[1].removeprefix(plain[1]).splitlines()[1:5] == [
            f"one, asked at {provider.url}/one/v1",
            "    key: works",
            "    clocks: ours and the provider's agree",
            "    webhook: none: polling only",
        ]
        assert gone[0] == 7
        assert gone[1].count("  ! provider: unreachable: ") == 2

    asyncio.run(flow())


def test_the_verb_with_a_management_key(tmp_path: Path) -> None:
    """The key is read from the variable that is named, for one source; it is printed nowhere, in JSON neither."""

    async def flow() -> None:
        async with sandbox() as box:
            await box.change(status="disabled")
            sources = {name: SourceAt(box.base_url) for name in ("gateway", "other")}
            _, environ = write_config(tmp_path, sources, {}, RECEIVER)
            environ = {**environ, "MANAGER": f"{MANAGEMENT_KEY}\n"}
            words = ("--online", "--management-key-env", "MANAGER")
            unclear = await typed(tmp_path, environ, *words)
            assert (await box.asked()).keys().isdisjoint({"GET /v1/batches"})
            code, out, err = await typed(tmp_path, environ, *words, "--source", "gateway", "--json")

        (shown,) = json.loads(out)
        assert (unclear[0], unclear[1]) == (2, "")
        assert "choose with --source" in unclear[2]
        assert (code, err) == (1, "")
        assert [(one["about"], one["tone"]) for one in shown["findings"]] == [*GOOD[:2], ("webhook", "failure")]
        assert (shown["source"], shown["base_url"]) == ("gateway", box.base_url)
        assert MANAGEMENT_KEY not in out + err + unclear[2]

    asyncio.run(flow())
