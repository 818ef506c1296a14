"""What a sandbox may be started with, and who may ask it."""

import json
from pathlib import Path
from typing import Any

import pytest

import sandbox
from sandbox.auth import check_inference_key, check_management_key
from sandbox.errors import Refused
from sandbox.server import DEFAULT_API_KEY, SandboxSettings

MANAGEMENT_KEY = "phaseo_v1_mk_abc123_x_y"


@pytest.mark.parametrize(
    ("changed", "advice"),
    [
        ({"host": "0.0.0.0"}, "use 127.0.0.1"),  # noqa: S104 - refused
        ({"host": "example.org"}, "use 127.0.0.1"),
        ({"speed": 0.0}, "above 0"),
        ({"speed": -1.0}, "above 0"),
        ({"speed": float("nan")}, "above 0"),
        ({"port": 70_000}, "0 for any free one"),
        ({"thunderbit_key": "tb_5A6DB0C05A6DB0C05A6DB0C05A6DB0C0"}, "tb_ and 32 hex digits"),
        ({"huge_bytes": 0}, "1 to 1099511627776 bytes"),
        ({"huge_bytes": 1024**4 + 1}, "1 to 1099511627776 bytes"),
    ],
)
def test_bad_settings_say_what_to_do(changed: dict[str, Any], advice: str) -> None:
    """
    A setting that would be a mistake is refused with the remedy.
    """
    with pytest.raises(ValueError, match=advice):
        SandboxSettings(**({"port": 0} | changed))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_loopback_has_several_names(host: str) -> None:
    """
    Every loopback address will do.
    """
    assert SandboxSettings(port=0, host=host).host == host


def reason(check: Any, *arguments: Any) -> tuple[int, str, str]:
    with pytest.raises(Refused) as refused:
        check(*arguments)
    body = json.loads(bytes(refused.value.response.body))
    return refused.value.response.status_code, body["error"], body["reason"]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, "missing_or_invalid_authorization_header"),
        (DEFAULT_API_KEY, "missing_or_invalid_authorization_header"),
        (f"bearer {DEFAULT_API_KEY}", "missing_or_invalid_authorization_header"),
        (f"Bearer  {DEFAULT_API_KEY}", "missing_or_invalid_authorization_header"),
        ("Bearer sk-123", "invalid_key_format"),
        (f"Bearer {MANAGEMENT_KEY}", "management_key_not_valid_for_gateway"),
        ("Bearer phaseo_v1_sk_nobody0_x", "key_not_found_or_revoked"),
        (f"Bearer {DEFAULT_API_KEY}x", "invalid_secret"),
    ],
)
def test_refused_keys(header: str | None, expected: str) -> None:
    """
    A refused key is 401, spelt the British way, with the reason.
    """
    assert reason(check_inference_key, header, DEFAULT_API_KEY) == (401, "unauthorised", expected)


def test_accepted_keys() -> None:
    """
    The key is taken under both brands, and any well-formed management key manages.
    """
    check_inference_key(f"Bearer {DEFAULT_API_KEY}", DEFAULT_API_KEY)
    check_inference_key(f"Bearer {DEFAULT_API_KEY.replace('phaseo', 'aistats')}", DEFAULT_API_KEY)
    check_management_key(f"Bearer {MANAGEMENT_KEY}")

    assert reason(check_management_key, f"Bearer {DEFAULT_API_KEY}")[2] == "management_key_required"


def test_the_example_is_a_dozen_rows() -> None:
    """
    The example file holds twelve chat requests with ids of their own.
    """
    example = Path(sandbox.__file__).parent / "examples" / "requests.jsonl"
    rows = [json.loads(line) for line in example.read_text().splitlines()]

    assert len({row["custom_id"] for row in rows}) == 12
    assert {row["url"] for row in rows} == {"/v1/chat/completions"}
