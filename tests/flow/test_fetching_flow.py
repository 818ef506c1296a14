"""Outputs are fetched, whole or not at all, matched with what was asked, and only then is a job ready."""

import asyncio
import json
import tracemalloc
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from noted import noted
from service import Asked, Provider, Said, Service, Stage, batch, reconciling, said, service, stage, told, until

from operators.clock import now
from reconciler.authorization import KeyShown
from reconciler.client import Client
from reconciler.slowness import Slowness
from reconciler.whole import Taken, why_incomplete
from schemas.config import Secret
from schemas.contents import Streamed
from schemas.dialects.phaseo import Phaseo
from schemas.jsonl import Lines
from schemas.readings import Question, Troubled
from schemas.tables import JobRow, OutputRow
from schemas.words import Origin, Trouble
from storage import jobs, outputs
from storage.files import LocalFiles

ROWS_FAILED = ("execution", "rows_failed")


async def ready(running: Service, job: str) -> dict[str, Any]:
    return await running.shows(job, lambda view: view["ready"], "to be ready")


def data_of(running: Service) -> Path:
    return Path(running.config.data.dir)


def files_in(running: Service) -> dict[str, bytes]:
    """Every file among ours, those that are being written included."""
    root = data_of(running)
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def counts(view: dict[str, Any]) -> tuple[Any, ...]:
    match = view["row_match"]
    return tuple(
        match[name] for name in ("asked", "succeeded", "failed", "missing", "repeated", "strange", "unreadable")
    )


@pytest.mark.both_stores
def test_what_came_and_what_was_asked() -> None:
    """Of each scenario the files are here byte for byte, and the rows add up: asked is succeeded, failed and missing."""
    asked = {
        "": (8, 8, 0, 0, 0, 0, 0),
        "rows_fail": (8, 5, 3, 0, 0, 0, 0),
        "all_rows_fail": (8, 0, 8, 0, 0, 0, 0),
        "output_crlf,rows_fail": (8, 5, 3, 0, 0, 0, 0),
        "rows_missing": (8, 6, 0, 2, 0, 0, 0),
        "rows_repeated": (8, 8, 0, 0, 2, 0, 0),
        "rows_strange": (8, 8, 0, 0, 0, 2, 0),
        "counts_missing": (8, 8, 0, 0, 0, 0, 0),
        "expires": (8, 4, 4, 0, 0, 0, 0),
        "fails": (8, 0, 0, 8, 0, 0, 0),
        "output_missing": (8, 0, 0, 8, 0, 0, 0),
    }

    async def flow() -> None:
        async with stage() as on:
            jobs_by = {await noted(on, scenario): scenario for scenario in asked}
            views = {jobs_by[job]: await ready(on.service, job) for job in jobs_by}
            found = {scenario: counts(view) for scenario, view in views.items()}
            assert found == asked
            failures = {scenario: told(view) for scenario, view in views.items() if view["status"] == "completed"}
            broken = {"rows_fail", "all_rows_fail", "output_crlf,rows_fail", "rows_missing"}
            assert {name for name, failed in failures.items() if ROWS_FAILED in failed} == broken
            assert failures["output_missing"] == {("execution", "output_missing")}
            for view in views.values():
                for output in view["outputs"]:
                    if output["state"] == "fetched":
                        await same_bytes(on, output)
            kept = {output["where"] for view in views.values() for output in view["outputs"] if output["where"]}
            named = {str(data_of(on.service) / name) for name in files_in(on.service) if "/inputs/" not in name}
            assert named == kept
            assert views["rows_missing"]["row_match"]["examples"]["missing"][0]["custom_id"].startswith("row-")

    asyncio.run(flow())


async def same_bytes(on: Stage, output: dict[str, Any]) -> None:
    theirs = (await on.client.get(f"/v1/files/{output['file_id']}/content")).content
    assert Path(output["where"]).read_bytes() == theirs
    assert (output["bytes"], output["sha256"]) == (len(theirs), sha256(theirs).hexdigest())
    assert output["lines"] == len([line for line in theirs.split(b"\n") if line.strip()])


@pytest.mark.parametrize("word", ["content_cut", "content_404", "content_500", "content_compressed"])
def test_trouble_on_the_way(word: str) -> None:
    """However the first answers go wrong, nothing short is ever under a final name, and in the end the file is here."""

    async def flow() -> None:
        async with stage() as on:
            job = await noted(on, word)
            seen: set[str] = set()

            async def is_ready() -> bool:
                seen.update(name for name in files_in(on.service) if "/outputs/" in name and ".partial" not in name)
                row = await on.service.row(job)
                return row is not None and row.ready_at is not None

            await until(is_ready, "the job to be ready")
            view = await on.service.view(job)
            (output,) = view["outputs"]
            await same_bytes(on, output)
            assert seen <= {output["where"].removeprefix(f"{data_of(on.service)}/")}
            assert output["fetches"] >= 2
            assert counts(view) == (8, 8, 0, 0, 0, 0, 0)
            assert told(view) == set()
            assert view["trouble"] is None

    asyncio.run(flow())


# Bounds: the cap, the room, the time


def test_threat_57_over_the_cap() -> None:
    """A file over the cap is parked in sight, is no failure, and is never asked for."""

    async def flow() -> None:
        async with stage(data={"max_file_bytes": 10}) as on:
            job = await noted(on, "")
            view = await on.service.shows(
                job, lambda view: view["outputs"] and view["outputs"][0]["state"] == "parked", "parked"
            )
            (output,) = view["outputs"]
            assert "max_file_bytes is 10" in output["message"]
            assert output["next_at"] is not None
            assert not view["ready"]
            parked = f"file {output['file_id']} is parked: {output['message']}"
            assert parked in [one["condition"] for one in view["missing"]]
            await asyncio.sleep(2.5)  # longer than the patience for outputs
            assert told(await on.service.view(job)) == set()
            assert not [path for path in await on.requests() if path.endswith("/content")]

    asyncio.run(flow())


def test_threat_57_no_room() -> None:
    """Without room a download is parked, its file gone, and everything else goes on; with room it is fetched by itself."""

    async def flow() -> None:
        async with stage(data={"reserve_bytes": 1 << 50}) as on:
            job = await on.watched()
            view = await on.service.shows(
                job, lambda view: view["outputs"] and view["outputs"][0]["state"] == "parked", "parked"
            )
            assert "reserve_bytes" in view["outputs"][0]["message"]
            assert files_in(on.service) == {}
            files = on.service.reconciler._files
            assert isinstance(files, LocalFiles)
            files._reserve = 0  # as if somebody had made room
            await due_now(on.service, job)
            view = await ready(on.service, job)
            assert [output["state"] for output in view["outputs"]] == ["fetched"]
            assert counts(view) == (None, 6, 0, None, 0, 0, 0)

    asyncio.run(flow())


async def due_now(running: Service, job: str) -> None:
    """What waits for minutes is due at once."""
    row = await running.row(job)
    assert row is not None
    async with running.store.writing() as connection:
        for output in await outputs.of_job(connection, row.id):
            await outputs.change(connection, output.id, {"due_at": now()})
    running.reconciler.wake()


def test_flat_memory() -> None:
    """Fetching and matching a file takes far less memory than the file."""
    size = 48_000_000

    async def flow() -> int:
        async with stage(huge_bytes=size) as on:
            await on.service.settles(await noted(on, "", rows=300))
            tracemalloc.start()
            job = await noted(on, "output_huge", rows=300)
            view = await ready(on.service, job)
            assert view["outputs"][0]["bytes"] >= size
            assert counts(view) == (300, 300, 0, 0, 0, 0, 0)
            return tracemalloc.get_traced_memory()[1]

    try:
        assert asyncio.run(flow()) < size // 4
    finally:
        tracemalloc.stop()


# A provider that answers as the test says

LINES = [json.dumps({"custom_id": f"row-{n}", "response": {"status_code": 200, "body": {}}}).encode() for n in range(3)]
CONTENT = b"\n".join(LINES) + b"\n"
HEAD = b"HTTP/1.1 200 OK\r\nconnection: close\r\n"
Answers = Callable[[Asked], Said | None]


@asynccontextmanager
async def provider_of(content: Answers, **more: Any) -> AsyncIterator[tuple[Provider, Service]]:
    """A completed batch, whose file's content is answered by the test."""

    def script(asked: Asked) -> Said:
        if (answer := content(asked)) is not None:
            return answer
        if "/files/" in asked.target:
            return said({"id": asked.target.rpartition("/")[2], "object": "file"})
        return said(batch(asked.job_id, "completed", **more))

    async with Provider(script).listening() as provider, service(provider.base_url) as running:
        yield provider, running


def content_is(*answers: Said) -> Answers:
    """These answers for content, one after the other; the last one again and again."""
    left = list(answers)

    def content(asked: Asked) -> Said | None:
        if not asked.target.endswith("/content"):
            return None
        return left.pop(0) if len(left) > 1 else left[0]

    return content


def closing(body: bytes) -> bytes:
    """An answer without a length, whose end is that of the connection."""
    return HEAD + b"\r\n" + body


def test_threat_58_cut_at_every_byte() -> None:
    """An answer that is cut anywhere, with a length, in chunks or with neither, is never taken as whole on first sight."""

    async def flow() -> None:
        told_length = HEAD + f"content-length: {len(CONTENT)}\r\n\r\n".encode() + CONTENT
        half = len(CONTENT) // 2
        chunks = [b"%x\r\n%b\r\n" % (len(part), part) for part in (CONTENT[:half], CONTENT[half:])]
        chunked = HEAD + b"transfer-encoding: chunked\r\n\r\n" + b"".join(chunks) + b"0\r\n\r\n"
        current = b""
        async with (
            Provider(lambda _: current).listening() as provider,
            Client(provider.base_url, KeyShown(Phaseo(), Secret("key")), 10, 1 << 20) as client,
        ):
            for whole in (told_length, chunked, closing(CONTENT)):
                for cut in range(len(whole) + 1):
                    current = whole[:cut]
                    is_whole = await taken_as_whole(client, provider)
                    # Where only the connection's end is one, the last row's end of line is not missed.
                    missed = len(whole) if whole in (told_length, chunked) else len(whole) - 1
                    assert is_whole == (cut >= missed)

    asyncio.run(flow())


async def taken_as_whole(client: Client, provider: Provider) -> bool:
    body, lines = bytearray(), Lines()

    async def take(piece: bytes) -> None:
        body.extend(piece)
        lines.take(piece)

    came = await client.download(Question("GET", f"{provider.base_url}/files/f/content"), take, 1 << 20)
    if not isinstance(came, Streamed):
        assert isinstance(came, Troubled)
        return False
    row = OutputRow(id=1, job=1, role="output", file_id="f", named_at=0)
    job = JobRow(
        id=1, source="s", kind="batch", job_id="b", origin="track", created_at=0, updated_at=0, rows_completed=3
    )
    found = Taken(len(body), sha256(body).hexdigest(), lines.count, lines.problem())
    return why_incomplete(row, job, came, found) is None


def test_the_same_twice() -> None:
    """Where nobody tells a length and rows are fewer than were counted, the file is taken when the same comes once more."""

    async def flow() -> None:
        less = b"\n".join(LINES[:2]) + b"\n"
        async with provider_of(content_is(closing(LINES[0] + b"\n"), closing(less))) as (_, running):
            await running.track("batch_a")
            view = await ready(running, "batch_a")
            (output,) = view["outputs"]
            assert (output["state"], output["fetches"], output["lines"]) == ("fetched", 3, 2)
            assert Path(output["where"]).read_bytes() == less

    asyncio.run(flow())


def test_another_size_than_recorded() -> None:
    """What differs from the file's record is not taken; the record is read anew, and what fits it then is."""

    async def flow() -> None:
        sizes = iter([len(CONTENT) + 5, len(CONTENT)])

        def content(asked: Asked) -> Said | None:
            if asked.target.endswith("/content"):
                return said(CONTENT)
            name = asked.target.rpartition("/files/")[2]
            return said({"id": name, "object": "file", "bytes": next(sizes)}) if "/files/" in asked.target else None

        async with provider_of(content) as (_, running):
            await running.track("batch_a")
            (output,) = (await ready(running, "batch_a"))["outputs"]
            assert (output["state"], output["fetches"], output["bytes"]) == ("fetched", 2, len(CONTENT))

    asyncio.run(flow())


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        (said(b"", 302, location="http://127.0.0.1:1/x"), "redirects are not followed"),
        (said(CONTENT, **{"content-encoding": "gzip"}), "gzip"),
        (said(b"<html>", 200), "not a whole JSON object"),
        (said({"error": "x"}, 206), "HTTP 206"),
    ],
)
def test_threat_48_content_is_not_redirected_packed_or_a_page(answer: bytes, what: str) -> None:
    """No redirect is followed, nothing is unpacked, no page is taken for rows; and trouble makes nothing unreadable."""

    async def flow() -> None:
        async with provider_of(content_is(answer)) as (provider, running):
            await running.track("batch_a")

            def tried(view: dict[str, Any]) -> bool:
                return bool(view["outputs"]) and view["outputs"][0]["fetches"] >= 3

            view = await running.shows("batch_a", tried, "three tries")
            assert what in view["outputs"][0]["message"]
            assert view["outputs"][0]["state"] == "exists"
            assert told(view) == set()
            assert files_in(running) == {}
            keys = {asked.headers.get("accept-encoding") for asked in provider.asked if "/content" in asked.target}
            assert keys == {"identity"}

    asyncio.run(flow())


def test_denied_for_good() -> None:
    """Content that the gateway goes on denying is out of reach after the patience for it: the job is ready, and says so."""

    async def flow() -> None:
        denial = said({"error": "not_found", "reason": "file_not_found_or_not_owned", "status_code": 404}, 404)
        async with provider_of(content_is(denial)) as (provider, running):
            await running.track("batch_a")
            view = await ready(running, "batch_a")
            assert [output["state"] for output in view["outputs"]] == ["unreadable"]
            assert told(view) == {("execution", "output_missing")}
            assert len(provider.about("batch_a")) >= 4  # a denial makes us ask the job, which may bring the file about

    asyncio.run(flow())


def test_threat_50_content_that_stalls_or_drips() -> None:
    """Content that stops coming, or comes too slowly, ends in time; what is steady may take as long as it likes."""

    async def dripping(seconds: float) -> AsyncIterator[bytes]:
        yield HEAD + b"\r\n"
        for _ in range(200):
            yield b"x"
            await asyncio.sleep(seconds)

    async def flow() -> None:
        async def ask(pause: float, slowness: Slowness) -> Any:
            async with (
                Provider(lambda _: dripping(pause)).listening() as provider,
                Client(provider.base_url, KeyShown(Phaseo(), Secret("key")), 0.5, 1 << 20, slowness=slowness) as client,
            ):
                return await client.download(Question("GET", f"{provider.base_url}/x"), nothing, 1 << 20)

        stalled = await ask(30, Slowness())
        slow = await ask(0.01, Slowness(least=1 << 20, seconds=0.2))
        steady = await ask(0.005, Slowness(least=1, seconds=0.2))
        assert (stalled.trouble, slow.trouble) == (Trouble.TIMED_OUT, Trouble.TIMED_OUT)
        assert "too slowly" in slow.message
        assert isinstance(steady, Streamed)

    asyncio.run(flow())


async def nothing(_: bytes) -> None:
    """What came is not kept."""


def test_own_origin_only() -> None:
    """Content elsewhere is not asked for, whatever address a question has."""

    async def flow() -> None:
        async with (
            Provider(lambda _: said(b"x")).listening() as provider,
            Client("http://127.0.0.1:1/v1", KeyShown(Phaseo(), Secret("key")), 5, 1 << 20) as client,
        ):
            answer = await client.download(Question("GET", f"{provider.url}/v1/files/f/content"), nothing, 1 << 20)
        assert isinstance(answer, Troubled)
        assert provider.asked == []

    asyncio.run(flow())


# Other outputs than files


def test_results_of_a_batch_without_files() -> None:
    """Rows that a provider shows in a stream of their own end in the same place and shape."""

    async def flow() -> None:
        def content(asked: Asked) -> Said | None:
            if not asked.target.endswith("/results"):
                return None
            return HEAD + b"transfer-encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(CONTENT), CONTENT)

        shows = {"provider": "anthropic", "output_file_id": None, "results_url": "http://elsewhere.example/results"}
        async with provider_of(content, **shows) as (provider, running):
            await running.track("batch_a")
            view = await ready(running, "batch_a")
            (output,) = view["outputs"]
            assert (output["role"], output["state"], output["lines"]) == ("results", "fetched", 3)
            assert output["where"].endswith(".jsonl")
            assert counts(view) == (None, 3, 0, None, 0, 0, 0)
            assert [asked.target for asked in provider.asked if "results" in asked.target] == [
                "/v1/batches/batch_a/results"
            ]

    asyncio.run(flow())


def test_a_film() -> None:
    """A completed video's content is fetched as it is, and nothing in it is matched."""

    async def flow() -> None:
        async with stage() as on:
            answer = await on.client.post("/v1/videos", json={"model": "sora-2", "prompt": "a lamp"})
            job = str(answer.json()["id"])
            await on.service.track(job, kind="video")
            view = await ready(on.service, job)
            (output,) = view["outputs"]
            film = (await on.client.get(f"/v1/videos/{job}/content")).content
            assert (output["role"], output["state"], output["lines"]) == ("content", "fetched", None)
            assert Path(output["where"]).read_bytes() == film
            assert view["row_match"] is None

    asyncio.run(flow())


# What becomes of it later


def test_nothing_is_left_half_written() -> None:
    """Whoever takes a source's lease removes what its last holder was writing; and whoever stops removes what it wrote."""

    async def half() -> AsyncIterator[bytes]:
        yield HEAD + b"\r\n" + LINES[0]
        await asyncio.sleep(60)

    def script(asked: Asked) -> Said:
        if asked.target.endswith("/content"):
            return half()
        if "/files/" in asked.target:
            return said({"id": asked.target.rpartition("/")[2], "object": "file"})
        return said(batch(asked.job_id, "completed"))

    async def flow() -> None:
        async with Provider(script).listening() as provider, service(provider.base_url, reconciles=False) as running:
            left = data_of(running) / "gateway/outputs/.partial/left"
            left.parent.mkdir(parents=True)
            left.write_bytes(b"half")

            async with reconciling(running.reconciler):
                await running.track("batch_a")
                await until(lambda: written(running), "the first piece to be written")
            assert files_in(running) == {}

    async def written(running: Service) -> bool:
        files = files_in(running)
        return len(files) == 1 and not any(name.endswith("/left") for name in files)

    asyncio.run(flow())


def test_gone_and_fetched_again() -> None:
    """A file that somebody removed is fetched again when its rows are to be matched."""

    async def flow() -> None:
        async with stage(errors_expected=True) as on:
            job = await noted(on, "")
            view = await ready(on.service, job)
            where = Path(view["outputs"][0]["where"])
            content = where.read_bytes()
            where.unlink()
            row = await on.service.row(job)
            assert row is not None
            async with on.service.store.writing() as connection:
                await jobs.change(connection, row.id, {"match_due_at": now(), "ready_at": None}, now())
            on.service.reconciler.wake()
            view = await ready(on.service, job)
            assert where.read_bytes() == content
            assert view["outputs"][0]["fetches"] == 2

    asyncio.run(flow())


def test_adopted_jobs_are_only_looked_for() -> None:
    """Of an adopted job the files are looked for and not fetched: it is ready when they are found. Once somebody tracks it,
    they come."""

    async def flow() -> None:
        async with stage(reconciles=False) as on:
            job = await on.create()
            async with on.service.store.writing() as connection:
                identity = ("gateway", "batch", job)
                await jobs.bear(connection, on.service.store.new_id(), identity, Origin.DELIVERY, now())
            async with reconciling(on.service.reconciler):
                view = await ready(on.service, job)
                assert [(output["state"], output["where"]) for output in view["outputs"]] == [("exists", None)]
                assert view["row_match"] is None
                await on.service.track(job)
                view = await on.service.shows(job, lambda view: view["row_match"], "matched")
                assert [output["state"] for output in view["outputs"]] == ["fetched"]

    asyncio.run(flow())
