"""Thunderbit's published signature vectors and delivery keys (contract 14), and one by another hand."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from schemas.dialects.thunderbit import Thunderbit
from schemas.dialects.thunderbit.delivery_key import key_of, key_of_unattributed
from schemas.dialects.thunderbit.options import Scheme, ThunderbitOptions
from schemas.readings import Identity, Refused, Report, Verified
from schemas.times import HOUR
from schemas.words import RefusalReason, Status

FILE = json.loads((Path(__file__).parent / "thunderbit_vectors.json").read_text())
BODIES = {name: base64.b64decode(body) for name, body in FILE["bodies"].items()}
GOOD = [vector for vector in FILE["requests"] if vector["verifies"]]
BAD = [vector for vector in FILE["requests"] if not vector["verifies"]]
V1 = [vector for vector in GOOD if vector["scheme"] == "v1"]
V2 = [vector for vector in GOOD if vector["scheme"] == "v2"]
DIGESTS = {
    "A": (196, "b0063457511a85f85f9eb07d5c56340b7f7cd617305c1d093532355feff842f7"),
    "U": (239, "7fce017948eb395030b3ea6682049eda95d3800be599ff764ec2959c413f3297"),
    "E": (260, "88e198aaa14eba56c6731c9cf08f42983e5d017469ef2594ae6224029a89bbea"),
    "P": (232, "8842acc9a1e225478a71389829b9d0fffdfa13195d34d1f8095f4738af6e45dc"),
    "O": (116, "bdb46bd08afbd8b4fb06df947240d2c505b72e5a81070dde0f1926e480898c12"),
}


def arrive(vector: dict[str, Any], scheme: Scheme) -> Verified | Refused:
    """What becomes of a vector that arrives at once, at a source with these signatures."""
    headers = [(b"x-webhook-event", b"batch.completed"), (b"x-webhook-signature", vector["signature"].encode())]
    stamp = vector["timestamp"] or "1777796222417"
    if vector["timestamp"] is not None:
        headers.append((b"x-webhook-timestamp", stamp.encode()))
    secrets = [b"whsec_of_another_time", vector["secret"].encode()]
    dialect = Thunderbit("tb_prod", ThunderbitOptions(signature=scheme))
    return dialect.verify(headers, BODIES[vector["body"]], secrets, HOUR, int(stamp) * 1_000)


def of(vectors: list[dict[str, Any]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("vector", vectors, ids=lambda vector: vector["name"])


@pytest.mark.parametrize("name", DIGESTS)
def test_copied_right(name: str) -> None:
    """The vectors' bodies are the published bytes."""
    assert (len(BODIES[name]), hashlib.sha256(BODIES[name]).hexdigest()) == DIGESTS[name]


@of(V2)
@pytest.mark.parametrize("scheme", ["v2", "v2+v1"])
def test_v2_is_accepted(vector: dict[str, Any], scheme: Scheme) -> None:
    """Each vector of today's scheme is authentic where that is taken, by the secret that signed it, at its own time."""
    outcome = arrive(vector, scheme)

    assert isinstance(outcome, Verified)
    assert (outcome.secret_index, outcome.signed_at) == (1, int(vector["timestamp"]) * 1_000)


@of(V1)
@pytest.mark.parametrize("scheme", ["v1", "v2+v1"])
def test_v1_is_accepted(vector: dict[str, Any], scheme: Scheme) -> None:
    """Each vector of the older scheme is authentic where that is asked for; it has no time of its own."""
    outcome = arrive(vector, scheme)

    assert isinstance(outcome, Verified)
    assert (outcome.secret_index, outcome.signed_at) == (1, None)


@of(V1)
def test_v1_is_not_v2(vector: dict[str, Any]) -> None:
    """By default a signature of the older scheme is refused."""
    assert arrive(vector, "v2") == Refused(RefusalReason.SIGNATURE_MALFORMED)


@of(V2)
def test_v2_is_not_v1(vector: dict[str, Any]) -> None:
    """A source that takes the older scheme alone refuses today's."""
    assert arrive(vector, "v1") == Refused(RefusalReason.SIGNATURE_MALFORMED)


@of(BAD)
@pytest.mark.parametrize("scheme", ["v2", "v2+v1", "v1"])
def test_refused(vector: dict[str, Any], scheme: Scheme) -> None:
    """Each vector that a verifier of v2 must reject is refused, also where v1 is taken beside it or alone."""
    assert isinstance(arrive(vector, scheme), Refused)


@pytest.mark.parametrize(
    ("scheme", "signature"),
    [
        ("v2", b"sha256=C4sWdkq5v4m7yT0Uto+iPfaeBX4cpmzu3/4Epr8cLyw="),
        ("v1", b"sha256=b43d81d9b316fa606edd0872986cd0b832a2ed1495c220e51cd6da3cf983df04"),
    ],
)
def test_by_another_hand(scheme: Scheme, signature: bytes) -> None:
    """The signatures in Thunderbit's style that the contract of other providers publishes (its section 6) are authentic."""
    body = (
        b'{"object":"event","id":"evt_685343a1381c819085d44c354e1b330e","type":"batch.completed",'
        b'"created_at":1781166600,"data":{"id":"batch_abc123"}}'
    )
    headers = [(b"x-webhook-timestamp", b"1781166600000"), (b"x-webhook-signature", signature)]
    dialect = Thunderbit("tb_prod", ThunderbitOptions(signature=scheme))

    assert isinstance(dialect.verify(headers, body, [b"whsec_test_123"], 0, 1_781_166_600_000_000), Verified)


@pytest.mark.parametrize(
    ("vector", "identity", "report"),
    [
        (
            GOOD[0],
            Identity("batch", "batch_7f3a9c21", key_of("tb_prod", "batch_7f3a9c21", "COMPLETED")),
            Report("batch.completed", status=Status.COMPLETED, native_status="COMPLETED", progress=100),
        ),
        (
            GOOD[1],
            Identity("batch", "batch_0b44d1e8", key_of("tb_prod", "batch_0b44d1e8", "FAILED")),
            Report("batch.completed", status=Status.FAILED, native_status="FAILED", progress=99),
        ),
        (
            GOOD[3],
            Identity("batch", "batch_c0ffee00", key_of("tb_prod", "batch_c0ffee00", "CANCELLED")),
            Report("batch.completed", status=Status.CANCELLED, native_status="CANCELLED", progress=40),
        ),
        (
            GOOD[7],
            Identity("batch", "batch_19e4d7aa", key_of("tb_prod", "batch_19e4d7aa", "COMPLETED")),
            Report("batch.completed", status=Status.COMPLETED, native_status="COMPLETED", progress=100),
        ),
    ],
    ids=["A", "U", "P", "O"],
)
def test_what_they_say(vector: dict[str, Any], identity: Identity, report: Report) -> None:
    """A vector names its delivery and tells its job's status by the body, whatever the event is called; so does the older
    payload."""
    outcome = arrive(vector, "v2+v1")

    assert isinstance(outcome, Verified)
    assert (outcome.identity, outcome.report) == (identity, report)


@pytest.mark.parametrize(
    ("job", "native", "key"),
    [
        ("batch_7f3a9c21", "COMPLETED", "tb1:90ea55a6ed0643a408bdbbcffaca7bb96cd6bb76efcaf35837882bb157ea8aff"),
        ("batch_7f3a9c21", "completed", "tb1:90ea55a6ed0643a408bdbbcffaca7bb96cd6bb76efcaf35837882bb157ea8aff"),
        ("batch_c0ffee00", "CANCELLED", "tb1:4f3499aec586daef23779a4257951747054328418c7b81f50401b55f8d599b67"),
        ("batch_c0ffee00", "CANCELED", "tb1:4f3499aec586daef23779a4257951747054328418c7b81f50401b55f8d599b67"),
    ],
)
def test_delivery_keys(job: str, native: str, key: str) -> None:
    """The published delivery keys, in either case and spelling of the status."""
    assert key_of("tb-prod", job, native) == key


def test_delivery_key_of_bytes() -> None:
    """The published key of a body that says nothing."""
    key = "tb0:5845fbe7f29cacecb7fa157555c2de85c1de044e808c67d1e7085b5f758ab132"

    assert key_of_unattributed("tb-prod", b"{}") == key
