"""Access: what a token allows. Every face that is reached over HTTP asks here."""

import hmac
from enum import IntEnum

from schemas.config import Config


class Right(IntEnum):
    """Each includes those before it."""

    READ = 1
    ACT = 2


def right_of(config: Config, presented: str) -> Right | None:
    """What a presented token allows; None: nothing. Each configured token is compared, in constant time, whichever fits."""
    given = presented.encode()
    held = ((config.operators.token, Right.ACT), (config.operators.read_token, Right.READ))
    fits = [right for token, right in held if token and hmac.compare_digest(given, token.reveal().encode())]
    return max(fits, default=None)


def is_closed(config: Config) -> bool:
    """No token is configured, so nobody is let in."""
    return config.operators.token is None and config.operators.read_token is None
