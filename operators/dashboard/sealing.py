"""Sealed texts: what a browser or a link carries, and only whoever has the token can have made. Pure.

A text names a right, when it lapses and a number of its own, and is sealed with the configured token that gives this right. So a
session needs no memory, holds for every process with the same configuration, and ends when its token is changed.
"""

import hmac
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

from operators.access import Right
from schemas.config import Config, Secret
from schemas.times import HOUR, MINUTE

LONGEST = 300


class Purpose(StrEnum):
    """What a text is good for. One that was sealed for one purpose opens nothing else."""

    SESSION = "session"
    LINK = "link"
    FORM = "form"


LASTS = {Purpose.SESSION: 12 * HOUR, Purpose.LINK: 5 * MINUTE}


@dataclass(frozen=True, slots=True)
class Sealed:
    """A text that was opened: what it allows, and until when (microseconds)."""

    text: str
    right: Right
    until: int

    @property
    def key(self) -> str:
        """What it is remembered by once it is used up: nobody can make the text from it."""
        return sha256(self.text.encode()).hexdigest()


def seal(config: Config, purpose: Purpose, right: Right, nonce: str, now: int) -> str:
    """A text that gives `right`. `nonce` is a number that was never used before.

    Raises:
        LookupError: no token is configured that gives this right.
    """
    token = next(_tokens(config, right), None)
    if token is None:
        raise LookupError(f"no token is configured that gives the right to {right.name.lower()}")
    body = f"{right.name.lower()}.{now + LASTS[purpose]}.{nonce}"
    return f"{body}.{_mac(token, purpose, body)}"


def open_sealed(config: Config, purpose: Purpose, text: str, now: int) -> Sealed | None:
    """What a text says, if it was sealed for this with a token that is configured now, and has not lapsed; else None."""
    if len(text) > LONGEST or not text.isascii():
        return None
    body, _, mac = text.rpartition(".")
    name, _, rest = body.partition(".")
    until = rest.partition(".")[0]
    right = next((one for one in Right if one.name.lower() == name), None)
    if right is None or not until.isdigit():
        return None
    fits = [hmac.compare_digest(mac, _mac(token, purpose, body)) for token in _tokens(config, right)]
    return Sealed(text, right, int(until)) if any(fits) and int(until) > now else None


def form_seal(config: Config, session: Sealed, path: str) -> str:
    """What a form of a session carries that is sent to a path, and no other site can know: it is good there and nowhere else."""
    token = next(_tokens(config, session.right), None)
    return "" if token is None else _mac(token, Purpose.FORM, f"{session.text} {path}")


def is_of(config: Config, session: Sealed, path: str, given: str) -> bool:
    """Whether a form was made for this session, and to be sent to this path."""
    expected = form_seal(config, session, path)
    return bool(expected) and hmac.compare_digest(given.encode(), expected.encode())


def _tokens(config: Config, right: Right) -> Iterator[Secret]:
    """Those that give a right, the narrowest first: whoever comes with one can vouch for what it gives."""
    for token, given in ((config.operators.read_token, Right.READ), (config.operators.token, Right.ACT)):
        if token is not None and given >= right:
            yield token


def _mac(token: Secret, purpose: Purpose, body: str) -> str:
    return hmac.new(token.reveal().encode(), f"batchkeeper {purpose} {body}".encode(), sha256).hexdigest()
