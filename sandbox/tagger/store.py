"""What the tagger keeps in Redis: a hash and a list of results for each job, each with a time to live of its own.

Most oddities of the tagger are oddities of this: to write to a hash that is gone makes a new one, which has only what was written
and lives for ever (contract 5, 8, 11).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

State = dict[str, str]
Result = dict[str, Any]
LATER = datetime.max.replace(tzinfo=UTC)


class StoreDown(Exception):
    """Redis cannot be reached."""


class StateStore:
    """By job id. What the tagger does raises StoreDown while Redis is down; to peek and to drop is the control surface's."""

    def __init__(self, now: Callable[[], datetime], is_down: Callable[[], bool]) -> None:
        self._now = now
        self._is_down = is_down
        self._states: dict[str, State] = {}
        self._results: dict[str, list[Result]] = {}
        self._ends = _Ends()

    def read(self, job_id: str) -> State:
        """A copy; empty where there is none."""
        self._reach(job_id)
        return dict(self._states.get(job_id, {}))

    def read_all(self) -> dict[str, State]:
        """Every state by job id, ghosts too."""
        if self._is_down():
            raise StoreDown
        return {job_id: dict(state) for job_id, state in self.peek_all().items()}

    def peek_all(self) -> dict[str, State]:
        """The same, down or not, and no copies."""
        for job_id in list(self._ends.states):
            self._drop_if_ended(job_id)
        return self._states

    def write(self, job_id: str, fields: State, until: datetime | None = None) -> None:
        """Add fields to the hash, or make it. Its end stays as it was unless another is given."""
        self._reach(job_id)
        self._states.setdefault(job_id, {}).update(fields)
        if until is not None:
            self._ends.states[job_id] = until

    def take(self, job_id: str, name: str) -> str | None:
        """Read a field and clear it. A hash that has no field left is gone."""
        self._reach(job_id)
        state = self._states.get(job_id, {})
        value = state.pop(name, None)
        if not state:
            self.drop_state(job_id)
        return value

    def push(self, job_id: str, result: Result, until: datetime) -> None:
        self._reach(job_id)
        self._results.setdefault(job_id, []).append(result)
        self._ends.results[job_id] = until

    def results(self, job_id: str) -> list[Result]:
        self._reach(job_id)
        return list(self._results.get(job_id, ()))

    def drop_state(self, job_id: str) -> None:
        self._states.pop(job_id, None)
        self._ends.states.pop(job_id, None)

    def drop_results(self, job_id: str) -> None:
        self._results.pop(job_id, None)
        self._ends.results.pop(job_id, None)

    def drop_all(self) -> None:
        for job_id in list(self._states):
            self.drop_state(job_id)
        for job_id in list(self._results):
            self.drop_results(job_id)

    def _reach(self, job_id: str) -> None:
        if self._is_down():
            raise StoreDown
        self._drop_if_ended(job_id)

    def _drop_if_ended(self, job_id: str) -> None:
        now = self._now()
        if self._ends.states.get(job_id, LATER) <= now:
            self.drop_state(job_id)
        if self._ends.results.get(job_id, LATER) <= now:
            self.drop_results(job_id)


@dataclass
class _Ends:
    """When a key ends; one that is not here does not."""

    states: dict[str, datetime] = field(default_factory=dict)
    results: dict[str, datetime] = field(default_factory=dict)
