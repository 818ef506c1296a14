"""What a provider's answers say about the configuration: key, clocks and webhook, as findings."""

from pathlib import Path
from typing import Any

import pytest

from operators.online.asking import Endpoints, Heard
from operators.online.clocks import is_too_far
from operators.online.finding import ADVICE, Finding
from operators.online.findings import exit_code, findings
from operators.online.webhooks import is_same_url
from reconciler.clocks import ahead
from schemas.config import Config, Receiver, Secret, Source
from schemas.dialects.phaseo import Phaseo
from schemas.readings import Denied, KeyFails, KeyWorks, NotVisible, Troubled, WebhookEndpoint
from schemas.times import HOUR, SECOND
from schemas.words import Trouble

NOW = 1_786_500_000 * SECOND  # 2026-08-12 02:00:00 UTC
DATE = "Wed, 12 Aug 2026 02:00:00 GMT"
ID, PUBLIC = "5f0c3f7e-0000-4000-8000-000000000001", "https://hooks.example.com"
OURS = f"{PUBLIC}/webhooks/gateway"
EVENTS = Phaseo.defaults.webhook_events
ENDPOINT = WebhookEndpoint(ID, OURS, "active", True, EVENTS, has_secret=True)


def a_source(**columns: Any) -> Source:
    plain: dict[str, Any] = {
        "name": "gateway",
        "dialect": "phaseo",
        "base_url": "https://api.phaseo.app/v1",
        "api_key": Secret("k" * 24),
        "tolerance_seconds": 300,
        "delivery_window_seconds": 2700,
        "webhook_events": EVENTS,
        "webhook_endpoint_id": ID,
    }
    return Source(**{**plain, **columns})


def told(
    endpoints: Endpoints | None = None,
    *,
    key: KeyWorks | KeyFails | None = None,
    clock: int | None = 0,
    managing: bool = False,
    public_url: str | None = PUBLIC,
    **columns: Any,
) -> list[Finding]:
    source = a_source(**columns)
    config = Config(path=Path("x.toml"), receiver=Receiver(public_url=public_url), sources={"gateway": source})
    return findings(config, source, Heard(key or KeyWorks(), clock, endpoints), managing)


def of_webhook(*given: Any, **more: Any) -> list[tuple[str, str]]:
    return [(one.tone, one.message) for one in told(*given, **more) if one.about == "webhook"]


# --- clocks -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("date", "asked_at", "answered_at", "offset"),
    [
        (DATE, NOW, NOW, 0),
        (DATE, NOW - SECOND, NOW + SECOND, 0),
        (DATE, NOW + SECOND, NOW + SECOND, 0),  # it may have been as late as a second after what the date says
        (DATE, NOW + 61 * SECOND, NOW + 62 * SECOND, 60 * SECOND),
        (DATE, NOW - 70 * SECOND, NOW - 60 * SECOND, -60 * SECOND),
        (DATE, NOW - HOUR, NOW + HOUR, 0),  # a question that took so long tells nothing
        (DATE.replace("GMT", "-0000"), NOW, NOW, 0),
        (DATE.replace("GMT", "+0100"), NOW, NOW, HOUR - SECOND),
        (None, NOW, NOW, None),
        ("", NOW, NOW, None),
        ("today", NOW, NOW, None),
        ("Wed, 99 Aug 2026 02:00:00 GMT", NOW, NOW, None),
    ],
)
def test_how_far_ahead(date: str | None, asked_at: int, answered_at: int, offset: int | None) -> None:
    """Our clock is ahead or behind by no more than the date and the length of the question prove."""
    assert ahead(date, asked_at, answered_at) == offset


@pytest.mark.parametrize(
    ("seconds", "tolerance", "too_far"),
    [
        (0, 300, False),
        (60, 300, False),
        (-60, 300, False),
        (61, 300, True),
        (-61, 300, True),
        (6, 5, True),
        (5, 5, False),
    ],
)
def test_too_far(seconds: int, tolerance: int, too_far: bool) -> None:
    """A minute is too far, and what the signatures of deliveries do not bear."""
    assert is_too_far(seconds * SECOND, a_source(tolerance_seconds=tolerance)) is too_far


@pytest.mark.parametrize(
    ("clock", "tone", "said"),
    [
        (0, "good", "agree"),
        (75 * SECOND, "failure", "ours is 75 s ahead of the provider's; deliveries that were signed more than 300 s"),
        (-HOUR, "failure", "ours is 60 min behind the provider's"),
        (None, "note", "bears no date"),
    ],
)
def test_clocks(clock: int | None, tone: str, said: str) -> None:
    """Whether the clocks agree; if not, which way and by how much, and what comes of it."""
    (found,) = [one for one in told(clock=clock) if one.about == "clocks"]

    assert found.tone == tone
    assert said in found.message


# --- the key ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("trouble", sorted(ADVICE))
def test_trouble_with_advice(trouble: Trouble) -> None:
    """Each trouble with asking is told with what to do; what may pass by itself is told from what has to be set right."""
    (found,) = told(key=KeyFails(Troubled(trouble, "said so")), clock=None)[:1]
    passes = trouble in ("rate_limited", "gateway", "upstream", "timed_out", "unreachable")

    assert found.message == f"{trouble}: said so; {ADVICE[trouble]}"
    assert (found.tone, found.about) == (
        "trouble" if passes else "failure",
        "key" if trouble == "key_refused" else "provider",
    )


def test_the_providers_own_advice() -> None:
    """Where the provider's words tell what to do, that is said instead."""
    fails = KeyFails(Troubled(Trouble.KEY_REFUSED, "HTTP 401: key_expired"), "make a new one")

    assert told(key=fails)[0] == Finding("key", "failure", "key_refused: HTTP 401: key_expired; make a new one")


def test_nobody_there() -> None:
    """When nobody could be asked nothing else is concluded."""
    assert len(told(key=KeyFails(Troubled(Trouble.UNREACHABLE, "no")), clock=None, public_url=None)) == 1


def test_a_gateway_without_a_list() -> None:
    """That the key works is good; what it showed besides is worth knowing."""
    assert told(key=KeyWorks("no list"))[0] == Finding("key", "note", "works; no list")


# --- the webhook ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("endpoint", "tone", "said"),
    [
        ({}, "good", f"the endpoint {ID} is active, and has our URL and our events"),
        ({"status": "disabled", "is_active": False}, "failure", "is disabled and sends nothing: make it active"),
        ({"is_deleted": True}, "failure", "was deleted: register another"),
        ({"url": f"{PUBLIC}/webhooks/other"}, "failure", f"URL is {PUBLIC}/webhooks/other and ours is {OURS}"),
        ({"has_secret": False}, "failure", "has no secret"),
        ({"events": EVENTS[1:]}, "failure", "not subscribed to batch.completed, of which jobs made elsewhere"),
        ({"id": "another"}, "failure", "about another endpoint"),
    ],
)
def test_an_endpoint(endpoint: dict[str, Any], tone: str, said: str) -> None:
    """An endpoint that is active, ours and subscribed is good; each difference is said."""
    plain = {name: getattr(ENDPOINT, name) for name in ENDPOINT.__dataclass_fields__}
    found = of_webhook((WebhookEndpoint(**{**plain, **endpoint}),))

    assert [one for one, _ in found] == [tone]
    assert said in found[0][1]


def test_everything_wrong_with_an_endpoint() -> None:
    """All that is wrong is said at once, and nothing good beside it; what is worth knowing comes last."""
    endpoint = WebhookEndpoint(
        ID, "https://x.example", "off", False, ("batch.failed", "video.failed"), has_secret=False
    )
    found = of_webhook((endpoint,))

    assert [tone for tone, _ in found] == ["failure"] * 4 + ["note"] * 2
    assert "batch.expired, of which another of its events tells" in found[4][1]
    assert "also subscribed to video.failed" in found[5][1]


@pytest.mark.parametrize(
    ("endpoints", "managing", "tone", "said"),
    [
        (
            NotVisible("management_key_required"),
            False,
            "note",
            "or ask with a management key: --management-key-env NAME",
        ),
        (NotVisible("management_key_required"), True, "failure", "the management key may not see the endpoint"),
        (NotVisible("no such route", to_nobody=True), False, "note", "no such route; compare the endpoint"),
        (NotVisible("no such route", to_nobody=True), True, "note", "no such route; compare the endpoint"),
        (Denied("not found"), True, "failure", "is webhook_endpoint_id right?"),
        (Troubled(Trouble.KEY_REFUSED, "no"), True, "failure", "is it a management key of this account?"),
        (Troubled(Trouble.TIMED_OUT, "no"), True, "trouble", "can this machine reach it?"),
        (None, False, "note", "no endpoints that could be asked about"),
    ],
)
def test_an_endpoint_that_is_not_seen(endpoints: Endpoints | None, managing: bool, tone: str, said: str) -> None:
    """What a key may not see is no error: then it is said what to compare by hand. Everything else is."""
    ((found, message),) = of_webhook(endpoints, managing=managing)

    assert found == tone
    assert said in message
    if tone == "note":
        assert f"compare the endpoint {ID} by hand: active, URL {OURS}, events {', '.join(EVENTS)}" in message


def test_no_endpoint_is_named_or_seen() -> None:
    """Without webhook_endpoint_id, and with a key that sees none, it is said which endpoint to look for."""
    ((tone, message),) = of_webhook(NotVisible("management_key_required"), webhook_endpoint_id=None)

    assert tone == "note"
    assert f"webhook_endpoint_id is not set; look by hand for the endpoint's: active, URL {OURS}, events" in message


def test_without_a_key_nothing_is_compared() -> None:
    """What was not asked for with a key that does not work is not concluded."""
    found = of_webhook(None, key=KeyFails(Troubled(Trouble.KEY_REFUSED, "no")))

    assert found == [("note", "the endpoint is not asked for before that is right")]


@pytest.mark.parametrize(
    ("endpoints", "tone", "said"),
    [
        ((ENDPOINT,), "note", f"our URL is that of {ID} (active): write the id into [sources.gateway]"),
        ((), "failure", f"none of the 0 endpoints that the account shows has our URL {OURS}: register it"),
        ((WebhookEndpoint("x", "https://x.example", "active", True, ()),), "failure", "none of the 1 endpoints"),
        ((WebhookEndpoint("x", OURS, "active", True, (), is_deleted=True),), "failure", "none of the 1 endpoints"),
    ],
)
def test_no_endpoint_is_named(endpoints: Endpoints, tone: str, said: str) -> None:
    """Without webhook_endpoint_id the account's endpoints that have our URL are named."""
    ((found, message),) = of_webhook(endpoints, webhook_endpoint_id=None)

    assert found == tone
    assert said in message


@pytest.mark.parametrize("webhook", ["endpoint", "inline"])
@pytest.mark.parametrize(
    ("public_url", "base_url", "tone"),
    [
        (PUBLIC, "https://api.phaseo.app/v1", None),
        (None, "https://api.phaseo.app/v1", "failure"),
        ("https://127.0.0.1", "https://api.phaseo.app/v1", "failure"),
        ("https://localhost:8443", "https://api.phaseo.app/v1", "failure"),
        ("http://hooks.example.com", "https://api.phaseo.app/v1", "note"),
        ("https://10.0.0.7", "https://api.phaseo.app/v1", "note"),
        (None, "http://127.0.0.1:8090/v1", None),
        ("http://10.0.0.7", "http://localhost:8090/v1", None),
    ],
)
def test_where_our_url_leads(webhook: str, public_url: str | None, base_url: str, tone: str | None) -> None:
    """A provider elsewhere cannot reach our loopback, and one that delivers to public https only may not reach other URLs."""
    source = a_source(base_url=base_url, webhook=webhook)
    config = Config(path=Path("x.toml"), receiver=Receiver(public_url=public_url), sources={"gateway": source})
    endpoint = WebhookEndpoint(ID, f"{public_url or 'http://127.0.0.1:8080'}/webhooks/gateway", "active", True, EVENTS)
    found = [one.tone for one in findings(config, source, Heard(KeyWorks(), 0, (endpoint,)), True)[2:]]

    assert [one for one in found if one != "good"] == ([] if tone is None else [tone])
    assert ("good" in found) == (tone is None or webhook == "endpoint")


def test_no_webhook() -> None:
    """Who lives by polling alone has nothing to compare."""
    assert of_webhook(webhook="none", public_url=None) == [("good", "none: polling only")]


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ("https://hooks.example.com/webhooks/gateway", True),
        ("HTTPS://Hooks.Example.COM:443/webhooks/gateway", True),
        ("https://hooks.example.com/webhooks/gateway#part", True),
        ("https://hooks.example.com/webhooks/gateway/", False),
        ("https://hooks.example.com/Webhooks/gateway", False),
        ("https://hooks.example.com:8443/webhooks/gateway", False),
        ("https://hooks.example.com/webhooks/gateway?x=1", False),
        ("https://me@hooks.example.com/webhooks/gateway", False),
        ("http://hooks.example.com/webhooks/gateway", False),
        ("https://[::1", False),
        ("", False),
    ],
)
def test_the_same_url(other: str, same: bool) -> None:
    """Case of scheme and host, a port that goes without saying and a fragment, which nobody is sent, make no difference."""
    assert is_same_url(OURS, other) is same


@pytest.mark.parametrize(
    ("tones", "code"),
    [
        ([], 0),
        (["good", "note"], 0),
        (["good", "failure"], 1),
        (["trouble"], 7),
        (["trouble", "failure"], 1),
    ],
)
def test_exit_codes(tones: list[Any], code: int) -> None:
    """What is wrong counts more than what could not be asked."""
    assert exit_code(Finding("key", tone, "") for tone in tones) == code
