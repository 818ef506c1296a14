"""Rows of the threat model that show only when a delivery is judged: what is authentic, and strange all the same."""

import asyncio
from collections.abc import Sequence
from typing import Any

from service import Asked, Provider, Service, batch, event, said, service, until
from sqlalchemy import text


async def judged(running: Service, count: int) -> list[dict[str, Any]]:
    """All deliveries, once there are so many and each has a verdict."""

    async def all_judged() -> list[dict[str, Any]]:
        rows = await running.deliveries()
        return rows if len(rows) == count and all(row["verdict"] for row in rows) else []

    found: list[dict[str, Any]] = await until(all_judged, f"{count} deliveries to be judged")
    return found


def kept_without_effect(*bodies: bytes) -> None:
    """Each of these bodies about a job that is running is acknowledged, judged unreadable, and moves or asks nothing."""

    async def flow() -> None:
        knobs = {"poll_seconds": 30, "poll_cap_seconds": 60}
        async with (
            Provider(lambda asked: said(batch(asked.job_id))).listening() as provider,
            service(provider.base_url, knobs) as running,
        ):
            await running.track("batch_a")
            await running.reaches("batch_a", "running")
            questions = len(provider.asked)
            for body in bodies:
                assert (await running.deliver(body)).status_code in (200, 202)
            rows = await judged(running, len(await running.deliveries()))
            view = await running.view("batch_a")

            assert {row["verdict"] for row in rows} == {"unreadable"}
            assert (view["status"], view["reported"]["status"], view["revision"]) == ("running", None, 0)
            assert len(provider.asked) == questions

    asyncio.run(flow())


def inside(member: bytes) -> bytes:
    """A readable body about the job's end, with one more member in its data."""
    return event("batch_a", "completed").replace(b'"object"', member + b',"object"')


def test_threat_35_deep_bodies_are_unreadable_to_the_judge() -> None:
    """Deeper than 64, wherever in the body: the end that it tells of counts for nothing."""
    kept_without_effect(inside(b'"x":' + b"[" * 63 + b"]" * 63), inside(b'"x":' + b'{"y":' * 500 + b"1" + b"}" * 500))


def test_threat_36_numbers_that_readers_disagree_about_are_unreadable_to_the_judge() -> None:
    """More than twenty digits, or beyond a float, or no number at all: the end that the body tells of counts for nothing."""
    kept_without_effect(
        *(inside(b'"x":' + number) for number in (b"1" * 21, b"-" + b"9" * 400, b"1e999", b"0." + b"1" * 30))
    )


def test_threat_37_doubled_members_are_unreadable_to_the_judge() -> None:
    """A member that stands twice, at any depth: whichever of the two another reader would take, neither counts."""
    kept_without_effect(
        inside(b'"status":"failed"'), inside(b'"x":{"y":1,"y":1}'), event("batch_a", "completed")[:-1] + b',"type":"x"}'
    )


def test_threat_41_an_unknown_status_is_no_end() -> None:
    """A word that nobody knows is kept as it was told, ends nothing, and makes us ask."""

    async def flow() -> None:
        knobs = {"poll_seconds": 30, "poll_cap_seconds": 60}
        async with (
            Provider(lambda asked: said(batch(asked.job_id))).listening() as provider,
            service(provider.base_url, knobs) as running,
        ):
            await running.track("batch_a")
            await running.reaches("batch_a", "running")
            questions = len(provider.asked)
            await running.deliver(event("batch_a", "vanished", "teleported"))

            async def asked_again() -> bool:
                return len(provider.asked) > questions

            await until(asked_again, "to be asked about at once")
            (row,) = await judged(running, 1)
            assert (row["verdict"], row["delivery_key"]) == ("disagrees", "batch.teleported")
            assert (await running.view("batch_a"))["status"] == "running"

    asyncio.run(flow())


def test_threat_69_progress_that_shrinks_decides_nothing() -> None:
    """A hundred per cent is no end, and forty after it no way back: both are shown as reported."""

    async def flow() -> None:
        async with (
            Provider(lambda asked: said(batch(asked.job_id))).listening() as provider,
            service(provider.base_url) as running,
        ):
            await running.track("batch_a")
            await running.reaches("batch_a", "running")
            for progress in (100, 40):
                await running.deliver(event("batch_a", "in_progress", f"progress:{progress}", progress=progress))
                view = await running.shows(
                    "batch_a", lambda view, told=progress: view["reported"]["progress"] == told, f"{progress} reported"
                )
                assert (view["status"], view["revision"]) == ("running", 0)
            assert {row["verdict"] for row in await judged(running, 2)} == {"agrees"}

    asyncio.run(flow())


def test_threat_72_a_flood_of_new_jobs_is_adopted_up_to_a_limit() -> None:
    """Whoever has the secret can make us keep deliveries, but not ask about more open jobs than `adopt_limit`."""

    async def flow() -> None:
        async with (
            Provider(lambda asked: said(batch(asked.job_id))).listening() as provider,
            service(provider.base_url, more={"adopt_limit": 3}) as running,
        ):
            for number in range(12):
                await running.deliver(event(f"batch_{number}", "in_progress", "created"))
            await judged(running, 12)
            known = [f"batch_{number}" for number in range(12) if await running.row(f"batch_{number}")]
            for job in known:
                await running.reaches(job, "running")

            assert len(known) == 3
            assert _asked_about(provider.asked) == set(known)

    asyncio.run(flow())


def test_threat_72_what_is_counted_has_a_name_of_ours() -> None:
    """Whatever events, kinds and sources a request names, the counters' names are those of our own list."""

    async def flow() -> None:
        async with (
            Provider(lambda asked: said(batch(asked.job_id))).listening() as provider,
            service(provider.base_url, more={"adopt": "none"}) as running,
        ):
            for number in range(5):
                body = event("batch_a", "completed", f"evil_{number}").replace(b'"batch",', b'"evil_%d",' % number)
                await running.deliver(body)
                url = f"{running.receiver_url}/webhooks/evil_{number}"
                await running.client.post(url, content=body, headers={"x-evil": "1"})
            await judged(running, 5)
            async with running.store.reading() as connection:
                rows = (await connection.execute(text("SELECT source, what FROM tallies"))).all()

            assert {"refused.unknown_source"} <= {what for _, what in rows}
            assert not any("evil" in source + what for source, what in rows)

    asyncio.run(flow())


def _asked_about(asked: Sequence[Asked]) -> set[str]:
    return {one.job_id for one in asked if one.job_id}
