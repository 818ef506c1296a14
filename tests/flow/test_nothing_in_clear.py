"""Of what a request presents, nothing stands in the store in clear: no signature, and no secret."""

import asyncio
import base64
import hmac
import json
import time
from collections.abc import Callable
from hashlib import sha256
from typing import NamedTuple

import pytest
from service import Service, SourceAt, event, service, until
from sqlalchemy import text
from sqlmodel import SQLModel

from operators.reverifying import Asked, Scope, reverify
from schemas.config.secret import Secret

HOURS = 3 * 3_600


def secret_from(words: str) -> str:
    return "whsec_" + base64.b64encode(words.encode()).decode()


OTHER = secret_from("a key that the source has not")


class Sent(NamedTuple):
    """A request, the digest in it as bytes, and that as its scheme writes it."""

    body: bytes
    headers: dict[str, str]
    digest: bytes
    written: str


def phaseo(secret: str, at: int) -> Sent:
    body = event(f"batch_{at}", "completed")
    digest = hmac.digest(secret.encode(), f"{at}.".encode() + body, "sha256")
    headers = {"x-phaseo-timestamp": str(at), "x-phaseo-signature": digest.hex(), "x-phaseo-attempt": "1"}
    return Sent(body, headers, digest, digest.hex())


def openai(secret: str, at: int) -> Sent:
    body = json.dumps({"id": f"evt_{at}", "type": "batch.completed", "data": {"id": f"batch_{at}"}}).encode()
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.digest(key, f"wh_{at}.{at}.".encode() + body, "sha256")
    signature = base64.b64encode(digest).decode()
    headers = {"webhook-id": f"wh_{at}", "webhook-timestamp": str(at), "webhook-signature": f"v1,{signature}"}
    return Sent(body, headers, digest, signature)


def thunderbit(secret: str, at: int) -> Sent:
    body = json.dumps({"id": f"batch_{at}", "status": "COMPLETED"}).encode()
    digest = hmac.digest(secret.encode(), f"{at}000.".encode() + body, "sha256")
    signature = f"sha256={base64.b64encode(digest).decode()}"
    headers = {
        "x-webhook-timestamp": f"{at}000",
        "x-webhook-signature": signature,
        "x-webhook-event": "batch.completed",
    }
    return Sent(body, headers, digest, signature)


SCHEMES: dict[str, tuple[Callable[[str, int], Sent], dict[str, object]]] = {
    "phaseo": (phaseo, {}),
    "openai": (openai, {"dialect": "openai", "webhook_endpoint_id": None}),
    "thunderbit": (thunderbit, {"dialect": "thunderbit", "webhook": "inline", "webhook_endpoint_id": None}),
}
SECRETS = {name: secret_from(f"the right key of {name}") for name in SCHEMES}


async def dump(running: Service) -> bytes:
    """Everything that stands in every table."""
    found: list[bytes] = []
    async with running.store.reading() as connection:
        for table in SQLModel.metadata.tables:
            for row in await connection.execute(text(f"SELECT * FROM {table}")):  # noqa: S608
                found += [value if isinstance(value, bytes) else str(value).encode() for value in row]
    return b"\n".join(found)


async def kept(running: Service) -> int:
    async with running.store.reading() as connection:
        return int(await connection.scalar(text("SELECT count(*) FROM refused_requests")) or 0)


@pytest.mark.both_stores
def test_no_signature_and_no_secret_is_stored() -> None:
    """Of what is accepted, refused for its signature or its time, and taken in later, no table holds a signature or a secret, as
    text or as bytes, whichever the scheme."""

    async def flow() -> None:
        sources = {
            name: SourceAt("http://127.0.0.1:9/v1", more, secret=SECRETS[name]) for name, (_, more) in SCHEMES.items()
        }
        async with service(sources, reconciles=False) as running:
            accepted, refused = [], []
            for name, (sign, _) in SCHEMES.items():
                now = int(time.time())
                for sent, status in (
                    (sign(SECRETS[name], now), 202),
                    (sign(SECRETS[name], now - HOURS), 401),
                    (sign(OTHER, now + 1), 401),
                ):
                    url = f"{running.receiver_url}/webhooks/{name}"
                    answer = await running.client.post(url, content=sent.body, headers=sent.headers)
                    assert answer.status_code == status, (name, answer.text)
                    (accepted if status == 202 else refused).append(sent)

            async def all_kept() -> bool:
                return await kept(running) == len(refused)

            await until(all_kept, "what was refused to be kept")
            for name in SCHEMES:
                source = running.config.sources[name].model_copy(update={"webhook_secrets": (Secret(OTHER),)})
                assert (await reverify(running.store, Scope(source), 1, Asked("cli", "rotated")))["taken_in"] == 1
            everything = await dump(running)

            for one in [*accepted, *refused]:
                encoded = base64.b64encode(one.digest), base64.urlsafe_b64encode(one.digest)
                for form in (one.digest, one.digest.hex().encode(), one.written.encode(), *encoded):
                    assert form.rstrip(b"=") not in everything
            for secret in (*SECRETS.values(), OTHER):
                for form in (secret.encode(), base64.b64decode(secret.removeprefix("whsec_"))):
                    assert form not in everything
            # This look would have seen it: the hashes and the bodies are there.
            assert all(sha256(one.written.encode()).hexdigest().encode() in everything for one in refused)
            assert all(one.body in everything for one in [*accepted, *refused])

    asyncio.run(flow())
