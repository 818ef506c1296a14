"""How a source of Thunderbit's is configured: what is its alone, and what it has when nothing is said."""

from pathlib import Path
from typing import Any

import pytest

from schemas.config import Config, ConfigError
from schemas.config.load import load
from schemas.dialects import DEFAULTS, dialect_of
from schemas.dialects.thunderbit import Thunderbit
from schemas.dialects.thunderbit.options import ThunderbitOptions

ENVIRON = {"KEY": f"tb_{'0' * 32}", "HOOK": "whsec_test_0123456789abcdef"}
SOURCE = """
[receiver]
public_url = "https://hooks.example"

[sources.tb]
dialect = "thunderbit"
api_key_env = "KEY"
webhook_secrets_env = ["HOOK"]
"""


def read(folder: Path, *lines: str) -> Config:
    path = folder / "batchkeeper.toml"
    path.write_text("\n".join([SOURCE, *lines]))
    return load(path, ENVIRON, DEFAULTS)


def test_what_it_has_by_default(tmp_path: Path) -> None:
    """Without a word it is today's API, on the free plan, told by webhooks that each job orders for itself."""
    source = read(tmp_path).sources["tb"]

    assert source.base_url == "https://openapi.thunderbit.com/openapi/v1"
    assert (source.webhook, source.webhook_events) == ("inline", ("batch.completed",))
    assert (source.tolerance_seconds, source.delivery_window_seconds) == (3_600, 2_700)
    assert (source.requests_per_minute, source.max_answer_bytes) == (10, 67_108_864)
    assert source.options == ThunderbitOptions(signature="v2", extract_urls=50, page_size=100, poll_small_below=10)
    assert isinstance(dialect_of(source), Thunderbit)


def test_what_may_be_said(tmp_path: Path) -> None:
    """A larger plan, an older scheme and another limit are said in the source's own tables."""
    source = read(
        tmp_path,
        'base_url = "https://open.thunderbit.example"',
        "requests_per_minute = 100",
        'webhook = "none"',
        "[sources.tb.options]",
        'signature = "v2+v1"',
        "extract_urls = 100",
        "page_size = 20",
        "poll_small_below = 0",
    ).sources["tb"]

    assert (source.requests_per_minute, source.webhook) == (100, "none")
    assert source.options == ThunderbitOptions(signature="v2+v1", extract_urls=100, page_size=20, poll_small_below=0)
    (asked,) = dialect_of(source).check_key(source.base_url)
    assert asked.url.startswith("https://open.thunderbit.example/openapi/v1/batch/distill/")


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ('signature = "v0"', "sources.tb.options.signature"),
        ('signature = "none"', "sources.tb.options.signature"),
        ("extract_urls = 101", "sources.tb.options.extract_urls"),
        ("page_size = 0", "sources.tb.options.page_size"),
        ("page_size = 20.0", "sources.tb.options.page_size"),
        ("poll_small_below = -1", "sources.tb.options.poll_small_below"),
        ('payload = "old"', "sources.tb.options.payload"),
    ],
)
def test_options_that_do_not_fit(line: str, key: str, tmp_path: Path) -> None:
    """An option that is unknown, or that no account can have, is refused at start-up, and nothing else is."""
    assert problems(tmp_path, "[sources.tb.options]", line) == [key]


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ('webhook = "endpoint"', "sources.tb.webhook"),
        ('webhook_events = ["batch.failed"]', "sources.tb.webhook_events"),
    ],
)
def test_what_the_provider_does_not_have(line: str, key: str, tmp_path: Path) -> None:
    """It has no managed endpoints, and one event alone."""
    assert problems(tmp_path, line) == [key]


def problems(folder: Path, *lines: str) -> list[Any]:
    with pytest.raises(ConfigError) as caught:
        read(folder, *lines)
    return [problem.key for problem in caught.value.problems]
