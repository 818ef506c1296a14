"""What an observation says beside its status, as it is kept and shown. No decision reads it."""

from dataclasses import asdict
from typing import Any

from schemas.readings import Observation

# Columns of the observation or of the job, rows of their own, or not worth keeping.
_ELSEWHERE = frozenset(
    {"kind", "job_id", "status", "native_status", "progress", "account", "writes_files", "outputs", "bookkeeping"}
)


def details_of(said: Observation) -> dict[str, Any]:
    """By name, without what was not said. Times in microseconds, costs in billionths."""
    told = {name: value for name, value in asdict(said).items() if name not in _ELSEWHERE}
    if said.account is not None:
        told["webhook"] = asdict(said.account) | {"attempts": None}
    return {name: kept for name, value in told.items() if (kept := _said(value)) not in (None, {}, [], ())}


def _said(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: kept for name, item in value.items() if (kept := _said(item)) not in (None, {}, [], ())}
    return value
