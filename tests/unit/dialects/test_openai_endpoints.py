"""The webhook endpoints of an OpenAI project, as the SDK's own models show them."""

import json
from typing import Any

import pytest
from openai.types.webhooks.webhook_endpoint import WebhookEndpoint as Theirs

from schemas.dialects.openai import OpenAI
from schemas.readings import Denied, NotVisible, Question, Response, Troubled, WebhookEndpoint

BASE = "https://api.openai.com/v1"
OURS = "https://hooks.example.com/webhooks/openai"
ENDPOINT = {
    "id": "we_1",
    "object": "webhook_endpoint",
    "name": "batchkeeper",
    "url": OURS,
    "event_types": ["batch.completed", "response.completed"],
    "created_at": 1_781_166_600,
    "signing_secret_hint": "whsec_...abc",
}
READ = WebhookEndpoint("we_1", OURS, "listed", is_active=True, events=("batch.completed", "response.completed"))
DIALECT = OpenAI()


def answer(status: int, document: Any) -> Response:
    return Response(status, {}, json.dumps(document).encode())


def test_questions() -> None:
    """All of the project's, or one; and what would register ours."""
    assert DIALECT.webhook_endpoints(BASE, None) == Question("GET", f"{BASE}/webhook_endpoints?limit=100")
    assert DIALECT.webhook_endpoints(BASE, "we_1") == Question("GET", f"{BASE}/webhook_endpoints/we_1")
    assert DIALECT.new_webhook_endpoint(BASE, OURS, ["batch.failed"]) == Question(
        "POST", f"{BASE}/webhook_endpoints", {"name": "batchkeeper", "url": OURS, "event_types": ["batch.failed"]}
    )


def test_one_and_many() -> None:
    """Alone or in a list, an endpoint is read as it stands there."""
    Theirs.model_validate(ENDPOINT, strict=True)

    assert DIALECT.read_webhook_endpoints(answer(200, ENDPOINT)) == (READ,)
    listed = {"object": "list", "data": [ENDPOINT, ENDPOINT | {"id": "we_2"}], "has_more": False}
    found = DIALECT.read_webhook_endpoints(answer(200, listed))
    assert isinstance(found, tuple)
    assert [one.id for one in found] == ["we_1", "we_2"]


@pytest.mark.parametrize("changed", [{"id": None}, {"url": ""}, {"event_types": "all"}, {"id": 7}])
def test_less_than_can_be_compared(changed: dict[str, Any]) -> None:
    """An endpoint without what it is compared by spoils the answer."""
    assert isinstance(DIALECT.read_webhook_endpoints(answer(200, {"data": [ENDPOINT, ENDPOINT | changed]})), Troubled)


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (answer(401, {"error": {"message": "Missing scopes."}}), NotVisible),
        (answer(403, {"error": {"message": "Missing scopes."}}), NotVisible),
        (answer(404, {"error": {"message": "No such endpoint.", "type": "invalid_request_error"}}), Denied),
        (answer(404, {"error": {"message": "Invalid URL (GET /v1/webhook_endpoints)"}}), NotVisible),
        (answer(500, {"error": {"message": "Oh."}}), Troubled),
        (answer(200, {"data": "none"}), Troubled),
    ],
)
def test_nothing_to_see(response: Response, kind: type) -> None:
    """A key that is good for batches may not see endpoints, which says nothing against it."""
    assert isinstance(DIALECT.read_webhook_endpoints(response), kind)


@pytest.mark.parametrize(
    ("url", "goes"), [(OURS, True), ("http://hooks.example.com/x", False), ("https://[::1", False)]
)
def test_where_it_delivers(url: str, goes: bool) -> None:
    """OpenAI delivers to HTTPS."""
    assert (DIALECT.why_undeliverable(url) is None) is goes
