"""The fetch round: outputs that are there are brought among our files, whole, a few at a time."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from reconciler.asking import BROKEN, Asking, Back
from reconciler.news import News, about
from reconciler.owned import Owned
from reconciler.pace import OUTPUT_FIRST, clamp, growing
from reconciler.paging import lines_of_page, naming_of, pages_of
from reconciler.record import review_job
from reconciler.rounds.each import write_each
from reconciler.whole import RECORDED_ROLES, ROW_ROLES, Incomplete, Taken, why_incomplete
from schemas.contents import OverCap, ResultPage, Streamed
from schemas.ids import shown
from schemas.jsonl import Lines
from schemas.readings import Denied, Response, Troubled
from schemas.tables import JobRow, OutputRow
from schemas.times import MINUTE
from schemas.words import OutputRole, OutputState
from storage import jobs, outputs
from storage.files import Writing

log = structlog.get_logger()

LEAST_DENIALS = 4  # whatever the patience: a turn may be long in coming, and one or two decide nothing
SLOTS = 2  # of a source's questions in flight: a download takes long, and polls go on meanwhile
SET_ASIDE_FOR = PARKED_FOR = 5 * MINUTE
FETCHED_FROM = (OutputState.EXISTS, OutputState.PARKED)


@dataclass(frozen=True, slots=True)
class Wanted:
    """An output to fetch, and its job."""

    row: OutputRow
    job: JobRow


@dataclass(frozen=True, slots=True)
class Stored:
    """It is among our files."""

    name: str
    taken: Taken


@dataclass(frozen=True, slots=True)
class Parked:
    """It cannot be kept at present. `size`: how large it is, as far as anybody told."""

    message: str
    size: int | None = None


Fetched = Stored | Parked | Incomplete | Denied | Troubled
FetchBack = Back[Wanted, Fetched]


class Unwritable(Exception):
    """Our own place for files is at fault, and not the way to the provider."""


class FetchRound:
    """The fetch round of one source."""

    def __init__(self, owned: Owned) -> None:
        self._owned = owned
        self.asking: Asking[Wanted, Fetched] = owned.asking(self._ask, BROKEN)

    async def run_once(self, now: int) -> int:
        """Write what has come back and begin what is due. How many that were."""
        answers = self.asking.answers()
        await self._write(answers, now)
        return len(answers) + await self._start(now)

    async def _start(self, now: int) -> int:
        owned, busy = self._owned, self.asking.busy
        slots = max(1, min(SLOTS, owned.circuit.allows(now, owned.concurrency) - 1))
        free = min(owned.may_start(now), slots - len(busy))
        if free <= 0:
            return 0
        async with owned.store.reading() as connection:
            due = await outputs.due(connection, owned.source.name, now, free, busy, FETCHED_FROM)
            wanted = [Wanted(row, job) for row in due if (job := await jobs.get(connection, row.job))]
        for one in wanted:
            self.asking.start(one.row.id, one)
        return len(wanted)

    async def _ask(self, wanted: Wanted) -> Fetched:
        owned, row, job = self._owned, wanted.row, wanted.job
        if row.size is not None and row.size > owned.max_file_bytes:
            return _over_cap(owned.max_file_bytes, row.size)
        try:
            writing = await owned.files.create(name_of(job, row), row.size)
            try:
                return await self._fetch(wanted, writing)
            finally:
                await writing.discard()
        except (Unwritable, OSError) as error:
            return Parked(f"it cannot be kept in {owned.files.place}: {error}")

    async def _fetch(self, wanted: Wanted, writing: Writing) -> Fetched:
        if wanted.row.role == OutputRole.RESULTS and self._owned.dialect.pages_results:
            return await self._page(wanted, writing)
        return await self._stream(wanted, writing)

    async def _page(self, wanted: Wanted, writing: Writing) -> Fetched:
        """Write the rows of each page. Where they end is told by the last one, and whether they are all by the job's counts."""
        owned, row, job = self._owned, wanted.row, wanted.job
        naming, count = await naming_of(owned.store, owned.files, owned.dialect, job), 0
        async for page in pages_of(owned, job):
            if not isinstance(page, ResultPage):
                return page
            piece = b"".join(line + b"\n" for line in lines_of_page(page, naming))
            if writing.size + len(piece) > owned.max_file_bytes:
                return _over_cap(owned.max_file_bytes, None)
            await _write(writing, piece)
            count += len(page.rows)
            if page.problem is not None:
                return Incomplete(page.problem)
        taken = Taken(writing.size, writing.sha256, count)
        return why_incomplete(row, job, Streamed(None, has_end=True), taken) or await self._publish(
            wanted, writing, taken
        )

    async def _stream(self, wanted: Wanted, writing: Writing) -> Fetched:
        owned, row, job = self._owned, wanted.row, wanted.job
        role, lines = OutputRole(row.role), Lines()
        has_rows = role in ROW_ROLES

        async def take(piece: bytes) -> None:
            if writing.size == 0:
                # A source that sends content is well, and others need not wait until all of it has come to ask it.
                owned.answered(None, owned.clock())
            if has_rows:
                lines.take(piece)
            await _write(writing, piece)

        question = owned.dialect.content(owned.source.base_url, job.kind, job.job_id, role, row.file_id)
        came = await owned.client.download(question, take, owned.max_file_bytes)
        match came:
            case OverCap():
                return _over_cap(owned.max_file_bytes, came.length)
            case Response():
                return owned.dialect.read_denied(came)
            case Troubled():
                return came
        taken = Taken(writing.size, writing.sha256)
        if has_rows:
            taken = Taken(writing.size, writing.sha256, lines.count, lines.problem())
        return why_incomplete(row, job, came, taken) or await self._publish(wanted, writing, taken)

    async def _publish(self, wanted: Wanted, writing: Writing, taken: Taken) -> Stored:
        # Whoever has the lease by now may have published its own, and has a row about it.
        async with self._owned.writing():
            pass
        await writing.publish()
        return Stored(name_of(wanted.job, wanted.row), taken)

    async def _write(self, answers: list[FetchBack], now: int) -> None:
        owned = self._owned

        async def write(connection: AsyncConnection, back: FetchBack) -> None:
            row, answer = back.item.row, back.answer
            changes = fetched(row, answer, owned.pace.output_patience, now)
            await outputs.change(connection, row.id, changes)
            owned.news += _news(back, changes)
            if changes["due_at"] is None:
                await jobs.change(connection, row.job, {"match_due_at": now}, now)
            await review_job(connection, owned, row.job, now, answered=False)
            if isinstance(answer, Denied) and changes["due_at"] is not None:
                # It may be out of reach until the gateway has noticed it, which asking for the job makes it do.
                await jobs.change(connection, row.job, {"due_at": now}, now)

        async def set_aside(connection: AsyncConnection, back: FetchBack) -> None:
            await outputs.change(connection, back.item.row.id, {"due_at": now + SET_ASIDE_FOR})

        await write_each(owned, answers, write, set_aside, ("", "D7"), named=_named)
        for back in answers:
            answer = back.answer
            if isinstance(answer, Parked):
                log.warning("output_parked", source=owned.source.name, **_named(back), message=answer.message)
            else:
                trouble = answer if isinstance(answer, Troubled) else None
                owned.answered(trouble, now, "fetch", isinstance(answer, Denied))
        self.asking.written([back.item.row.id for back in answers])


def _named(back: FetchBack) -> dict[str, Any]:
    return {**about(back.item.job), "role": back.item.row.role, "output": shown("out", back.item.row.id)}


def _news(back: FetchBack, changes: Mapping[str, Any]) -> list[News]:
    match changes.get("state"):
        case OutputState.FETCHED:
            return [News("output_fetched", {**_named(back), "bytes": changes["size"]})]
        case OutputState.UNREADABLE:
            return [News("output_unreadable", {**_named(back), "message": changes["message"]}, "warning")]
    return []


async def _write(writing: Writing, piece: bytes) -> None:
    try:
        await writing.write(piece)
    except OSError as error:
        raise Unwritable(str(error)) from error


def name_of(job: JobRow, row: OutputRow) -> str:
    """Made of our own words and ids alone. What has rows is JSONL; of what is no more is known than that it is there."""
    ending = ".jsonl" if row.role in ROW_ROLES else ""
    return f"{job.source}/outputs/{shown('job', job.id)}/{row.role}-{shown('out', row.id)}{ending}"


def _over_cap(cap: int, size: int | None) -> Parked:
    told = "more" if size is None else f"{size} bytes"
    return Parked(f"it has {told}, and [data] max_file_bytes is {cap}", size)


def fetched(row: OutputRow, answer: Fetched, patience: int, now: int) -> dict[str, Any]:
    """What one fetch changes. Only denials count against an output: trouble on the way says nothing of it, and neither does
    a lack of room here."""
    longest = patience or OUTPUT_FIRST
    wait = growing(OUTPUT_FIRST, 2.0, row.fetches, longest)
    tried: dict[str, Any] = {"fetches": row.fetches + 1, "checked_at": now, "state": OutputState.EXISTS.value}
    match answer:
        case Stored(name, taken):
            return {
                **tried,
                "state": OutputState.FETCHED.value,
                "stored_as": name,
                "size": taken.size,
                "sha256": taken.sha256,
                "lines": taken.lines,
                "fetched_at": now,
                "due_at": None,
                "message": None,
                **_NOT_DENIED,
            }
        case Parked(message, size):
            parked = {"state": OutputState.PARKED.value, "due_at": now + PARKED_FOR, "message": message}
            return {**tried, **parked, **_NOT_DENIED, "size": size or row.size}
        case Incomplete():
            again = {"due_at": now + wait, "message": answer.message, "sha256": answer.sha256}
            return {**tried, **again, **_NOT_DENIED, **(_look_again(row) if answer.look_again else {})}
        case Denied():
            since, denials = row.denied_since or now, row.denials + 1
            denied = {"denied_since": since, "denials": denials, "message": answer.message}
            if denials >= LEAST_DENIALS and now - since >= patience:
                return {**tried, **denied, "state": OutputState.UNREADABLE.value, "due_at": None}
            return {**tried, **denied, "due_at": now + min(wait, longest // (2 * LEAST_DENIALS))}
        case Troubled():
            return {**tried, "due_at": now + max(wait, clamp(answer.retry_after)), "message": answer.message}


_NOT_DENIED: dict[str, Any] = {"denied_since": None, "denials": 0}


def _look_again(row: OutputRow) -> dict[str, Any]:
    """Where there is a record, it is read anew; else what was said of the size counts no more."""
    if row.role in RECORDED_ROLES:
        return {"state": OutputState.NAMED.value}
    return {"size": None}
