"""The contract's published signature vectors (section 8), and the cases that it lists beside them."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from schemas.dialects.phaseo import Phaseo
from schemas.readings import Identity, Refused, Report, Verified
from schemas.times import SECOND
from schemas.words import RefusalReason, Status

VECTORS = json.loads((Path(__file__).parent / "phaseo_vectors.json").read_text())
JOB = "batch_01K2XYZ3ABCDEFGHJKMNPQRSTV"
TOLERANCE = 300 * SECOND


def arrive(vector: dict[str, Any], late: int = 0, **changed: bytes) -> Verified | Refused:
    """What becomes of a vector that arrives so many seconds after it was signed, perhaps with a part changed."""
    body = changed.get("body", vector["body"].encode())
    headers = [
        (b"content-type", b"application/json"),
        (b"x-phaseo-timestamp", vector["timestamp"].encode()),
        (b"x-phaseo-signature", changed.get("signature", vector["signature"].encode())),
    ]
    now = (int(vector["timestamp"]) + late) * SECOND
    return Phaseo().verify(headers, body, [vector["secret"].encode()], TOLERANCE, now)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_copied_right(vector: dict[str, Any]) -> None:
    """The vectors' bodies are the published bytes."""
    body = vector["body"].encode()

    assert len(body) == vector["body_bytes"]
    assert hashlib.sha256(body).hexdigest() == vector["body_sha256"]


@pytest.mark.parametrize(
    ("vector", "key", "attempt", "status", "native", "progress"),
    [
        (VECTORS[0], "batch.completed", 1, Status.COMPLETED, "completed", 100),
        (VECTORS[1], "batch.failed", 2, Status.EXPIRED, "expired", None),
        (VECTORS[2], "batch.cancelled", 1, Status.CANCELLED, "canceled", None),
    ],
    ids=lambda value: value["name"] if isinstance(value, dict) else "",
)
def test_accepted(
    vector: dict[str, Any], key: str, attempt: int, status: Status, native: str, progress: int | None
) -> None:
    """Each vector is authentic, names its delivery, and tells its job's status: an expired job comes as batch.failed."""
    event_id = f"evt_batch_{JOB}_{key.replace('.', '_')}"

    assert arrive(vector) == Verified(
        Identity("batch", JOB, key),
        Report(key, event_id, attempt, status, native, progress),
        secret_index=0,
        signed_at=int(vector["timestamp"]) * SECOND,
    )


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_signed_alike(vector: dict[str, Any]) -> None:
    """A body signed here at the vector's time gets the published signature."""
    request = Phaseo().sign(vector["secret"].encode(), vector["body"].encode(), int(vector["timestamp"]) * SECOND)

    assert dict(request.headers)["x-phaseo-timestamp"] == vector["timestamp"]
    assert dict(request.headers)["x-phaseo-signature"] == vector["signature"]
    assert request.body == vector["body"].encode()


def test_empty_body() -> None:
    """The published digest of an empty body is authentic, and there is nothing in it to read."""
    signature = b"7bd4beef1f5b8a197d134a5e108b475eff35082a8519e655ecfcf005821f851d"
    outcome = arrive(VECTORS[2], body=b"", signature=signature)

    assert isinstance(outcome, Verified)
    assert outcome.identity is None
    assert outcome.unreadable


def test_written_anew() -> None:
    """The same document in other bytes is not what was signed."""
    body = json.dumps(json.loads(VECTORS[2]["body"]), ensure_ascii=False, separators=(",", ":")).encode()

    assert arrive(VECTORS[2], body=body) == Refused(RefusalReason.SIGNATURE_WRONG)


def test_signature_of_what_was_written_anew() -> None:
    """The published digest of the re-written third body does not fit the third body as it was sent."""
    signature = b"69521c2dfea557151f1a99b8ff468e6a52b8c06f7aab7cdae025edb3e3f91c0c"

    assert arrive(VECTORS[2], signature=signature) == Refused(RefusalReason.SIGNATURE_WRONG)


@pytest.mark.parametrize("late", [-300, -299, 0, 299, 300])
@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_fresh(vector: dict[str, Any], late: int) -> None:
    """A clock up to 300 seconds before or behind the sender's accepts."""
    assert isinstance(arrive(vector, late), Verified)


@pytest.mark.parametrize(
    ("late", "reason"), [(301, RefusalReason.TIMESTAMP_STALE), (-301, RefusalReason.TIMESTAMP_FUTURE)]
)
@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_not_fresh(vector: dict[str, Any], late: int, reason: RefusalReason) -> None:
    """A clock 301 seconds away refuses, and says on which side."""
    assert arrive(vector, late) == Refused(reason)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_capital_hex(vector: dict[str, Any]) -> None:
    """Hex in capitals is the same signature."""
    assert arrive(vector, signature=vector["signature"].upper().encode()) == arrive(vector)


@pytest.mark.parametrize("prefix", [b"sha256=", b"v1=", b"v1,", b"t=1786500001,v1=", b" ", b"0x"])
@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_prefixed(vector: dict[str, Any], prefix: bytes) -> None:
    """The signature stands bare; with the prefix of another scheme it is refused."""
    signature = prefix + vector["signature"].encode()

    assert arrive(vector, signature=signature) == Refused(RefusalReason.SIGNATURE_MALFORMED)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_former_header_names(vector: dict[str, Any]) -> None:
    """The header names of the gateway's earlier generations are read as today's are."""
    headers = [
        (b"x-ai-stats-timestamp", vector["timestamp"].encode()),
        (b"x-ai-stats-signature", vector["signature"].encode()),
    ]
    now = int(vector["timestamp"]) * SECOND
    outcome = Phaseo().verify(headers, vector["body"].encode(), [vector["secret"].encode()], TOLERANCE, now)

    assert outcome == arrive(vector)
    assert isinstance(outcome, Verified)
