"""The one door that providers knock on: verify, record, answer, in that order and no other."""

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import structlog

from receiver import answers
from receiver.answers import Answer
from receiver.bodies import Body, Receive, Room
from receiver.heads import Fields, has_body
from receiver.paths import read_path
from receiver.refusals import Refusals, Told
from receiver.senders import networks, sender
from schemas.config import Config, Source
from schemas.dialects import dialect_of
from schemas.ids import shown
from schemas.presented import Presented
from schemas.readings import Refused, Verified
from schemas.times import SECOND, parse_rfc3339
from schemas.words import RefusalReason
from storage.ledger import Accepted, Kept, Ledger, NotStored, Refusal
from storage.points import reach

Scope = Mapping[str, Any]
Send = Callable[[dict[str, Any]], Awaitable[None]]

SANE_SINCE = parse_rfc3339("2025-01-01T00:00:00Z") or 0

log = structlog.get_logger(__name__)


class Door(NamedTuple):
    """What one source's deliveries are checked with, made ready once."""

    name: str
    secrets: tuple[bytes, ...]
    tolerance: int
    verify: Callable[[Fields, bytes, Sequence[bytes], int, int], Verified | Refused]
    present: Callable[[Fields], Presented | Refused]


class Intake:
    """An ASGI application for the paths of webhooks. Whatever happens inside, it answers."""

    def __init__(self, config: Config, ledger: Ledger, now: Callable[[], int]) -> None:
        self.is_draining = False
        self._ledger = ledger
        self._now = now
        self._doors = _doors(config)
        self._most_bytes = config.receiver.max_body_bytes
        self._trusted = networks(config.receiver.trusted_proxies)
        self._refusals = Refusals(ledger, config.receiver.refusals_per_minute)
        self._room = Room()
        self._tells_each = log.is_enabled_for(logging.DEBUG)  # asked once: a request takes microseconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        reach("R1")
        body = Body(receive, self._most_bytes, self._room)
        answer = await self._answer(scope, body)
        if answer is not None:
            await self._send(answer, scope, body, send)
            reach("R6")

    def refused_by_server(self, raw_path: bytes, reason: RefusalReason, http_status: int, remote: str | None) -> None:
        """The server turned a request away before it came here, or while it came."""
        target = read_path(raw_path)
        source = target.source if target and target.source in self._doors else ""
        self._refusals.note(Refusal(source, reason, http_status, self._now(), remote))

    def refuse(self, scope: Scope, source: str, reason: RefusalReason, length: int | None = None) -> Answer:
        """Note a refusal, and say it. A source of "" is one that we do not have."""
        answer = answers.REFUSALS[reason]
        self._refusals.note(Refusal(source, reason, answer.status, self._now(), self._sender(scope), length))
        return answer

    def reload(self, config: Config) -> None:
        """Go by another configuration from the next request on. One that has begun is finished with what it began with."""
        self._doors = _doors(config)
        self._trusted = networks(config.receiver.trusted_proxies)
        self._refusals.allow(config.receiver.refusals_per_minute)

    def close(self) -> None:
        """Tell the log what it has not been told yet."""
        self._refusals.tell()

    async def _answer(self, scope: Scope, body: Body) -> Answer | None:
        try:
            return await self._take(scope, body)
        except asyncio.CancelledError:
            return answers.NOT_STORED  # the server's patience with its last requests is over
        except Exception as error:
            # Without the message and the values: both may hold what was sent.
            place = traceback.extract_tb(error.__traceback__)[-1]
            log.error("request_failed", error=type(error).__name__, file=place.filename, line=place.lineno)
            return answers.NOT_STORED

    async def _take(self, scope: Scope, body: Body) -> Answer | None:
        now = self._now()
        target = read_path(scope["raw_path"])
        door = self._doors.get(target.source) if target else None
        if target is None or door is None:
            return self.refuse(scope, "", RefusalReason.UNKNOWN_SOURCE)
        unwelcome = self._unwelcome(scope, door, now)
        if unwelcome:
            return self.refuse(scope, door.name, unwelcome)
        read = await body.read()
        if not isinstance(read, bytes):
            return self.refuse(scope, door.name, read) if read else None
        reach("R2")
        verified = door.verify(scope["headers"], read, door.secrets, door.tolerance, now)
        if isinstance(verified, Refused):
            return self._unauthentic(scope, door, verified.reason, Told(read, target.submission), now)
        reach("R3")
        return await self._record(scope, Accepted(door.name, verified, read, now, target.submission))

    def _unwelcome(self, scope: Scope, door: Door, now: int) -> RefusalReason | None:
        """What speaks against a request before its body is read."""
        if scope["method"] != "POST":
            return RefusalReason.METHOD
        if self.is_draining or not door.secrets or now < SANE_SINCE:
            # A source without a secret would believe anybody, and a clock that is years off would refuse everybody.
            return RefusalReason.NOT_STORED
        for name, value in scope["headers"]:
            if name == b"content-length" and int(value) > self._most_bytes:
                return RefusalReason.TOO_LARGE
            if name == b"content-encoding" and value.strip().lower() != b"identity":
                return RefusalReason.ENCODED
        return None

    def _unauthentic(self, scope: Scope, door: Door, reason: RefusalReason, told: Told, now: int) -> Answer:
        """`now` is when it arrived, by which its freshness was judged and may be judged again."""
        status, length = answers.UNAUTHENTIC.status, len(told.body)
        refusal = Refusal(door.name, reason, status, now, self._sender(scope), length)
        return answers.REFUSALS[self._refusals.unauthentic(refusal, lambda: door.present(scope["headers"]), told)]

    async def _record(self, scope: Scope, accepted: Accepted) -> Answer:
        try:
            kept = await self._ledger.append(accepted)
        except NotStored:
            return self.refuse(scope, accepted.source, RefusalReason.NOT_STORED, len(accepted.body))
        if self._tells_each:
            _tell(accepted, kept)
        return answers.accepted(kept, accepted.verified.unreadable is not None)

    async def _send(self, answer: Answer, scope: Scope, body: Body, send: Send) -> None:
        """Whoever is answered before the whole body was read is not listened to any longer."""
        is_over = body.is_whole or not has_body(scope["headers"])
        if self.is_draining or not is_over:
            answer = replace(answer, headers=(*answer.headers, *answers.CLOSE))
        await send(answer.start)
        if not is_over and not self.is_draining:
            await send({**answer.rest, "more_body": True})
            await body.drain()
            answer = replace(answer, body=b"")
        await send(answer.rest)

    def _sender(self, scope: Scope) -> str | None:
        client = scope.get("client")
        return sender(client[0] if client else None, scope["headers"], self._trusted)


def _tell(accepted: Accepted, kept: Kept) -> None:
    source, kind, job_id, delivery_key = accepted.identity
    named = {"source": source, "kind": kind, "job_id": job_id, "delivery_key": delivery_key}
    names = {"delivery": shown("dlv", kept.delivery), "receipt": shown("rcp", kept.receipt)}
    log.debug("delivery_accepted", **named, **names, duplicate=kept.duplicate)


def _doors(config: Config) -> Mapping[str, Door]:
    return {source.name: _door(source) for source in config.sources.values() if source.webhook != "none"}


def _door(source: Source) -> Door:
    secrets = tuple(secret.reveal().encode() for secret in source.webhook_secrets)
    dialect = dialect_of(source)
    return Door(source.name, secrets, source.tolerance_seconds * SECOND, dialect.verify, dialect.present)
