"""Who tries a source that is in trouble: not always the same one, and an operator at once."""

import asyncio

from service import Asked, Provider, Said, SourceAt, batch, file_of, said, service, until

REFUSED = said({"error": "unauthorised", "reason": "key_expired", "request_id": "G-1", "status_code": 401}, status=401)


def test_a_cancel_that_is_refused_for_the_key_does_not_take_every_try() -> None:
    """While one job's cancel is answered 401 each time, the other jobs are still asked about, and end."""

    async def flow() -> None:
        is_over = False

        def script(asked: Asked) -> Said:
            if asked.target.endswith("/cancel"):
                return REFUSED
            return file_of(asked) or said(batch(asked.job_id, "completed" if is_over else "in_progress"))

        async with (
            Provider(script).listening() as provider,
            service(
                {"gateway": SourceAt(f"{provider.url}/v1")}, {"poll_seconds": 0.1, "poll_cap_seconds": 0.5}
            ) as running,
        ):
            for job in ("one", "two", "three"):
                await running.track(job)
                await running.reaches(job, "running")
            await running.cancel("one")
            await until(lambda: _is_asked(provider, "one/cancel"), "the cancel")
            is_over = True
            for job in ("two", "three", "one"):
                await running.reaches(job, "completed")

    asyncio.run(flow())


def test_an_operators_poll_is_a_try() -> None:
    """When the key has been mended, `poll` need not wait for the circuit's own next try."""

    async def flow() -> None:
        is_refusing = True

        def script(asked: Asked) -> Said:
            return REFUSED if is_refusing else file_of(asked) or said(batch(asked.job_id, "completed"))

        async with (
            Provider(script).listening() as provider,
            service({"gateway": SourceAt(f"{provider.url}/v1")}) as running,
        ):
            await running.track("one")
            await until(lambda: _is_in_trouble(running), "trouble")
            is_refusing = False
            tries = len(provider.asked)
            await running.poll("one")
            await running.reaches("one", "completed")

            assert len(provider.about("one")) == tries + 1

    asyncio.run(flow())


async def _is_asked(provider: Provider, ending: str) -> bool:
    return any(asked.target.endswith(ending) for asked in provider.asked)


async def _is_in_trouble(running: object) -> bool:
    return bool((await running.source())["trouble"])  # type: ignore[attr-defined]
