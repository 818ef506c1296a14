"""Verifying refused requests once more through the API and the dashboard: what the command line does, once, and only by whoever
may act."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from receiving import SECRET, House, house, sample, settled, signed
from showing import ACTING, LOOKING, seal_of, served
from structlog.testing import capture_logs

from operators.app import build_app
from schemas.config import Config, Operators, Secret

pytestmark = pytest.mark.both_stores

ROTATED, FORGER = "whsec_what_the_provider_signs_with_now", "whsec_of_nobody_whom_anybody_knows"
PATH, FORM = "/api/v1/sources/phaseo/reverify", "/act/reverify/phaseo"


def mended(config: Config) -> Config:
    """The provider's new secret stands beside the old one, and there are tokens."""
    source = config.sources["phaseo"]
    both = source.model_copy(update={"webhook_secrets": (Secret(SECRET), Secret(ROTATED))})
    operators = Operators(port=0, token=Secret(ACTING), read_token=Secret(LOOKING))
    return config.model_copy(update={"operators": operators, "sources": {**config.sources, "phaseo": both}})


@asynccontextmanager
async def refused(folder: Path) -> AsyncIterator[tuple[House, httpx.AsyncClient]]:
    """Two deliveries that were signed with the new secret, and a forgery: all of them refused, and kept."""
    async with house(folder) as here:
        for job, secret in (("b1", ROTATED), ("b2", ROTATED), ("forged", FORGER)):
            assert (await here.send(signed(here.clock(), sample(job), secret=secret))).status == 401
        await settled(here)
        config = mended(here.config)
        async with (
            served(build_app(lambda: config, here.store, here.clock)) as url,
            httpx.AsyncClient(base_url=url, trust_env=False, timeout=30) as client,
        ):
            yield here, client


async def post(client: httpx.AsyncClient, key: str, token: str = ACTING, **body: Any) -> httpx.Response:
    headers = {"authorization": f"Bearer {token}", "idempotency-key": key}
    return await client.post(PATH, headers=headers, json={"reason": "the secret was rotated", **body})


def taken_in(here: House) -> list[str]:
    sql = "SELECT job_id FROM receipts JOIN deliveries ON deliveries.id = delivery_id ORDER BY receipts.id"
    return [job for (job,) in here.rows(sql)]


def test_by_the_api(tmp_path: Path) -> None:
    """What is authentic is taken in, in order and once, and the log tells who asked; the same request again is answered the
    same, under another key nothing is left to take in, and a dry run only says."""

    async def flow() -> None:
        async with refused(tmp_path) as (here, client):
            with capture_logs() as logged:
                dry = (await post(client, "k-0", dry_run=True)).json()
                assert (dry["authentic"], dry["taken_in"], taken_in(here)) == (2, 0, [])
                first, again = await post(client, "k-1"), await post(client, "k-1")
                other, reused = await post(client, "k-2"), await post(client, "k-1", since="1h")

            assert (first.status_code, first.json()["taken_in"]) == (200, 2)
            assert first.json()["stay_refused"] == {"signature_wrong": 1}
            assert (again.json(), again.headers["idempotency-replayed"]) == (first.json(), "true")
            assert (other.json()["looked_at"], other.json()["taken_in"], reused.status_code) == (1, 0, 422)
            assert taken_in(here) == ["b1", "b2"]
            told = [line for line in logged if line["event"] == "action_asked"]
            assert [(line["verb"], line["face"], line["source"], line["taken_in"]) for line in told] == [
                ("reverify", "api", "phaseo", "2"),
                ("reverify", "api", "phaseo", "0"),
            ]
            assert {line["reason"] for line in told} == {"the secret was rotated"}
            # The second one found nothing to take in.
            assert here.rows("SELECT source, face, reason, taken_in FROM reverifications") == [
                ("phaseo", "api", "the secret was rotated", 2)
            ]

    asyncio.run(flow())


def test_at_the_same_time(tmp_path: Path) -> None:
    """Sent many times at once, everything is taken in once."""

    async def flow() -> None:
        async with refused(tmp_path) as (here, client):
            answers = await asyncio.gather(*(post(client, f"k-{number % 3}") for number in range(9)))

            assert {answer.status_code for answer in answers} == {200}
            assert taken_in(here) == ["b1", "b2"]

    asyncio.run(flow())


def test_by_the_dashboard(tmp_path: Path) -> None:
    """The form first says what would be taken in, wants a reason, does it once and says so again, and is of its session alone."""

    async def flow() -> None:
        async with refused(tmp_path) as (here, client):
            await client.post("/signin", data={"token": ACTING})
            refusal = next(row for row in here.rows("SELECT id FROM refusals ORDER BY id"))
            assert refusal
            fields = await seal_of(client, FORM)
            looked = await client.post(FORM, data={**fields, "look": "yes"})
            without = await client.post(FORM, data={**fields, "reason": " "})
            wrong = await client.post(FORM, data={**fields, "reason": "mended", "since": "soon"})
            odd = await client.post(FORM, data={**fields, "reason": "mended", "clock_ahead": "nan"})
            sealless = await client.post(FORM, data={"once": "1", "reason": "mended"})
            assert taken_in(here) == []
            done = await client.post(FORM, data={**fields, "reason": "mended"})
            again = await client.post(FORM, data={**fields, "reason": "mended"})

            assert (looked.status_code, "2 of 3 would be taken in." in looked.text) == (200, True)
            assert "Verify all of phaseo that was refused once more?" in looked.text
            card, _, below = looked.text.partition("</form>\n</div>")
            assert "the 2 secrets of phaseo signed it" in below  # at full width, and not within the form
            assert "would be taken in" in card
            assert [one.status_code for one in (without, wrong, odd, sealless)] == [400, 400, 400, 403]
            assert "give a reason" in without.text
            assert (done.status_code, "2 of 3 were taken in." in done.text) == (200, True)
            assert "1 stays refused: signature_wrong." in done.text
            assert (again.status_code, "2 of 3 were taken in." in again.text) == (200, True)
            assert taken_in(here) == ["b1", "b2"]

    asyncio.run(flow())


def test_whoever_only_looks(tmp_path: Path) -> None:
    """Is refused by either face, and nothing offers it."""

    async def flow() -> None:
        async with refused(tmp_path) as (here, client):
            assert (await post(client, "k", LOOKING)).status_code == 403
            await client.post("/signin", data={"token": LOOKING})
            fields = {**await seal_of(client, "/jobs"), "once": "1", "reason": "why not"}
            pages = [(await client.get(path)).text for path in ("/sources/phaseo", "/refusals")]

            assert (await client.get(FORM)).status_code == 409
            assert (await client.post(FORM, data=fields)).status_code == 403
            assert not any("/act/" in page for page in pages)
            assert taken_in(here) == []

    asyncio.run(flow())
