"""How the stand-ins are reached, as the sandbox tells it."""

from urllib.parse import urlsplit

from sandbox.clock import Clock
from sandbox.providers import make_providers
from sandbox.reached import stand_ins
from sandbox.server import SandboxSettings

URL = "http://127.0.0.1:8090"


def test_every_stand_in_is_told_of():
    """
    Each path that the sandbox serves begins one base URL, the gateway's is at the root, and there are no others.
    """
    told = [f"/{urlsplit(one.base_url).path.split('/')[1]}" for one in stand_ins(SandboxSettings(0), URL)]

    assert told[0] == "/v1"
    assert set(told[1:]) == {one.path for one in make_providers(SandboxSettings(0), Clock(1))}


def test_no_two_share_a_variable():
    """
    Each variable is told of once, so that all the lines can be pasted into one terminal.
    """
    names = [name for one in stand_ins(SandboxSettings(0), URL) for name in one.variables]

    assert len(names) == len(set(names)) >= 4


def test_what_it_is_started_with_is_what_it_tells():
    """
    Keys, secrets and URLs are those of the settings; in G1 the gateway has no URL of its own for webhooks.
    """
    settings = SandboxSettings(0, api_key="k" * 20, openai_webhook_url="http://127.0.0.1:1/o", tagger_password="p" * 20)

    told = stand_ins(settings, URL)
    assert f"OpenAI: {URL}/openai/v1, webhooks to http://127.0.0.1:1/o" in [one.told for one in told]
    assert {"k" * 20, "p" * 20} <= {value for one in told for value in one.variables.values()}
    older = stand_ins(SandboxSettings(0, generation="G1a"), URL)[0]
    assert older.told == f"the Phaseo gateway (G1a): {URL}/v1, webhooks to the URL of each create call"
