"""The crash runner's command line. Ends with 1 on any breach."""

import argparse
import asyncio
import os
import platform
import random
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from .plan import COUNTS, all_points
from .postgresql import postgresql
from .report import is_good, report
from .run import Options, run
from .stores import Missing, SQLite, Store
from .tally import Tally

SHAPES = {"up": ("up",), "split": ("split",), "many": ("many",), "all": ("up", "split", "many")}


def main() -> int:
    chosen = _arguments()
    options = Options(
        seed=chosen.seed,
        kills=chosen.kills,
        shapes=SHAPES[chosen.processes],
        points=chosen.points,
        counts=tuple(range(1, chosen.counts + 1)),
        side_by_side=chosen.lives,
    )
    print(f"seed {options.seed}; {platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    try:
        return 0 if _run_all(chosen, options) else 1
    except (KeyboardInterrupt, asyncio.CancelledError):
        print("told to stop: nothing was left behind")
        return 130


def _run_all(chosen: argparse.Namespace, options: Options) -> bool:
    good = True
    for name in ("sqlite", "postgresql") if chosen.store == "both" else (chosen.store,):
        try:
            with _store(name) as store:
                shapes = tuple(shape for shape in options.shapes if shape != "many" or store.takes_many)
                tally = asyncio.run(_until_told_to_stop(store, replace(options, shapes=shapes)))
        except Missing as missing:
            print(f"{name} WAS NOT TRIED: {missing}")
            good = good and chosen.store == "both"
            continue
        print(f"\n{report(tally, options.points)}\n", flush=True)
        good = good and is_good(tally, options.points)
    return good


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make crash CRASH='...'", description=__doc__)
    parser.add_argument("--store", choices=("sqlite", "postgresql", "both"), default="both")
    forms = "up: one process; split: receiver and reconciler; many: two of each, where the store takes them"
    parser.add_argument("--processes", choices=tuple(SHAPES), default="all", help=forms)
    parser.add_argument("--kills", type=int, default=240, help="in all, on each store; what is systematic comes first")
    parser.add_argument("--points", type=_points, default=all_points(), metavar="R5,A2", help="default: all")
    parser.add_argument("--counts", type=int, default=len(COUNTS), help="kill at the 1st to this time of each point")
    parser.add_argument("--lives", type=int, default=2, help="databases side by side")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    return parser.parse_args()


def _points(text: str) -> list[str]:
    wanted = [point for point in text.split(",") if point]
    strange = sorted(set(wanted) - set(all_points()))
    if strange:
        raise argparse.ArgumentTypeError(f"no such points: {', '.join(strange)}; there are {', '.join(all_points())}")
    return wanted


@contextmanager
def _store(name: str) -> Iterator[Store]:
    with ExitStack() as stack:
        yield SQLite() if name == "sqlite" else stack.enter_context(postgresql())


async def _until_told_to_stop(store: Store, options: Options) -> Tally:
    """Run; SIGTERM cleans up as Ctrl-C does."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await run(store, options, lambda line: print(line, flush=True))


if __name__ == "__main__":
    sys.exit(main())
