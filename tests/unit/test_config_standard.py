"""[sources.NAME] of a provider by configuration: what its options may be, and what is said about the rest."""

import re
from pathlib import Path

import pytest

from sandbox.standard.orders import WEBHOOK_FAULTS
from schemas.config import Config, ConfigError, load
from schemas.dialects import DEFAULTS, dialect_of
from schemas.dialects.standard.options import Options

DOCS = Path(__file__).parents[2] / "docs"
KEY_BYTES_IN_BASE64 = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
ENVIRON = {"KEY": "r8_key", "HOOK": KEY_BYTES_IN_BASE64, "PLAIN": "no base64 at all, but long enough"}
SOURCE = {
    "dialect": '"standard"',
    "base_url": '"https://api.example.com/v1"',
    "api_key_env": '"KEY"',
    "webhook_secrets_env": '["HOOK"]',
}
OPTIONS = {
    "status_url": '"/v1/tasks/{job}"',
    "words": '{ Running = "running", SUCCEEDED = "completed", failed = "failed" }',
}


def written(*lines: str) -> str:
    """A right source, with one key after another replaced or added; `-key` leaves one out. Names of options begin with a dot."""
    source, options = dict(SOURCE), dict(OPTIONS)
    for line in lines:
        word, _, value = line.partition(" = ")
        keys = options if word.lstrip("-").startswith(".") else source
        word = word.replace(".", "", 1)
        keys.pop(word.removeprefix("-"), None)
        if value:
            keys[word] = value
    tables = {"sources.runs": source, "sources.runs.options": options}
    return "\n".join(
        f"[{name}]\n" + "\n".join(f"{key} = {value}" for key, value in keys.items()) for name, keys in tables.items()
    )


def read(folder: Path, *lines: str) -> Config:
    path = folder / "batchkeeper.toml"
    path.write_text(written(*lines))
    return load(path, ENVIRON, DEFAULTS)


def refused(folder: Path, *lines: str) -> dict[str, str]:
    """Everything that is said about each key, without its beginning."""
    with pytest.raises(ConfigError) as caught:
        read(folder, *lines)
    return {
        problem.key.removeprefix("sources.runs."): f"{problem.what}; {problem.fix}" for problem in caught.value.problems
    }


def test_a_source_with_little(tmp_path: Path) -> None:
    """A status URL and words are enough: the rest is as the standard and most providers have it."""
    source = read(tmp_path).sources["runs"]
    options = source.options

    assert isinstance(options, Options)
    assert options.words == {"running": "running", "succeeded": "completed", "failed": "failed"}
    assert (options.job, options.event, options.status) == ("data.id", "type", None)
    assert (options.poll_status, options.poll_job, options.kind) == ("status", "id", "job")
    assert (source.webhook, source.webhook_events) == ("endpoint", ())
    assert dialect_of(source).kinds == {"job"}
    assert dict(dialect_of(source).headers("k")) == {"authorization": "Bearer k"}


def test_a_source_with_everything(tmp_path: Path) -> None:
    """What is written counts; the expected events are those of its webhook, unless fewer are named there."""
    lines = (
        '.kind = "prediction"',
        '.auth = "header:X-Api-Key"',
        '.cancel_url = "https://API.example.com:443/v1/tasks/{job}/stop"',
        '.cancel_method = "PUT"',
        '.expected_events = { "task.done" = "completed", "task.broken" = "failed" }',
    )
    source = read(tmp_path, *lines).sources["runs"]
    assert source.webhook_events == ("task.done", "task.broken")
    assert dialect_of(source).kinds == {"prediction"}
    assert dict(dialect_of(source).headers("k")) == {"x-api-key": "k"}

    fewer = read(tmp_path, *lines, 'webhook_events = ["task.done"]').sources["runs"]
    assert fewer.webhook_events == ("task.done",)


@pytest.mark.parametrize(
    ("lines", "key", "said"),
    [
        (["-.status_url"], "options", 'status_url is missing: nobody could be asked how a job ended; write status_url = "'),
        (['.status_url = ""'], "options", "status_url is missing"),
        (["-.words"], "options", "words has none for an end, so no job would ever end here; write what each"),
        (['.words = { going = "running" }'], "options", "words has none for an end"),
        (['.words = { done = "complete" }'], "options.words", 'did you mean "completed"? Write one of pending, running'),
        (['.words = { done = "unknown" }'], "options.words", '"done" is to mean something that is not one of the statuses'),
        (['.words = { a = "failed", A = "completed" }'], "options.words", "twice, with different meanings"),
        (["words = {}"], "words", "there is no such key in [sources.NAME]"),
        ([".words = { done = 1 }"], "options.words", "must be a table of texts, and the value of done is not text"),
        (['.words = "done"'], "options.words", "must be a table of texts, and is text"),
        (['.cancel_method = "DELETE"'], "options", "cancel_method is given and cancel_url is not; write cancel_url"),
        (['.cancel_method = "GET"', '.cancel_url = "/v1/{job}"'], "options.cancel_method", 'one of "POST", "DELETE", "PUT"'),
        (['.auth = "basic"'], "options.auth", 'this is no way to show a key; write "bearer", or "header:"'),
        (['.auth = "header:"'], "options.auth", "this is no way to show a key"),
        (['.auth = "header:Host"'], "options.auth", "this is no way to show a key"),
        (['.auth = "header:a b"'], "options.auth", "this is no way to show a key"),
        (['.job = "data..id"'], "options.job", "this is not a path into JSON; write the names of members"),
        (['.job = ""'], "options.job", "this is not a path into JSON"),
        (['.poll_job = ".id"'], "options.poll_job", "this is not a path into JSON"),
        (['.kind = "two words"'], "options.kind", "this is not a kind of job"),
        (['.secret = "hex"'], "options.secret", 'must be one of "base64", "text"'),
        (['.header_prefix = "stripe"'], "options.header_prefix", 'must be one of "webhook", "svix"'),
        (['.expected_events = { "a" = "running" }'], "options.expected_events", "Write one of completed, failed"),
        (['.expected_events = { "a b" = "failed" }'], "options.expected_events", "cannot be the name of an event"),
        (['.statusurl = "/v1/{job}"'], "options.statusurl", "did you mean status_url?"),
        (["-base_url"], "base_url", "is missing; write base_url = "),
        (['webhook = "inline"'], "webhook", "standard has no webhooks that are inline"),
        (['webhook_events = ["x"]'], "webhook_events", "not an event of this dialect; remove the key: the options name no"),
        (['webhook_secrets_env = ["PLAIN"]'], "webhook_secrets_env", 'makes no signing key; if the provider signs with the'),
    ],
)  # fmt: skip
def test_refusals(tmp_path: Path, lines: list[str], key: str, said: str) -> None:
    """Each mistake is one problem, under its key, with what to write."""
    problems = refused(tmp_path, *lines)

    assert list(problems) == [key]
    assert said in problems[key]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("/v1/tasks", "it has to hold {job} once"),
        ("/v1/{job}/{job}", "it has to hold {job} once"),
        ("/v1/{job}/{id}", "no other braces"),
        ("/v1/{job}#status", "it has a fragment"),
        ("v1/tasks/{job}", "it is neither a path that begins with / nor a URL"),
        ("//evil.example/v1/{job}", "it is neither a path that begins with / nor a URL"),
        ("ftp://api.example.com/v1/{job}", "it is neither a path that begins with / nor a URL"),
        ("https://{job}.example.com/v1/", "its host has to be the same for every job"),
        ("https://me:pass@api.example.com/v1/{job}", "it holds a user name or a password"),
        ("/v1/../{job}", "its path has no steps of . or .."),
        ("/v1/tasks/{job} ", "this is not a path or a URL"),
        ("/v1\\\\tasks/{job}", "this is not a path or a URL"),
        ("https://[/v1/{job}", "this is not a path or a URL"),
        ("https://api.example.com:port/v1/{job}", "this is not a path or a URL"),
    ],
)
@pytest.mark.parametrize("option", ["status_url", "cancel_url"])
def test_urls_that_are_none(tmp_path: Path, option: str, url: str, said: str) -> None:
    """A URL has the id of the job in one place, and that is not its host; what was written is not repeated."""
    problems = refused(tmp_path, f'.{option} = "{url}"')

    assert list(problems) == [f"options.{option}"]
    assert said in problems[f"options.{option}"]
    assert "evil" not in str(problems)
    assert "pass@" not in str(problems)


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/v1/{job}",
        "https://api.example.com.evil.example/v1/{job}",
        "http://api.example.com/v1/{job}",
        "https://api.example.com:8443/v1/{job}",
        "/v2/tasks/{job}",
        "/v10/{job}",
        "/{job}",
    ],
)
@pytest.mark.parametrize("option", ["status_url", "cancel_url"])
def test_urls_that_lead_away(tmp_path: Path, option: str, url: str) -> None:
    """The API key goes to base_url's origin, below its path, and nowhere else."""
    problems = refused(tmp_path, f'.{option} = "{url}"')

    assert list(problems) == ["options"]
    assert problems["options"].startswith(f"{option} leads away from base_url")


def test_a_secret_may_be_a_text(tmp_path: Path) -> None:
    """What is no base64 can be a secret where the provider signs with the text itself."""
    config = read(tmp_path, 'webhook_secrets_env = ["PLAIN"]', '.secret = "text"')

    assert config.sources["runs"].webhook_secrets[0].reveal() == ENVIRON["PLAIN"]


def documented(page: str) -> list[str]:
    """The examples of a page that are configurations of this dialect."""
    found = re.findall(r"```toml\n(.*?)```", (DOCS / page).read_text(), re.DOTALL)
    return [text for text in found if 'dialect = "standard"' in text]


@pytest.mark.parametrize(("page", "count"), [("standard.md", 2), ("sandbox.md", 1)])
def test_the_examples_work(tmp_path: Path, page: str, count: int) -> None:
    """Every example of the documents is a configuration, as it stands."""
    examples = documented(page)
    assert len(examples) == count
    for example in examples:
        variables = re.findall(r'"([A-Z_]{8,})"', example)
        path = tmp_path / "batchkeeper.toml"
        path.write_text(example)
        config = load(path, dict.fromkeys(variables, ENVIRON["HOOK"]), DEFAULTS)
        assert len(config.sources) == 1


def test_every_option_is_documented() -> None:
    """docs/standard.md has a row for each option, in their order, with its default and its description."""
    told = re.findall(r"^\| `(\w+)` \| (.*?) \| (.*) \|$", (DOCS / "standard.md").read_text(), re.MULTILINE)
    required = {"status_url": "required", "words": "required"}
    known = []
    for name, field in Options.model_fields.items():
        shown = "none" if field.default is None or field.default_factory else f'`"{field.default}"`'
        known.append((name, required.get(name, shown), field.description))

    assert told == known


def test_every_webhook_fault_of_the_stand_in_is_documented() -> None:
    """docs/sandbox.md lists each word with what it does, and no other."""
    section = (DOCS / "sandbox.md").read_text().partition("\n## A provider by configuration")[2].partition("\n## ")[0]
    told = dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|$", section, re.MULTILINE))

    assert told == WEBHOOK_FAULTS
