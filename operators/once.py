"""What is asked for under an Idempotency-Key is done once: the same request sent again is answered as it was the first time."""

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from operators.errors import BadInput, Conflict, KeyReused
from schemas.tables import IdempotencyRow
from storage import idempotency
from storage.store import Store

LONGEST_KEY = 256

_JUST_NOW = "the same Idempotency-Key is being used by another request just now; ask again"


class KeyTaken(Exception):
    """Somebody else has committed an answer under the same key meanwhile."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What an application is told. `replayed`: it was told so before, and nothing was done this time."""

    http_status: int
    body: Mapping[str, Any]
    replayed: bool = False


class Once:
    """`now` answers in microseconds. Every method raises KeyReused for a key that was used for another request."""

    def __init__(self, store: Store, now: Callable[[], int]) -> None:
        self._store, self._now = store, now

    async def do(self, key: str, digest: str, act: Callable[[AsyncConnection], Awaitable[Answer]]) -> Answer:
        """Act and keep the answer, in one transaction. Whatever `act` refuses is not kept."""
        try:
            async with self._store.writing() as connection:
                before = await idempotency.get(connection, key)
                if before is not None:
                    return _replayed(before, digest)
                answer = await act(connection)
                await self.keep(connection, key, digest, answer)
        except KeyTaken:
            return await self.after_all(key, digest)
        return answer

    async def keep(self, connection: AsyncConnection, key: str, digest: str, answer: Answer) -> None:
        """Raises KeyTaken: then nothing of the transaction must stay."""
        row = IdempotencyRow(
            key=key,
            request_sha256=digest,
            http_status=answer.http_status,
            answer=json.dumps(answer.body),
            created_at=self._now(),
        )
        if not await idempotency.keep(connection, row):
            raise KeyTaken

    async def before(self, key: str, digest: str) -> Answer | None:
        """What was answered under this key, if anything was."""
        async with self._store.reading() as connection:
            row = await idempotency.get(connection, key)
        return None if row is None else _replayed(row, digest)

    async def after_all(self, key: str, digest: str) -> Answer:
        """What somebody else was answered who was faster. Raises Conflict."""
        before = await self.before(key, digest)
        if before is None:
            raise Conflict(_JUST_NOW)
        return before


def idempotency_key(given: Sequence[str]) -> str | None:
    """The key of a request, by all of its header fields of that name. Raises BadInput for one that cannot be one, and for two:
    which of them counts is not guessed."""
    if not given:
        return None
    if len(given) > 1:
        raise BadInput("Idempotency-Key is given more than once; send one")
    key = given[0]
    if not (0 < len(key) <= LONGEST_KEY and key.isascii() and key.isprintable()):
        raise BadInput(f"an Idempotency-Key has 1 to {LONGEST_KEY} printable ASCII characters")
    return key


def digest_of(fields: Mapping[str, object], content: str) -> str:
    """What tells two requests apart."""
    return hashlib.sha256(json.dumps([sorted(fields.items()), content]).encode()).hexdigest()


def _replayed(row: IdempotencyRow, digest: str) -> Answer:
    if row.request_sha256 != digest:
        raise KeyReused("this Idempotency-Key was used for another request; take a new one for other work")
    return Answer(row.http_status, json.loads(row.answer), replayed=True)
