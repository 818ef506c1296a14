"""The forms in which the API writes a job, by the switches (contract 3, 4.2, 5, 6)."""

from typing import Any

from sandbox.thunderbit.jobs import Job, Row, Snapshot
from sandbox.thunderbit.life import CANCELLED, FAILED, PENDING, PROCESSING, SUCCEEDED
from sandbox.thunderbit.pages import markdown, record
from sandbox.thunderbit.switches import Switches

STRANGE = "WARMING_UP"


def created(job: Job, found: Snapshot, switches: Switches) -> dict[str, Any]:
    return enveloped(_head(job, found, switches), switches)


def status_answer(job: Job, found: Snapshot, switches: Switches, page: int, size: int) -> dict[str, Any]:
    """One page of rows, counted from 0, in the order in which the URLs were sent."""
    data = _head(job, found, switches) | counts(found, switches)
    if switches.shows_credits:
        data["creditsUsed"] = found.credits
    if found.error:
        data["error"] = {"code": found.error, "message": "The job has failed"}
    data["results"] = results(job, found, switches)[page * size : (page + 1) * size]
    return enveloped(data, switches)


def results(job: Job, found: Snapshot, switches: Switches) -> list[dict[str, Any]]:
    """All rows, or those that are finished."""
    listed = [row for row in found.rows if row.finished or switches.unfinished_rows == "listed"]
    return [_row(row, job, switches) for row in listed]


def enveloped(data: dict[str, Any], switches: Switches) -> dict[str, Any]:
    match switches.envelope:
        case "bare":
            return data
        case "data":
            return {"data": data}
        case _:
            return {"success": True, "data": data}


def counts(found: Snapshot, switches: Switches) -> dict[str, int]:
    """`completed` is the rows that succeeded, or those that finished either way."""
    failed = found.count(FAILED)
    finished = found.count(SUCCEEDED) + (failed if switches.completed_means == "finished" else 0)
    return {"completed": finished} | ({"failed": failed} if switches.shows_failed else {})


def spelt(status: str, job: Job) -> str:
    return "CANCELED" if status == CANCELLED and "cancelled_as_canceled" in job.scenario else status


def _head(job: Job, found: Snapshot, switches: Switches) -> dict[str, Any]:
    head: dict[str, Any] = {switches.id_member: job.id, "status": _job_word(job, found.status, switches)}
    return head | ({"total": len(found.rows)} if switches.shows_total else {})


def _job_word(job: Job, status: str, switches: Switches) -> str:
    """The endpoint page has no word for a job in work but `pending`."""
    if status == PROCESSING and "status_strange" in job.scenario:
        return STRANGE
    if status == PROCESSING and switches.status_words == "endpoint_page":
        status = PENDING
    return spelt(status, job) if switches.status_words == "upper" else spelt(status, job).lower()


def _row_word(status: str, switches: Switches) -> str:
    if switches.status_words == "upper":
        return status
    if switches.status_words == "lower":
        return "completed" if status == SUCCEEDED else status.lower()
    return {SUCCEEDED: "success", PROCESSING: "pending"}.get(status, status.lower())


def _row(row: Row, job: Job, switches: Switches) -> dict[str, Any]:
    head = {"url": row.url, "status": _row_word(row.status, switches)}
    if row.error:
        return head | _error(row.error, switches)
    return head | (_output(row, job, switches) if row.status == SUCCEEDED else {})


def _error(code: str, switches: Switches) -> dict[str, Any]:
    match switches.row_error:
        case "object":
            return {"error": {"code": code, "message": "The page could not be read"}}
        case "code":
            return {"errorCode": code}
        case _:
            return {"error": code}


def _output(row: Row, job: Job, switches: Switches) -> dict[str, Any]:
    """Flat: `markdown`, or records in `data`. Nested: Markdown in `data`, or records in `data.data` beside their URL."""
    nested = switches.row_shape == "nested"
    if job.order.kind == "distill":
        text = {"markdown": markdown(row.url)}
        return {"data": text} if nested else text
    records = [record(row.url, job.order.schema, row.index)]
    return {"data": {"url": row.url, "data": records} if nested else records}
