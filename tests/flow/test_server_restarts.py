"""F17: PostgreSQL goes away in mid-load and comes back, again and again: nothing that was acknowledged is lost."""

import asyncio
import itertools
from collections import Counter
from typing import Any

import pytest
from postgresql_server import Server
from service import Service, signed, stage, until
from service import event as webhook
from stores import DATABASE, migrate

pytestmark = pytest.mark.postgresql

SENDERS = 6
RESTARTS = ("immediate", "fast", "immediate")


class Load:
    """Senders that send what is not acknowledged again, as a provider would, and remember every answer."""

    def __init__(self, running: Service) -> None:
        self._running = running
        self._numbers = itertools.count()
        self.acknowledged: list[str] = []
        self.answers: Counter[int] = Counter()
        self.stopped = asyncio.Event()

    async def send_for_ever(self) -> None:
        while not self.stopped.is_set():
            job = f"batch_load_{next(self._numbers)}"
            body = webhook(job, "in_progress", "progress:50")
            good = {202}
            while (status := await self._send(body)) not in good and not self.stopped.is_set():
                assert status in (503, 504), status
                good.add(200)  # the server may have gone with its answer to a commit that it had carried out
                await asyncio.sleep(0.05)
            if status in good:
                self.acknowledged.append(job)

    async def _send(self, body: bytes) -> int:
        url = f"{self._running.receiver_url}/webhooks/gateway"
        answer = await self._running.client.post(url, content=body, headers=signed(body))
        self.answers[answer.status_code] += 1
        return answer.status_code


def test_restarts_in_mid_load(own_postgresql: Server) -> None:
    """
    While the server is away senders are told 503; then all goes on by itself, and every job ends. What is sent once more may be
    known already.
    """

    async def flow(url: str) -> None:
        async with stage(more={"adopt": "none"}, speed=150, errors_expected=True) as on:
            jobs = [await on.watched(word) for word in ("", "webhook_lost", "fails", "rows_fail")]
            load = Load(on.service)
            async with asyncio.TaskGroup() as tasks:
                for _ in range(SENDERS):
                    tasks.create_task(load.send_for_ever())
                for mode in RESTARTS:
                    before = len(load.acknowledged)

                    async def goes_on(before: int = before) -> bool:
                        return len(load.acknowledged) > before + 50

                    await until(goes_on, "deliveries to be acknowledged again")
                    await asyncio.to_thread(own_postgresql.restart, mode)
                await until(goes_on, "deliveries to be acknowledged again")
                load.stopped.set()
            await on.service.settles(*jobs)
            truth = await on.truth()
            for job in jobs:
                row = await on.service.row(job)
                assert row is not None
                assert row.status == truth[job]["status"]
        stored: Counter[Any] = Counter(job for (job,) in own_postgresql.do(url, "SELECT job_id FROM deliveries"))
        assert [job for job in load.acknowledged if stored[job] != 1] == []
        assert set(load.answers) <= {200, 202, 503}

    with own_postgresql.database() as url:
        migrate(url)
        token = DATABASE.set(url)
        try:
            asyncio.run(flow(url))
        finally:
            DATABASE.reset(token)
