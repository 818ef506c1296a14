"""One life of a database: made, killed at again and again under load, brought to rest, and looked through."""

import asyncio
import random
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from json import loads

from . import checks, logs, work_checks
from .checks import Found
from .downstream import Downstream
from .load import Load
from .place import Place
from .plan import MIGRATION, RANDOM, SUBMISSION, Kill
from .processes import Fleet, Role
from .standin import StandIn
from .stores import Database
from .submitting import Submitter
from .tally import Row, Tally, Watermark

REACH_SECONDS = 30.0  # until a point is reached; then it counts as missed
SHARED_REACH_SECONDS = 10.0  # the same, where another process may be the one that comes by
REST_SECONDS = 90.0  # until all is as it should be once nobody kills any more
BATCH_EVERY_SECONDS = 1.0
BATCHES_AT_MOST = 300
LONGEST_LIFE_SECONDS = 1.2  # of a process that is killed at random, once it answers
SUBMIT_SHARE = 0.01  # of the moments in which nothing is submitted, ten a second


@dataclass(frozen=True)
class World:
    """The service of one life, and those whom it deals with."""

    place: Place
    database: Database
    fleet: Fleet
    load: Load
    stand_in: StandIn
    downstream: Downstream
    submitter: Submitter


class Life:
    """What runs, and what is remembered. `chance` decides all that is random."""

    def __init__(self, world: World, tally: Tally, chance: random.Random) -> None:
        self._world, self._tally, self._chance = world, tally, chance
        self._place, self._database, self._fleet = world.place, world.database, world.fleet
        self._load, self._stand_in, self._submitter = world.load, world.stand_in, world.submitter
        self._fences: dict[str, int] = {}
        self._marks = Watermark()
        self._cancels: list[str] = []  # ids of the actions that were taken in
        self._wants_cancels = self._wants_submissions = False
        self._waiting = Found()

    async def live(self, kills: tuple[Kill, ...]) -> None:
        """From the first migration to the last check."""
        await self._make([kill for kill in kills if kill.point in MIGRATION])
        async with self._load.sending():
            async with self._batches(), self._cancelling(), self._submitting():
                for kill in kills:
                    if kill.point not in MIGRATION:
                        await self._cycle(kill)
                self._restarted(kills[-1].point, await self._fleet.start_missing())
            await self._rest()
        self._tally.rows[kills[-1].point] += self._marks.since(self._load.memory)
        self._note(kills[-1].point, await self._last_checks())

    async def _make(self, kills: list[Kill]) -> None:
        """The tables, after as many attempts as are to be killed."""
        processes = self._fleet.processes
        for kill in kills:
            code = await processes.run(self._chance.choice(("migrate", "up")), crash_at=str(kill))
            found = await checks.made_whole_or_not_at_all(self._database)
            found.holds("I12", code == -signal.SIGKILL, f"{kill}: a migration ended with {code}")
            self._tally.rows[kill.point] += Row(kills=1, restarts=1)
            self._note(kill.point, found)
        if await processes.run("migrate"):
            raise RuntimeError(f"the tables could not be made: see {self._place.home}")

    async def _cycle(self, kill: Kill) -> None:
        """Start what is missing, kill, and look whether that lost or doubled anything."""
        if kill.point == RANDOM:
            await self._kill_at_random()
        elif kill.point == SUBMISSION:
            await self._kill_the_submitting(kill)
        else:
            await self._kill_at(kill)
        self._tally.rows[kill.point] += self._marks.since(self._load.memory)
        found = await self._quick_checks()
        for end in self._fleet.fallen():
            found.holds("log", False, end)
        self._note(kill.point, found)

    async def _kill_at(self, kill: Kill) -> None:
        able = [role for role in self._fleet.roles if role.passes(kill.point)]
        role = self._chance.choice(able)
        await self._kill_now([role])  # it makes room for one that will die where it is told
        self._wants_cancels, self._wants_submissions = kill.point.startswith("C"), kill.point.startswith("S")
        await self._fleet.start(role, str(kill))
        self._restarted(kill.point, 1 + await self._fleet.start_missing())
        died = await self._fleet.killed_itself(role, REACH_SECONDS if able == [role] else SHARED_REACH_SECONDS)
        if not died and role.name in self._fleet.running and able != [role]:
            # Another one has the lease under which that point is reached.
            await self._kill_now([one for one in able if one != role])
            died = await self._fleet.killed_itself(role, REACH_SECONDS)
        if died:
            self._tally.rows[kill.point] += Row(kills=1)
        else:
            self._tally.missed.append(f"{kill} ({role.name})")
            if role.name in self._fleet.running:
                await self._fleet.kill(role)
        self._wants_cancels = self._wants_submissions = False

    async def _kill_now(self, roles: Sequence[Role]) -> None:
        """At random, in effect."""
        dying = [role for role in roles if role.name in self._fleet.running]
        await asyncio.gather(*(self._fleet.kill(role) for role in dying))
        self._tally.rows[RANDOM] += Row(kills=len(dying))

    async def _kill_the_submitting(self, kill: Kill) -> None:
        """The command dies, and the service goes on with what it has stored."""
        self._restarted(kill.point, await self._fleet.start_missing())
        if await self._submitter.submit_and_die():
            self._tally.rows[kill.point] += Row(kills=1)

    async def _kill_at_random(self) -> None:
        """One process or all, some time after the first answer, or while they start."""
        self._restarted(RANDOM, await self._fleet.start_missing())
        if self._chance.random() < 0.75:
            async with asyncio.timeout(REACH_SECONDS):
                await self._load.answers(1)
        await asyncio.sleep(self._chance.uniform(0, LONGEST_LIFE_SECONDS))
        running = [role for role in self._fleet.roles if role.name in self._fleet.running]
        await self._kill_now(running if self._chance.random() < 0.4 else [self._chance.choice(running)])

    async def _quick_checks(self) -> Found:
        memory = self._load.memory
        found = await checks.acknowledged_is_stored(self._database, memory)
        found += await checks.recorded_once(self._database, memory)
        found += await checks.open_jobs_are_due(self._database)
        found += await checks.fences_rise(self._database, self._fences)
        found += await work_checks.submissions_are_whole(self._database, self._submitter.stored)
        found += await work_checks.outputs_are_whole(self._database, self._place.data)
        return found

    async def _rest(self) -> None:
        """Wait until everything that was sent is acknowledged, judged and carried through, and every batch ended."""
        try:
            async with asyncio.timeout(REST_SECONDS):
                await self._load.finish()
        except TimeoutError:
            self._note(RANDOM, Found(breaches={"I9": [f"not all was acknowledged within {REST_SECONDS:g} s of calm"]}))
        await _comes_true(self._is_at_rest, REST_SECONDS)  # if it does not, the last checks say what is missing
        self._note(RANDOM, Found(breaches={"log": await self._fleet.stop()}))

    async def _is_at_rest(self) -> bool:
        truth = await self._stand_in.truth()
        # What has ended is read first: an end that is seen between the two readings would be taken for one handed on.
        ended = await checks.ended_as_in_truth(self._database, truth)
        waiting = await checks.nothing_waits(self._database, self._cancels)
        waiting += await work_checks.work_is_done(self._database)
        self._waiting = waiting
        if not all(batch["done"] for batch in truth.values()):
            return False
        return not any(waiting.breaches.values()) and not any(ended.breaches.values())

    async def _last_checks(self) -> Found:
        """All invariants, with every process gone."""
        memory, truth = self._load.memory, await self._stand_in.truth()
        found = await self._quick_checks()
        found += await checks.nothing_forged(self._database, memory)
        found += await checks.ended_as_in_truth(self._database, truth)
        found += await checks.ends_are_final(self._database)
        found += await checks.accounts_agree(self._database, truth)
        found += self._waiting  # as it was at rest: the sandbox may have sent one more webhook since
        found += await checks.cancels_are_told(self._database)
        found += await work_checks.submitted_once(self._database, truth, await self._stand_in.made_of())
        found += await work_checks.nothing_else_is_there(self._database, self._place.data)
        found += await work_checks.handed_on_under_one_id(self._database, self._world.downstream.told)
        found += await checks.undamaged(self._database)
        found += logs.read(self._fleet.processes.logs("up", "receive", "reconcile"))
        for invariant, complaints in memory.complaints.items():
            found.breaches[invariant] += complaints
        found.breaches["submit"] += self._submitter.complaints
        found.counts["I9"] += len(memory.acknowledged)
        found.counts["cancels"] += len(self._cancels)
        found.counts["unanswered"] += memory.unanswered
        return found

    def _note(self, point: str, found: Found) -> None:
        self._tally.note(found, point)

    def _restarted(self, point: str, count: int) -> None:
        self._tally.rows[point] += Row(restarts=count)

    @asynccontextmanager
    async def _batches(self) -> AsyncIterator[None]:
        """A new batch now and then."""

        async def work() -> None:
            for _ in range(BATCHES_AT_MOST):
                self._load.announce(await self._stand_in.create())
                await asyncio.sleep(BATCH_EVERY_SECONDS)

        async with _beside(work):
            yield

    @asynccontextmanager
    async def _cancelling(self) -> AsyncIterator[None]:
        """`batchkeeper cancel`, as an operator types it: often where a cancel's points are waited for, else now and then."""

        async def work() -> None:
            while True:
                await asyncio.sleep(0.1)
                if self._wants_cancels or self._chance.random() < 0.01:
                    await self._cancel_one()

        async with _beside(work):
            yield

    @asynccontextmanager
    async def _submitting(self) -> AsyncIterator[None]:
        """`batchkeeper submit`: killed once it has stored, where the service is to die while it goes on with that; else now and
        then, and left to its work. The last command is waited for."""
        is_over = asyncio.Event()

        async def work() -> None:
            while not is_over.is_set():
                if self._wants_submissions:
                    await self._submitter.submit_and_die()
                elif self._chance.random() < SUBMIT_SHARE:
                    await self._submitter.submit()
                await asyncio.sleep(0.1)

        async with _beside(work, is_over):
            yield

    async def _cancel_one(self) -> None:
        open_jobs = await self._database.rows(
            "SELECT job_id FROM jobs WHERE status IN ('unknown', 'pending', 'running') "
            "AND NOT EXISTS (SELECT 1 FROM actions WHERE actions.job = jobs.id)"
        )
        if not open_jobs:
            return
        job = self._chance.choice(open_jobs)[0]
        code, told = await self._fleet.processes.read("cancel", job, "--reason", "crash test", "--json")
        if code == 0:
            self._cancels.append(loads(told)["id"])
        elif code != 1:  # 1: the job has ended meanwhile
            self._note(RANDOM, Found(breaches={"I9": [f"batchkeeper cancel {job} ended with {code}"]}))


@asynccontextmanager
async def _beside(work: Callable[[], Awaitable[None]], is_over: asyncio.Event | None = None) -> AsyncIterator[None]:
    """Something that is done meanwhile. When it breaks, so does the block's end. It is broken off, unless it ends by itself once
    it `is_over` for a block that came to its end."""

    async def done() -> None:
        await work()

    task = asyncio.create_task(done())
    try:
        yield
        if is_over is not None:
            is_over.set()
            await asyncio.wait([task])
    finally:
        task.cancel()
        (outcome,) = await asyncio.gather(task, return_exceptions=True)
    if isinstance(outcome, Exception):
        raise outcome


async def _comes_true(holds: Callable[[], Awaitable[bool]], seconds: float) -> bool:
    """Ask four times a second whether something holds, for so long."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while not await holds():
        if loop.time() > end:
            return False
        await asyncio.sleep(0.25)
    return True
