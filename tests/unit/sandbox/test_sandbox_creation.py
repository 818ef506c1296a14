"""What the create call refuses, and with which words."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from sandbox.batches import Order
from sandbox.clock import Clock
from sandbox.creation import read_document, read_order, read_scenario_of
from sandbox.endpoints import Endpoint, WebhookChoice
from sandbox.errors import Refused
from sandbox.files import FileStore
from sandbox.generations import G2

NOON = datetime(2026, 8, 12, 12, tzinfo=UTC)
ENDPOINTS = {"we": Endpoint("we", None, "http://127.0.0.1:1/", ["batch.completed"], "whsec_x", NOON, NOON)}
GOOD = {"requests": [{"body": {"messages": []}}], "endpoint": "/v1/chat/completions"}


def order(**changed: Any) -> Order:
    return read_order(GOOD | changed, FileStore(Clock()), ENDPOINTS, NOON, G2)


def refusal(**changed: Any) -> tuple[int, dict[str, Any]]:
    with pytest.raises(Refused) as refused:
        order(**changed)
    response = refused.value.response
    return response.status_code, json.loads(bytes(response.body))


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, None),
        ({"webhook": None}, None),
        ({"webhook_endpoint_id": "we"}, WebhookChoice("we")),
        ({"webhook": {"endpoint_id": "we"}}, WebhookChoice("we")),
        ({"webhook": {"endpointId": "we", "events": []}}, WebhookChoice("we")),
        ({"webhook": {"endpoint_id": "we", "events": ["FAILED", "x"]}}, WebhookChoice("we", ("job.failed",))),
        ({"webhook": {"endpoint_id": "we", "url": "http://u", "secret": "s"}}, WebhookChoice("we", (), "http://u")),
        ({"webhook": {"endpoint_id": "we"}, "webhook_endpoint_id": "gone"}, WebhookChoice("we")),
        ({"webhook": "text", "webhook_endpoint_id": "we"}, WebhookChoice("we")),
    ],
)
def test_webhook_forms(changed: dict[str, Any], expected: WebhookChoice | None) -> None:
    """
    A webhook names a managed endpoint, in the object or by the shorthand; the object wins.
    """
    assert order(**changed).webhook == expected


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"webhook": {"url": "http://u", "events": [], "secret": "s"}}, "batch_webhook_endpoint_required"),
        ({"webhook": {}, "webhook_endpoint_id": "we"}, "batch_webhook_endpoint_required"),
        ({"webhook_endpoint_id": "gone"}, "batch_webhook_endpoint_not_found_or_inactive"),
        ({"webhook": "text"}, "invalid_batch_webhook"),
        ({"webhook": {"endpoint_id": "we", "events": None}}, "invalid_batch_webhook"),
        ({"webhook": {"endpoint_id": "we", "events": "batch.failed"}}, "invalid_batch_webhook"),
        ({"webhook": {"endpoint_id": "we", "events": ["video.completed"]}}, "invalid_batch_webhook"),
        ({"requests": None}, "missing_batch_input"),
        ({"prompts": ["hi"]}, "ambiguous_batch_input"),
        ({"requests": []}, "invalid_requests"),
        ({"completion_window": "48h"}, "openai_batch_completion_window_unsupported"),
        ({"metadata": "text"}, "invalid_batch_metadata"),
        ({"metadata": {"n": 1}}, "invalid_batch_metadata"),
        ({"metadata": {"k" * 65: ""}}, "invalid_batch_metadata"),
        ({"metadata": {"k": "v" * 513}}, "invalid_batch_metadata"),
        ({"metadata": {str(n): "" for n in range(17)}}, "invalid_batch_metadata"),
        ({"output_expires_after": {"anchor": "created_at", "seconds": 60}}, "invalid_openai_batch_output_expiry"),
        ({"output_expires_after": {"seconds": 3600}}, "invalid_openai_batch_output_expiry"),
    ],
)
def test_refusals(changed: dict[str, Any], reason: str) -> None:
    """
    A bad create call gets E1 400 `validation_error` and the reason that names its fault.
    """
    status, body = refusal(**changed)

    assert (status, body["error"], body["reason"], body["status_code"]) == (400, "validation_error", reason, 400)


def test_unknown_input_file() -> None:
    """
    A file of somebody else is E1 404, with its id.
    """
    status, body = refusal(requests=None, input_file_id="file-1")

    assert (status, body["error"]) == (404, "not_found")
    assert (body["reason"], body["file_id"]) == ("batch_input_file_not_found_or_not_owned", "file-1")


def test_shorthands() -> None:
    """
    Prompts and items become rows of their own, and an inline batch an input file.
    """
    told, itemised = order(requests=None, prompts=["hi"]), order(requests=None, items=[{"messages": []}])

    assert told.rows[0].body["messages"] == [{"role": "user", "content": "hi"}]
    assert itemised.rows[0].custom_id == "request-1"
    assert told.input_file_id.startswith("file-")


@pytest.mark.parametrize(
    ("body", "status"), [(b"{", 400), (b"", 400), (b"[" * 100_000, 400), (b'"\\ud800"', 400), (b"null", 500)]
)
def test_bodies_that_are_no_order(body: bytes, status: int) -> None:
    """
    What is not JSON is 400; a bare null makes the gateway fall over with a plain 500.
    """
    with pytest.raises(Refused) as refused:
        read_document(body)

    assert refused.value.response.status_code == status


def test_unknown_scenario() -> None:
    """
    An unknown scenario is refused at once, with the known words.
    """
    with pytest.raises(Refused) as refused:
        read_scenario_of({"metadata": {"scenario": "oops"}}, "batch", G2)

    assert "webhook_lost" in json.loads(bytes(refused.value.response.body))["message"]
