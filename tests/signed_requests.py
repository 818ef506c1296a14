"""Signed requests by the thousand, and every way of spoiling one that the threat rows 7, 11 to 16, 25 and 27 tell of."""

import base64
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from random import Random
from typing import Any

import phaseo

from sandbox.signing import signature
from schemas.dialects.phaseo import Phaseo
from schemas.readings import Refused, Verified
from schemas.times import SECOND

TOLERANCE = 300
NOW = 1_786_500_000
TIMESTAMP, SIGNATURE = b"x-phaseo-timestamp", b"x-phaseo-signature"
ALPHABETS = (
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_",
    "".join(map(chr, range(0x21, 0x7F))),
    "äöüßñçøåîÉÑ",
    "ключсекретЖЩ",
    "秘密の鍵時間切れ",
    "مفتاحسر",
    "e\u0301o\u0308\u200d",
    "\U0001f6a6\U0001f511\U0001f92b",
)
Pairs = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True)
class Request:
    """One request as it arrives at a receiver with some live secrets. `now` in seconds."""

    headers: Pairs
    body: bytes
    secrets: tuple[str, ...]
    signer: str
    now: int = NOW

    def __getitem__(self, name: bytes) -> bytes:
        return next(value for header, value in self.headers if header == name)

    def having(self, *fields: tuple[bytes, bytes]) -> "Request":
        """With these fields in place of those that have their names, where the first of those stood."""
        names = [name for name, _ in fields]
        place = next((n for n, (name, _) in enumerate(self.headers) if name in names), 0)
        rest = [field for field in self.headers if field[0] not in names]
        return replace(self, headers=(*rest[:place], *fields, *rest[place:]))

    def on_the_wire(self, path: str = "/webhooks/phaseo") -> bytes:
        fields = [*self.headers, (b"content-length", b"%d" % len(self.body))]
        head = b"".join(b"%s: %s\r\n" % field for field in fields)
        return b"POST %s HTTP/1.1\r\n%s\r\n%s" % (path.encode(), head, self.body)

    def stamped(self, stamp: bytes) -> "Request":
        """With another timestamp, rightly signed."""
        return self.having((TIMESTAMP, stamp), (SIGNATURE, digest(self.signer, stamp, self.body)))


def ours(request: Request) -> Verified | Refused:
    secrets = [secret.encode() for secret in request.secrets]
    return Phaseo().verify(request.headers, request.body, secrets, TOLERANCE * SECOND, request.now * SECOND)


def theirs(request: Request) -> bool | type[Exception]:
    """What the published verifier says, or raises. It sees headers as servers show them, and knows the one right secret."""
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers]
    try:
        return phaseo.verify_async_webhook_signature(
            secret=request.signer, body=request.body, headers=headers, now=request.now
        )
    except (TypeError, ValueError, OverflowError) as error:
        return type(error)


def digest(secret: str, stamp: bytes, body: bytes) -> bytes:
    """By the words of the contract (4.3), apart from everybody's code."""
    return hmac.new(secret.encode(), stamp + b"." + body, "sha256").hexdigest().encode()


def authentic(body: bytes, secret: str) -> Request:
    """A body with the two headers that make it authentic, and no others."""
    stamp = str(NOW).encode()
    return Request(((TIMESTAMP, stamp), (SIGNATURE, digest(secret, stamp, body))), body, (secret,), secret)


# --- valid ones -------------------------------------------------------------------------------------------------------


def valid(rng: Random, secrets: tuple[str, ...] = ()) -> Request:
    """A request that is authentic and fresh, signed by the stand-in's code with one of the live secrets, or of three made up."""
    secrets = secrets or tuple(_secret(rng) for _ in range(rng.randint(1, 3)))
    signer = rng.choice(secrets)
    document = _document(rng)
    body = _written(rng, document) if rng.random() < 0.9 else rng.randbytes(rng.randint(0, 60))
    stamp = str(NOW + rng.randint(-TOLERANCE, TOLERANCE))
    made = signature(signer, stamp, body)
    fields = [(TIMESTAMP, stamp.encode()), (SIGNATURE, (made.upper() if rng.random() < 0.1 else made).encode())]
    fields += [field for field in _hints(document) if rng.random() < 0.7]
    rng.shuffle(fields)
    return Request(((b"content-type", b"application/json"), *fields), body, secrets, signer)


def _secret(rng: Random) -> str:
    letters = rng.choice(ALPHABETS)
    drawn = "".join(rng.choice(letters) for _ in range(rng.randint(16, 90)))
    return rng.choice(("whsec_", "")) + drawn


def _document(rng: Random) -> dict[str, Any]:
    job = f"batch_{rng.randrange(10**9)}"
    key = rng.choice(("batch.completed", "batch.failed", "batch.progress:50", "batch.created"))
    said = rng.choice(("Zeitüberschreitung – 時間切れ 🚦", 'a "quoted" \\ text\n', "plain", "\u2028\u2029\x7f"))
    data = {"id": job, "kind": "batch", "object": "batch", "status": "completed", "progress": rng.randrange(101)}
    data |= {"upstream_error": {"message": said}, "model": rng.choice((None, "m", 1.5, [1, {"deep": said}]))}
    delivery = {"key": key, "attempt": rng.randint(1, 4), "max_attempts": 4}
    document = {"id": f"evt_{job}", "type": key.partition(":")[0], "created_at": NOW, "delivery": delivery}
    return {**document, "data": _shuffled(rng, data)}


def _written(rng: Random, document: dict[str, Any]) -> bytes:
    """The same document as different senders would write it."""
    separators = rng.choice(((",", ":"), (", ", ": "), (" ,", "\t:\r\n")))
    text = json.dumps(
        _shuffled(rng, document),
        ensure_ascii=rng.random() < 0.3,
        separators=separators,
        indent=rng.choice((None, None, 1, "\t")),
    )
    blanks = ("", "", " ", "\n", "\t\r\n")
    return (rng.choice(blanks) + text + rng.choice(blanks)).encode()


def _shuffled(rng: Random, document: Mapping[str, Any]) -> dict[str, Any]:
    members = list(document.items())
    rng.shuffle(members)
    return dict(members)


def _hints(document: Mapping[str, Any]) -> list[tuple[bytes, bytes]]:
    delivery = document["delivery"]
    said = {
        "event-id": document["id"],
        "event-type": document["type"],
        "delivery-key": delivery["key"],
        "attempt": delivery["attempt"],
        "max-attempts": delivery["max_attempts"],
    }
    return [(f"x-phaseo-{name}".encode(), str(value).encode()) for name, value in said.items()]


# --- spoilt ones ------------------------------------------------------------------------------------------------------

Spoil = Callable[[Random, Request], Request]


def _body_byte(rng: Random, good: Request) -> Request:
    body = good.body or b"x"
    place = rng.randrange(len(body))
    return replace(good, body=body[:place] + bytes([body[place] ^ rng.randint(1, 255)]) + body[place + 1 :])


def _sign(change: Callable[[Random, bytes], bytes]) -> Spoil:
    """Something done to the signature's text."""
    return lambda rng, good: good.having((SIGNATURE, change(rng, good[SIGNATURE])))


def _stamp(change: Callable[[int], str | bytes]) -> Spoil:
    """Another way to write a time that is fresh, rightly signed as it is written."""

    def spoil(rng: Random, good: Request) -> Request:
        written = change(NOW + rng.randint(-TOLERANCE + 1, TOLERANCE - 1))
        return good.stamped(written.encode() if isinstance(written, str) else written)

    return spoil


def _off(seconds: int) -> Spoil:
    """So many seconds late or early, or some more."""
    return lambda rng, good: good.stamped(
        b"%d" % (NOW + seconds + (rng.randrange(9) if seconds > 0 else -rng.randrange(9)))
    )


def _iso(form: str) -> Spoil:
    return _stamp(lambda at: datetime.fromtimestamp(at, UTC).strftime(form))


def _digit_off(rng: Random, right: bytes) -> bytes:
    place = rng.randrange(len(right))
    other = rng.choice([digit for digit in b"0123456789abcdef" if digit != right.lower()[place]])
    return right[:place] + bytes([other]) + right[place + 1 :]


def _twice(name: bytes, is_right_first: bool, second: bytes | None = None) -> Spoil:
    """A field that stands twice; the wrong one is `second`, or the right one again."""

    def spoil(_rng: Random, good: Request) -> Request:
        pair = [(name, good[name]), (name, good[name] if second is None else second)]
        return good.having(*(pair if is_right_first else pair[::-1]))

    return spoil


def _renamed(**names: bytes) -> Spoil:
    new = {TIMESTAMP: names.get("timestamp", TIMESTAMP), SIGNATURE: names.get("signature", SIGNATURE)}
    return lambda rng, good: replace(good, headers=tuple((new.get(name, name), value) for name, value in good.headers))


ROW_7: Mapping[str, Spoil] = {
    "301 seconds old": _off(-TOLERANCE - 1),
    "301 seconds ahead": _off(TOLERANCE + 1),
    "milliseconds": _stamp(lambda at: f"{at}000"),
    "microseconds": _stamp(lambda at: f"{at}000000"),
    "a date and time": _iso("%Y-%m-%dT%H:%M:%SZ"),
    "a date and time with an offset": _iso("%Y-%m-%dT%H:%M:%S+00:00"),
    "a date and time without a zone": _iso("%Y-%m-%d %H:%M:%S"),
    "a date and time without marks": _iso("%Y%m%dT%H%M%SZ"),
    "an HTTP date": _iso("%a, %d %b %Y %H:%M:%S GMT"),
    "a zero in front": _stamp(lambda at: f"0{at}"),
    "a blank in front": _stamp(lambda at: f" {at}"),
    "a blank behind": _stamp(lambda at: f"{at} "),
    "a no-break space behind": _stamp(lambda at: f"{at}\xa0"),
    "a sign": _stamp(lambda at: f"+{at}"),
    "a minus": _stamp(lambda at: f"-{at}"),
    "a fraction": _stamp(lambda at: f"{at}.7"),
    "an exponent": _stamp(lambda at: "1.7865e9"),
    "hexadecimal": _stamp(lambda at: f"0x{at:x}"),
    "underscores": _stamp(lambda at: f"{at:_}"),
    "not a number": _stamp(lambda at: "nan"),
    "without end": _stamp(lambda at: "1" * 5_000),
    "nothing": _stamp(lambda at: ""),
    "a superscript": _stamp(lambda at: f"{at // 10}".encode() + b"\xb2"),
    "Arabic digits": _stamp(lambda at: str(at).translate({48 + n: 0x660 + n for n in range(10)})),
    "one second on, not signed anew": lambda rng, good: good.having((TIMESTAMP, b"%d" % (int(good[TIMESTAMP]) + 1))),
}
ROW_11: Mapping[str, Spoil] = {
    "a retired secret": lambda rng, good: replace(
        good.stamped(good[TIMESTAMP]), secrets=("whsec_of_today_0123456789",), signer="whsec_of_today_0123456789"
    ),
    "no key at all": lambda rng, good: good.having((SIGNATURE, digest("", good[TIMESTAMP], good.body))),
    "the secret with a blank": lambda rng, good: good.having(
        (SIGNATURE, digest(f"{good.signer} ", good[TIMESTAMP], good.body))
    ),
    "another byte in the body": _body_byte,
    "a line break behind the body": lambda rng, good: replace(good, body=good.body + b"\n"),
}
ROWS_12_TO_16: Mapping[str, Spoil] = {
    "one digit off": _sign(_digit_off),
    "cut": _sign(lambda rng, right: right[: rng.randrange(len(right))]),
    "lengthened": _sign(lambda rng, right: right + right[: rng.randint(1, 64)]),
    "a version in front": _sign(lambda rng, right: b"v1," + right),
    "an algorithm in front": _sign(lambda rng, right: b"sha256=" + right),
    "in last place": _sign(lambda rng, right: b",".join([b"0" * 64] * rng.randint(1, 99)) + b"," + right),
    "in first place": _sign(lambda rng, right: right + b" " + b"0" * 64),
    "base64": _sign(lambda rng, right: base64.b64encode(bytes.fromhex(right.decode()))),
    "quotes": _sign(lambda rng, right: b'"' + right + b'"'),
    "a blank inside": _sign(lambda rng, right: right[:32] + b" " + right[32:]),
    "blanks around it": _sign(
        lambda rng, right: rng.choice((b" ", b"\t", b"\n", b"\xa0", b"\x85", b"\x1f")) + right + b" "
    ),
    "a letter beyond ASCII": _sign(lambda rng, right: right[:-1] + bytes([rng.randint(0x80, 0xFF)])),
    "a NUL": _sign(lambda rng, right: right + b"\0"),
    "a carriage return inside": _sign(lambda rng, right: right[:9] + b"\r\n" + right[9:]),
    "no signature": _sign(lambda rng, right: b""),
}
ROWS_25_AND_27: Mapping[str, Spoil] = {
    "the signature twice": _twice(SIGNATURE, True),
    "the signature twice, right one first": _twice(SIGNATURE, True, b"0" * 64),
    "the signature twice, right one last": _twice(SIGNATURE, False, b"0" * 64),
    "the timestamp twice": _twice(TIMESTAMP, True),
    "the timestamp twice, right one first": _twice(TIMESTAMP, True, b"1"),
    "the timestamp twice, right one last": _twice(TIMESTAMP, False, b"1"),
    "an underscored signature": _renamed(signature=b"x_phaseo_signature"),
    "an underscored timestamp": _renamed(timestamp=b"x_phaseo_timestamp"),
    "a name with a blank": _renamed(signature=b"x-phaseo-signature "),
    "no timestamp": lambda rng, good: replace(good, headers=tuple(f for f in good.headers if f[0] != TIMESTAMP)),
}
SPOILT: Mapping[str, Spoil] = {**ROW_7, **ROW_11, **ROWS_12_TO_16, **ROWS_25_AND_27}

# Where the published verifier says yes and ours says no, and why.
OURS_IS_STRICTER: Mapping[str, str] = {
    "milliseconds": "the gateway writes seconds (contract 3.10); a second way to write a time is a second time to sign",
    "a date and time": "the same",
    "a date and time with an offset": "the same",
    "a date and time without a zone": "the same, and whose time would it be?",
    "a date and time without marks": "the same",
    "a zero in front": "ten digits and no others: two texts for one second would be two messages to sign",
    "a blank in front": "what is signed is the header as it stands, and nobody writes it so",
    "a blank behind": "the same",
    "blanks around it": "sixty-four hex digits and nothing else",
    "the signature twice": "which of two counts is for others on the way to decide, so neither does",
    "the signature twice, right one first": "the same: the first wins there, the last elsewhere",
    "the timestamp twice": "the same",
    "the timestamp twice, right one first": "the same",
}
