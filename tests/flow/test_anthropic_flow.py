"""Anthropic's batches, beside the stand-in: what no other provider has."""

import asyncio
from pathlib import Path

import httpx
import pytest
from commands import SCRIPT, environment
from providers import Anthropic, beside
from service import told

from sandbox.server import RunningSandbox, SandboxSettings

QUICK = {"output_patience_seconds": 1}


@pytest.mark.parametrize(
    ("scenario", "status", "codes"),
    [
        ("fails", "failed", {("execution", "failed")}),
        ("expires", "expired", {("execution", "expired")}),
        ("rows_expire", "completed", {("execution", "rows_failed")}),
        ("results_elsewhere", "completed", set()),
        ("status_529", "completed", set()),
        ("status_denied", "completed", set()),
        ("status_malformed", "completed", set()),
    ],
)
def test_every_end(scenario: str, status: str, codes: set[tuple[str, str]], tmp_path: Path) -> None:
    """The one word `ended` becomes what the requests came to, and the rows are here, though the URL of the results leads away
    and status answers fail on the way."""

    async def flow() -> None:
        async with beside(Anthropic()) as on:
            job = await on.job(await on.submit(tmp_path, scenario, good=4, bad=0))
            (view,) = await on.service.settles(job.job_id)
            true = (await on.truth())[job.job_id]

            assert (view["status"], view["basis"], view["native_status"]) == (status, "observed", "ended")
            assert told(view) == codes
            match = view["row_match"]
            assert (match["asked"], match["missing"], match["strange"]) == (4, 0, 0)
            assert (match["succeeded"], match["failed"]) == (true.succeeded, true.failed)

    asyncio.run(flow())


def test_results_that_stay_away(tmp_path: Path) -> None:
    """Results that are denied for longer than the patience for them are a failure of their own."""

    async def flow() -> None:
        async with beside(Anthropic(), QUICK) as on:
            job = await on.job(await on.submit(tmp_path, "results_missing", good=2, bad=0))
            (view,) = await on.service.settles(job.job_id)

            assert view["status"] == "completed"
            assert told(view) == {("execution", "output_missing")}

    asyncio.run(flow())


@pytest.mark.parametrize(
    ("scenario", "code"), [("cancel_loses", "too_late"), ("cancel_too_late", "too_late"), ("cancel_unheard", None)]
)
def test_cancels(scenario: str, code: str | None, tmp_path: Path) -> None:
    """A cancel that changes nothing came too late; one whose answer is lost ends the batch all the same, as asked here."""

    async def flow() -> None:
        async with beside(Anthropic(), speed=20) as on:
            job = await on.job(await on.submit(tmp_path, scenario, good=4, bad=0))
            await on.service.reaches(job.job_id, "running")
            await on.service.cancel(job.job_id)
            (view,) = await on.service.settles(job.job_id)
            true = (await on.truth())[job.job_id]

            assert view["status"] == true.status
            wanted = code or ("cancelled_by_operator" if true.status == "cancelled" else "too_late")
            assert ("cancellation", wanted) in told(view)

    asyncio.run(flow())


def test_an_order_that_is_refused(tmp_path: Path) -> None:
    """A create that is turned away for now is sent again, and one batch comes of it."""

    async def flow() -> None:
        async with beside(Anthropic()) as on:
            stored = await on.submit(tmp_path, "create_unavailable")
            await on.provider.arrange(on.client, "")
            job = await on.job(stored)
            assert (await on.truth()).keys() == {job.job_id}

    asyncio.run(flow())


def test_whoever_submits_is_told(tmp_path: Path) -> None:
    """`submit` ends with 7 and says that nobody knows, when the create was not answered."""

    async def typed(*words: str) -> tuple[int, str]:
        process = await asyncio.create_subprocess_exec(
            SCRIPT,
            *words,
            cwd=tmp_path,
            env=environment({"KEY": SandboxSettings(0).anthropic_key}),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        _, err = await process.communicate()
        assert process.returncode is not None
        return process.returncode, err.decode()

    async def flow() -> None:
        async with RunningSandbox(SandboxSettings(0)) as box, httpx.AsyncClient(base_url=box.url) as client:
            await Anthropic().arrange(client, "create_lost")
            table = ("[sources.ours]", 'dialect = "anthropic"', 'api_key_env = "KEY"')
            (tmp_path / "batchkeeper.toml").write_text("\n".join((*table, f'base_url = "{box.url}/anthropic/v1"')))
            rows = Anthropic().rows(tmp_path, 1, 0)
            assert (await typed("migrate"))[0] == 0
            code, err = await typed("submit", str(rows), "--source", "ours")

            assert code == 7
            assert "it is not known whether ours made" in err

    asyncio.run(flow())
