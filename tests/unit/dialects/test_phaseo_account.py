"""What Phaseo's account says of itself when a configuration is checked (contract 1.2, 4.2, 4.10, 4.11)."""

import json
from typing import Any

import pytest

from schemas.dialects.phaseo import Phaseo
from schemas.readings import (
    Coverage,
    Denied,
    KeyFails,
    KeyWorks,
    NotVisible,
    Question,
    Response,
    Troubled,
    WebhookEndpoint,
)
from schemas.words import Trouble

BASE = "https://api.phaseo.app/v1"
ID = "5f0c3f7e-0000-4000-8000-000000000001"
DEFAULT = Phaseo().defaults.webhook_events
TEXT_404 = b"404 Not Found"


def answer(status: int, body: Any, **headers: str) -> Response:
    return Response(status, headers, body if isinstance(body, bytes) else json.dumps(body).encode())


def flat(error: str, reason: str, **members: Any) -> dict[str, Any]:
    """Envelope E1."""
    return {"error": error, "reason": reason, "error_origin": "gateway", "request_id": "G-01K2", **members}


def managed(kind: str, message: str) -> dict[str, Any]:
    """Envelope E4."""
    return {"error": {"type": kind, "message": message}}


# --- the key ----------------------------------------------------------------------------------------------------------


def test_how_a_key_is_checked() -> None:
    """By the shortest list; where that is refused, by a batch that nobody has, and without a query, which would break it."""
    assert [(asked.method, asked.url) for asked in Phaseo().check_key(BASE)] == [
        ("GET", f"{BASE}/batches?limit=1"),
        ("GET", f"{BASE}/batches/batchkeeper-asks-whether-its-key-works"),
    ]


@pytest.mark.parametrize(
    ("status", "body", "note"),
    [
        (200, {"object": "list", "data": [], "has_more": False}, None),
        (200, {"object": "list", "data": [{"id": "batch_1", "status": "completed"}]}, None),
        (404, flat("not_found", "batch_not_found_or_not_owned", batch_id="x"), "no list of batches"),
    ],
)
def test_a_key_that_works(status: int, body: Any, note: str | None) -> None:
    """A page is what a working key gets; so is the gateway's own word that it knows no such batch, where there is no list."""
    read = Phaseo().read_key(answer(status, body))

    assert isinstance(read, KeyWorks)
    assert (read.note is None) if note is None else (note in str(read.note))


@pytest.mark.parametrize(
    ("status", "body", "trouble", "advice"),
    [
        (401, flat("unauthorised", "invalid_key_format"), Trouble.KEY_REFUSED, "copy it again"),
        (401, flat("unauthorised", "management_key_not_valid_for_gateway"), Trouble.KEY_REFUSED, "an inference key"),
        (401, flat("unauthorised", "key_not_found_or_revoked"), Trouble.KEY_REFUSED, "revoked: make a new one"),
        (401, flat("unauthorised", "key_expired"), Trouble.KEY_REFUSED, "make a new one"),
        (401, flat("unauthorised", "invalid_secret"), Trouble.KEY_REFUSED, "copy it again, whole"),
        (401, flat("unauthorised", "some_new_reason"), Trouble.KEY_REFUSED, None),
        (403, flat("forbidden", "batch_api_feature_flag_disabled"), Trouble.KEY_REFUSED, "no access to batches"),
        (401, flat("unauthorised", "db_error"), Trouble.GATEWAY, None),
        (429, flat("key_limit_exceeded", "too_many"), Trouble.RATE_LIMITED, None),
        (501, flat("not_implemented_yet", "batch_api_temporarily_disabled"), Trouble.GATEWAY, "switched off"),
        (404, TEXT_404, Trouble.REQUEST, "has to end in /v1"),
        (302, b"", Trouble.REDIRECTED, None),
        (500, b"Internal Server Error", Trouble.GATEWAY, None),
        (200, b"<html>welcome</html>", Trouble.UNREADABLE, None),
        (200, {"hello": "world"}, Trouble.UNREADABLE, None),
        (404, {"error": {"message": "no", "type": "x", "param": None}}, Trouble.UPSTREAM, None),
    ],
)
def test_a_key_that_fails(status: int, body: Any, trouble: Trouble, advice: str | None) -> None:
    """Every other answer is trouble by its envelope; where the gateway's reason tells what to do, that is said."""
    read = Phaseo().read_key(answer(status, body))

    assert isinstance(read, KeyFails)
    assert read.trouble.trouble is trouble
    assert (read.advice is None) if advice is None else (advice in str(read.advice))


# --- the endpoint -----------------------------------------------------------------------------------------------------

SHOWN = {
    "id": ID,
    "workspaceId": "6d0c",
    "name": None,
    "url": "https://hooks.example.com/webhooks/gateway",
    "status": "active",
    "events": ["batch.completed"],
    "hasSecret": True,
    "createdAt": "2026-08-12T01:00:00.000Z",
    "deletedAt": None,
}
READ = WebhookEndpoint(
    ID, "https://hooks.example.com/webhooks/gateway", "active", True, ("batch.completed",), False, True
)


def test_what_is_asked_about_endpoints() -> None:
    """One by its id, as one segment of the path; else the hundred newest. What would register one names URL and events."""
    assert Phaseo().webhook_endpoints(BASE, "a/b?c").url == f"{BASE}/webhook-endpoints/a%2Fb%3Fc"
    assert Phaseo().webhook_endpoints(BASE, None).url == f"{BASE}/webhook-endpoints?limit=100"
    assert Phaseo().new_webhook_endpoint(BASE, "https://x.example/y", DEFAULT) == Question(
        "POST", f"{BASE}/webhook-endpoints", {"url": "https://x.example/y", "events": list(DEFAULT)}
    )


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (SHOWN, (READ,)),
        ({"object": "list", "data": [SHOWN, SHOWN]}, (READ, READ)),
        ({"object": "list", "data": []}, ()),
    ],
)
def test_endpoints_that_are_shown(body: Any, found: tuple[WebhookEndpoint, ...]) -> None:
    """One that was asked for, or each of the account."""
    assert Phaseo().read_webhook_endpoints(answer(200, body)) == found


@pytest.mark.parametrize(
    ("members", "read"),
    [
        ({"status": "disabled"}, {"status": "disabled", "is_active": False}),
        ({"deletedAt": "2026-08-12T01:00:00.000Z"}, {"is_deleted": True}),
        ({"events": None}, {"events": ()}),
        ({"events": ["Batch.Failed", 7, None]}, {"events": ("Batch.Failed",)}),
        ({"hasSecret": False}, {"has_secret": False}),
        ({"hasSecret": "yes"}, {"has_secret": None}),
    ],
)
def test_its_members(members: dict[str, Any], read: dict[str, Any]) -> None:
    """State, deletion, events and secret, each as far as it can be read."""
    (found,) = Phaseo().read_webhook_endpoints(answer(200, {**SHOWN, **members}))  # type: ignore[misc]

    assert {name: getattr(found, name) for name in read} == read


@pytest.mark.parametrize(
    "members", [{"id": None}, {"url": 7}, {"url": ""}, {"status": None}, {"events": "batch.failed"}]
)
def test_an_endpoint_that_cannot_be_compared(members: dict[str, Any]) -> None:
    """An endpoint without what it is compared by is trouble, and not one that differs."""
    read = Phaseo().read_webhook_endpoints(answer(200, {**SHOWN, **members}))

    assert isinstance(read, Troubled)
    assert read.trouble is Trouble.UNREADABLE


@pytest.mark.parametrize(
    ("status", "body", "is_nobodys"),
    [
        (401, flat("unauthorised", "management_key_required"), False),
        (401, flat("unauthorised", "management_key_scopes_required"), False),
        (403, flat("forbidden", "management_key_scopes_required"), False),
        (404, TEXT_404, True),
    ],
)
def test_not_visible(status: int, body: Any, is_nobodys: bool) -> None:
    """Another key is needed, or there is no such route in this generation: neither speaks against the key that was used."""
    read = Phaseo().read_webhook_endpoints(answer(status, body))

    assert isinstance(read, NotVisible)
    assert read.to_nobody is is_nobodys


@pytest.mark.parametrize(
    ("status", "body", "trouble"),
    [
        (401, flat("unauthorised", "key_expired"), Trouble.KEY_REFUSED),
        (400, managed("validation_error", "no"), Trouble.REQUEST),
        (500, managed("server_error", "no"), Trouble.GATEWAY),
        (500, b"Internal Server Error", Trouble.GATEWAY),
        (429, managed("rate_limit_error", "slow down"), Trouble.RATE_LIMITED),
        (301, b"", Trouble.REDIRECTED),
        (200, b"<html>", Trouble.UNREADABLE),
    ],
)
def test_trouble_about_endpoints(status: int, body: Any, trouble: Trouble) -> None:
    """Errors of this route are the gateway's own, also in the shape that elsewhere means somebody behind it."""
    read = Phaseo().read_webhook_endpoints(answer(status, body))

    assert isinstance(read, Troubled)
    assert read.trouble is trouble


def test_no_such_endpoint() -> None:
    """A 404 in this route's own envelope says that the account has no such endpoint."""
    read = Phaseo().read_webhook_endpoints(answer(404, managed("not_found", "Webhook endpoint not found")))

    assert read == Denied("not_found: Webhook endpoint not found")


# --- events and URL ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("subscribed", "wanted", "missing", "harmless", "superfluous"),
    [
        (DEFAULT, DEFAULT, (), (), ()),
        (("job.completed", "job.failed", "job.cancelled", "job.expired"), DEFAULT, (), (), ()),
        (("completed", "FAILED", "Batch.Canceled", "job.Expired"), DEFAULT, (), (), ()),
        (("batch.completed",), ("job.completed",), (), (), ()),
        (("batch.completed", "video.failed"), ("job.completed",), ("video.completed",), (), ("video.failed",)),
        (("batch.completed",), DEFAULT, ("batch.failed", "batch.cancelled", "batch.expired"), (), ()),
        (("batch.completed", "batch.failed", "batch.cancelled"), DEFAULT, (), ("batch.expired",), ()),
        (("batch.completed", "batch.cancelled", "batch.expired"), DEFAULT, ("batch.failed",), (), ()),
        ((*DEFAULT, "batch.created"), DEFAULT, (), (), ("batch.created",)),
        ((*DEFAULT, "batch.complete", "x"), DEFAULT, (), (), ("batch.complete", "x")),
        (("batch.complete",), ("batch.completed", "batch.created"), ("batch.created",), (), ("batch.complete",)),
        (("video.completed",), DEFAULT, (), (), ("video.completed",)),
        ((), DEFAULT, (), (), ()),
        ((), ("batch.created",), ("batch.created",), (), ()),
        (("batch.completed",), (), (), (), ("batch.completed",)),
    ],
)
def test_coverage(
    subscribed: tuple[str, ...],
    wanted: tuple[str, ...],
    missing: tuple[str, ...],
    harmless: tuple[str, ...],
    superfluous: tuple[str, ...],
) -> None:
    """`job.` and bare names are of every kind, in any case; a kind of which no event is named gets the gateway's own choice;
    an expired batch is told of as failed; a name that is none subscribes to nothing."""
    assert Phaseo().coverage(subscribed, wanted) == Coverage(missing, harmless, superfluous)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("https://hooks.example.com/webhooks/gateway", None),
        ("https://8.8.8.8/x", None),
        ("https://[2606:4700::1111]/x", None),
        ("http://hooks.example.com/x", "https:// only"),
        ("https://localhost/x", "not deliver to itself"),
        ("https://a.localhost/x", "not deliver to itself"),
        ("https://127.0.0.1/x", "public addresses only"),
        ("https://10.1.2.3/x", "public addresses only"),
        ("https://192.168.0.1:8443/x", "public addresses only"),
        ("https://100.64.0.1/x", "public addresses only"),
        ("https://[::1]/x", "public addresses only"),
        ("https://[fd00::1]/x", "public addresses only"),
        ("https://[::1", "no URL"),
    ],
)
def test_where_nothing_is_delivered(url: str, why: str | None) -> None:
    """The gateway sends to https and to public addresses, as far as the URL itself tells."""
    found = Phaseo().why_undeliverable(url)

    assert (found is None) if why is None else (why in str(found))
