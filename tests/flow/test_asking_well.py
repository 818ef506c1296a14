"""Asking well: one question about several jobs, within a budget, wanted jobs first, and no herd after an outage."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from service import Asked, Provider, Service, SourceAt, batch, event, listed, reconciling, said, service, until
from sqlalchemy import func, select

from operators.clock import now
from schemas.tables import JobRow
from schemas.times import DAY, MINUTE, SECOND
from schemas.words import Origin
from storage import jobs
from storage.rows import fetch, table

RAISES_NONE = {"webhook": "none", "webhook_secrets_env": []}


def hurried(times: int) -> Callable[[], int]:
    """A clock that goes faster than the wall's."""
    start = now()
    return lambda: start + (now() - start) * times


async def every_job(running: Service) -> list[JobRow]:
    rows = table(JobRow)
    async with running.store.reading() as connection:
        return await fetch(connection, JobRow, select(rows).order_by(rows.c.id))


async def track(running: Service, many: int) -> list[str]:
    names = [f"batch_{number}" for number in range(many)]
    for name in names:
        await running.track(name)
    return names


def by_job(provider: Provider) -> Counter[str]:
    return Counter(asked.job_id for asked in provider.asked if asked.job_id)


# --- the list before single polls -------------------------------------------------------------------------------------

SPEED, MANY, TRUST = 20, 10, 90  # a clock so many times as fast, so many jobs, seconds of that clock


def test_the_list_first() -> None:
    """Ten running jobs are kept in sight by a few lists. Each is still asked itself as often as the trust demands, although the
    list shows all of them running for ever, and never put off past its own last answer and the trust.
    """

    async def flow() -> None:
        async with all_running(TRUST) as (provider, running, clock):
            begun, shown = clock(), set()

            async def seen_enough() -> bool:
                for job in await every_job(running):
                    shown.update({job.job_id} if job.progress == 50 else ())
                    assert (job.due_at or 0) <= (job.answered_at or clock()) + TRUST * SECOND
                return (
                    len(provider.lists()) >= 4
                    and len(shown) == MANY
                    and all(asks >= 2 for asks in by_job(provider).values())
                )

            await until(seen_enough, "several lists whose progress is shown, and a second question about each job")
            lasted = (clock() - begun) / SECOND
            rows = await every_job(running)

            assert sum(by_job(provider).values()) <= MANY * (2 + lasted / (0.85 * TRUST))
            assert {job.status for job in rows} == {"running"}

    asyncio.run(flow())


def test_no_list_without_trust() -> None:
    """With a trust of nothing each job is asked about itself, and the list only swept."""

    async def flow() -> None:
        async with all_running(0) as (provider, _, _clock):
            await until(
                lambda: _each(provider, [f"batch_{number}" for number in range(MANY)], 3), "three questions each"
            )

            assert len(provider.lists()) == 1

    asyncio.run(flow())


OTHERS = [batch(f"batch_of_others_{number}", "completed") for number in range(100)]
RUNNING = [batch(f"batch_{number}", request_counts={"total": 4, "completed": 2, "failed": 0}) for number in range(MANY)]
PAGES = {  # what each page shows, and which words the list is asked with before single polls
    "ours among the newest": ({"": [*OTHERS[MANY:], *RUNNING], "in_progress": RUNNING}, [""]),
    "ours not among the newest": ({"": OTHERS, "in_progress": RUNNING}, ["", "pending", "in_progress"]),
}


@pytest.mark.parametrize(("shown", "asked_for"), PAGES.values(), ids=PAGES)
def test_as_many_pages_as_it_takes(shown: dict[str, list[Any]], asked_for: list[str]) -> None:
    """When the page of all is full, the pages of open jobs follow, and none of those that ended; once every job that waits has
    been seen, no page follows. The sweep alone looks through every one.
    """

    def page(asked: Asked) -> bytes:
        return listed(*shown.get(asked.target.partition("&status=")[2], []))

    async def flow() -> None:
        async with all_running(TRUST, page) as (provider, running, _):

            async def seen_enough() -> bool:
                progress = {job.progress for job in await every_job(running)}
                return progress == {50} and words()[""] >= 4 and words()["completed"] >= 1

            def words() -> Counter[str]:
                return Counter(asked.target.partition("&status=")[2] for asked in provider.lists())

            await until(seen_enough, "the progress that only the list shows, and a few lists")
            found = words()

            assert {word: found[word] for word in ("cancelled", "failed", "expired", "completed")} == dict.fromkeys(
                ("cancelled", "failed", "expired", "completed"), 1
            ), "those that ended are asked for by the sweep alone, and it swept once"
            assert {word for word in found if found[word] > 1} == set(asked_for)

    asyncio.run(flow())


def test_a_gateway_without_a_list() -> None:
    """A list that is refused as such is not asked again every minute: not by the sweep, nor before single polls. Jobs are asked
    about one by one, the source is not in trouble, and operators see why there is no list.
    """

    async def flow() -> None:
        no_list = said(b"404 Not Found", 404, content_type="text/plain")
        async with all_running(TRUST, lambda _: no_list) as (provider, running, clock):
            end = clock() + 4 * MINUTE

            async def later() -> bool:
                return clock() > end and all(asks >= 5 for asks in by_job(provider).values())

            await until(later, "minutes to pass, and five questions about each job")
            source = await running.source()

            assert len(provider.lists()) <= 2, "one to sweep it, one before single polls"
            assert (source["trouble"], source["circuit"]) == (None, "closed")
            assert (source["list"]["swept_at"], source["list"]["shows_all"]) == (None, None)
            assert source["list"]["message"].startswith("it cannot be had (request): HTTP 404: 404 Not Found; ")

    asyncio.run(flow())


def _all_listed(_: Asked) -> bytes:
    return listed(*RUNNING)


@asynccontextmanager
async def all_running(
    trust: int, page: Callable[[Asked], bytes] = _all_listed
) -> AsyncIterator[tuple[Provider, Service, Callable[[], int]]]:
    """Ten jobs that run for ever, by their own answers and by the list, under a hurried clock; each known already."""
    clock = hurried(SPEED)
    knobs = {"poll_seconds": 20, "poll_growth": 1, "poll_cap_seconds": 900, "lease_seconds": 3600}
    more = {**RAISES_NONE, "list_trust_seconds": trust, "sweep_seconds": 86_400}

    def script(asked: Asked) -> bytes:
        return page(asked) if asked.is_list else said(batch(asked.job_id))

    async with (
        Provider(script, has_list=True).listening() as provider,
        service(provider.base_url, knobs, more=more, clock=clock, reconciles=False) as running,
    ):
        await track(running, MANY)
        async with reconciling(running.reconciler):
            await until(lambda: _all_known(running), "each job to be known")
            yield provider, running, clock


async def _all_known(running: Service) -> bool:
    return all(job.status == "running" for job in await every_job(running))


BROKEN_LISTS = {
    "refused": said(b"Internal Server Error", 500),
    "no list": said({"object": "list"}),
    "empty": listed(),
    "html": said(b"<html>maintenance</html>"),
    "cut": b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n{",
    "too many": said({"error": {"message": "slow down"}}, 429, retry_after="1"),
}


@pytest.mark.parametrize("answer", BROKEN_LISTS.values(), ids=BROKEN_LISTS)
def test_a_list_that_does_not_help(answer: bytes) -> None:
    """Without a list that helps every job is asked about itself and reaches its end; the list is not asked at every turn."""

    async def flow() -> None:
        ended: list[str] = []

        def script(asked: Asked) -> bytes:
            if asked.is_list:
                return answer
            status = "completed" if asked.job_id in ended else "in_progress"
            return said(batch(asked.job_id, status, provider="anthropic"))

        async with (
            Provider(script, has_list=True).listening() as provider,
            service(provider.base_url, more=RAISES_NONE) as running,
        ):
            names = await track(running, 6)
            await until(lambda: _each(provider, names, 4), "each job to be asked about several times")
            ended += names
            for name in names:
                await running.reaches(name, "completed")
            source = await running.source()

            assert len(provider.lists()) <= 4
            assert source["trouble"] is None

    asyncio.run(flow())


async def _each(provider: Provider, names: list[str], many: int) -> bool:
    return all(len(provider.about(name)) >= many for name in names)


def test_wanted_jobs_wait_for_no_list() -> None:
    """While a list hangs, a job that a webhook speaks of is asked about at once, and a new one too."""

    async def flow() -> None:
        statuses: dict[str, str] = {}
        hanging = asyncio.Event()

        async def script(asked: Asked) -> bytes:
            if asked.is_list and statuses:
                hanging.set()
                await asyncio.sleep(60)
            return listed() if asked.is_list else said(batch(asked.job_id, statuses.get(asked.job_id, "in_progress")))

        knobs = {"poll_seconds": 1, "poll_cap_seconds": 1, "first_poll_seconds": 0, "request_timeout_seconds": 60}
        async with (
            Provider(script, has_list=True).listening() as provider,
            service(provider.base_url, knobs) as running,
        ):
            names = await track(running, 5)
            for name in names:
                await running.reaches(name, "running")
            statuses["batch_3"] = "completed"
            await asyncio.wait_for(hanging.wait(), 30)
            asked = len(provider.lists())
            await running.deliver(event("batch_3", "completed"))
            await running.reaches("batch_3", "completed")
            await running.track("batch_new")
            await running.reaches("batch_new", "running")

            assert len(provider.lists()) == asked, "and no other list was asked for meanwhile"

    asyncio.run(flow())


# --- budget, concurrency, circuit -------------------------------------------------------------------------------------


def test_within_the_budget() -> None:
    """However much is due, no more leaves than the budget allows; a wanted job is next all the same; operators see it."""

    async def flow() -> None:
        def script(asked: Asked) -> bytes:
            return listed() if asked.is_list else said(batch(asked.job_id, "completed", provider="anthropic"))

        more = {"requests_per_minute": 60, "concurrency": 4}
        async with (
            Provider(script, has_list=True).listening() as provider,
            service(provider.base_url, more=more, reconciles=False) as running,
        ):
            names = await track(running, 40)
            async with reconciling(running.reconciler):
                await until(lambda: _so_many(provider, 6), "the burst")
                begun = time.monotonic()
                await running.deliver(event(names[-1], "completed"))
                await until(lambda: _each(provider, names[-1:], 1), "the wanted job to be asked about")
                asked = len(provider.asked)
                since = time.monotonic() - begun
                assert asked <= 6 + 2 + since * 55 / 60
                source = await running.source()

            assert asked < 20, "the wanted job did not wait for those who had been due for longer"
            assert source["concurrency"] == 4
            assert source["requests"]["per_minute"] == 60
            assert source["circuit"] == "closed"

            async def recorded() -> bool:
                requests = (await running.source())["requests"]
                return requests["last_minute"] >= 6 and requests["left"] is not None and requests["recorded_at"]

            async with reconciling(running.reconciler):
                await until(recorded, "the questions to be counted where operators see them")

    asyncio.run(flow())


async def _so_many(provider: Provider, many: int) -> bool:
    return len(provider.asked) >= many


def test_its_own_concurrency() -> None:
    """Each source has as many questions in flight as it says, and the others as many as [reconciler] says."""

    async def flow() -> None:
        most: Counter[str] = Counter()
        flying: Counter[str] = Counter()

        async def script(asked: Asked) -> bytes:
            name = asked.target.split("/")[1]
            flying[name] += 1
            most[name] = max(most[name], flying[name])
            await asyncio.sleep(0.05)
            flying[name] -= 1
            return listed() if asked.is_list else said(batch(asked.job_id))

        async with Provider(script, has_list=True).listening() as provider:
            sources = {
                "alone": SourceAt(f"{provider.url}/alone/v1", {"concurrency": 1}),
                "many": SourceAt(f"{provider.url}/many/v1"),
            }
            async with service(sources, {"concurrency": 5}) as running:
                for source in sources:
                    for number in range(12):
                        await running.track(f"{source}_{number}", source)
                await until(lambda: _so_many(provider, 120), "many questions")

                assert dict(most) == {"alone": 1, "many": 5}

    asyncio.run(flow())


def test_no_herd_when_a_source_is_back() -> None:
    """When a provider that was away answers again, it is not met by all that fell due meanwhile: two at once, then three, ..."""

    async def flow() -> None:
        away, flying, seen = True, 0, []

        async def script(asked: Asked) -> bytes:
            nonlocal flying
            if asked.is_list:
                return listed()
            if away:
                return said(b"Internal Server Error", 500)
            flying += 1
            seen.append(flying)
            await asyncio.sleep(0.1)
            flying -= 1
            return said(batch(asked.job_id, "completed", provider="anthropic"))

        async with (
            Provider(script, has_list=True).listening() as provider,
            service(provider.base_url, {"concurrency": 32}, more=RAISES_NONE) as running,
        ):
            names = await track(running, 100)

            async def circuit() -> str:
                return str((await running.source())["circuit"])

            async def is_open() -> bool:
                return await circuit() != "closed"

            await until(is_open, "the circuit to open")
            away = False
            for name in names:
                await running.reaches(name, "completed")

            assert seen[0] == 1, "one question to see whether it is over"
            for answered, at_once in enumerate(seen):
                assert at_once <= max(1, answered + 1)
            assert max(seen) > 8, "and as many as before, once it is"
            assert await circuit() == "closed"

    asyncio.run(flow())


# --- after an outage of ours ------------------------------------------------------------------------------------------

FASTER, LATE, PER_MINUTE = (
    10,
    300,
    240,
)  # a clock so many times as fast, so many jobs, questions in a minute of that clock


def test_caught_up_and_spread() -> None:
    """Threat F33, on the whole reconciler. After three days away three hundred jobs are due at once. Wanted ones go first, the
    others by how long they have waited, each once, none is left out, and no minute sees more than the budget.
    """

    async def flow() -> None:
        clock = hurried(FASTER)

        def script(asked: Asked) -> bytes:
            return listed() if asked.is_list else said(batch(asked.job_id))

        knobs = {"poll_seconds": 86_400, "poll_cap_seconds": 86_400, "lease_seconds": 3600, "concurrency": 8}
        more = {**RAISES_NONE, "requests_per_minute": PER_MINUTE}
        async with (
            Provider(script, has_list=True).listening() as provider,
            service(provider.base_url, knobs, more=more, clock=clock, reconciles=False) as running,
        ):
            wanted = await _left_behind(running, LATE, clock() - 3 * DAY)
            async with reconciling(running.reconciler):
                await until(lambda: _all_asked(running), "everybody to be asked", deadline=240, every=1)
            rows = await every_job(running)
            order = [asked.job_id for asked in provider.asked if asked.job_id]
            left = sorted(job.asked_at for job in rows if job.asked_at is not None)

            assert sorted(order) == sorted(job.job_id for job in rows), "each once"
            assert set(order[: len(wanted)]) == wanted, "the wanted ones first"
            routine = [int(name.removeprefix("batch_")) for name in order[len(wanted) :]]
            assert _overtaken(routine) <= 16, (
                "then by how long they have waited, as far as questions in flight keep in step"
            )
            let_go_before = 8  # spent within the minute before, and on its way within this one
            assert all(b - a >= MINUTE for a, b in zip(left, left[PER_MINUTE + let_go_before :], strict=False))
            spread = max(job.due_at or 0 for job in rows) - min(job.due_at or 0 for job in rows)
            assert spread >= 0.2 * DAY, "their next times are spread over almost a third of a day"

    asyncio.run(flow())


def _overtaken(numbers: list[int]) -> int:
    """How far the one that was overtaken by most was overtaken."""
    most, highest = 0, -1
    for number in numbers:
        highest = max(highest, number)
        most = max(most, highest - number)
    return most


async def _left_behind(running: Service, many: int, since: int) -> set[str]:
    """Jobs as an outage leaves them: running, answered just before it, and due one after the other since. Some are wanted."""
    wanted = set()
    async with running.store.writing() as connection:
        for number in range(many):
            name = f"batch_{number:05}"
            born = await jobs.bear(
                connection, running.store.new_id(), ("gateway", "batch", name), Origin.TRACK, since - DAY
            )
            columns: dict[str, Any] = {"status": "running", "asks": 3, "due_at": since + number * 1000}
            columns |= {"asked_at": since - MINUTE, "answered_at": since - MINUTE}
            if number % 20 == 19:
                wanted.add(name)
                columns |= {"wanted_at": since + number * 1000, "wanted_status": "completed"}
            await jobs.change(connection, born.id, columns, since)
    return wanted


async def _all_asked(running: Service) -> bool:
    rows = table(JobRow)
    async with running.store.reading() as connection:
        left = await connection.scalar(select(func.count()).select_from(rows).where(rows.c.asks == 3))
    return left == 0
