"""What a request presents, and the check of that: together they are `verify`, and between them nothing stands in clear."""

import base64
import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.dialects import DIALECTS
from schemas.dialects.anthropic import Anthropic
from schemas.dialects.dialect import Dialect, Headers
from schemas.dialects.openai import OpenAI
from schemas.dialects.phaseo import Phaseo
from schemas.dialects.standard import Standard
from schemas.dialects.standard.options import Options
from schemas.dialects.thunderbit import Thunderbit
from schemas.dialects.thunderbit.options import ThunderbitOptions
from schemas.presented import Presented, hashed, read, which_signed, written
from schemas.readings import Refused, Verified
from schemas.times import SECOND
from schemas.words import RefusalReason

HERE = Path(__file__).parent
NOW = 1_786_500_000 * SECOND
TOLERANCE = 300 * SECOND
SECRET, NEXT = (b"whsec_" + base64.b64encode(text) for text in (b"a key of twenty bytes", b"and the one after it"))
TOOL = {"status_url": "/v1/{job}", "words": {"succeeded": "completed", "processing": "running"}}
SPEAKING: dict[str, Dialect] = {
    "phaseo": Phaseo("phaseo"),
    "openai": OpenAI("openai"),
    "standard": Standard("standard", Options.model_validate(TOOL)),
    "standard, by svix": Standard("standard", Options.model_validate({**TOOL, "header_prefix": "svix"})),
    "thunderbit": Thunderbit("tb"),
    "thunderbit v1": Thunderbit("tb", ThunderbitOptions(signature="v1")),
}
SCHEMES = {
    "phaseo": "phaseo",
    "openai": "standard webhooks v1",
    "standard": "standard webhooks v1",
    "standard, by svix": "standard webhooks v1",
    "thunderbit": "thunderbit v2",
    "thunderbit v1": "thunderbit v1",
}


def sent(dialect: Dialect, secret: bytes = SECRET, now: int = NOW) -> tuple[Headers, bytes]:
    """A delivery as its provider would send it."""
    body = dialect.sample("batch.completed", "batch_1", "completed", "https://provider.example/v1", NOW)
    request = dialect.sign(secret, body, now)
    assert request is not None
    return [(name.lower().encode(), value.encode()) for name, value in request.headers], request.body


def presented(dialect: Dialect, headers: Headers) -> Presented:
    found = dialect.present(headers)
    assert isinstance(found, Presented)
    return found


@pytest.mark.parametrize("name", SPEAKING)
def test_what_each_scheme_presents(name: str) -> None:
    """Its time, what stands before the body, and of its digest the SHA-256 alone; as JSON it is the same when it is read back."""
    headers, _ = sent(SPEAKING[name])
    found = presented(SPEAKING[name], headers)
    signature = next(value for field, value in headers if field.endswith(b"signature"))

    assert found.scheme == SCHEMES[name]
    assert found.signed_at == (None if name == "thunderbit v1" else NOW)
    assert found.digests == (sha256(signature.removeprefix(b"v1,")).hexdigest(),)
    assert read(written(found)) == found
    assert signature.decode() not in written(found)


@pytest.mark.parametrize(("name", "before"), [("phaseo", b"1786500000."), ("thunderbit", b"1786500000000.")])
def test_what_stands_before_the_body(name: str, before: bytes) -> None:
    """The time as its header has it, and the full stop that parts it from the body."""
    headers, _ = sent(SPEAKING[name])

    assert presented(SPEAKING[name], headers).before == before


def test_the_id_stands_before_the_body() -> None:
    """Standard Webhooks sign the message's id in front of the time."""
    headers, _ = sent(SPEAKING["openai"])
    message_id = dict(headers)[b"webhook-id"]

    assert presented(SPEAKING["openai"], headers).before == message_id + b".1786500000."


@pytest.mark.parametrize("name", SPEAKING)
def test_a_check_needs_no_headers(name: str) -> None:
    """With the right secret what was kept is as good as the request: the same reading, and the index of the secret."""
    dialect = SPEAKING[name]
    headers, body = sent(dialect)
    kept = read(written(presented(dialect, headers)))
    checked = dialect.check(kept, body, [NEXT, SECRET], TOLERANCE, NOW)

    assert checked == dialect.verify(headers, body, [NEXT, SECRET], TOLERANCE, NOW)
    assert isinstance(checked, Verified)
    assert checked.secret_index == 1


@pytest.mark.parametrize("name", SPEAKING)
def test_a_check_is_as_strict(name: str) -> None:
    """Another secret, none, another body, or a time before or after: refused, for the reason that `verify` gives."""
    dialect = SPEAKING[name]
    headers, body = sent(dialect)
    kept = presented(dialect, headers)
    hour = 3_600 * SECOND
    for given_body, secrets, now in (
        (body, [NEXT], NOW),
        (body, [], NOW),
        (body + b" ", [SECRET], NOW),
        (body, [SECRET], NOW + hour),
        (body, [SECRET], NOW - hour),
        (body, [NEXT], NOW + hour),
    ):
        checked = dialect.check(kept, given_body, secrets, TOLERANCE, now)

        assert checked == dialect.verify(headers, given_body, secrets, TOLERANCE, now)
        assert isinstance(checked, Refused) or (name == "thunderbit v1" and secrets == [SECRET])


@pytest.mark.parametrize("name", SPEAKING)
def test_another_scheme_is_another_language(name: str) -> None:
    """What was presented in a scheme that the source does not speak is not read as if it were its own."""
    headers, body = sent(SPEAKING[name])
    kept = presented(SPEAKING[name], headers)
    for other, dialect in SPEAKING.items():
        if SCHEMES[other] != SCHEMES[name]:
            refused = dialect.check(kept, body, [SECRET], TOLERANCE, NOW)

            assert refused == Refused(RefusalReason.SIGNATURE_MALFORMED)


def test_a_scheme_without_a_time_is_no_way_around_it() -> None:
    """Where a time is signed, none is no time that is fresh."""
    for name in ("phaseo", "openai", "standard"):
        dialect = SPEAKING[name]
        headers, body = sent(dialect)
        kept = presented(dialect, headers)._replace(signed_at=None)

        assert isinstance(dialect.check(kept, body, [SECRET], TOLERANCE, NOW), Refused)


def test_whoever_sends_no_webhooks_presents_nothing() -> None:
    """A dialect without webhooks refuses in both halves."""
    nobody = Anthropic("a")
    missing = Refused(RefusalReason.SIGNATURE_MISSING)

    assert nobody.present([]) == missing
    assert nobody.check(Presented("phaseo", NOW, b"", ()), b"", [SECRET], TOLERANCE, NOW) == missing
    assert {type(dialect).name for dialect in SPEAKING.values()} | {"anthropic", "tagger"} == set(DIALECTS)


class TestFields:
    def test_those_that_repeat_the_body(self) -> None:
        """At Phaseo they are kept without their prefix, and have to agree in the second look as in the first."""
        dialect = SPEAKING["phaseo"]
        headers, body = sent(dialect)
        kept = presented(dialect, headers)
        wrong = kept._replace(fields=((b"delivery-key", b"batch.failed"),))

        assert dict(kept.fields)[b"delivery-key"] == b"batch.completed"
        assert dialect.check(wrong, body, [SECRET], TOLERANCE, NOW) == Refused(RefusalReason.HEADER_CONTRADICTS)

    def test_another_family_is_not_kept(self) -> None:
        """Of the gateway's other family nothing is kept, for it may be a signature; only that it was there, which is refused."""
        dialect = SPEAKING["phaseo"]
        headers, body = sent(dialect)
        both = [*headers, (b"x-ai-stats-signature", b"0" * 64)]
        kept = presented(dialect, both)

        assert "0" * 64 not in written(kept)
        assert "ai-stats" not in written(kept)
        assert dialect.check(kept, body, [SECRET], TOLERANCE, NOW) == Refused(RefusalReason.HEADER_CONTRADICTS)
        assert dialect.verify(both, body, [SECRET], TOLERANCE, NOW) == Refused(RefusalReason.HEADER_CONTRADICTS)

    def test_the_name_of_an_event(self) -> None:
        """At Thunderbit an unknown event stays unreadable in the second look."""
        dialect = SPEAKING["thunderbit"]
        headers, body = sent(dialect)
        other = [(name, b"else" if name == b"x-webhook-event" else value) for name, value in headers]
        checked = dialect.check(read(written(presented(dialect, other))), body, [SECRET], TOLERANCE, NOW)

        assert isinstance(checked, Verified)
        assert "else" in (checked.unreadable or "")


class TestWhichSigned:
    def test_any_digest_of_any_secret(self) -> None:
        """The first secret whose digest is among those presented; one that makes none counts as a place, and matches nothing."""
        found = Presented("x", None, b"", (hashed(b"one"), hashed(b"two")))

        assert which_signed(found, [None, b"three", b"two", b"one"]) == 2
        assert which_signed(found, [b"three", None]) is None
        assert which_signed(found._replace(digests=()), [b"one"]) is None

    def test_every_secret_is_compared(self) -> None:
        """The secrets behind the one that matches are looked at as well."""
        seen: list[bytes] = []

        def right() -> Iterator[bytes]:
            for digest in (b"one", b"two", b"three"):
                seen.append(digest)
                yield digest

        assert which_signed(Presented("x", None, b"", (hashed(b"one"),)), right()) == 0
        assert seen == [b"one", b"two", b"three"]


BYTES = st.binary(max_size=40)
ANY = st.builds(
    Presented,
    st.sampled_from(sorted(set(SCHEMES.values()))),
    st.none() | st.integers(0, 1 << 62),
    BYTES,
    st.lists(BYTES.map(hashed), max_size=4).map(tuple),
    st.lists(st.tuples(BYTES, BYTES), max_size=4).map(tuple),
)


@given(ANY)
def test_written_and_read(kept: Presented) -> None:
    """Whatever bytes stand in the headers, JSON in ASCII gives them back."""
    assert written(kept).isascii()
    assert read(written(kept)) == kept


@given(ANY, BYTES, st.sampled_from(sorted(SPEAKING)))
def test_a_check_never_raises(kept: Presented, body: bytes, name: str) -> None:
    """Whatever is presented, nothing is authentic but what was signed."""
    assert isinstance(SPEAKING[name].check(kept, body, [SECRET], TOLERANCE, NOW), Refused)


def vectors() -> Iterator[Any]:
    """The vectors of the contracts that are authentic: dialect, headers, body, secret, and when they were signed."""

    def told(name: str) -> Any:
        return json.loads((HERE / f"{name}_vectors.json").read_text())

    for one in told("phaseo"):
        fields = {"x-phaseo-timestamp": one["timestamp"], "x-phaseo-signature": one["signature"]}
        yield (
            f"phaseo: {one['name']}",
            Phaseo(),
            fields,
            one["body"].encode(),
            one["secret"],
            int(one["timestamp"]) * SECOND,
        )
    for one in told("standard_webhooks"):
        fields = {f"webhook-{name}": one[name] for name in ("id", "timestamp", "signature")}
        yield (
            f"openai: {one['name']}",
            OpenAI(),
            fields,
            one["body"].encode(),
            one["secret"],
            int(one["timestamp"]) * SECOND,
        )
    file = told("thunderbit")
    for one in file["requests"]:
        if one["verifies"]:
            stamp = one["timestamp"] or "1777796222417"
            fields = {"x-webhook-timestamp": stamp, "x-webhook-signature": one["signature"]}
            dialect = Thunderbit("tb", ThunderbitOptions(signature=one["scheme"]))
            body = base64.b64decode(file["bodies"][one["body"]])
            yield f"thunderbit: {one['name']}", dialect, fields, body, one["secret"], int(stamp) * 1_000


VECTORS = {name: rest for name, *rest in vectors()}


@pytest.mark.parametrize("name", VECTORS)
def test_the_contracts_vectors(name: str) -> None:
    """Each published vector is authentic after a stay in JSON, for its secret, and for no other."""
    dialect, fields, body, secret, at = VECTORS[name]
    kept = read(written(presented(dialect, [(field.encode(), value.encode()) for field, value in fields.items()])))

    assert isinstance(dialect.check(kept, body, [SECRET, secret.encode()], TOLERANCE, at), Verified)
    assert dialect.check(kept, body, [SECRET], TOLERANCE, at) == Refused(RefusalReason.SIGNATURE_WRONG)
    assert not any(value in written(kept) for field, value in fields.items() if field.endswith("signature"))
