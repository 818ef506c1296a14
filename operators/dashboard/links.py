"""A link that signs in once, made by whoever has the configuration, in whichever process."""

import secrets

from operators.access import Right
from operators.dashboard.sealing import Purpose, seal
from operators.errors import NotPossible
from schemas.config import Config


def sign_in_link(config: Config, right: Right | None, now: int) -> str:
    """A URL that is good for a few minutes and one use, and does not hold the token. `right`: None for the most that there is.

    Raises:
        NotPossible: no token is configured that gives this right, or nobody can know the port.
    """
    if config.operators.port == 0:
        raise NotPossible(f"the port is chosen when the service starts; set [operators] port in {config.path}")
    if right is None:
        right = Right.ACT if config.operators.token is not None else Right.READ
    try:
        text = seal(config, Purpose.LINK, right, secrets.token_urlsafe(18), now)
    except LookupError as error:
        raise NotPossible(f"{error}; set [operators] token_env in {config.path}, and export that variable") from None
    return f"{url(config)}/signin?link={text}"


def url(config: Config) -> str:
    """The dashboard, as this machine reaches it."""
    host = config.operators.host
    host = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104  (nothing is bound to it here)
    return f"http://{f'[{host}]' if ':' in host else host}:{config.operators.port}"
