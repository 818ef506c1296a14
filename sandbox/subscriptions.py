"""Which events of a job its webhook is told about (contract 4.2)."""

from collections.abc import Iterable
from typing import Any

from sandbox.generations import Generation

KINDS = frozenset({"batch", "video"})


def event_name(written: Any, kind: str, generation: Generation) -> str | None:
    """The name as subscriptions keep it, or None where it names nothing that a job of this kind does."""
    if not isinstance(written, str):
        return None
    name = written.strip().lower().replace("canceled", "cancelled")
    subject, dot, phase = name.rpartition(".")
    if phase not in generation.phases or (dot and subject not in {"job", kind}):
        return None
    return name if dot else f"job.{phase}"


def event_names(written: Iterable[Any], kind: str, generation: Generation) -> tuple[str, ...]:
    """The good ones, in their order."""
    return tuple(name for each in written if (name := event_name(each, kind, generation)) is not None)


def is_listed(written: Any, generation: Generation) -> bool:
    """Whether a name is among those that G3 lists: every phase of every kind, and of `job`, in full."""
    if not isinstance(written, str):
        return False
    subject, _, phase = written.strip().lower().rpartition(".")
    return subject in {"job", *KINDS} and phase.replace("canceled", "cancelled") in generation.phases


def is_subscribed(kind: str, phase: str, own: Iterable[str], endpoint: Iterable[str], generation: Generation) -> bool:
    """The job's own list, else the endpoint's, else the generation's default; `job.` and `<kind>.` names both match."""
    effective = (
        event_names(own, kind, generation) or event_names(endpoint, kind, generation) or generation.default_events
    )
    return not {f"job.{phase}", f"{kind}.{phase}"}.isdisjoint(effective)
