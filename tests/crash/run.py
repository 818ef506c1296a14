"""A run: its lives on one store, some of them side by side, and what they counted together."""

import asyncio
import random
import shutil
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from .downstream import Downstream
from .life import Life, World
from .load import Load
from .place import Place, free_ports
from .plan import COUNTS, LifePlan, all_points, plan
from .processes import Fleet, Processes, fleet_of
from .standin import StandIn
from .stores import Store
from .submitting import Submitter
from .tally import Tally

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Options:
    """What is asked for. `kills` is for each store."""

    seed: int
    kills: int = 0
    shapes: Sequence[str] = ("up",)
    points: Sequence[str] = field(default_factory=all_points)
    counts: Sequence[int] = COUNTS
    side_by_side: int = 1


async def run(store: Store, options: Options, tell: Tell) -> Tally:
    """Live through all that was planned. Nothing stays but the folders of lives that failed."""
    began, tally = time.monotonic(), Tally(store.name)
    lives = plan(options.shapes, options.kills, options.points, options.counts, random.Random(options.seed))
    tell(f"{store.name}: {sum(len(life.kills) for life in lives)} kills planned in {len(lives)} lives")
    turnstile = asyncio.Semaphore(options.side_by_side)

    async def one(life: LifePlan) -> None:
        async with turnstile:
            await _live(store, life, options.seed, tally, tell)

    async with asyncio.TaskGroup() as tasks:
        for life in lives:
            tasks.create_task(one(life))
    tally.seconds = time.monotonic() - began
    return tally


async def _live(store: Store, life: LifePlan, seed: int, tally: Tally, tell: Tell) -> None:
    home = Path(tempfile.mkdtemp(prefix="batchkeeper-crash-"))
    own, began = Tally(store.name), time.monotonic()
    try:
        await _live_in(home, store, life, random.Random(f"{seed}:{life.number}"), own)
    except Exception as error:  # the others go on, and this one is told of
        (home / "runner.log").write_text(traceback.format_exc())
        own.found.breaches["runner"].append(f"life {life.number} broke: {type(error).__name__}: {error}")
    finally:
        if not own.breaches:
            shutil.rmtree(home, ignore_errors=True)
    tally.take(own)
    kept = f"; kept in {home}" if own.breaches else ""
    tell(
        f"{store.name}: life {life.number} ({life.shape}): {own.kills} kills in {time.monotonic() - began:.0f} s, "
        f"{sum(map(len, own.breaches.values()))} breaches{kept}"
    )
    if own.breaches:
        tally.kept.append(str(home))
        for name, what in own.breaches.items():
            tell(f"  {name}: {what[0][:300]}")


async def _live_in(home: Path, store: Store, life: LifePlan, chance: random.Random, tally: Tally) -> None:
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(store.fresh(home))
        first, second, sandbox = free_ports(3)
        downstream = await stack.enter_async_context(Downstream(chance).listening())
        place = Place(home, database.url, (first, second), sandbox, downstream.port)
        place.prepare()
        processes = Processes(place)
        stack.push_async_callback(processes.kill_all)
        roles = fleet_of(life.shape, place)
        client = await stack.enter_async_context(httpx.AsyncClient(trust_env=False, timeout=20))
        stand_in = StandIn(place, client)
        await stand_in.start(processes)
        load = Load(tuple(role.port for role in roles if role.port is not None), chance)
        world = World(place, database, Fleet(processes, roles), load, stand_in, downstream, Submitter(place, processes))
        await Life(world, tally, chance).live(life.kills)
