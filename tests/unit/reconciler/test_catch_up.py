"""Threat F33: after an outage of ours everything is caught up, spread out. Real pace and real budget over a model of the rest."""

from bisect import bisect_left
from collections import deque
from dataclasses import dataclass, field
from random import Random

import pytest
from factories import NOW, PACE, job

from reconciler.budget import Budget
from reconciler.pace import Circumstances, next_ask
from schemas.tables import JobRow
from schemas.times import DAY, HOUR, MINUTE, SECOND

CONCURRENCY, LATENCY = 8, SECOND // 5


@dataclass
class CaughtUp:
    """What a model of the reconciler did: when each question left and about whom, and how many were in flight at most."""

    left: list[tuple[int, int]] = field(default_factory=list)
    most_in_flight: int = 0


def catch_up(rows: list[JobRow], per_minute: int | None, until: int) -> CaughtUp:
    """Ask as the rounds do: wanted first, then by due time, within concurrency and budget. Every answer says "running"."""
    random, budget, done = Random(7), Budget(per_minute), CaughtUp()
    waiting = sorted(rows, key=lambda row: (row.wanted_at is None, row.due_at, row.id))
    flying: deque[tuple[int, JobRow]] = deque()
    now = NOW
    while now < until:
        while flying and flying[0][0] <= now:
            _, row = flying.popleft()
            row.wanted_at, row.asks, row.answered_at = None, row.asks + 1, now
            row.due_at = next_ask(row, Circumstances(), PACE, random.random(), now)
            waiting.insert(
                bisect_left(waiting, (1, row.due_at), key=lambda one: (one.wanted_at is None, one.due_at)), row
            )
        free = budget.left(now, CONCURRENCY - len(flying))
        while free and waiting and (waiting[0].due_at or 0) <= now:
            row = waiting.pop(0)
            budget, free = budget.spend(now), free - 1
            flying.append((now + LATENCY, row))
            done.left.append((now, row.id))
        done.most_in_flight = max(done.most_in_flight, len(flying))
        coming = [flying[0][0]] if flying else []
        if waiting and len(flying) < CONCURRENCY:
            coming.append(max(waiting[0].due_at or 0, budget.next_at(now)))
        now = max(now + 1, min(coming, default=until))
    return done


def left_behind(many: int, away: int) -> list[JobRow]:
    """Running jobs that fell due one after the other within the first quarter of an hour of an outage; some are wanted since."""
    since = NOW - away
    rows = []
    for number in range(many):
        due_at = since + number * 15 * MINUTE // many
        wanted = {"wanted_at": due_at, "wanted_status": "completed"} if number % 20 == 0 else {}
        rows.append(job(id=number, asks=9, answered_at=since - MINUTE, due_at=due_at, **wanted))
    return rows


@pytest.mark.parametrize("away", [22 * MINUTE, 4 * HOUR, 3 * DAY], ids=["22 minutes", "4 hours", "3 days"])
@pytest.mark.parametrize("per_minute", [300, 1_200])
def test_within_the_budget(away: int, per_minute: int) -> None:
    """Two thousand jobs that are due at once are all asked about, in time, wanted ones first, and no minute sees a burst."""
    rows = left_behind(2_000, away)
    wanted = {row.id for row in rows if row.wanted_at is not None}
    enough = NOW + (2_000 // per_minute + 2) * MINUTE
    done = catch_up(rows, per_minute, enough)
    order = list(dict.fromkeys(number for _, number in done.left))
    times = [at for at, _ in done.left]

    assert len(order) == 2_000, "caught up in the time that the budget takes"
    assert set(order[: len(wanted)]) == wanted
    assert order[len(wanted) :] == sorted(set(order) - wanted), "then by how long they have waited"
    assert min((b - a for a, b in zip(times, times[per_minute:], strict=False)), default=MINUTE) >= MINUTE
    assert done.most_in_flight <= CONCURRENCY


def test_without_a_budget() -> None:
    """Without a budget the concurrency is what bounds the catching up."""
    done = catch_up(left_behind(2_000, 3 * DAY), None, NOW + 10 * MINUTE)

    assert done.most_in_flight == CONCURRENCY
    assert len({number for _, number in done.left}) == 2_000


def test_they_do_not_meet_again() -> None:
    """Jobs that were asked about in one burst after an outage fall due apart, and further apart each time."""
    rows = left_behind(2_000, 3 * DAY)
    done = catch_up(rows, None, NOW + 2 * HOUR)
    times = [at for at, _ in done.left]

    def most_in_ten_seconds(since: int) -> int:
        later = [at for at in times if at >= since]
        return max(bisect_left(later, at + 10 * SECOND) - place for place, at in enumerate(later))

    even = len([at for at in times if at >= NOW + HOUR]) / (HOUR / (10 * SECOND))
    assert most_in_ten_seconds(NOW) >= 390, "as the burst was: eight at a time, a fifth of a second each"
    assert most_in_ten_seconds(NOW + HOUR) <= 3 * even, "an hour later not three times what an even spread would have"
