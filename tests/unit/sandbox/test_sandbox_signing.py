"""The sandbox's own signature and event ids, held against the vectors published with the contract."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from sandbox.signing import event_id, signature

VECTORS = json.loads((Path(__file__).parent / "signature_vectors.json").read_text())
JOB = "batch_01K2XYZ3ABCDEFGHJKMNPQRSTV"


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_published_vector(vector: dict[str, Any]) -> None:
    """
    Each published body, secret and timestamp gives the published signature.
    """
    body = vector["body"].encode()

    assert (len(body), sha256(body).hexdigest()) == (vector["body_bytes"], vector["body_sha256"])
    assert signature(vector["secret"], vector["timestamp"], body) == vector["signature"]


def test_the_exact_bytes_are_signed() -> None:
    """
    The same JSON written otherwise has another signature.
    """
    third = VECTORS[2]
    compact = json.dumps(json.loads(third["body"]), separators=(",", ":")).encode()

    made = signature(third["secret"], third["timestamp"], compact)

    assert made == "69521c2dfea557151f1a99b8ff468e6a52b8c06f7aab7cdae025edb3e3f91c0c"


def test_an_empty_body_can_be_signed() -> None:
    """
    No body at all still has a signature, over the timestamp and the dot.
    """
    third = VECTORS[2]

    made = signature(third["secret"], third["timestamp"], b"")

    assert made == "7bd4beef1f5b8a197d134a5e108b475eff35082a8519e655ecfcf005821f851d"


def test_event_ids_collapse_what_is_not_a_word() -> None:
    """
    Dots and colons become one underscore each.
    """
    assert event_id("batch", JOB, "batch.completed") == f"evt_batch_{JOB}_batch_completed"
    assert event_id("batch", JOB, "batch.progress:50") == f"evt_batch_{JOB}_batch_progress_50"


def test_event_ids_are_cut() -> None:
    """
    With a long job id, different events of the job share an id of 160 characters.
    """
    long = "batch_" + "x" * 200

    assert event_id("batch", long, "batch.completed") == event_id("batch", long, "batch.failed")
    assert len(event_id("batch", long, "batch.completed")) == 160
