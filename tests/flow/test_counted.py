"""What the reconciler counts of its own work, as the store holds it in the end."""

import asyncio
import time

import pytest
from downstream import ended
from service import Provider, account, event, service

from storage import counting

OF_LAG = {"lag.le.60", "lag.le.300", "lag.le.900", "lag.le.3600", "lag.le.21600", "lag.le.86400", "lag.count"}


@pytest.mark.both_stores
def test_two_ends() -> None:
    """Of two jobs one is announced by a webhook and one found by asking: all that is counted, and who told first, and the lag."""

    async def flow() -> None:
        attempt = {"delivery_key": "batch.completed", "attempt_number": 1, "status": "delivered"}
        script = ended(webhook=account(attempt), completed_at=int(time.time()) + 1)
        async with (
            Provider(script).listening() as provider,
            service(provider.base_url, reconciles=False) as running,
        ):
            await running.deliver(event("batch_told", "completed"))
            await running.track("batch_found")
            await running.reconciler.run_once()
            async with running.store.reading() as connection:
                counted = {what: count for (_, what), count in (await counting.totals(connection)).items()}

            expected = {"asked.poll.ok": 2, "heard.webhook": 1, "heard.poll": 1, "judged.unknown_job": 1}
            expected |= {"attempts.delivered": 2}
            assert counted.items() >= expected.items()
            assert {word: counted.get(word) for word in OF_LAG} == dict.fromkeys(OF_LAG, 2)
            assert not [word for word in counted if word.startswith("asked.poll.") and not word.endswith("ok")]

    asyncio.run(flow())


@pytest.mark.both_stores
def test_what_was_counted_last_is_there_after_a_stop() -> None:
    """Counters are written now and then; what was counted since the last time is written when the reconciler is told to stop."""

    async def flow() -> None:
        async with (
            Provider(ended()).listening() as provider,
            service(provider.base_url, reconciles=False) as running,
        ):
            task = asyncio.create_task(running.reconciler.run())
            for job in ("batch_first", "batch_second"):
                await running.track(job)
                await running.reaches(job, "completed")
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            async with running.store.reading() as connection:
                counted = await counting.totals(connection)

            assert counted["gateway", "asked.poll.ok"] == 2
            assert counted["gateway", "heard.poll"] == 2

    asyncio.run(flow())
