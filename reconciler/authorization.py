"""How our questions show who asks."""

from collections.abc import Mapping
from typing import Protocol

from schemas.config import Secret
from schemas.dialects import Dialect
from schemas.readings import Response, Troubled


class Authorization(Protocol):
    """What a source's clients ask for before each question."""

    async def headers(self) -> Mapping[str, str] | Troubled:
        """The headers that show who asks; trouble where nobody may ask at present."""
        ...

    async def renewed(self, response: Response, shown: Mapping[str, str]) -> bool:
        """Whether an answer refused a spent token, and there is a new one: then the same question may be asked once more.
        `shown` are the headers that were refused."""
        ...


class KeyShown:
    """The key itself is shown."""

    def __init__(self, dialect: Dialect, api_key: Secret) -> None:
        self._dialect, self._api_key = dialect, api_key

    async def headers(self) -> Mapping[str, str] | Troubled:
        return self._dialect.headers(self._api_key.reveal())

    async def renewed(self, response: Response, shown: Mapping[str, str]) -> bool:
        return False
