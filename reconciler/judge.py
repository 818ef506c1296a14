"""Judge: how a receipt compares with the job as we know it. It never moves a job; at most it makes us ask."""

from dataclasses import dataclass

from schemas.readings import Report
from schemas.tables import JobRow
from schemas.words import Basis, Status, Verdict


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict, and what follows from it."""

    verdict: Verdict
    wanted: bool = False  # ask the provider now, ahead of routine
    adopt: bool = False  # take the job in, if the source's policy allows


def judge(job: JobRow | None, report: Report | None) -> Judgement:
    """Judge one receipt. A report of None could not be read by the strict parser."""
    if report is None:
        return Judgement(Verdict.UNREADABLE)
    if job is None:
        return Judgement(Verdict.UNKNOWN_JOB, adopt=True)
    if not Status(job.status).is_terminal:
        return _judge_open(report)
    if job.basis == Basis.INFERRED:
        return Judgement(Verdict.DISAGREES, wanted=True)
    return _judge_ended(Status(job.status), report)


def _judge_open(report: Report) -> Judgement:
    if report.status is None or report.status.is_terminal:
        return Judgement(Verdict.DISAGREES, wanted=True)
    return Judgement(Verdict.AGREES)


def _judge_ended(status: Status, report: Report) -> Judgement:
    if report.status == status:
        return Judgement(Verdict.AGREES)
    if report.status is None or not report.status.is_terminal:
        return Judgement(Verdict.STALE)
    return Judgement(Verdict.CONFLICT, wanted=True)
