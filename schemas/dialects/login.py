"""What the wire of a provider has to be able to say where a key has to be exchanged for tokens first."""

from dataclasses import dataclass, field
from typing import Protocol

from schemas.readings import Denied, Question, Response, Troubled


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a login or a refresh brought. `lifetime`: microseconds from its receipt."""

    access: str = field(repr=False)
    refresh: str | None = field(repr=False)
    lifetime: int


class Login(Protocol):
    """How tokens are got, and how an answer tells that they are no good any more. Pure."""

    def log_in(self, base_url: str, secret: str) -> Question:
        """Ask for tokens with the configured secret."""
        ...

    def refresh(self, base_url: str, refresh_token: str) -> Question: ...
    def read_tokens(self, response: Response) -> Tokens | Denied | Troubled:
        """Denied: what was shown is no good. A refresh token that is not is no more than a reason to log in."""
        ...

    def is_stale(self, response: Response) -> bool:
        """It is the access token that is refused, and not the account: with a new one the same question may go well."""
        ...
