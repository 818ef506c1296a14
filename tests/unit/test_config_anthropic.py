"""A source of Anthropic's in the configuration: a key is enough, and webhooks are refused, since there are none."""

from pathlib import Path

import pytest

from operators.errors import BadInput
from operators.submitting import Wishes, check, check_order
from schemas.config import Config, ConfigError, load
from schemas.dialects import DEFAULTS


def read(folder: Path, *lines: str) -> Config:
    path = folder / "batchkeeper.toml"
    path.write_text("\n".join(("[sources.ours]", 'dialect = "anthropic"', 'api_key_env = "KEY"', *lines)))
    return load(path, {"KEY": "sk-ant-of-a-test"}, DEFAULTS)


def test_a_key_is_enough(tmp_path: Path) -> None:
    """No secret and no webhook has to be named."""
    source = read(tmp_path).sources["ours"]

    assert (source.base_url, source.webhook) == ("https://api.anthropic.com/v1", "none")
    assert (source.webhook_secrets, source.webhook_events) == ((), ())


@pytest.mark.parametrize("way", ["endpoint", "inline"])
def test_no_webhooks(tmp_path: Path, way: str) -> None:
    """A webhook is refused, with what to write instead."""
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, f'webhook = "{way}"')
    told = "\n".join(str(problem) for problem in caught.value.problems)

    assert f"anthropic has no webhooks that are {way}" in told
    assert 'webhook = "none"' in told


def test_what_an_order_cannot_carry(tmp_path: Path) -> None:
    """Metadata, params and a completion window are refused before anything is stored."""
    config = read(tmp_path)
    source = config.sources["ours"]
    check(config, source, Wishes())
    check_order(source, "/v1/messages", Wishes())

    with pytest.raises(BadInput, match="hold no metadata"):
        check(config, source, Wishes(metadata={"run": "nightly"}))
    for wishes, why in ((Wishes(params={"x": 1}), "no params"), (Wishes(completion_window="24h"), "window")):
        with pytest.raises(BadInput, match=why):
            check_order(source, "/v1/messages", wishes)
