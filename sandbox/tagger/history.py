"""What the tagger keeps in PostgreSQL: a second, independent view of jobs, under ids of its own (contract 8, 9).

One write that fails during a start ends all writing about rows and ends of jobs, until the tagger is started again.
"""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sandbox.tagger.documents import Document
from sandbox.tagger.times import iso_us

MOST_DOCUMENTS = 1000


def _new_id() -> str:
    return str(uuid.uuid4())


@dataclass
class DocumentRecord:
    document: Document
    created_at: datetime
    id: str = field(default_factory=_new_id)
    status: str = "pending"
    tags: list[str] = field(default_factory=list)
    error_message: str | None = None
    processed_at: datetime | None = None

    def shown(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "title": self.document.title,
            "file_path": self.document.file_path,
            "file_source_type": self.document.file_source_type,
            "status": self.status,
            "tags": self.tags,
            "error_message": self.error_message,
            "processed_at": _time(self.processed_at),
            "created_at": iso_us(self.created_at),
        }


@dataclass
class JobRecord:
    """`config` is without the key of the LLM."""

    user_id: str
    total: int
    config: dict[str, Any]
    created_at: datetime
    id: str = field(default_factory=_new_id)
    status: str = "pending"
    processed: int = 0
    failed: int = 0
    started_at: datetime | None = None
    completed_at: datetime | None = None
    error_message: str | None = None
    documents: list[DocumentRecord] = field(default_factory=list)

    def shown(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "job_type": "batch",
            "status": self.status,
            "total_documents": self.total,
            "processed_count": self.processed,
            "failed_count": self.failed,
            "started_at": _time(self.started_at),
            "completed_at": _time(self.completed_at),
            "created_at": iso_us(self.created_at),
        }

    def shown_whole(self) -> dict[str, Any]:
        documents = [each.shown() for each in self.documents[:MOST_DOCUMENTS]]
        return self.shown() | {"config": self.config, "error_message": self.error_message, "documents": documents}


class History:
    """By the id in history. Workers write through `of`, which finds nothing when nothing can be written."""

    def __init__(self, now: Callable[[], datetime], is_down: Callable[[], bool]) -> None:
        self._now = now
        self._is_down = is_down
        self._records: dict[str, JobRecord] = {}
        self.is_written = True

    def insert(self, user_id: str, documents: tuple[Document, ...], config: dict[str, Any]) -> str | None:
        """The new id; none if a row did not go in, which ends the writing. The rows before it are there all the same."""
        record = JobRecord(user_id, len(documents), config, self._now())
        self._records[record.id] = record
        for document in documents:
            if not document.fits:
                self.is_written = False
                return None
            record.documents.append(DocumentRecord(document, self._now()))
        return record.id

    def of(self, db_job_id: str | None) -> JobRecord | None:
        """The record that a worker may write to, if it may."""
        if db_job_id is None or not self.is_written or self._is_down():
            return None
        return self._records.get(db_job_id)

    def begin(self, db_job_id: str | None) -> None:
        if record := self.of(db_job_id):
            record.status, record.started_at = "processing", self._now()

    def add_row(self, db_job_id: str | None, row_id: int, result: dict[str, Any]) -> None:
        if record := self.of(db_job_id):
            row = record.documents[row_id]
            row.status = "success" if result["success"] else "failed"
            row.tags, row.error_message, row.processed_at = result["tags"], result["error"], self._now()
            record.processed += result["success"]
            record.failed += not result["success"]

    def end(self, db_job_id: str | None, status: str, error: str | None = None) -> None:
        if record := self.of(db_job_id):
            record.status, record.error_message, record.completed_at = status, error, self._now()

    def found(self, db_job_id: str) -> JobRecord | None:
        """For whoever asks, however old it is."""
        return self._records.get(db_job_id)

    def of_user(self, user_id: str) -> list[JobRecord]:
        """Newest first."""
        return [record for record in reversed(self._records.values()) if record.user_id == user_id]

    def delete(self, db_job_id: str) -> None:
        del self._records[db_job_id]


def _time(at: datetime | None) -> str | None:
    return None if at is None else iso_us(at)
