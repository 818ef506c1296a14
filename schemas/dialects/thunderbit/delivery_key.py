"""Which delivery a webhook is (contract 9.4). It has no id of its own, but a job ends once, and that is told of once."""

from hashlib import sha256

from schemas.dialects.thunderbit.status import canonical

EVENT = "batch.completed"  # whatever the end was (contract 9.1)


def key_of(source: str, job_id: str, native: str, event: str = EVENT) -> str:
    """The key of the news that a job has come to a status, as the provider writes that."""
    return "tb1:" + _digest(source, event, job_id, canonical(native))


def key_of_unattributed(source: str, body: bytes) -> str:
    """The key of a body that does not say which job has come to which status: its very bytes."""
    return "tb0:" + sha256(source.encode() + b"\n" + body).hexdigest()


def _digest(*parts: str) -> str:
    return sha256("\n".join(parts).encode()).hexdigest()
