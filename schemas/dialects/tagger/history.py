"""The history API: a second view of a job, under an id of its own (contract 9).

An end that it tells is true. That a job is open there proves nothing: after a stop, a kill or one malformed row of
anybody's its writing ends, and it stays as it was. It outlives the job's state, so it is the last to be asked.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from schemas.contents import PagedRow
from schemas.dialects.members import mapping, read_time, text
from schemas.dialects.tagger import routes
from schemas.dialects.tagger.errors import ABOUT_ACCOUNT, denies_job, read_detail, read_document, unreadable
from schemas.dialects.tagger.standing import ENDS, KIND, progress, read_numbers, whole
from schemas.readings import Denied, NamedOutput, Observation, Observed, Response, RowCounts, Troubled
from schemas.words import OutputRole, Status, Trouble

NOT_THERE = "the tagger holds no history of this job, or none that this account may see"

MOST = 1_000  # documents that are shown of one job
_HANDLED = ("success", "failed")


def read_history(db_job_id: str, response: Response) -> dict[str, Any] | Denied | Troubled:
    """A job as history shows it."""
    if is_denial(response):
        return Denied(NOT_THERE)
    document = read_document(response)
    if isinstance(document, Troubled):
        return document
    told = document.get("id")
    if not isinstance(told, str) or told.lower() != db_job_id.lower():
        return Troubled(Trouble.WRONG_JOB, "the answer is the history of another job", response.status)
    return document


def is_denial(response: Response) -> bool:
    """It was deleted, or it is another account's, which is no reason to doubt our own."""
    is_others = response.status == 403 and read_detail(response) not in (None, *ABOUT_ACCOUNT)
    return is_others or denies_job(response)


def read_end(job_id: str, db_job_id: str, response: Response) -> Observed | Denied | Troubled:
    """How a job has ended that the status endpoint does not know; Denied where history does not tell that, either."""
    document = read_history(db_job_id, response)
    if isinstance(document, Denied | Troubled):
        return document
    native = text(document.get("status"))
    if native is None:
        return unreadable(response, "the job's history has no status")
    if native not in ENDS:
        return Denied(
            f"the tagger holds no state of this job, and its history stopped at {native}, which proves nothing"
        )
    return Observed(_ended(job_id, db_job_id, document, ENDS[native]))


def rows(document: Mapping[str, Any]) -> tuple[PagedRow, ...]:
    """The rows that history has the outcome of: under their place among the documents of the start where that is certain, and
    else under history's own id of the document, so that no request is given the outcome of another."""
    listed = document.get("documents")
    listed = listed if isinstance(listed, list) else []
    documents = [one for one in listed if isinstance(one, dict)]
    is_whole = whole(document.get("total_documents")) == len(listed) == len(documents)
    order = _order_of_start(documents) if is_whole else None
    found = documents if order is None else order
    return tuple(
        PagedRow(str(place) if order is not None else f"document:{text(one.get('id')) or place}", one)
        for place, one in enumerate(found)
        if one.get("status") in _HANDLED
    )


def _order_of_start(documents: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]] | None:
    """The documents as they stood in the start; None: that cannot be told.

    Nothing on the wire says it. But they are written one by one (contract 2), and handled one after another and in order
    (contract 6): either time tells, if it is there for all and twice for none, and they must not contradict each other.
    """
    by_creation = _by(documents, "created_at")
    if by_creation is None:
        return _by(documents, "processed_at")
    handled = [time for one in by_creation if (time := read_time(one.get("processed_at"))) is not None]
    return by_creation if all(a < b for a, b in pairwise(handled)) else None


def _by(documents: Sequence[Mapping[str, Any]], name: str) -> list[Mapping[str, Any]] | None:
    times = [read_time(one.get(name)) for one in documents]
    if None in times or len(set(times)) < len(times):
        return None
    return sorted(documents, key=lambda one: read_time(one.get(name)) or 0)


def _ended(job_id: str, db_job_id: str, document: Mapping[str, Any], status: Status) -> Observation:
    numbers = read_numbers(document)
    counts = RowCounts(numbers.total, numbers.processed, numbers.failed)
    has_rows = status is Status.COMPLETED or numbers.done > 0
    return Observation(
        kind=KIND,
        job_id=job_id,
        status=status,
        native_status=text(document.get("status")),
        progress=progress(status, counts, None),
        counts=counts,
        created_at=read_time(document.get("created_at")),
        ended_at=read_time(document.get("completed_at")),
        writes_files=False,
        outputs=(NamedOutput(OutputRole.RESULTS, job_id),) if has_rows else (),
        model=text(mapping(document.get("config")).get("model_name")),
        polling_url=routes.history_place(db_job_id),
        error_message=text(document.get("error_message"), 1000),
        more={"history_id": db_job_id},
    )
