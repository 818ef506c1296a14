"""Thunderbit's signatures: what is authentic and fresh, and why the rest is refused."""

import base64
import hashlib
import hmac
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.dialects.thunderbit import Thunderbit
from schemas.dialects.thunderbit.options import Scheme, ThunderbitOptions
from schemas.readings import Refused, Verified
from schemas.times import HOUR, MINUTE, SECOND
from schemas.words import RefusalReason

SECRET = b"whsec_test_0123456789abcdef"
STAMP = b"1786500000417"
NOW = 1_786_500_000_417_000
BODY = b'{"id":"batch_1","status":"COMPLETED","total":2,"completed":1,"failed":1}'
SCHEMES: tuple[Scheme, ...] = ("v2", "v1", "v2+v1")


def v2(stamp: bytes = STAMP, body: bytes = BODY, secret: bytes = SECRET) -> bytes:
    """Today's signature by the words of the contract, computed apart from the product."""
    return b"sha256=" + base64.b64encode(hmac.new(secret, stamp + b"." + body, hashlib.sha256).digest())


def v1(body: bytes = BODY, secret: bytes = SECRET) -> bytes:
    return b"sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest().encode()


def verify(
    *headers: tuple[bytes, bytes],
    body: bytes = BODY,
    secrets: Sequence[bytes] = (SECRET,),
    now: int = NOW,
    scheme: Scheme = "v2",
    tolerance: int = HOUR,
) -> Verified | Refused:
    return Thunderbit("tb", ThunderbitOptions(signature=scheme)).verify(headers, body, secrets, tolerance, now)


NAME, TIME = b"x-webhook-signature", b"x-webhook-timestamp"
SIGNED = ((TIME, STAMP), (NAME, v2()))
SIGNED_V1 = ((NAME, v1()),)


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ((), RefusalReason.SIGNATURE_MISSING),
        (SIGNED[:1], RefusalReason.SIGNATURE_MISSING),
        (SIGNED[1:], RefusalReason.TIMESTAMP_MISSING),
        ((*SIGNED, SIGNED[1]), RefusalReason.SIGNATURE_DOUBLED),
        ((*SIGNED, (NAME, b"")), RefusalReason.SIGNATURE_DOUBLED),
        ((*SIGNED, SIGNED[0]), RefusalReason.TIMESTAMP_DOUBLED),
        ((*SIGNED, (TIME, b"1")), RefusalReason.TIMESTAMP_DOUBLED),
        (((b"x-thunderbit-signature", v2()), SIGNED[0]), RefusalReason.SIGNATURE_MISSING),
    ],
)
def test_exactly_once(headers: tuple[tuple[bytes, bytes], ...], reason: RefusalReason) -> None:
    """Signature and timestamp each occur exactly once, under the names of today's page."""
    assert verify(*headers) == Refused(reason)


@pytest.mark.parametrize("scheme", ["v1", "v2+v1"])
def test_v1_exactly_once(scheme: Scheme) -> None:
    """The older scheme needs no timestamp and looks at none; its signature, too, occurs exactly once."""
    assert isinstance(verify(*SIGNED_V1, scheme=scheme), Verified)
    assert isinstance(verify(*SIGNED_V1, (TIME, b"x"), (TIME, b"y"), scheme=scheme), Verified)
    assert verify(*SIGNED_V1, *SIGNED_V1, scheme=scheme) == Refused(RefusalReason.SIGNATURE_DOUBLED)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(
    "signature",
    [
        b"",
        b"sha256=",
        v2()[7:],
        v1()[7:],
        v2().replace(b"=", b"", 1),
        v2()[:-1],
        v2() + b"=",
        b" " + v2(),
        v2() + b"\n",
        v2() + b", " + v2(),
        b"SHA256=" + v2()[7:],
        b"sha512=" + v2()[7:],
        v1()[:7] + v1()[7:].upper(),
        v1()[:-1],
        v1() + b"0",
        v1() + b"\n",
        b"sha256=" + base64.urlsafe_b64encode(b"\xff" * 32),
        b"sha256=" + b"\xc3\xa9" * 22,
        b"x" * 100_000,
    ],
)
def test_malformed(signature: bytes, scheme: Scheme) -> None:
    """Only `sha256=` and 44 characters of padded standard base64, or 64 lower-case hex digits, are a signature."""
    assert verify(SIGNED[0], (NAME, signature), scheme=scheme) == Refused(RefusalReason.SIGNATURE_MALFORMED)


@pytest.mark.parametrize(
    "stamp", [b"", b"-1", b"+1", b" 1", b"1 ", b"1.5", b"1e3", b"0x1", b"1" * 17, "٣".encode(), b"1\n"]
)
def test_malformed_timestamps(stamp: bytes) -> None:
    """A timestamp is 1 to 16 ASCII digits, whatever signs it."""
    headers = ((TIME, stamp), (NAME, v2(stamp)))

    assert verify(*headers) == Refused(RefusalReason.TIMESTAMP_MALFORMED)


def test_characters_as_they_came() -> None:
    """A timestamp with zeros before it is signed with them, and without them is another one."""
    long = b"000" + STAMP

    assert isinstance(verify((TIME, long), (NAME, v2(long))), Verified)
    assert verify((TIME, long), (NAME, v2())) == Refused(RefusalReason.SIGNATURE_WRONG)


@pytest.mark.parametrize(
    ("age", "reason"),
    [
        (0, None),
        (45 * MINUTE, None),
        (HOUR, None),
        (HOUR + 1, RefusalReason.TIMESTAMP_STALE),
        (-5 * MINUTE, None),
        (-5 * MINUTE - 1, RefusalReason.TIMESTAMP_FUTURE),
        (-HOUR, RefusalReason.TIMESTAMP_FUTURE),
    ],
)
def test_freshness(age: int, reason: RefusalReason | None) -> None:
    """A signature may be as old as the tolerance, which spans the provider's retries, and from at most five minutes ahead."""
    outcome = verify(*SIGNED, now=NOW + age)

    assert isinstance(outcome, Verified) if reason is None else outcome == Refused(reason)


def test_a_short_tolerance_holds_both_ways() -> None:
    """A tolerance below five minutes bounds the future, too."""
    assert verify(*SIGNED, now=NOW - MINUTE - 1, tolerance=MINUTE) == Refused(RefusalReason.TIMESTAMP_FUTURE)
    assert isinstance(verify(*SIGNED, now=NOW - MINUTE, tolerance=MINUTE), Verified)


def test_a_forgery_is_not_told_its_age() -> None:
    """Freshness is looked at only after the signature."""
    assert verify(SIGNED[0], (NAME, v2(secret=b"other")), now=0) == Refused(RefusalReason.SIGNATURE_WRONG)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_several_secrets(place: int) -> None:
    """Each live secret is good, and which one signed is told; without any, nobody is believed."""
    secrets = [b"one", b"two", b"three"]
    secrets[place] = SECRET

    outcome = verify(*SIGNED, secrets=secrets)

    assert isinstance(outcome, Verified)
    assert outcome.secret_index == place
    assert verify(*SIGNED, secrets=()) == Refused(RefusalReason.SIGNATURE_WRONG)


def test_the_prefix_is_part_of_the_secret() -> None:
    """The secret is the whole text: what follows `whsec_`, decoded or not, signs nothing."""
    for key in (SECRET[6:], base64.b64decode(SECRET[6:] + b"=")):
        assert verify((TIME, STAMP), (NAME, v2(secret=key))) == Refused(RefusalReason.SIGNATURE_WRONG)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_made_by_hand(scheme: Scheme) -> None:
    """What is signed here is what the source takes, and where either is taken it is today's."""
    request = Thunderbit("tb", ThunderbitOptions(signature=scheme)).sign(SECRET, BODY, NOW)
    told = {name.encode(): value.encode() for name, value in request.headers}

    assert told[NAME] == (v1() if scheme == "v1" else v2())
    assert told.get(TIME) == (None if scheme == "v1" else STAMP)
    assert told[b"x-webhook-event"] == b"batch.completed"
    assert isinstance(verify(*told.items(), scheme=scheme), Verified)


@settings(deadline=None)
@given(st.binary(), st.binary(min_size=1), st.integers(0, 10**15), st.sampled_from(SCHEMES))
def test_any_body_and_secret(body: bytes, secret: bytes, now: int, scheme: Scheme) -> None:
    """Whatever bytes are signed with whatever secret, they are authentic, and with any other byte they are not."""
    request = Thunderbit("tb", ThunderbitOptions(signature=scheme)).sign(secret, body, now)
    headers = [(name.encode(), value.encode()) for name, value in request.headers]
    at = {"now": now, "scheme": scheme, "secrets": [secret], "tolerance": SECOND}

    assert isinstance(verify(*headers, body=body, **at), Verified)
    assert verify(*headers, body=body + b" ", **at) == Refused(RefusalReason.SIGNATURE_WRONG)


@settings(deadline=None)
@given(
    st.binary() | st.from_regex(rb"sha256=[A-Za-z0-9+/]{43}=", fullmatch=True), st.binary(), st.sampled_from(SCHEMES)
)
def test_guesses(signature: bytes, stamp: bytes, scheme: Scheme) -> None:
    """Nothing that is guessed is accepted, and nothing of it raises."""
    assert isinstance(verify((TIME, stamp), (NAME, signature), scheme=scheme), Refused)
