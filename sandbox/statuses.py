"""One stored status, two lifecycles: how REST and push read it (contract 3.8)."""

from sandbox.generations import Generation


def rest_lifecycle(status: str, generation: Generation) -> str:
    """`finalizing` and `cancelling` read pending here, as does every word that is not known."""
    return generation.rest_lifecycles.get(status.lower() if generation.rest_folds_case else status, "pending")


def push_status(status: str, generation: Generation) -> str:
    """The native word reduced to six."""
    return generation.push_statuses.get(status.lower(), "pending")


def push_lifecycle(status: str, generation: Generation) -> str:
    reduced = push_status(status, generation)
    return "running" if reduced == "in_progress" else reduced
