"""The stand-in's own signatures of Thunderbit's webhooks, held against the contract's vectors."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from sandbox.thunderbit.signing import signature_v1, signature_v2

VECTORS = json.loads((Path(__file__).parent / "thunderbit_vectors.json").read_text())


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_published_thunderbit_vector(vector: dict[str, Any]) -> None:
    """
    Each published body, secret and timestamp gives the published signature, byte for byte.
    """
    body = vector["body"].encode()
    made = (
        signature_v1(vector["secret"], body)
        if vector["scheme"] == "v1"
        else signature_v2(vector["secret"], vector["timestamp"], body)
    )

    assert (len(body), sha256(body).hexdigest()) == (vector["body_bytes"], vector["body_sha256"])
    assert made == vector["signature"]
