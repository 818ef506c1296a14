"""Phaseo's signature: what is authentic and fresh, and why the rest is refused."""

import hashlib
import hmac
import json
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.dialects.phaseo import Phaseo
from schemas.readings import Identity, Refused, Verified
from schemas.times import SECOND
from schemas.words import RefusalReason

SECRET = b"whsec_4f2b9c7d1e8a6350"
STAMP = b"1786500000"
NOW = 1_786_500_000 * SECOND
TOLERANCE = 300 * SECOND
BODY = json.dumps(
    {
        "id": "evt_batch_batch_1_batch_completed",
        "type": "batch.completed",
        "created_at": 1786500000,
        "delivery": {"key": "batch.completed", "attempt": 2, "max_attempts": 4},
        "data": {"id": "batch_1", "object": "batch", "kind": "batch", "status": "completed"},
    }
).encode()
IDENTITY = Identity("batch", "batch_1", "batch.completed")
HINTS = {
    b"x-phaseo-event-id": b"evt_batch_batch_1_batch_completed",
    b"x-phaseo-event-type": b"batch.completed",
    b"x-phaseo-delivery-key": b"batch.completed",
    b"x-phaseo-attempt": b"2",
    b"x-phaseo-max-attempts": b"4",
}


def signature(stamp: bytes = STAMP, body: bytes = BODY, secret: bytes = SECRET) -> bytes:
    """The signature by the words of the contract, computed apart from the product."""
    return hmac.new(secret, stamp + b"." + body, hashlib.sha256).hexdigest().encode()


def verify(
    *headers: tuple[bytes, bytes], body: bytes = BODY, secrets: Sequence[bytes] = (SECRET,), now: int = NOW
) -> Verified | Refused:
    return Phaseo().verify(headers, body, secrets, TOLERANCE, now)


SIGNED = ((b"x-phaseo-timestamp", STAMP), (b"x-phaseo-signature", signature()))


def test_authentic() -> None:
    """A signature over timestamp, full stop and raw body is accepted."""
    outcome = verify(*SIGNED)

    assert isinstance(outcome, Verified)
    assert (outcome.identity, outcome.secret_index, outcome.signed_at, outcome.unreadable) == (IDENTITY, 0, NOW, None)


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ((), RefusalReason.SIGNATURE_MISSING),
        (SIGNED[:1], RefusalReason.SIGNATURE_MISSING),
        (SIGNED[1:], RefusalReason.TIMESTAMP_MISSING),
        ((*SIGNED, SIGNED[1]), RefusalReason.SIGNATURE_DOUBLED),
        ((*SIGNED, (b"x-phaseo-signature", b"")), RefusalReason.SIGNATURE_DOUBLED),
        (((b"x-phaseo-signature", b"0" * 64), *SIGNED), RefusalReason.SIGNATURE_DOUBLED),
        ((*SIGNED, SIGNED[0]), RefusalReason.TIMESTAMP_DOUBLED),
        ((*SIGNED, (b"x-phaseo-timestamp", b"1786500001")), RefusalReason.TIMESTAMP_DOUBLED),
    ],
)
def test_exactly_once(headers: tuple[tuple[bytes, bytes], ...], reason: RefusalReason) -> None:
    """Signature and timestamp each occur exactly once, even where a second one is equal."""
    assert verify(*headers) == Refused(reason)


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"0",
        signature()[:-1],
        signature() + b"0",
        signature() * 2,
        signature()[:63] + b"g",
        signature() + b"\n",
        b" " + signature(),
        signature() + b" ",
        signature()[:32] + b" " + signature()[32:],
        signature() + b"," + signature(),
        b"\x00" * 64,
        b"\xff" * 64,
        "٣".encode() * 32,
        ("é" * 64).encode("latin-1"),
        signature()[:62] + b"\r\n",
        b"a" * 100_000,
        b"," * 10_000,
    ],
    ids=lambda value: repr(value[:20]),
)
def test_malformed_signatures(value: bytes) -> None:
    """A signature is 64 hex digits and nothing else, of whatever bytes it is made."""
    assert verify(SIGNED[0], (b"x-phaseo-signature", value)) == Refused(RefusalReason.SIGNATURE_MALFORMED)


@pytest.mark.parametrize(
    "value",
    [
        signature(secret=b"whsec_another"),
        signature(secret=SECRET + b"\n"),
        signature(secret=SECRET.removeprefix(b"whsec_")),
        signature(secret=b""),
        signature(stamp=b"1786500001"),
        signature(body=BODY + b" "),
        signature(body=b""),
        hmac.new(SECRET, BODY, hashlib.sha256).hexdigest().encode(),
        hmac.new(SECRET, STAMP + BODY, hashlib.sha256).hexdigest().encode(),
        hashlib.sha256(STAMP + b"." + BODY).hexdigest().encode(),
        b"0" * 64,
    ],
)
def test_wrong_signatures(value: bytes) -> None:
    """Another secret, timestamp or body, or another way to compute it, is wrong."""
    assert verify(SIGNED[0], (b"x-phaseo-signature", value)) == Refused(RefusalReason.SIGNATURE_WRONG)


@pytest.mark.parametrize("position", range(64))
def test_one_digit_off(position: int) -> None:
    """One wrong digit, wherever it stands, is a wrong signature."""
    right = signature()
    digit = b"1" if right[position : position + 1] == b"0" else b"0"
    value = right[:position] + digit + right[position + 1 :]

    assert verify(SIGNED[0], (b"x-phaseo-signature", value)) == Refused(RefusalReason.SIGNATURE_WRONG)


@pytest.mark.parametrize(
    "stamp",
    [
        b"",
        b"0",
        b"178650000",
        b"01786500000",
        b"1786500000000",
        b"1786500000.0",
        b"1786500000.7",
        b"1781166600.7",
        b"1.78650000e9",
        b"1e9",
        b"nan",
        b"inf",
        b"-178650000",
        b"+178650000",
        b" 1786500000",
        b"1786500000 ",
        b"1786500000\n",
        b"178650000\x00",
        b"1_786_500_",
        b"1_78650000",
        b"0x6a7cae40",
        b"2026-08-12",
        b"2026-08-12T02:00:00Z",
        "١٧٨٦٥٠٠٠٠٠".encode(),
        "178650000²".encode(),
        b"\xb2" * 10,
        b"1" * 5000,
    ],
    ids=lambda stamp: repr(stamp[:24]),
)
def test_malformed_timestamps(stamp: bytes) -> None:
    """A timestamp is ten ASCII digits of unix seconds; no other spelling is read, though it be rightly signed."""
    headers = (b"x-phaseo-timestamp", stamp), (b"x-phaseo-signature", signature(stamp))

    assert verify(*headers) == Refused(RefusalReason.TIMESTAMP_MALFORMED)


def test_boundary_shift() -> None:
    """A full stop cannot wander from the body into the timestamp, although the signature would be the same."""
    shifted = b"1786500000.7", BODY
    unshifted = b"1786500000", b"7." + BODY
    assert signature(*shifted) == signature(*unshifted)

    refused = verify((b"x-phaseo-timestamp", shifted[0]), (b"x-phaseo-signature", signature(*shifted)))
    unreadable = verify(SIGNED[0], (b"x-phaseo-signature", signature(*unshifted)), body=unshifted[1])

    assert refused == Refused(RefusalReason.TIMESTAMP_MALFORMED)
    assert isinstance(unreadable, Verified)
    assert unreadable.identity is None


@pytest.mark.parametrize(
    ("stamp", "reason"),
    [
        (b"0000000000", RefusalReason.TIMESTAMP_STALE),
        (b"1786499699", RefusalReason.TIMESTAMP_STALE),
        (b"1786500301", RefusalReason.TIMESTAMP_FUTURE),
        (b"9999999999", RefusalReason.TIMESTAMP_FUTURE),
    ],
)
def test_not_fresh(stamp: bytes, reason: RefusalReason) -> None:
    """A rightly signed request from too long ago, or from the future, is refused."""
    assert verify((b"x-phaseo-timestamp", stamp), (b"x-phaseo-signature", signature(stamp))) == Refused(reason)


def test_fresh_to_the_microsecond() -> None:
    """The window ends with the three hundredth second, not within the next."""
    assert isinstance(verify(*SIGNED, now=NOW + TOLERANCE), Verified)
    assert verify(*SIGNED, now=NOW + TOLERANCE + 1) == Refused(RefusalReason.TIMESTAMP_STALE)
    assert isinstance(verify(*SIGNED, now=NOW - TOLERANCE), Verified)
    assert verify(*SIGNED, now=NOW - TOLERANCE - 1) == Refused(RefusalReason.TIMESTAMP_FUTURE)


def test_wrong_before_stale() -> None:
    """Only who knows the secret learns anything of our clock: a wrong signature is wrong, however old it is."""
    headers = (b"x-phaseo-timestamp", b"0000000000"), (b"x-phaseo-signature", b"0" * 64)

    assert verify(*headers) == Refused(RefusalReason.SIGNATURE_WRONG)


@pytest.mark.parametrize("position", range(3))
def test_several_secrets(position: int) -> None:
    """Each live secret is tried, and the one that matched is told by its place."""
    secrets = [b"whsec_retired", "whsec_ключ".encode(), b"whsec_next"]
    headers = SIGNED[0], (b"x-phaseo-signature", signature(secret=secrets[position]))
    outcome = verify(*headers, secrets=secrets)

    assert isinstance(outcome, Verified)
    assert outcome.secret_index == position


def test_same_secret_twice() -> None:
    """Of two equal secrets the first is told."""
    outcome = verify(*SIGNED, secrets=[b"other", SECRET, SECRET])

    assert isinstance(outcome, Verified)
    assert outcome.secret_index == 1


def test_no_secret() -> None:
    """Without a live secret nothing is authentic."""
    assert verify(*SIGNED, secrets=[]) == Refused(RefusalReason.SIGNATURE_WRONG)
    assert verify(SIGNED[0], (b"x-phaseo-signature", signature(secret=b"")), secrets=[]) == Refused(
        RefusalReason.SIGNATURE_WRONG
    )


def test_agreeing_headers() -> None:
    """Unsigned headers that repeat the body are welcome, even twice."""
    outcome = verify(*SIGNED, *HINTS.items(), *HINTS.items())

    assert isinstance(outcome, Verified)
    assert outcome.identity == IDENTITY


@pytest.mark.parametrize("value", [b"", b"other", b"batch.completed ", b"BATCH.COMPLETED", b"02", b"3", b"\xff"])
@pytest.mark.parametrize("name", HINTS)
def test_contradicting_headers(name: bytes, value: bytes) -> None:
    """A header that contradicts the signed body is refused like a bad signature."""
    assert verify(*SIGNED, (name, value)) == Refused(RefusalReason.HEADER_CONTRADICTS)


@pytest.mark.parametrize("name", HINTS)
def test_contradicting_second_header(name: bytes) -> None:
    """Doubled, both must agree: neither the first nor the last wins."""
    right, wrong = (name, HINTS[name]), (name, b"other")

    assert verify(*SIGNED, right, wrong) == Refused(RefusalReason.HEADER_CONTRADICTS)
    assert verify(*SIGNED, wrong, right) == Refused(RefusalReason.HEADER_CONTRADICTS)


@pytest.mark.parametrize("name", HINTS)
def test_header_without_counterpart(name: bytes) -> None:
    """What the body does not say, a header cannot contradict; and it is not believed either."""
    body = b'{"delivery":{"key":"k"},"data":{"id":"batch_1","kind":"batch"}}'
    headers = SIGNED[0], (b"x-phaseo-signature", signature(body=body)), (name, b"k")
    outcome = verify(*headers, body=body)

    assert isinstance(outcome, Verified)
    assert (outcome.report.event_type, outcome.report.event_id, outcome.report.attempt) == (None, None, None)


@pytest.mark.parametrize("event_id", ["evt_é", "evt_🚦", "evt_\n"])
def test_header_of_any_letters(event_id: str) -> None:
    """A header agrees when its bytes are the body's text in UTF-8."""
    body = json.dumps({"id": event_id, "delivery": {"key": "k"}, "data": {"id": "batch_1", "kind": "batch"}}).encode()
    signed = SIGNED[0], (b"x-phaseo-signature", signature(body=body))

    assert isinstance(verify(*signed, (b"x-phaseo-event-id", event_id.encode()), body=body), Verified)
    assert verify(*signed, (b"x-phaseo-event-id", b"evt_"), body=body) == Refused(RefusalReason.HEADER_CONTRADICTS)


@pytest.mark.parametrize(
    "headers",
    [
        [(b"x_phaseo_timestamp", STAMP), (b"x_phaseo_signature", signature())],
        [(b"x-phaseo_timestamp", STAMP), (b"x-phaseo_signature", signature())],
        [(b"x-phaseo-timestamp ", STAMP), (b"x-phaseo-signature ", signature())],
        [(b"http-x-phaseo-timestamp", STAMP), (b"http-x-phaseo-signature", signature())],
        [(b"phaseo-timestamp", STAMP), (b"phaseo-signature", signature())],
    ],
)
def test_near_names(headers: list[tuple[bytes, bytes]]) -> None:
    """Only the exact names are read; underscores and other near misses are no signature."""
    assert verify(*headers) == Refused(RefusalReason.SIGNATURE_MISSING)


def test_underscored_headers_are_ignored() -> None:
    """Beside the right headers, underscored ones neither double nor contradict anything."""
    underscored = [
        (name.replace(b"-", b"_"), b"other") for name in (*HINTS, b"x-phaseo-signature", b"x-phaseo-timestamp")
    ]

    assert verify(*SIGNED, *underscored) == verify(*SIGNED)


@settings(deadline=None)
@given(
    st.binary(max_size=200),
    st.integers(1_786_499_000, 1_786_501_000),
    st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=3, unique=True),
    st.data(),
)
def test_as_computed_apart(body: bytes, seconds: int, secrets: list[bytes], data: st.DataObject) -> None:
    """For any body, time and secrets the outcome is that of the contract's formula, computed apart."""
    stamp = str(seconds).encode()
    secret = data.draw(st.sampled_from(secrets) | st.binary(max_size=10))
    headers = (b"x-phaseo-signature", signature(stamp, body, secret)), (b"x-phaseo-timestamp", stamp)
    outcome = verify(*headers, body=body, secrets=secrets)
    matching = [place for place, live in enumerate(secrets) if signature(stamp, body, live) == headers[0][1]]

    if not matching:
        assert outcome == Refused(RefusalReason.SIGNATURE_WRONG)
    elif abs(seconds - 1_786_500_000) > 300:
        assert isinstance(outcome, Refused)
        assert outcome.reason in (RefusalReason.TIMESTAMP_STALE, RefusalReason.TIMESTAMP_FUTURE)
    else:
        assert isinstance(outcome, Verified)
        assert outcome.secret_index == matching[0]


@settings(deadline=None)
@given(
    st.binary(max_size=100).filter(lambda body: body != BODY),
    st.integers(0, 9_999_999_999).filter(lambda s: s != int(STAMP)),
)
def test_no_other_body_or_time(body: bytes, seconds: int) -> None:
    """A captured signature fits no other body and no other time."""
    stamp = b"%010d" % seconds

    assert verify(*SIGNED, body=body) == Refused(RefusalReason.SIGNATURE_WRONG)
    assert verify((b"x-phaseo-timestamp", stamp), SIGNED[1]) == Refused(RefusalReason.SIGNATURE_WRONG)


@pytest.mark.parametrize("name", [b"x-ai-stats-delivery-key", b"x-ai-stats-signature", b"x-ai-stats-timestamp"])
def test_the_headers_of_two_generations_never_mix(name: bytes) -> None:
    """A signed request that also has a header of the former prefix contradicts itself."""
    body = Phaseo().sample("batch.completed", "b1", "completed", "https://gateway.example/v1", NOW)
    signed = Phaseo().sign(b"whsec_0123456789abcdef", body, NOW)
    today = [(key.encode(), value.encode()) for key, value in signed.headers]
    former = [(key.replace(b"x-phaseo-", b"x-ai-stats-"), value) for key, value in today]

    for headers, foreign in ((today, name), (former, name.replace(b"x-ai-stats-", b"x-phaseo-"))):
        mixed = Phaseo().verify([*headers, (foreign, b"x")], body, [b"whsec_0123456789abcdef"], 300_000_000, NOW)

        assert isinstance(Phaseo().verify(headers, body, [b"whsec_0123456789abcdef"], 300_000_000, NOW), Verified)
        assert isinstance(mixed, Refused)


@pytest.mark.parametrize("prefix", [b"x-phaseo-", b"x-ai-stats-"])
def test_headers_that_contradict_the_body(prefix: bytes) -> None:
    """In either family a header that repeats the body has to repeat it rightly; alone, signature and timestamp are enough."""
    body = Phaseo().sample("batch.completed", "b1", "completed", "https://gateway.example/v1", NOW)
    signed = Phaseo().sign(b"whsec_0123456789abcdef", body, NOW)
    headers = [(key.encode().replace(b"x-phaseo-", prefix), value.encode()) for key, value in signed.headers]
    bare = [(key, value) for key, value in headers if key in (prefix + b"signature", prefix + b"timestamp")]
    forged = [(key, b"batch.progress:50" if key == prefix + b"delivery-key" else value) for key, value in headers]

    assert (prefix + b"delivery-key", b"batch.completed") in headers
    assert isinstance(Phaseo().verify(bare, body, [b"whsec_0123456789abcdef"], 300_000_000, NOW), Verified)
    assert Phaseo().verify(forged, body, [b"whsec_0123456789abcdef"], 300_000_000, NOW) == Refused(
        RefusalReason.HEADER_CONTRADICTS
    )


def test_a_time_of_the_other_family() -> None:
    """A signature of one family and a timestamp of the other do not make an authentic request."""
    stamp, signature = SIGNED[0], SIGNED[1]

    assert verify((b"x-ai-stats-timestamp", stamp[1]), signature) == Refused(RefusalReason.TIMESTAMP_MISSING)
    assert verify(stamp, (b"x-ai-stats-signature", signature[1])) == Refused(RefusalReason.TIMESTAMP_MISSING)
