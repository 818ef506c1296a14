"""A tagger and what it says, for the tests of its dialect (contract tagger)."""

import json
from typing import Any

from schemas.dialects.tagger import Tagger
from schemas.dialects.tagger.options import TaggerOptions
from schemas.readings import Response

BASE = "https://tagger.example"
API = f"{BASE}/api"
JOB = "0f6f1b8e-6f53-4a0b-9d2e-8a1f6b1f2c11"
DB_JOB = "c1d7a9e0-5b7f-4b52-9a44-0d1e2f3a4b5c"
PLACE = f"/api/history/jobs/{DB_JOB}"
STATUS = f"{API}/batch/jobs/{JOB}/status"
HISTORY = f"{API}/history/jobs/{DB_JOB}"
TAGGER = Tagger("tags", TaggerOptions(email="daemon@example.com"))

BROKEN = Response(500, {"content-type": "text/plain"}, b"Internal Server Error")
HTML = Response(502, {}, b"<html>bad gateway</html>")


def said(body: Any, status: int = 200, **headers: str) -> Response:
    return Response(
        status, {name.replace("_", "-"): value for name, value in headers.items()}, json.dumps(body).encode()
    )


def refused(status: int, detail: Any) -> Response:
    return said({"detail": detail}, status)


def state(
    status: str = "processing", processed: int = 0, failed: int = 0, total: int = 2, **more: Any
) -> dict[str, Any]:
    """An answer about the status of the job (contract 3)."""
    done = processed + failed
    numbers = {"progress": done / total if total else 0.0, "processed_count": processed, "failed_count": failed}
    return {"job_id": JOB, "status": status, **numbers, "total": total, "results_count": done, **more}


def stored(status: str | None = "completed", processed: int = 0, failed: int = 0, **more: str) -> dict[str, str]:
    """The state as the catch-up shows it: every value a text (contract 10)."""
    texts = {"processed_count": str(processed), "failed_count": str(failed), "db_job_id": DB_JOB, "total": "3"}
    return {**({} if status is None else {"status": status}), **texts, "start_time": "1777795200.25", **more}


def entry(place: int, error: str | None = None) -> dict[str, Any]:
    """One result (contract 6)."""
    told = {"row_id": place, "row_number": place + 1, "title": f"Document {place}", "success": error is None}
    return {**told, "tags": [] if error else ["water"], "error": error, "metadata": {}}


def catchup(results: Any, **stored_state: Any) -> dict[str, Any]:
    return {"type": "catchup", "job_id": JOB, "state": stored_state, "results": results}


def document(
    place: int, status: str = "success", created: int | None = None, processed: int | None = None
) -> dict[str, Any]:
    """One document of history (contract 9). Times are minutes of one hour."""
    return {
        "id": f"doc-{place}",
        "title": f"Document {place}",
        "file_path": f"https://files.example/{place}.pdf",
        "status": status,
        "tags": ["water"] if status == "success" else [],
        "error_message": "Download failed: 404" if status == "failed" else None,
        "created_at": None if created is None else f"2026-05-03T08:{created:02}:00.000000Z",
        "processed_at": None if processed is None else f"2026-05-03T09:{processed:02}:00.000000Z",
    }


def history(status: str = "completed", processed: int = 1, failed: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "id": DB_JOB,
        "job_type": "batch",
        "status": status,
        "total_documents": 2,
        "processed_count": processed,
        "failed_count": failed,
        "created_at": "2026-05-03T08:15:30.202562Z",
        "completed_at": "2026-05-03T08:15:56.244128Z",
        "error_message": None,
        "config": {"model_name": "openai/gpt-4o-mini"},
        "documents": [],
        **more,
    }
