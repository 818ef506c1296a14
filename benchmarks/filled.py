"""A store as it is after a month of work: jobs, and what was told, asked and found out about them. Made in SQL, in minutes."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import text

from schemas.ids import first_at, span
from schemas.times import DAY, HOUR, MINUTE
from storage import schema
from storage.store import Store, engine_for

SOURCES = 5
MONTH = 30 * DAY
PORTION = 250_000  # rows of one transaction
APART = 1_000  # how many jobs there are from one group's first to the next one's
# What is counted of each source in every hour, as far as it is neither of a job's birth nor of its moves.
COUNTED = (
    "accepted", "duplicate", "unreadable", "refused.signature_wrong", "refused.timestamp_stale", "judged.agrees",
    "judged.disagrees", "judged.stale", "judged.unreadable", "attempts.delivered", "attempts.rejected", "heard.webhook",
    "heard.poll", "heard.list", "healed.poll", "asked.poll.ok", "asked.poll.denied", "asked.poll.timed_out", "asked.list.ok",
    "asked.create.ok", "asked.upload.ok", "asked.fetch.ok", "asked.look.ok", "acted.cancel.asked.yes", "acted.cancel.done.yes",
    "acted.poll.asked.unknown", "acted.poll.done.unknown", "handoff.down.new.waiting", "handoff.down.waiting.done",
    "handoff.down.waiting.dead", "lag.count", "lag.sum", "lag.le.1", "lag.le.5", "lag.le.15", "lag.le.60", "lag.le.300",
    "lag.le.900", "lag.le.3600", "lag.le.21600", "lag.le.86400", "born.submit", "moved.unknown.pending",
    "moved.pending.running", "moved.running.completed", "moved.running.failed", "moved.running.cancelled",
    "began.execution.failed", "began.delivery.missing", "cleared.delivery.missing",
)  # fmt: skip


@dataclass(frozen=True)
class Size:
    """How much there is of it. Each job has so many deliveries, each received once."""

    jobs: int
    deliveries: int
    now: int

    @property
    def each(self) -> int:
        return max(1, self.deliveries // self.jobs)

    @property
    def step(self) -> int:
        """How far apart the ids of two jobs are."""
        return span(MONTH) // self.jobs

    @property
    def first(self) -> int:
        return first_at(self.now - MONTH)

    @property
    def large(self) -> int:
        """Of the jobs before this one, those of the first source that are in a group are all in one: one in a hundred of all."""
        return self.jobs // 2

    def job(self, number: int) -> int:
        """The id of a job."""
        return self.first + number * self.step

    def group(self, number: int) -> int:
        """The id of the group that a job is in, if its number is one of the first five of fifty."""
        is_in_large = number % SOURCES == 0 and number < self.large
        return self.job(0 if is_in_large else number // APART * APART + number % SOURCES) + 7


# The status of the job with a number: two of a hundred are open, and the newest are so more often.
STATUS = """CASE WHEN i % 100 = 0 THEN 'running' WHEN i % 100 = 1 THEN 'pending' WHEN i % 100 < 6 THEN 'failed'
WHEN i % 100 < 8 THEN 'cancelled' WHEN i % 100 = 8 THEN 'expired' ELSE 'completed' END"""
CODE = "CASE WHEN i % 100 < 6 THEN 'failed' WHEN i % 100 < 8 THEN 'cancelled_elsewhere' ELSE 'expired' END"
CATEGORY = "CASE WHEN i % 100 BETWEEN 6 AND 7 THEN 'cancellation' ELSE 'execution' END"


def statements(size: Size) -> Iterator[tuple[str, int, int]]:
    """SQL that makes rows of the numbers i from :low to :high, for so many numbers, in portions of so many."""
    job, at = f"({size.first} + i * {size.step})", f"({size.now - MONTH} + i * {MONTH // size.jobs})"
    source, kind = f"'source_' || (i % {SOURCES})", "CASE WHEN i % 10 = 0 THEN 'video' ELSE 'batch' END"
    ended = f"CASE WHEN i % 100 < 2 THEN NULL ELSE {at} + 60000000 END"
    of_group, submission = "i % 50 < 5", f"({job} + 8)"
    first_of_group = (
        f"CASE WHEN i % {SOURCES} = 0 AND i < {size.large} THEN 0 ELSE (i / {APART}) * {APART} + i % {SOURCES} END"
    )
    group = f"({size.first} + ({first_of_group}) * {size.step} + 7)"
    yield (
        f"""INSERT INTO groups (id, source, input_name, size, policy, created_at, completed_at)
        SELECT {group}, {source}, 'rows.jsonl', count(*), 'wait_for_all', min({at}), NULL
        FROM numbers WHERE {of_group} GROUP BY 1, 2""",
        size.jobs,
        size.jobs,
    )
    yield (
        f"""INSERT INTO submissions (id, source, group_id, shard, state, input_name, input_sha256, input_bytes, row_count, job_id,
        created_at, updated_at)
        SELECT {submission}, {source}, {group}, i / 50 + 1, 'created', 'rows.jsonl', 'none', 100000, 100,
        'batch_' || (10000000 + i), {at}, {at} FROM numbers WHERE {of_group}""",
        size.jobs,
        PORTION,
    )
    yield (
        f"""INSERT INTO jobs (id, source, kind, job_id, origin, status, native_status, revision, created_at, updated_at,
        ended_at, ended_by, end_heard_by, end_heard_at, ready_at, settled_at, due_at, asks, answered_at, asked_at,
        has_webhook, trouble, trouble_message, trouble_since, rows_total, rows_completed, rows_failed, cost_nanos, cost_currency,
        cost_state, submission_id, group_id)
        SELECT {job}, {source}, {kind}, 'batch_' || (10000000 + i), 'submit', {STATUS}, {STATUS}, 1, {at}, {at}, {ended},
        'poll', 'webhook', {ended}, {ended}, {ended}, CASE WHEN i % 100 < 2 THEN {at} ELSE NULL END, 3, {at}, {at}, 1,
        CASE WHEN i % 1000 = 1 THEN 'timed_out' ELSE NULL END, 'no answer', {at}, 100, 100, 0, 1000000, 'usd', 'settled',
        CASE WHEN {of_group} THEN {submission} END, CASE WHEN {of_group} THEN {group} END FROM numbers""",
        size.jobs,
        PORTION,
    )
    each = size.each
    of_job = f"((i / {each}) * {size.step} + {size.first})"
    delivery, came = (
        f"({of_job} + 10 + (i % {each}) * 2)",
        f"({size.now - MONTH} + (i / {each}) * {MONTH // size.jobs})",
    )
    its_source, its_kind = (
        f"'source_' || ((i / {each}) % {SOURCES})",
        f"CASE WHEN (i / {each}) % 10 = 0 THEN 'video' ELSE 'batch' END",
    )
    odd = "CASE WHEN i % 5000 = 0 THEN 'unreadable' WHEN i % 5000 = 1 THEN 'conflict' ELSE 'agrees' END"
    yield (
        f"""INSERT INTO deliveries (id, source, kind, job_id, delivery_key, event_type, reported_status, verdict,
        times_received, first_received_at, last_received_at)
        SELECT {delivery}, {its_source}, {its_kind}, 'batch_' || (10000000 + i / {each}), 'batch.progress:' || (i % {each}),
        'batch.progress', 'running', {odd}, 1, {came}, {came} FROM numbers""",
        size.jobs * each,
        PORTION,
    )
    yield (
        f"""INSERT INTO receipts (id, delivery_id, body_id, source, digest, received_at, reported_status, verdict)
        SELECT {delivery} + 1, {delivery}, {delivery} + 1, {its_source}, i, {came}, 'running', {odd} FROM numbers""",
        size.jobs * each,
        PORTION,
    )
    yield (
        f"""INSERT INTO observations (id, job, asked, status, native_status, first_seen_at, last_seen_at)
        SELECT {job} + 1, {job}, 'poll', {STATUS}, {STATUS}, {at}, {at} FROM numbers""",
        size.jobs,
        PORTION,
    )
    yield (
        f"""INSERT INTO transitions (id, job, revision, from_status, to_status, basis, observation, at)
        SELECT {job} + 2, {job}, 1, 'unknown', {STATUS}, 'observed', {job} + 1, {at} FROM numbers""",
        size.jobs,
        PORTION,
    )
    yield (
        f"""INSERT INTO failures (id, job, source, category, code, message, detected_at, holds, cleared_at)
        SELECT {job} + 3, {job}, {source}, {CATEGORY}, {CODE}, 'it ended badly', {at},
        CASE WHEN i % 1000 < 500 THEN 1 ELSE 0 END, CASE WHEN i % 1000 < 500 THEN NULL ELSE {at} END
        FROM numbers WHERE i % 100 BETWEEN 2 AND 8""",
        size.jobs,
        PORTION,
    )
    yield (
        f"""INSERT INTO handoffs (id, about, subject, source, target, revision, event, state, made_at, done_at, due_at)
        SELECT {job} + 4, 'job', {job}, {source}, 'down', 1,
        '{{"type": "batchkeeper.job.ready", "subject": "batch"}}',
        CASE WHEN i % 500 = 3 THEN 'dead' ELSE 'done' END, {at}, {at}, NULL FROM numbers WHERE i % 100 > 1""",
        size.jobs,
        PORTION,
    )
    yield (
        f"""INSERT INTO actions (id, job, source, verb, state, asked_by, reason, asked_at, sends, answered_at)
        SELECT {job} + 5, {job}, {source}, CASE WHEN i % 20 = 6 THEN 'cancel' ELSE 'poll' END, 'done', 'operator', 'why',
        {at}, 1, {at} FROM numbers WHERE i % 10 = 6""",
        size.jobs,
        PORTION,
    )
    yield (
        f"""INSERT INTO labels (subject, key, value)
        SELECT {job}, 'team', CASE WHEN i % 1000 = 9 THEN 'search' ELSE 'ads' END FROM numbers WHERE i % 10 = 9""",
        size.jobs,
        PORTION,
    )
    yield (
        f"""INSERT INTO labels (subject, key, value)
        SELECT {group}, 'team', 'search' FROM numbers WHERE {of_group} GROUP BY 1""",
        size.jobs,
        size.jobs,
    )
    for subject in (job, submission):
        yield (
            f"INSERT INTO labels (subject, key, value) SELECT {subject}, 'team', 'search' FROM numbers WHERE {of_group}",
            size.jobs,
            PORTION,
        )
    yield (
        f"""INSERT INTO row_matches (job, revision, asked, succeeded, failed, missing, matched_at)
        SELECT {job}, 1, 100, 99, 1, 0, {at} FROM numbers WHERE {of_group} AND i % 100 > 4""",
        size.jobs,
        PORTION,
    )
    yield (
        f"""INSERT INTO refusals (id, source, reason, http_status, received_at, remote, body_bytes)
        SELECT {job} + 6, {source}, CASE WHEN i % 200 = 7 THEN 'timestamp_stale' ELSE 'signature_wrong' END, 401, {at},
        '192.0.2.1', 3000 FROM numbers WHERE i % 100 = 7""",
        size.jobs,
        PORTION,
    )
    yield from _of_groups()
    yield from _counters(size)


def _of_groups() -> Iterator[tuple[str, int, int]]:
    """What is counted of each group."""
    end = (
        "CASE WHEN ready_at IS NULL THEN 'waits' WHEN id IN (SELECT job FROM row_matches) THEN 'lacks' ELSE 'whole' END"
    )
    sums = {
        f"'job.' || status || '.' || {end}": "1",
        "'rows.asked'": "100",
        "'rows.succeeded'": "CASE WHEN id IN (SELECT job FROM row_matches) THEN 99 ELSE 0 END",
        "'rows.failed'": "CASE WHEN id IN (SELECT job FROM row_matches) THEN 1 ELSE 0 END",
        "'cost.jobs'": "1",
        "'cost.settled'": "1",
        "'cost.nanos.usd'": "cost_nanos",
    }
    for what, number in sums.items():
        counted = f"SELECT group_id, {what}, sum({number}) FROM jobs WHERE group_id IS NOT NULL GROUP BY 1, 2"
        yield f"INSERT INTO group_tallies (group_id, what, count) {counted}", 1, 1


def _counters(size: Size) -> Iterator[tuple[str, int, int]]:
    """What was counted: a few words in every minute of the month, all of them in every hour, and since ever."""
    minutes, hours = MONTH // MINUTE, MONTH // HOUR
    yield _tallies("tallies", "minute", size.now // MINUTE, minutes, COUNTED[:4])
    yield from recently(size)
    yield _tallies("hourly_tallies", "hour", size.now // HOUR, hours, COUNTED)
    of_jobs = "SELECT source, 'born.' || origin, count(*) FROM jobs GROUP BY 1, 2"
    moved = "SELECT source, 'moved.unknown.' || status, count(*) FROM jobs GROUP BY 1, 2"
    began = "SELECT source, 'began.' || category || '.' || code, count(*) FROM failures GROUP BY 1, 2"
    cleared = (
        "SELECT source, 'cleared.' || category || '.' || code, count(*) FROM failures WHERE holds = 0 GROUP BY 1, 2"
    )
    others = "SELECT source, what, sum(count) FROM hourly_tallies GROUP BY 1, 2"
    for counted in (of_jobs, moved, began, cleared, others):
        yield f"INSERT INTO totals (source, what, count) {counted} ON CONFLICT DO NOTHING", 1, 1


def recently(size: Size) -> Iterator[tuple[str, int, int]]:
    """Everything that is counted, in every minute of the last two hours."""
    yield _tallies("tallies", "minute", size.now // MINUTE, 120, COUNTED)


def _tallies(table: str, span: str, last: int, spans: int, words: Sequence[str]) -> tuple[str, int, int]:
    """So many spans up to the last one; of each source, each word."""
    kinds = len(words) * SOURCES
    word = " ".join(f"WHEN {place} THEN '{word}'" for place, word in enumerate(words))
    rows = f"""SELECT {last - spans + 1} + i / {kinds}, 'source_' || ((i / {len(words)}) % {SOURCES}),
        CASE i % {len(words)} {word} END, 10 FROM numbers WHERE true"""
    return f"INSERT INTO {table} ({span}, source, what, count) {rows} ON CONFLICT DO NOTHING", spans * kinds, PORTION


async def fill(url: str, size: Size) -> None:
    """Make the tables and fill them."""
    store = Store(engine_for(url), lambda: size.now)
    try:
        await schema.migrate(store)
        for statement, many, portion in statements(size):
            for low in range(0, many, portion):
                await _insert(store, statement, low, min(low + portion, many) - 1)
        async with store.writing() as connection:
            for number in range(SOURCES):
                entered = "INSERT INTO sources (name, dialect, listening_since) VALUES (:name, 'phaseo', :since)"
                await connection.execute(text(entered), {"name": f"source_{number}", "since": size.now - MONTH})
            for lease in ("reconciler:one", *(f"source:source_{number}" for number in range(SOURCES))):
                held = "INSERT INTO leases (name, holder, fence, until) VALUES (:name, 'one', 1, :until)"
                await connection.execute(text(held), {"name": lease, "until": size.now + MONTH})
            if connection.dialect.name == "postgresql":  # as it does by itself; on SQLite nobody ever does
                await connection.execute(text("ANALYZE"))
    finally:
        await store.close()


async def _insert(store: Store, statement: str, low: int, high: int) -> None:
    async with store.writing() as connection:
        if connection.dialect.name == "postgresql":
            numbers = f"(SELECT * FROM generate_series({low}::bigint, {high}::bigint) AS counted(i)) AS numbers"
            made = statement.replace("FROM numbers", f"FROM {numbers}")
        else:
            series = (
                f"WITH RECURSIVE numbers(i) AS (SELECT {low} UNION ALL SELECT i + 1 FROM numbers WHERE i < {high}) "
            )
            made = statement.replace("SELECT", f"{series}SELECT", 1)
        await connection.execute(text(made.replace(":", r"\:")))


def fill_now(url: str, jobs: int, deliveries: int) -> Size:
    size = Size(jobs, deliveries, time.time_ns() // 1_000)
    asyncio.run(fill(url, size))
    return size
