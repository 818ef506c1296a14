"""A source that speaks to the tagger, as it is configured."""

from pathlib import Path

import pytest

from schemas.config import ConfigError, Source, load
from schemas.dialects import DEFAULTS, dialect_of
from schemas.dialects.tagger import Tagger
from schemas.dialects.tagger.options import TaggerOptions

ENVIRON = {"PASSWORD": "correct horse battery", "LLM": "sk-or-1"}
SOURCE = '[sources.tags]\ndialect = "tagger"\nbase_url = "https://tagger.example"\napi_key_env = "PASSWORD"\n'
OPTIONS = '[sources.tags.options]\nemail = "daemon@example.com"\n'


def read(path: Path, text: str) -> Source:
    file = path / "batchkeeper.toml"
    file.write_text(text)
    return load(file, ENVIRON, DEFAULTS).sources["tags"]


def test_the_least_that_is_needed(tmp_path: Path) -> None:
    """An address, a password, which may hold spaces, and an account are enough to follow jobs; no webhook is waited for."""
    source = read(tmp_path, SOURCE + OPTIONS)

    assert source.api_key.reveal() == "correct horse battery"
    assert (source.webhook, source.webhook_events, source.webhook_secrets) == ("none", (), ())
    assert (source.concurrency, source.request_timeout_seconds) == (1, 150.0)
    assert source.max_answer_bytes == 64 * 1024 * 1024
    assert isinstance(dialect_of(source), Tagger)
    assert source.secrets == {}


def test_everything(tmp_path: Path) -> None:
    """The key of the LLM is a secret, the rest are choices that orders may overrule."""
    more = 'llm_key_env = "LLM"\nmodel_name = "openai/gpt-4o-mini"\nnum_pages = 3\nnum_tags = 8\nexclusion_words = ["annual"]\n'
    source = read(tmp_path, SOURCE + OPTIONS + more)

    assert source.secrets["llm_key"].reveal() == "sk-or-1"
    assert source.options == TaggerOptions(
        email="daemon@example.com",
        llm_key_env="LLM",
        model_name="openai/gpt-4o-mini",
        num_pages=3,
        num_tags=8,
        exclusion_words=("annual",),
    )
    assert "sk-or-1" not in repr(source)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (SOURCE, "email is missing"),
        (SOURCE + '[sources.tags.options]\nemail = "daemon"\n', "email is not an address"),
        (SOURCE + '[sources.tags.options]\nemail = "a b@example.com"\n', "email is not an address"),
        (SOURCE + OPTIONS + "num_pages = 11\n", "from 1 to 10"),
        (SOURCE + OPTIONS + "num_tags = 2\n", "from 3 to 15"),
        (SOURCE + OPTIONS + 'exclusion_words = [" "]\n', "entry 1 is empty"),
        (SOURCE + OPTIONS + 'model_name = ""\n', "model_name"),
        (SOURCE + OPTIONS + 'llm_key = "sk-or-1"\n', "llm_key"),
        (SOURCE + OPTIONS + 'llm_key_env = "NOWHERE"\n', "NOWHERE is not set"),
        (SOURCE.replace('base_url = "https://tagger.example"\n', "") + OPTIONS, "no address that is everybody's"),
        (SOURCE + 'webhook = "inline"\n' + OPTIONS, "no webhooks that are inline"),
    ],
)
def test_what_is_refused(tmp_path: Path, text: str, said: str) -> None:
    """Each mistake is named, with what to do."""
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text)

    assert said in str(caught.value)
    assert "sk-or-1" not in str(caught.value)


def test_the_documented_configuration(tmp_path: Path) -> None:
    """What docs/tagger.md shows works as it stands."""
    page = (Path(__file__).parents[3] / "docs" / "tagger.md").read_text()
    file = tmp_path / "batchkeeper.toml"
    file.write_text("\n".join(line[4:] for line in page.splitlines() if line.startswith("    ")))
    source = load(file, {"TAGGER_PASSWORD": "correct horse", "OPENROUTER_API_KEY": "sk-or-1"}, DEFAULTS).sources["tags"]

    assert isinstance(source.options, TaggerOptions)
    assert source.options.exclusion_words == ("annual",)
    assert source.secrets["llm_key"].reveal() == "sk-or-1"
