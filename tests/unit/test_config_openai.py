"""A source of OpenAI's in the configuration: what it may leave out, and what it is refused for."""

from pathlib import Path

import pytest

from operators.errors import NotPossible
from operators.submitting import Wishes, check
from schemas.config import Config, ConfigError, load
from schemas.dialects import DIALECTS

SECRET = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
ENVIRON = {"KEY": "sk-proj-of-a-test", "HOOK": SECRET}


def read(folder: Path, *lines: str, dialect: str = "openai", secret: str = SECRET) -> Config:
    path = folder / "batchkeeper.toml"
    table = (
        "[sources.ours]",
        f'dialect = "{dialect}"',
        'api_key_env = "KEY"',
        'webhook_secrets_env = ["HOOK"]',
        *lines,
    )
    path.write_text("\n".join(table))
    return load(path, {**ENVIRON, "HOOK": secret}, {name: one.defaults for name, one in DIALECTS.items()})


def problems(caught: pytest.ExceptionInfo[ConfigError]) -> str:
    return "\n".join(str(problem) for problem in caught.value.problems)


def test_what_it_may_leave_out(tmp_path: Path) -> None:
    """A key and a secret are enough; the rest is known."""
    source = read(tmp_path).sources["ours"]

    assert (source.base_url, source.webhook, source.tolerance_seconds) == ("https://api.openai.com/v1", "endpoint", 300)
    assert source.delivery_window_seconds > 72 * 3_600
    assert source.webhook_events == ("batch.completed", "batch.failed", "batch.cancelled", "batch.expired")


def test_submitting_needs_no_endpoint_id(tmp_path: Path) -> None:
    """Whoever submits to OpenAI names no endpoint, because a batch there names none; at Phaseo it has to."""
    config = read(tmp_path)
    check(config, config.sources["ours"], Wishes())

    other = read(tmp_path, dialect="phaseo")
    with pytest.raises(NotPossible, match="webhook_endpoint_id"):
        check(other, other.sources["ours"], Wishes())


def test_no_webhook_of_a_single_job(tmp_path: Path) -> None:
    """OpenAI has no webhooks that are named with a job, so `inline` is refused, with what there is instead."""
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, 'webhook = "inline"')
    assert "no webhooks that are inline" in problems(caught)
    assert 'webhook = "endpoint" or webhook = "none"' in problems(caught)

    assert read(tmp_path, 'webhook = "none"').sources["ours"].webhook == "none"


@pytest.mark.parametrize(
    "secret", [SECRET[:-1], SECRET[:-2], "whsec_this-is-not-base64-at-all", SECRET.replace("A", "é")]
)
def test_secrets_that_make_no_key(tmp_path: Path, secret: str) -> None:
    """A secret that was copied in part is refused at once, and not shown; Phaseo, whose secrets are text, takes it."""
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, secret=secret)
    assert "makes no signing key" in problems(caught)
    assert secret[6:] not in problems(caught)

    assert read(tmp_path, dialect="phaseo", secret=secret).sources["ours"].webhook_secrets


def test_a_secret_without_the_prefix(tmp_path: Path) -> None:
    """It is the key itself, and so cannot be wrong."""
    assert read(tmp_path, secret="a secret of text, long enough").sources["ours"].webhook_secrets
