"""
What asking well is worth: requests per job and time to truth, beside pollers that ask at fixed intervals, as webhooks get lost.

    python -m benchmarks.simulate [--jobs 200] [--seed 1] [--loss 0 10 50 100] [--intervals 30 60 300]

Hours of job life pass in virtual time: the event loop's clock jumps to the next timer when nothing is left to do, so that no
number depends on the machine, and the same seed gives the same table.

Real: the receiver's application (signatures, intake), the ledger, the store (SQLite), the judge and every other round of the
reconciler with its client, its pace, list and sweep, all at their defaults but for the length of the lease.
Modelled: the provider and its jobs (`lives`, `provider`), the network (a fifth of a second per question, webhooks one to eight
seconds late or lost for good), and time. Left out: looks for what other processes have written, as there are none.
"""

import argparse
import logging
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import structlog

from benchmarks import lives, poller, service, virtual
from benchmarks.known import Known
from benchmarks.lives import Life
from benchmarks.provider import Provider

PROCESSES = 2
SOON = 10.0  # seconds


@dataclass(frozen=True)
class Run:
    """One contender at one loss rate. Questions per job; times in seconds from a job's end to our knowing."""

    contender: str
    loss: float
    status: float  # about jobs that were open as far as it knew
    lists: float
    other: float  # the provider's account of an ended job's webhooks, and its files
    lags: tuple[float, ...]  # from the shortest to the longest
    wrong: int  # jobs that did not reach their true end
    peak: int

    @property
    def to_know(self) -> float:
        """Questions per job that it takes to know the end. A fixed poller asks no others."""
        return self.status + self.lists

    @property
    def mean(self) -> float:
        return sum(self.lags) / len(self.lags)

    @property
    def soon(self) -> float:
        return sum(lag <= SOON for lag in self.lags) / len(self.lags)

    def percentile(self, share: float) -> float:
        return self.lags[min(len(self.lags) - 1, int(len(self.lags) * share))]


def fixed(jobs: int, seed: int, interval: float) -> Run:
    """The fixed-interval poller, which no loss concerns."""
    drawn, provider = _begin(jobs, 1.0, seed)
    known = virtual.run(poller.poll(provider, drawn, interval))
    return _run(f"every {interval:g} s", drawn, provider, known)


def ours(jobs: int, seed: int, loss: float) -> Run:
    """batchkeeper, with such a share of the webhooks lost."""
    drawn, provider = _begin(jobs, loss, seed)
    known = virtual.run(service.keep(provider, drawn, seed))
    return _run("batchkeeper", drawn, provider, known)


def same_cost(drawn: Sequence[Life], questions: float) -> float:
    """The interval at which a fixed poller asks as often per job, in seconds."""
    shortest, longest = 1.0, max(life.length for life in drawn)
    for _ in range(40):
        middle = (shortest + longest) / 2
        asked = sum(-(-life.length // middle) for life in drawn) / len(drawn)
        shortest, longest = (middle, longest) if asked > questions else (shortest, middle)
    return longest


def _log_less() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))


def _begin(jobs: int, loss: float, seed: int) -> tuple[list[Life], Provider]:
    drawn = lives.draw(jobs, seed)
    return drawn, Provider(drawn, loss, seed)


def _run(contender: str, drawn: Sequence[Life], provider: Provider, known: Known) -> Run:
    jobs = len(drawn)
    right = [life for life in drawn if known.ends.get(life.job_id) == life.end]
    return Run(
        contender,
        provider.loss,
        provider.count("status") / jobs,
        provider.count("list") / jobs,
        (provider.count("account") + provider.count("file")) / jobs,
        tuple(sorted(known.at[life.job_id] - life.ended_at for life in right)) or (0.0,),
        jobs - len(right),
        provider.peak(),
    )


HEADER = (
    f"{'webhooks lost':<15}{'contender':<14}{'status':>8}{'list':>7}{'other':>7}{'all':>8}   "
    f"{'mean s':>7}{'p50 s':>7}{'p95 s':>7}{'worst':>7}{'<= 10 s':>9}{'peak/min':>10}"
)


def line(lost: str, run: Run) -> str:
    return (
        f"{lost:<15}{run.contender:<14}{run.status:>8.1f}{run.lists:>7.1f}{run.other:>7.1f}"
        f"{run.to_know + run.other:>8.1f}   {run.mean:>7.0f}{run.percentile(0.5):>7.0f}{run.percentile(0.95):>7.0f}"
        f"{run.lags[-1]:>7.0f}{run.soon:>9.0%}{run.peak:>10}"
    )


def conclusion(run: Run, drawn: Sequence[Life], baseline: Run) -> str:
    """What a loss rate comes to, beside one of the intervals and beside the interval that would cost the same."""
    interval = same_cost(drawn, run.to_know)
    return (
        f"{run.loss:.0%} lost: {run.to_know / baseline.to_know:.2f} of the questions of a poller {baseline.contender}, "
        f"{run.mean / baseline.mean:.2f} of its mean time to truth; for as many questions one could ask every "
        f"{interval:.0f} s, and would know after {interval / 2:.0f} s"
    )


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--jobs", type=int, default=200)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--loss", type=float, nargs="+", default=[0, 10, 50, 100], help="per cent")
    options.add_argument("--intervals", type=float, nargs="+", default=[30, 60, 300], help="seconds")
    chosen = options.parse_args()
    with ProcessPoolExecutor(PROCESSES, initializer=_log_less) as pool:
        futures = [
            pool.submit(ours, chosen.jobs, chosen.seed, loss / 100) for loss in sorted(chosen.loss, reverse=True)
        ]
        baselines = [fixed(chosen.jobs, chosen.seed, interval) for interval in chosen.intervals]
        kept = [future.result() for future in reversed(futures)]
    drawn = lives.draw(chosen.jobs, chosen.seed)
    print(
        f"{chosen.jobs} jobs, seed {chosen.seed}; questions per job, and time from a job's end to our knowing\n{HEADER}"
    )
    for run in baselines:
        print(line("any share", run))
    for run in kept:
        print(line(f"{run.loss:.0%}", run))
    print(*(conclusion(run, drawn, baselines[-1]) for run in kept), sep="\n")
    wrong = sum(run.wrong for run in (*baselines, *kept))
    print(f"{wrong} jobs did not reach their true end" if wrong else "every job reached its true end")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
