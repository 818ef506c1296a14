"""Every member of the provider's object has a place in `job`, on the terminal and in JSON (contract 3.1, 3.9, 4.5, 5)."""

import asyncio
import json
import os
from collections.abc import Iterator
from typing import Any

import pytest
from commands import SCRIPT
from service import Asked, Provider, Service, batch, environment, file_of, said, service

JOB = "batch_01K2XYZ3ABCDEFGHJKMNPQRSTV"
ACCOUNT = {
    "endpoint_id": "endpoint-of-it",
    "url": "https://hooks.example/in",
    "events": ["batch.completed", "batch.progress"],
    "has_secret": True,
    "delivery": {
        "total_attempts": 41,
        "delivered_events": 1,
        "delivered_event_types": ["batch.created"],
        "pending_retries": 7,
        "next_retry_at": "2026-08-12T02:26:01.000Z",
        "last_attempt_at": "2026-08-12T02:21:02.000Z",
        "last_attempt_status": "scheduled_retry",
        "last_response_status": 418,
        "last_delivered_at": "2026-08-12T02:11:03.000Z",
        "last_failure_at": "2026-08-12T02:21:04.000Z",
        "last_error_message": "Webhook returned HTTP 418",
    },
    "attempts": [
        {
            "id": "batch.created:1:2026-08-12T02:01:05.000Z",
            "delivery_key": "batch.created",
            "event_type": "batch.created",
            "status": "delivered",
            "attempt_number": 1,
            "max_attempts": 4,
            "tried_at": "2026-08-12T02:01:05.000Z",
            "delivered_at": "2026-08-12T02:01:05.000Z",
            "response_status": 202,
            "response_body_preview": "taken with thanks",
        }
    ],
}
REST = batch(
    JOB,
    "in_progress",
    endpoint="/v1/of-it",
    completion_window="48h",
    input_file_id="file-in",
    expires_at=1786586401,
    in_progress_at=1786500102,
    native_batch_id="native-of-it",
    request_id="G-request-of-it",
    session_id="session-of-it",
    metadata={"team": "search-of-it"},
    pricing_lines=[{"dimension": "tokens-of-it", "line_cost_usd": "0.000001125"}],
    usage={"total_tokens": 1213},
    error_file_id="file-err",
    output_file_id="file-out",
    polling_url=f"https://elsewhere.example/v1/batches/{JOB}",
    cancel_url=f"https://elsewhere.example/v1/batches/{JOB}/cancel",
    results_url="https://elsewhere.example/results",
    errors={"data": [{"code": "code-of-it", "message": "message of it"}]},
    billing={
        "billed": False,
        "charged": False,
        "reason": "reason-of-it",
        "pricing_breakdown": {"x": "breakdown-of-it"},
    },
    webhook=ACCOUNT,
    something_new={"nested": ["new-of-it"]},
)
PUSH = {
    "id": JOB,
    "object": "batch",
    "kind": "batch",
    "status": "in_progress",
    "progress": 43,
    "app_id": "app-of-it",
    "model": "model-of-it",
    "native_id": "native-of-it",
    "websocket_url": "wss://elsewhere.example/socket-of-it",
    "download_url": "https://cdn.example/?sig=never-to-be-seen",
    "key_source": "byok-of-it",
    "reservation_id": "reservation-of-it",
    "next_webhook_retry_at": "2026-08-12T02:26:06.000Z",
    "last_polled_at": "2026-08-12T02:26:07.000Z",
    "routing_diagnostics": {"why": "routing-of-it"},
    "failure_sample": [{"custom_id": "sample-of-it"}],
    "billing": {"currency": "eur", "state": "estimated", "estimated_nanos": 51234567, "reserved_nanos": 60000000},
}
# What has to be seen of them, each where a person would look for it.
SEEN = [
    "of-it",
    "/v1/of-it",
    "48h",
    "file-in",
    "2026-08-13 02:00:01 UTC",
    "2026-08-12T02:01:42Z",
    "native-of-it",
    "G-request-of-it",
    "session-of-it",
    "search-of-it",
    "tokens-of-it",
    "0.000001125",
    "1213",
    "file-err",
    "file-out",
    f"https://elsewhere.example/v1/batches/{JOB}/cancel",
    "https://elsewhere.example/results",
    "code-of-it: message of it",
    "reason-of-it",
    "breakdown-of-it",
    "new-of-it",
    "endpoint-of-it",
    "https://hooks.example/in",
    "batch.progress",
    "41",
    "batch.created",
    "7",
    "2026-08-12 02:26:01 UTC",
    "2026-08-12 02:21:02 UTC",
    "scheduled_retry, HTTP 418",
    "2026-08-12 02:11:03 UTC",
    "Webhook returned HTTP 418, at 2026-08-12 02:21:04 UTC",
    "taken with thanks",
    "2026-08-12 02:01:05",
    "app-of-it",
    "model-of-it",
    "wss://elsewhere.example/socket-of-it",
    "byok-of-it",
    "reservation-of-it",
    "2026-08-12T02:26:06Z",
    "2026-08-12T02:26:07Z",
    "routing-of-it",
    "sample-of-it",
    "pending",
    "0.051234567 EUR",
    "0.06 EUR",
]


def script(asked: Asked) -> bytes:
    return file_of(asked) or said(REST)


def delivered(**data: Any) -> bytes:
    """A webhook's body with this snapshot of the job."""
    delivery = {"key": "batch.created", "attempt": 1, "max_attempts": 4}
    return json.dumps({"id": "evt_1", "type": "batch.created", "delivery": delivery, "data": {**PUSH, **data}}).encode()


async def shown(running: Service, *words: str) -> str:
    """What the console script prints about the job."""
    process = await asyncio.create_subprocess_exec(
        str(SCRIPT),
        "--config",
        str(running.path),
        "job",
        JOB,
        *words,
        env={**os.environ, **running.environ},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, err.decode()
    return out.decode()


def test_every_member_has_a_place() -> None:
    """What REST and push say of a batch is all to be seen, unknown members too; only the link that is a secret is nowhere."""

    async def flow() -> None:
        async with Provider(script).listening() as provider, service(provider.base_url) as running:
            await running.track(JOB)
            assert (await running.deliver(delivered())).is_success
            await running.shows(JOB, lambda view: view["status"] == "running" and view["reported"]["at"], "both heard")
            text, document = await shown(running), await shown(running, "--json")

            assert [word for word in SEEN if word not in text] == []
            assert "never-to-be-seen" not in text + document
            assert set(json.loads(document)["told"]["told_by"]["only_by_webhook"]) == {"model", "websocket_url"}
            assert not any("native-of-it" in asked.target for asked in provider.asked)

    asyncio.run(flow())


@pytest.mark.parametrize(("has_secret", "words"), [(False, "none: its deliveries come unsigned"), (True, "kept there")])
def test_a_webhook_without_a_secret(has_secret: bool, words: str) -> None:
    """`has_secret` is told in words: without one nothing that comes can be believed."""

    async def flow() -> None:
        account = {"endpoint_id": "e", "has_secret": has_secret, "delivery": {"total_attempts": 0}}
        async with (
            Provider(lambda _: said(batch(JOB, webhook=account))).listening() as provider,
            service(provider.base_url) as running,
        ):
            await running.track(JOB)
            await running.reaches(JOB, "running")

            assert words in await shown(running)

    asyncio.run(flow())


HOSTILE = "\x1b]0;owned\x07<script>alert(1)</script>\u202e\n"


def strings(value: Any) -> Iterator[str]:
    """Every text in a document."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from (*strings(name), *strings(item))
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)
    elif isinstance(value, str):
        yield value


def test_hostile_texts() -> None:
    """Whatever texts an object is made of, a terminal sees printable characters and no more."""
    spoiled = json.loads(json.dumps(REST).replace("of-it", json.dumps(HOSTILE)[1:-1]))

    async def flow() -> None:
        async with (
            Provider(lambda asked: file_of(asked) or said(spoiled)).listening() as provider,
            service(provider.base_url) as running,
        ):
            await running.track(JOB)
            await running.reaches(JOB, "running")
            text, document = await shown(running), await shown(running, "--json")

            assert "script" in text
            assert all(letter.isprintable() or letter == "\n" for letter in text)
            assert all(each.isprintable() for each in strings(json.loads(document)))

    asyncio.run(flow())


def test_a_body_that_shows_nothing() -> None:
    """A webhook whose content cannot be read adds nothing to what the answers say, and takes nothing away."""

    async def flow() -> None:
        async with Provider(script).listening() as provider, service(provider.base_url) as running:
            await running.track(JOB)
            await running.reaches(JOB, "running")
            body = delivered().replace(b'"model-of-it"', b'"a", "model": "b"')
            assert (await running.deliver(body)).is_success
            view = await running.shows(JOB, lambda view: view["deliveries"], "the delivery")

            assert view["told"]["model"] is None
            assert view["told"]["request_id"] == "G-request-of-it"
            assert view["told"]["told_by"]["webhook"] is None

    asyncio.run(flow())


def test_nothing_told_yet() -> None:
    """Of a job that nobody has answered about there is nothing to tell, and `job` says so."""

    async def flow() -> None:
        async with service("http://127.0.0.1:1/v1", reconciles=False) as running:
            await running.track(JOB)

            assert "told by  nobody yet" in await shown(running)

    with environment({"NO_COLOR": "1"}):
        asyncio.run(flow())
