"""The judge's round: receipts without a verdict get one, oldest first, and what they tell makes us ask."""

from sqlalchemy.ext.asyncio import AsyncConnection

from reconciler.apply import claimed
from reconciler.judge import Judgement, judge
from reconciler.making import join_by_path
from reconciler.news import News, about
from reconciler.owned import Owned
from reconciler.record import review_job
from reconciler.rounds.each import write_each
from schemas.ids import shown
from schemas.readings import Report
from schemas.strict_json import NotStrictJson, parse_object
from schemas.tables import JobRow
from schemas.times import MINUTE
from schemas.words import Origin, Status, Verdict
from storage import inbox, jobs
from storage.inbox import Waiting
from storage.points import reach

BATCH = 25  # a receipt takes some milliseconds, and nobody else writes meanwhile: not the receiver either
SET_ASIDE_FOR = 5 * MINUTE
_ODD = frozenset({Verdict.CONFLICT, Verdict.UNREADABLE})


async def run_once(owned: Owned, now: int) -> int:
    """Judge what is in the inbox of one source. How many receipts there were."""
    async with owned.store.reading() as connection:
        waiting = await inbox.waiting(connection, owned.source.name, now, BATCH)
    if waiting:
        reach("A1")

    async def write(connection: AsyncConnection, item: Waiting) -> None:
        await _judge(connection, owned, item, now)

    async def set_aside(connection: AsyncConnection, item: Waiting) -> None:
        await inbox.set_aside(connection, item.receipt.id, now + SET_ASIDE_FOR)

    await write_each(owned, waiting, write, set_aside, ("A2", "A3"), inbox.lock, _named)
    return len(waiting)


async def _judge(connection: AsyncConnection, owned: Owned, item: Waiting, now: int) -> None:
    report = _report(owned, item)
    delivery = item.delivery
    job = await jobs.by_identity(connection, delivery.source, delivery.kind, delivery.job_id)
    # What cannot be read names no job that could be a submission's.
    if item.receipt.submission is not None and report is not None and delivery.kind in owned.dialect.kinds:
        job = await join_by_path(connection, owned, job, delivery, item.receipt.submission, now)
    judgement = judge(job, report)
    await inbox.set_verdict(connection, item.receipt, judgement.verdict)
    owned.noted[f"judged.{judgement.verdict}"] += 1
    if item.receipt.taken_in_at is None:  # else it was refused when it came: that is not being heard
        owned.hearing = owned.hearing.heard(item.receipt.received_at)
    owned.news.append(_news(item, judgement))
    if judgement.adopt and await _may_adopt(connection, owned, delivery.kind):
        identity = (delivery.source, delivery.kind, delivery.job_id)
        number, hands_on = owned.store.new_id(), owned.source.fetch_adopted
        job = await jobs.bear(connection, number, identity, Origin.DELIVERY, now, has_webhook=True, hands_on=hands_on)
        owned.news.append(News("job_adopted", {**about(job), "origin": Origin.DELIVERY.value}))
        judgement = judge(job, report)  # its verdict stands; but an end that it tells of is claimed as of any other job
    if job is not None and report is not None:
        await _tell(connection, item, job, report, judgement, now)
        if Status(job.status).is_terminal:  # news about an open job decides nothing yet but to ask
            await review_job(connection, owned, job.id, now, answered=False)


def _news(item: Waiting, judgement: Judgement) -> News:
    """Loud only for what an operator should look at: what agrees comes as often as anybody sends it."""
    told = {**_named(item), "verdict": judgement.verdict.value}
    return News("receipt_judged", told, "warning" if judgement.verdict in _ODD else "debug")


def _named(item: Waiting) -> dict[str, str]:
    delivery = item.delivery
    about_job = {"job_id": delivery.job_id, "kind": delivery.kind, "delivery_key": delivery.delivery_key}
    return {**about_job, "delivery": shown("dlv", delivery.id), "receipt": shown("rcp", item.receipt.id)}


def _report(owned: Owned, item: Waiting) -> Report | None:
    """What the strict parser makes of the body; None when it cannot be read, by the receiver or here."""
    if item.receipt.unreadable is not None:
        return None
    try:
        return owned.dialect.read_report(parse_object(item.body))
    except NotStrictJson:
        return None


async def _tell(
    connection: AsyncConnection, item: Waiting, job: JobRow, report: Report, judgement: Judgement, now: int
) -> None:
    """Show the newest report beside the job, and want the provider to be asked where it disagrees."""
    changes: dict[str, object] = {}
    if not job.has_webhook:
        changes["has_webhook"] = 1
    if report.status is not None and item.receipt.received_at >= (job.reported_at or 0):
        changes["reported_status"] = report.status.value
        changes["reported_native"] = report.native_status
        changes["reported_progress"] = report.progress
        changes["reported_at"] = item.receipt.received_at
    if judgement.wanted:
        changes |= claimed(job, report.status, now)
    if changes:
        await jobs.change(connection, job.id, changes, now)


async def _may_adopt(connection: AsyncConnection, owned: Owned, kind: str) -> bool:
    """A verified delivery adopts its job, where the policy allows, the kind can be asked about, and the bound is not reached."""
    if owned.source.adopt == "none" or kind not in owned.dialect.kinds:
        return False
    limit = owned.source.adopt_limit
    return await jobs.adopted_open(connection, owned.source.name, limit) < limit
