"""Standard Webhooks: the vectors of the contract, what is refused and why, and two published verifiers beside ours."""

import base64
import datetime
import hmac
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import openai
import pytest
import standardwebhooks
from freezegun import freeze_time
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.lib._webhooks import webhook_signature_matches

from schemas.dialects.standard_webhooks import (
    MOST_SIGNATURES,
    STANDARD,
    SVIX,
    Sender,
    Signed,
    key_of,
    sign,
    verify,
    why_no_key,
)
from schemas.readings import Refused
from schemas.times import SECOND
from schemas.words import RefusalReason

VECTORS: list[dict[str, Any]] = json.loads((Path(__file__).parent / "standard_webhooks_vectors.json").read_text())
_, OPENAI, _ = VECTORS
each_vector = pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])

BODY, RIGHT = OPENAI["body"].encode(), OPENAI["signature"].encode()
NAMED, STAMP = OPENAI["id"].encode(), OPENAI["timestamp"].encode()
SECRET, KEY = OPENAI["secret"].encode(), bytes.fromhex(OPENAI["key"])
NEW_SECRET = b"whsec_ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8="
ROTATED = (
    b"v1,AjgzaX/KiAuwBjIw8LG9tnOXZ7K5dNJyz8RDtwdQjiE=",
    b"v1,ZL5wMQjVWTzSI/e1a/yEGH9eP4HhiXa+maa+iCbb6XM=",
)
NOW = int(STAMP) * SECOND
TOLERANCE = 300 * SECOND
WITH_PLAIN = Sender(has_plain_secrets=True)
THOROUGH = settings(deadline=None)

Fields = Sequence[tuple[bytes, bytes]]


def signature(key: bytes, named: bytes = NAMED, stamp: bytes = STAMP, body: bytes = BODY) -> bytes:
    """By the words of the specification, computed apart from the product."""
    return b"v1," + base64.b64encode(hmac.new(key, named + b"." + stamp + b"." + body, "sha256").digest())


def signed(value: bytes = RIGHT, named: bytes = NAMED, stamp: bytes = STAMP, prefix: bytes = b"webhook-") -> Fields:
    return ((prefix + b"id", named), (prefix + b"timestamp", stamp), (prefix + b"signature", value))


def outcome(
    headers: Fields,
    body: bytes = BODY,
    secrets: Sequence[bytes] = (SECRET,),
    now: int = NOW,
    sender: Sender = STANDARD,
) -> Signed | Refused:
    return verify(headers, body, secrets, TOLERANCE, now, sender)


def arrived(vector: dict[str, Any], late: int = 0) -> Signed | Refused:
    headers = signed(vector["signature"].encode(), vector["id"].encode(), vector["timestamp"].encode())
    now = (int(vector["timestamp"]) + late) * SECOND
    return outcome(headers, vector["body"].encode(), [vector["secret"].encode()], now)


@each_vector
def test_the_vectors_are_copied_right(vector: dict[str, Any]) -> None:
    """Key and body are the contract's bytes, and its signature follows from them."""
    body, key = vector["body"].encode(), bytes.fromhex(vector["key"])

    assert len(body) == vector["body_bytes"]
    assert key_of(vector["secret"].encode()) == key
    assert signature(key, vector["id"].encode(), vector["timestamp"].encode(), body) == vector["signature"].encode()


@each_vector
@pytest.mark.parametrize("late", [-300, 0, 10, 300])
def test_vectors_are_authentic(vector: dict[str, Any], late: int) -> None:
    """Each vector is authentic from 300 seconds before to 300 seconds after it was signed."""
    assert arrived(vector, late) == Signed(vector["id"], 0, int(vector["timestamp"]) * SECOND)


@each_vector
@pytest.mark.parametrize(
    ("late", "reason"), [(-301, RefusalReason.TIMESTAMP_FUTURE), (301, RefusalReason.TIMESTAMP_STALE)]
)
def test_vectors_out_of_the_window(vector: dict[str, Any], late: int, reason: RefusalReason) -> None:
    """One second more, on either side, and none is fresh."""
    assert arrived(vector, late) == Refused(reason)


WRONG, MALFORMED = RefusalReason.SIGNATURE_WRONG, RefusalReason.SIGNATURE_MALFORMED


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"v1,S0rfUVfAhb0gSuY3UUhY5ed781SNPetX3441EBytqng=", WRONG),
        (b"v1,CM7OIqbGvJfcWgYv+gnXaOQDlsPtKw0bb48VaSJ222Q=", WRONG),
        (b"v1,gr/wHCu4liknL/ZAVd4iGFPmtC9zSpQM1NTlGKdYEIE=", WRONG),
        (b"v1,", MALFORMED),
        (b"v2,M4uAPv6amaQweDvdBubWWIZTnznUd6n7aGrR/Ztf3N4=", MALFORMED),
        (b"M4uAPv6amaQweDvdBubWWIZTnznUd6n7aGrR/Ztf3N4=", MALFORMED),
        (b"v1,M4uAPv6!!amaQweDvdBubWWIZTnznUd6n7aGrR/Ztf3N4=", MALFORMED),
    ],
    ids=["key as text", "text without prefix", "empty key", "empty", "another version", "no version", "junk in base64"],
)
def test_the_contracts_negative_vectors(value: bytes, reason: RefusalReason) -> None:
    """Each signature that the contract wants refused is refused."""
    assert outcome(signed(value)) == Refused(reason)


@pytest.mark.parametrize("secret", [SECRET, NEW_SECRET])
@pytest.mark.parametrize("both", [b" ".join(ROTATED), b" ".join(reversed(ROTATED))])
def test_rotation(secret: bytes, both: bytes) -> None:
    """While two signatures are sent, whoever knows either secret accepts; and each is told by which it was."""
    headers = signed(both, b"wh_rotate")

    assert outcome(headers, secrets=[secret]) == Signed("wh_rotate", 0, NOW)
    assert outcome(headers, secrets=[b"whsec_c29tZXRoaW5nIGVsc2U=", secret]) == Signed("wh_rotate", 1, NOW)


@pytest.mark.parametrize("junk", [b"", b"v1,", b"v1a,AAAA", b"\xff\xfe", b"v1," + b"A" * 44, b"v1,!" * 9])
def test_junk_beside_a_good_signature(junk: bytes) -> None:
    """What else stands in the list does not spoil a good signature, before it or after it."""
    assert isinstance(outcome(signed(junk + b" " + RIGHT)), Signed)
    assert isinstance(outcome(signed(RIGHT + b" " + junk)), Signed)


def test_not_every_signature_is_looked_at() -> None:
    """Of a long list only the first 16 count: a header cannot be made of work."""
    others = [signature(bytes([number]) * 32) for number in range(MOST_SIGNATURES)]

    assert isinstance(outcome(signed(b" ".join([*others[1:], RIGHT]))), Signed)
    assert outcome(signed(b" ".join([*others, RIGHT]))) == Refused(WRONG)
    assert outcome(signed(b" " * MOST_SIGNATURES + RIGHT)) == Refused(MALFORMED)


@pytest.mark.parametrize(
    ("name", "missing", "doubled"),
    [
        (b"webhook-signature", RefusalReason.SIGNATURE_MISSING, RefusalReason.SIGNATURE_DOUBLED),
        (b"webhook-id", RefusalReason.SIGNATURE_MISSING, RefusalReason.SIGNATURE_DOUBLED),
        (b"webhook-timestamp", RefusalReason.TIMESTAMP_MISSING, RefusalReason.TIMESTAMP_DOUBLED),
    ],
)
def test_each_header_exactly_once(name: bytes, missing: RefusalReason, doubled: RefusalReason) -> None:
    """A header that is missing is missed, and one that stands twice is refused, even where both say the same."""
    (field,) = [one for one in signed() if one[0] == name]

    assert outcome([one for one in signed() if one != field]) == Refused(missing)
    assert outcome([*signed(), field]) == Refused(doubled)
    assert outcome([(name, b""), *signed()]) == Refused(doubled)


@pytest.mark.parametrize("named", [b"", b"wh.1", b"wh 1", b"wh\n1", b"\xc3\xa9", b"x" * 257, b"."])
def test_ids_that_could_move_the_borders(named: bytes) -> None:
    """An id is printable ASCII without a full stop, however well it was signed."""
    assert outcome(signed(signature(KEY, named), named)) == Refused(MALFORMED)


@pytest.mark.parametrize(
    "stamp",
    [b"", b"0", b"1781166600000", b"-781166600", b"1781166600 ", b"17811666e1", b"1_78116660", "١٢٣٤٥".encode()],
)
def test_malformed_timestamps(stamp: bytes) -> None:
    """A timestamp is ten digits, in seconds, however well it was signed."""
    assert outcome(signed(signature(KEY, stamp=stamp), stamp=stamp)) == Refused(RefusalReason.TIMESTAMP_MALFORMED)


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (signed(named=b"wh_another"), BODY),
        (signed(stamp=b"1781166601"), BODY),
        (signed(), BODY + b" "),
        (signed(), b""),
        (signed(signature(KEY, named=b"")), BODY),
        (signed(RIGHT.replace(b"M4u", b"m4u")), BODY),
    ],
)
def test_everything_signed_counts(headers: Fields, body: bytes) -> None:
    """Another id, another timestamp or another body than was signed is wrong."""
    assert outcome(headers, body) == Refused(WRONG)


def test_a_signature_stands_for_one_text_only() -> None:
    """Base64 that decodes to the right digest and is written in another way is not the signature."""
    other = RIGHT.replace(b"3N4=", b"3N5=")
    assert base64.b64decode(other[3:]) == base64.b64decode(RIGHT[3:])
    assert outcome(signed(other)) == Refused(WRONG)


@pytest.mark.parametrize(
    ("secret", "plain", "base64_only"),
    [
        (b"whsec_AAEC", b"\0\1\2", b"\0\1\2"),
        (b"AAEC", b"AAEC", b"\0\1\2"),
        ("schlüssel".encode(), "schlüssel".encode(), None),
        (b"whsec_AAE=", b"\0\1", b"\0\1"),
        (b"whsec_AAE", None, None),
        (b"whsec_AA-_", None, None),
        (b"whsec_AAEC\n", None, None),
        (b"whsec_ AAEC", None, None),
        (b"whsec_\xc3\xa9", None, None),
        (b"whsec_", None, None),
        (b"", None, None),
        (b"WHSEC_AAEC", b"WHSEC_AAEC", None),
    ],
)
def test_from_secret_to_key(secret: bytes, plain: bytes | None, base64_only: bytes | None) -> None:
    """What follows `whsec_` is strict base64; without it a secret is text for some senders, and base64 for the others."""
    assert key_of(secret, WITH_PLAIN) == plain
    assert key_of(secret) == base64_only


@pytest.mark.parametrize("secret", [b"whsec_", b"", b"whsec_AAE", b"whsec_not-base64-at-all", b"\xff"])
def test_a_secret_without_a_key_matches_nothing(secret: bytes) -> None:
    """It is told why, no signature is made with it, and one that the empty key has made is not taken."""
    why = why_no_key(secret)
    assert why
    assert not secret[6:] or secret.decode("latin-1")[6:] not in why
    with pytest.raises(ValueError, match="nothing can be signed"):
        sign(secret, "wh_1", BODY, NOW)
    assert outcome(signed(signature(b"")), secrets=[secret]) == Refused(WRONG)
    assert outcome(signed(), secrets=[secret, SECRET]) == Signed(OPENAI["id"], 1, NOW)


def test_no_secret() -> None:
    """Without a secret nothing is authentic."""
    assert outcome(signed(), secrets=[]) == Refused(WRONG)


def test_the_names_that_svix_uses() -> None:
    """Its own header names are read where they are meant to be, under one family at a time, and nowhere else."""
    own = signed(prefix=b"svix-")

    assert isinstance(outcome(own, sender=SVIX), Signed)
    assert isinstance(outcome(signed(), sender=SVIX), Signed)
    assert outcome(own) == Refused(RefusalReason.SIGNATURE_MISSING)
    assert outcome([*own[2:], *signed()[:2]], sender=SVIX) == Refused(RefusalReason.SIGNATURE_MISSING)
    assert isinstance(outcome([*own, *signed(b"v1,")], sender=SVIX), Signed)
    assert {name for name, _ in sign(SECRET, "wh_1", BODY, NOW, SVIX)} == {
        "svix-id",
        "svix-timestamp",
        "svix-signature",
    }


# --- beside the reference library and OpenAI's own verifier -----------------------------------------------------------

IDS = st.from_regex(rb"[!-\-/-~]{1,60}", fullmatch=True).map(bytes.decode)
KEYS = st.binary(min_size=1, max_size=64)
TEXTS = st.text(max_size=200)


def is_authentic_to_openai(headers: dict[str, str], body: bytes, secret: str) -> bool:
    return webhook_signature_matches(body, headers, secret=secret, tolerance=300)


@THOROUGH
@given(KEYS, IDS, TEXTS, st.integers(1_000_000_000, 9_999_999_999))
def test_three_signers(key: bytes, named: str, text: str, stamp: int) -> None:
    """For whatever key, id, body and time, the reference library makes the signature that we make."""
    secret, body = "whsec_" + base64.b64encode(key).decode(), text.encode("utf-8", "replace")
    ours = dict(sign(secret.encode(), named, body, stamp * SECOND))

    assert ours["webhook-signature"].encode() == signature(key, named.encode(), str(stamp).encode(), body)
    assert signed_by_reference(secret, named, body, stamp) == ours["webhook-signature"]


def signed_by_reference(secret: str, named: str, body: bytes, stamp: int) -> str:
    at = datetime.datetime.fromtimestamp(stamp, tz=datetime.UTC)
    return str(standardwebhooks.Webhook(secret).sign(named, at, body.decode()))


@settings(deadline=None, max_examples=25)
@given(KEYS, IDS, TEXTS.map(json.dumps), st.integers(-300, 300))
def test_what_we_sign_they_take(key: bytes, named: str, text: str, late: int) -> None:
    """The reference library and OpenAI's verifier take what we sign, and we take what the library signs."""
    secret, body, stamp = "whsec_" + base64.b64encode(key).decode(), text.encode(), int(STAMP) - late
    headers = dict(sign(secret.encode(), named, body, stamp * SECOND))
    with freeze_time("2026-06-11T08:30:00Z"):
        assert standardwebhooks.Webhook(secret).verify(body, headers) == json.loads(text)
        assert is_authentic_to_openai(headers, body, secret)
    theirs = signed_by_reference(secret, named, body, stamp).encode()
    fields = signed(theirs, named.encode(), str(stamp).encode())
    assert outcome(fields, body, [secret.encode()]) == Signed(named, 0, stamp * SECOND)


@settings(deadline=None, max_examples=25)
@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1).filter(lambda s: not s.startswith("whsec_")))
def test_plain_secrets_as_openai_reads_them(secret: str) -> None:
    """A secret without the prefix is the key itself, to OpenAI's verifier and to us."""
    headers = dict(sign(secret.encode(), "wh_1", BODY, NOW, WITH_PLAIN))
    with freeze_time("2026-06-11T08:30:00Z"):
        assert is_authentic_to_openai(headers, BODY, secret)
    fields = [(name.encode(), value.encode()) for name, value in headers.items()]
    assert isinstance(outcome(fields, secrets=[secret.encode()], sender=WITH_PLAIN), Signed)


@pytest.mark.parametrize("late", [-301, -300, 300, 301])
def test_the_window_is_theirs(late: int) -> None:
    """Both verifiers and ours agree on the last second on either side."""
    headers = dict(sign(SECRET, "wh_1", BODY, NOW))
    fields = [(name.encode(), value.encode()) for name, value in headers.items()]
    is_fresh = abs(late) <= 300
    with freeze_time(datetime.datetime.fromtimestamp(int(STAMP) + late, tz=datetime.UTC)):
        assert is_true(lambda: standardwebhooks.Webhook(SECRET.decode()).verify(BODY, headers)) is is_fresh
        assert is_true(lambda: is_authentic_to_openai(headers, BODY, SECRET.decode())) is is_fresh
    assert isinstance(outcome(fields, now=NOW + late * SECOND), Signed) is is_fresh


def is_true(call: Any) -> bool:
    try:
        return bool(call())
    except (standardwebhooks.WebhookVerificationError, openai.InvalidWebhookSignatureError):
        return False


@THOROUGH
@given(
    st.lists(st.tuples(st.sampled_from([name for name, _ in signed()]) | st.binary(), st.binary()), max_size=6),
    st.binary(),
    st.lists(st.binary()),
    st.integers(0),
    st.integers(),
)
def test_never_raises(headers: Fields, body: bytes, secrets: list[bytes], tolerance: int, now: int) -> None:
    """Whatever bytes come, and whatever the secrets are: a refusal."""
    for sender in (STANDARD, SVIX, WITH_PLAIN):
        assert isinstance(verify(headers, body, secrets, tolerance, now, sender), Refused)


@THOROUGH
@given(st.data())
def test_any_change_is_seen(data: st.DataObject) -> None:
    """One byte of id, timestamp, signature or body that is not as it was signed, and it is refused."""
    place = data.draw(st.integers(0, 3))
    parts = [NAMED, STAMP, RIGHT, BODY]
    at = data.draw(st.integers(0, len(parts[place]) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != parts[place][at]))
    parts[place] = parts[place][:at] + bytes([byte]) + parts[place][at + 1 :]

    assert isinstance(outcome(signed(parts[2], parts[0], parts[1]), parts[3]), Refused)
