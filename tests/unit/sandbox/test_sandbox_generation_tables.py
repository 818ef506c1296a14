"""What a generation is, as far as it can be told without a socket."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from sandbox.account import Account
from sandbox.deliveries import headers_for, signed_headers
from sandbox.endpoints import Endpoint, WebhookChoice
from sandbox.errors import Refused
from sandbox.events import Event, progress_bucket
from sandbox.generations import G1A, G1B, G2, G3, GENERATIONS, Generation, generation_named
from sandbox.server import SandboxSettings
from sandbox.statuses import push_lifecycle, push_status, rest_lifecycle
from sandbox.subscriptions import is_subscribed
from sandbox.webhook_forms import is_callback, read_webhook

NOON = datetime(2026, 8, 12, 12, tzinfo=UTC)
ENDPOINTS = {"we": Endpoint("we", None, "http://127.0.0.1:1/", ["batch.completed"], "whsec_x", NOON, NOON)}


@pytest.mark.parametrize(("word", "generation"), [("G1a", G1A), ("g1B", G1B), (" g2 ", G2), ("G3", G3)])
def test_named(word: str, generation: Generation) -> None:
    """
    A generation is named in capitals or not.
    """
    assert generation_named(word) is generation


@pytest.mark.parametrize("word", ["", "G1", "G4", "two"])
def test_unknown(word: str) -> None:
    """
    An unknown generation is refused with the known ones, also as a setting.
    """
    with pytest.raises(ValueError, match="use G1a, G1b, G2, G3"):
        SandboxSettings(0, generation=word)


@pytest.mark.parametrize("generation", GENERATIONS, ids=lambda generation: generation.name)
def test_families_of_headers_are_not_mixed(generation: Generation) -> None:
    """
    All headers of one delivery have one prefix.
    """
    told = headers_for("batch_1", "batch.progress:50", 2, generation) | signed_headers("s", NOON, b"{}", generation)
    own = {name for name in told if name.startswith("x-")}

    assert {name.rpartition("x-ai-stats-")[1] or "x-phaseo-" for name in own} == {generation.header_prefix}
    if generation.identifies_deliveries:
        assert told[f"{generation.header_prefix}event-type"] == "batch.progress"


G1A_TABLE = [
    # stored status, REST lifecycle, push status, push lifecycle: where G1a differs, and where it does not
    ("expired", "failed", "failed", "failed"),
    ("canceled", "pending", "cancelled", "cancelled"),
    ("COMPLETED", "pending", "completed", "completed"),
    ("completed", "completed", "completed", "completed"),
    ("finalizing", "pending", "in_progress", "running"),
]


@pytest.mark.parametrize(("stored", "rest", "pushed", "push"), G1A_TABLE, ids=[row[0] for row in G1A_TABLE])
def test_statuses_of_g1a(stored: str, rest: str, pushed: str, push: str) -> None:
    """
    In G1a an expired job reads failed, and REST knows neither capitals nor the other spelling.
    """
    assert (rest_lifecycle(stored, G1A), push_status(stored, G1A), push_lifecycle(stored, G1A)) == (rest, pushed, push)


INLINE: list[tuple[Any, WebhookChoice | str | None]] = [
    (None, None),
    ({"url": "http://127.0.0.1:1/x"}, WebhookChoice(None, (), "http://127.0.0.1:1/x")),
    (
        {"url": "https://example.org", "secret": "s", "events": ["completed", "x"]},
        WebhookChoice(None, ("job.completed",), "https://example.org", "s"),
    ),
    ({"url": "https://example.org", "secret": ""}, WebhookChoice(None, (), "https://example.org")),
    ({"url": "https://example.org", "secret": None}, WebhookChoice(None, (), "https://example.org")),
    ({"url": "https://example.org", "secret": 7}, "invalid_batch_webhook"),
    ({"url": "http://example.org"}, "invalid_batch_webhook"),
    ({"endpoint_id": "we"}, "invalid_batch_webhook"),
    ({"url": 7}, "invalid_batch_webhook"),
    ("text", "invalid_batch_webhook"),
    ({"url": "https://example.org", "events": None}, "invalid_batch_webhook"),
]


@pytest.mark.parametrize(("written", "expected"), INLINE)
def test_webhooks_written_into_the_call(written: Any, expected: WebhookChoice | str | None) -> None:
    """
    A G1 webhook has a URL, perhaps a secret and perhaps events; an endpoint's id is nothing to it.
    """
    document = {"webhook": written, "webhook_endpoint_id": "we"}
    if isinstance(expected, str):
        with pytest.raises(Refused) as refused:
            read_webhook(document, "batch", ENDPOINTS, G1B)
        assert json.loads(bytes(refused.value.response.body))["reason"] == expected
    else:
        assert read_webhook(document, "batch", ENDPOINTS, G1B) == expected


def test_events_that_are_all_unknown() -> None:
    """
    G1a takes a list without a known name for none; G1b refuses it. `expired` and `status_changed` came later.
    """
    strange = {"webhook": {"url": "https://example.org", "events": ["expired", "status_changed"]}}
    late = {"webhook": {"url": "https://example.org", "events": ["status_changed"]}}

    assert read_webhook(strange, "batch", {}, G1A) == WebhookChoice(None, (), "https://example.org")
    assert read_webhook(strange, "batch", {}, G1B) == WebhookChoice(None, ("job.expired",), "https://example.org")
    with pytest.raises(Refused):
        read_webhook(late, "batch", {}, G1B)


@pytest.mark.parametrize(
    ("url", "g1a", "g1b"),
    [
        ("https://example.org/x", True, True),
        ("http://example.org/x", False, False),
        ("http://localhost:1/x", True, True),
        ("http://127.0.0.1/x", True, True),
        ("http://[::1]:8/x", True, True),
        ("http://127.0.0.2/x", False, False),
        ("https://10.0.0.1/x", True, False),
        ("https://[fd00::1]/x", True, False),
        ("https://8.8.8.8/x", True, True),
        ("https://[/x", False, False),
        ("ftp://localhost/x", False, False),
        ("https:///x", False, False),
    ],
)
def test_callback_urls(url: str, g1a: bool, g1b: bool) -> None:
    """
    https, or http to this machine; G1b takes no private address that is written as one.
    """
    assert (is_callback(url, G1A), is_callback(url, G1B)) == (g1a, g1b)


@pytest.mark.parametrize(
    ("phase", "expected"),
    [
        ("completed", (True, True, True, True)),
        ("expired", (False, True, True, True)),
        ("status_changed", (False, False, True, True)),
        ("created", (False, False, False, False)),
        ("progress", (False, False, False, False)),
    ],
)
def test_default_events(phase: str, expected: tuple[bool, ...]) -> None:
    """
    Without a list of one's own G1a tells three ends, G1b four, and later ones changes of status besides.
    """
    assert tuple(is_subscribed("video", phase, [], [], generation) for generation in GENERATIONS) == expected


@pytest.mark.parametrize(
    ("percent", "bucket"),
    [
        (-1, None), (0, None), (0.3, 5), (4, 5), (4.5, 10), (5, 10), (14, 10), (14.5, 20), (15, 20), (24, 20), (25, 30),
        (84, 80), (85, 90), (94, 90), (95, 95), (99.6, 95), (100, None),
    ],
)  # fmt: skip
def test_buckets(percent: float, bucket: int | None) -> None:
    """
    Progress is told in tens, halves rounded up, within 5 to 95.
    """
    assert progress_bucket(percent) == bucket


def test_keys() -> None:
    """
    The key of a progress event has the bucket, and its type has not.
    """
    assert (Event("batch", "progress", 50).key, Event("batch", "progress", 50).type) == (
        "batch.progress:50",
        "batch.progress",
    )
    assert Event("batch", "completed").key == "batch.completed"


def test_all_fifty_are_shown_in_g1a() -> None:
    """
    G1a shows all that it keeps.
    """
    account = Account()
    for number in range(60):
        account.record("batch.created", number, NOON, "scheduled_retry")

    assert len(account.public_state(WebhookChoice(), G1A)["attempts"]) == 50
