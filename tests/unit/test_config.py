"""tests/unit/test_config.py: what may stand in the configuration, and what is said about the rest."""

import copy
import dataclasses
import json
import os
import pickle
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas import dialects
from schemas.config import Config, ConfigError, DialectDefaults, Secret, Source, find_config, load
from schemas.config.model import Section
from schemas.config.written import NAMED, SECTIONS

ROOT = Path(__file__).parents[2]
SECRET = "whsec_first_0123456789abcdef"
OTHER = "whsec_other_0123456789abcdef"
ENVIRON = {"KEY": "phaseo_v1_sk_abc123_key", "HOOK": SECRET, "OTHER": OTHER, "TOKEN": "a-token-of-operators"}
DIALECTS = {
    "phaseo": DialectDefaults(
        base_url="https://api.phaseo.example/v1/",
        tolerance_seconds=300,
        delivery_window_seconds=2_700,
        webhook_events=("batch.completed", "batch.failed"),
        known_events=frozenset({"batch.completed", "batch.failed", "batch.cancelled"}),
    )
}
SOURCE = """
[sources.gateway]
dialect = "phaseo"
api_key_env = "KEY"
webhook_secrets_env = ["HOOK"]
"""


@pytest.fixture
def read(tmp_path: Path):
    """Write a file and read it back as a configuration."""

    def from_text(text: str | bytes = SOURCE, **environ: str) -> Config:
        path = tmp_path / "batchkeeper.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load(path, ENVIRON | environ, DIALECTS)

    return from_text


@pytest.fixture
def refused(read):
    """The problems of a file, as (key, everything that is said about it)."""

    def from_text(text: str | bytes = SOURCE, **environ: str) -> list[tuple[str, str]]:
        with pytest.raises(ConfigError) as caught:
            read(text, **environ)
        return [(problem.key, str(problem)) for problem in caught.value.problems]

    return from_text


def source(*lines: str, name: str = "gateway") -> str:
    """A source with one key after another replaced or added; `-key` leaves one out."""
    keys = {"dialect": '"phaseo"', "api_key_env": '"KEY"', "webhook_secrets_env": '["HOOK"]'}
    for line in lines:
        word, _, value = line.partition(" = ")
        keys.pop(word.removeprefix("-"), None)
        if value:
            keys[word] = value
    return "\n".join([f"[sources.{name}]", *(f"{word} = {value}" for word, value in keys.items())]) + "\n"


class TestAGoodFile:
    def test_one_source_is_enough(self, read):
        """
        A file with one source is a whole configuration; the rest has defaults, the dialect's among them.
        """
        config = read()

        assert config.sources["gateway"].model_dump() == {
            "name": "gateway",
            "dialect": "phaseo",
            "base_url": "https://api.phaseo.example/v1",
            "api_key": "***",
            "webhook_secrets": ("***",),
            "tolerance_seconds": 300,
            "delivery_window_seconds": 2_700,
            "webhook": "endpoint",
            "webhook_endpoint_id": None,
            "webhook_events": ("batch.completed", "batch.failed"),
            "adopt": "signed",
            "adopt_limit": 10_000,
            "concurrency": None,
            "requests_per_minute": None,
            "request_timeout_seconds": None,
            "max_answer_bytes": None,
            "first_poll_seconds": None,
            "poll_seconds": None,
            "poll_cap_seconds": None,
            "options": {},
            "secrets": {},
            "fetch_adopted": False,
            "cancel_after_seconds": None,
            "list_trust_seconds": 1800.0,
            "sweep_seconds": 900.0,
            "allow_plain_http": False,
        }
        assert (
            config.receiver.host,
            config.receiver.port,
            config.receiver.max_body_bytes,
        ) == ("127.0.0.1", 8080, 1_048_576)
        assert config.path.name == "batchkeeper.toml"
        assert config.warnings == ()

    def test_secrets_are_in_place(self, read):
        """
        A source carries its API key and secrets, so that nobody else reads the environment.
        """
        gateway = read(source('webhook_secrets_env = ["HOOK", "OTHER"]')).sources["gateway"]

        assert ENVIRON["KEY"] == gateway.api_key.reveal()
        assert [secret.reveal() for secret in gateway.webhook_secrets] == [SECRET, OTHER]

    def test_what_is_written_counts(self, read):
        """
        Each key of a source takes the place of the dialect's default.
        """
        gateway = read(
            source(
                'base_url = "http://[::1]:8090/v1/"',
                "tolerance_seconds = 60",
                "delivery_window_seconds = 600",
                'webhook_events = ["batch.cancelled", "batch.cancelled"]',
                'adopt = "all"',
                'webhook = "inline"',
                "concurrency = 2",
                "requests_per_minute = 30",
                "list_trust_seconds = 0",
                "sweep_seconds = 60",
            )
        ).sources["gateway"]

        assert (
            gateway.base_url,
            gateway.tolerance_seconds,
            gateway.delivery_window_seconds,
            gateway.webhook_events,
            gateway.adopt,
            gateway.webhook,
        ) == ("http://[::1]:8090/v1", 60, 600, ("batch.cancelled",), "all", "inline")
        assert (
            gateway.concurrency,
            gateway.requests_per_minute,
            gateway.list_trust_seconds,
            gateway.sweep_seconds,
        ) == (2, 30, 0, 60)

    def test_a_budget_by_dialect(self, tmp_path):
        """
        Where the provider's contract names a limit, it is the budget of a source that names none.
        """
        limited = {"phaseo": dataclasses.replace(DIALECTS["phaseo"], requests_per_minute=120)}
        path = tmp_path / "batchkeeper.toml"
        for text, budget in ((SOURCE, 120), (source("requests_per_minute = 7"), 7)):
            path.write_text(text)
            assert load(path, ENVIRON, limited).sources["gateway"].requests_per_minute == budget

    def test_nothing_can_be_changed(self, read):
        """
        A configuration stays as it was read.
        """
        config = read()

        with pytest.raises(ValidationError):
            config.receiver.port = 1
        with pytest.raises(TypeError):
            config.sources["more"] = config.sources["gateway"]

    def test_without_a_webhook_no_secret_is_needed(self, read):
        """
        A source with `webhook = "none"` needs no webhook secret.
        """
        assert read(source("-webhook_secrets_env", 'webhook = "none"')).sources["gateway"].webhook_secrets == ()

    def test_a_byte_order_mark_is_not_content(self, read):
        """
        A file saved by an editor that marks UTF-8 reads like any other.
        """
        assert "gateway" in read(b"\xef\xbb\xbf" + SOURCE.encode().replace(b"\n", b"\r\n")).sources

    @pytest.mark.parametrize(
        ("url", "path"),
        [
            ("sqlite:///batchkeeper.db", Path("batchkeeper.db")),
            ("sqlite:////var/lib/bk/ledger.db", Path("/var/lib/bk/ledger.db")),
        ],
    )
    def test_the_database_is_a_file(self, read, url, path):
        """
        Three slashes are relative to the working directory and four are absolute.
        """
        assert str(path.absolute()) == read(f'{SOURCE}[database]\nurl = "{url}"').database.shown

    @pytest.mark.parametrize(
        ("url", "shown"),
        [
            ("postgresql://bk@db.internal:5433/bk?sslmode=require",) * 2,
            ("postgresql://bk:hush-hush@db.internal/bk", "postgresql://bk@db.internal/bk"),
            ("postgresql://h/bk?password=hush-hush&sslmode=require", "postgresql://h/bk?sslmode=require"),
            ("postgresql:///bk?host=/run/postgresql",) * 2,
        ],
    )
    def test_the_database_may_be_on_a_server(self, read, url, shown):
        """
        The whole URL may come from a variable, with a password, which is never shown.
        """
        config = read(SOURCE, BATCHKEEPER_DATABASE__URL=url)

        assert (url, shown) == (config.database.url, config.database.shown)
        assert "hush-hush" not in repr(config)

    def test_operators_have_a_token_if_one_is_named(self, read):
        """
        With a token the operators' surface may be reached from elsewhere.
        """
        operators = read(f'{SOURCE}[operators]\nhost = "0.0.0.0"\ntoken_env = "TOKEN"').operators

        assert ("0.0.0.0", Secret(ENVIRON["TOKEN"])) == (operators.host, operators.token)  # noqa: S104

    def test_operators_may_have_two_tokens(self, read, tmp_path):
        """
        One looks and acts, the other only looks; either is enough for another host.
        """
        (tmp_path / "looks").write_text("a-token-that-only-looks\n")
        looks = f'read_token_file = "{tmp_path / "looks"}"'
        both = read(f'{SOURCE}[operators]\ntoken_env = "TOKEN"\n{looks}').operators
        one = read(f'{SOURCE}[operators]\nhost = "0.0.0.0"\n{looks}').operators

        assert (both.token, both.read_token) == (Secret(ENVIRON["TOKEN"]), Secret("a-token-that-only-looks"))
        assert (one.token, one.read_token) == (None, both.read_token)

    @pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "localhost", "::1"])
    def test_loopback_needs_no_token(self, read, host):
        """
        On the machine itself the operators' surface may stand without a token.
        """
        assert read(f'{SOURCE}[operators]\nhost = "{host}"').operators.token is None


class TestFindingTheFile:
    def test_the_flag_comes_first(self, tmp_path, monkeypatch):
        """
        The flag wins over the variable, and the variable over the default.
        """
        monkeypatch.chdir(tmp_path)
        for name in ("flag.toml", "variable.toml", "batchkeeper.toml"):
            Path(name).touch()
        environ = {"BATCHKEEPER_CONFIG": "variable.toml"}

        assert [
            str(find_config("flag.toml", environ)),
            str(find_config(None, environ)),
            str(find_config(None, {"BATCHKEEPER_CONFIG": ""})),
        ] == ["flag.toml", "variable.toml", "batchkeeper.toml"]

    @pytest.mark.parametrize(
        ("flag", "environ", "said"),
        [
            (None, {}, ["batchkeeper.toml in {here}", "cp config.example.toml batchkeeper.toml", "--config"]),
            ("gone.toml", {}, ["gone.toml", "--config"]),
            (None, {"BATCHKEEPER_CONFIG": "lost.toml"}, ["lost.toml", "BATCHKEEPER_CONFIG"]),
            ("", {}, ["--config"]),
        ],
    )
    def test_a_missing_file_is_said_with_the_place(self, tmp_path, monkeypatch, flag, environ, said):
        """
        Who has no file is told where it was looked for and how to get one.
        """
        monkeypatch.chdir(tmp_path)
        with pytest.raises(ConfigError) as caught:
            find_config(flag, environ)

        assert [words for words in said if words.format(here=tmp_path) not in str(caught.value)] == []


class TestFilesThatCannotBeRead:
    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (b"[receiver]\nport = \n", ["line 2, column 8", "TOML"]),
            (b"[receiver]\nhost = 'x", ["line 2, column 10", "TOML"]),
            (b"a = 1\na = 2\n", ["line 2", "TOML"]),
            (b"# one\n# two \xff\n", ["line 2 is not UTF-8"]),
            ("[receiver]".encode("utf-16"), ["line 1 is not UTF-8"]),
            (b"port = " + b"1" * 5_000, ["too many digits"]),
            (b"a = " + b"[" * 20_000, ["nested too deeply"]),
            (b"#" * 1_048_577, ["larger than 1 MiB"]),
        ],
    )
    def test_the_place_is_named(self, refused, content, said):
        """
        A file that is no TOML is refused with file, line and column.
        """
        [(_, text)] = refused(content)

        assert [words for words in [*said, "batchkeeper.toml"] if words not in text] == []

    def test_a_directory_is_no_file(self, tmp_path):
        """
        A directory in place of the file is called one.
        """
        with pytest.raises(ConfigError, match="this is a directory"):
            load(tmp_path, ENVIRON, DIALECTS)

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
    def test_permission_is_what_is_missing(self, tmp_path):
        """
        A file of somebody else is refused with the words of permission.
        """
        path = tmp_path / "batchkeeper.toml"
        path.touch(mode=0o000)
        with pytest.raises(ConfigError, match="may not be read"):
            load(path, ENVIRON, DIALECTS)

    @pytest.mark.parametrize("name", ["gone.toml", "n" * 5_000, "nul\0"])
    def test_a_path_that_leads_nowhere(self, tmp_path, name):
        """
        A path without a file is an error of the configuration, whatever the path.
        """
        with pytest.raises(ConfigError):
            load(tmp_path / name, ENVIRON, DIALECTS)


WRONG_VALUES = [
    ("receiver", 'port = "8080"', "receiver.port", "must be a whole number, and is text"),
    ("receiver", "port = 8080.0", "receiver.port", "is a number with a decimal point"),
    ("receiver", "port = true", "receiver.port", "must be a whole number, and is true or false"),
    ("receiver", "port = [1]", "receiver.port", "is a list"),
    ("receiver", "port = 2024-05-01", "receiver.port", "is a date"),
    ("receiver", "port = 65536", "receiver.port", "from 0 to 65535, and is 65536"),
    ("receiver", "port = -1", "receiver.port", "write port = 8080"),
    ("receiver", "queue_limit = 0x" + "f" * 9_000, "receiver.queue_limit", "from 1 to 1000000"),
    ("receiver", "read_timeout_seconds = nan", "receiver.read_timeout_seconds", "from 0.1 to 300"),
    ("receiver", "read_timeout_seconds = inf", "receiver.read_timeout_seconds", "from 0.1 to 300"),
    ("receiver", "read_timeout_seconds = 0x" + "f" * 9_000, "receiver.read_timeout_seconds", "from 0.1 to 300"),
    ("receiver", "read_timeout_seconds = true", "receiver.read_timeout_seconds", "must be a number"),
    ("receiver", "host = 1", "receiver.host", "must be text in quotes, and is a whole number"),
    ("receiver", 'host = ""', "receiver.host", "not an address"),
    ("receiver", 'host = "127.0.0.1:80"', "receiver.host", "without a port"),
    ("receiver", 'public_url = "hooks.example.com"', "receiver.public_url", "http:// or https://"),
    ("receiver", 'public_url = "https://h.example/a"', "receiver.public_url", "has a path"),
    ("receiver", 'public_url = "https://h.example?a"', "receiver.public_url", "query"),
    ("receiver", 'public_url = "https://u:p@h.example"', "receiver.public_url", "a user name or a password"),
    ("receiver", 'public_url = "https://h:99999"', "receiver.public_url", "not a URL"),
    ("receiver", 'public_url = "https://[::1"', "receiver.public_url", "not a URL"),
    ("receiver", 'public_url = "https://"', "receiver.public_url", "names no host"),
    ("receiver", 'trusted_proxies = "10.0.0.1"', "receiver.trusted_proxies", "must be a list of texts, and is text"),
    ("receiver", "trusted_proxies = [10]", "receiver.trusted_proxies", "entry 1 is not text"),
    ("receiver", 'trusted_proxies = ["::1", "10.0.0.1/8"]', "receiver.trusted_proxies", "entry 2 is neither"),
    ("operators", 'host = "0.0.0.0"', "operators.host", "needs a token"),
    ("operators", 'host = "ops.example"', "operators.host", "needs a token"),
    ("operators", "port = 8080", "operators.port", "listens on 127.0.0.1 port 8080 already"),
    ("operators", 'token_env = "UNSET"', "operators.token_env", "export UNSET=..."),
    ("operators", 'token_env = "SHORT"', "operators.token_env", "shorter than 16"),
    ("operators", 'token = "hush-hush"', "operators.token", 'token_env = "NAME_OF_A_VARIABLE"'),
    ("operators", 'read_token_env = "UNSET"', "operators.read_token_env", "export UNSET=..."),
    ("operators", 'read_token_env = "SHORT"', "operators.read_token_env", "shorter than 16"),
    ("operators", 'read_token = "hush-hush"', "operators.read_token", 'read_token_env = "NAME_OF_A_VARIABLE"'),
    (
        "operators",
        'read_token_env = "TOKEN"\ntoken_env = "TOKEN"',
        "operators.read_token_env",
        "so whoever looks could act",
    ),
    ("reconciler", "concurrency = 257", "reconciler.concurrency", "from 1 to 256"),
    ("reconciler", "poll_growth = 0.5", "reconciler.poll_growth", "from 1 to 10"),
    ("reconciler", "poll_cap_seconds = 20", "reconciler.poll_cap_seconds", "below poll_seconds, which is 30"),
    ("retention", "receipts = 3", "retention.receipts", "from 7 to 36500"),
    ("data", 'dir = " "', "data.dir", "path of a folder"),
    ("database", 'url = "postgresql://u:hush-hush@h/db"', "database.url", "a password does not belong in the file"),
    (
        "database",
        'url = "postgresql://h/db?password=hush-hush"',
        "database.url",
        "a password does not belong in the file",
    ),
    ("database", 'url = "postgres://h/db"', "database.url", "write postgresql://USER@HOST/NAME"),
    ("database", 'url = "postgresql+asyncpg://h/db"', "database.url", "write postgresql://USER@HOST/NAME"),
    ("database", 'url = "postgresql://h"', "database.url", "names no database"),
    ("database", 'url = "postgresql://h/a/b"', "database.url", "names no database"),
    ("database", 'url = "postgresql://h:port/db"', "database.url", "not the URL of a PostgreSQL database"),
    ("database", 'url = "postgresql://h/db?foo=bar"', "database.url", "a parameter that is not known"),
    ("database", 'url = "postgresql://h/db?sslmode=banana"', "database.url", "write one of disable, allow"),
    ("database", 'url = "postgresql://h/d b"', "database.url", "written as %XX"),
    ("database", 'url = "sqlite+aiosqlite:///x.db"', "database.url", "SQLite or PostgreSQL"),
    ("database", 'url = ""', "database.url", "SQLite or PostgreSQL"),
    ("database", 'url = "sqlite:batchkeeper.db"', "database.url", "sqlite:///FILE"),
    ("database", 'url = "sqlite://"', "database.url", "not the URL of a SQLite file"),
    ("database", 'url = "sqlite:///"', "database.url", "names no file"),
    ("database", 'url = "sqlite:///:memory:"', "database.url", "in memory"),
    ("database", 'url = "sqlite:///file:x?mode=memory"', "database.url", "in memory"),
    ("database", 'url = "sqlite:///x.db?cache=shared"', "database.url", "more than the path"),
]

WRONG_SOURCES = [
    ("-dialect", "dialect", 'known: "phaseo"'),
    ("concurrency = 0", "concurrency", "from 1 to 256, and is 0"),
    ("concurrency = 2.5", "concurrency", "must be a whole number, and is a number with a decimal point"),
    ("requests_per_minute = 0", "requests_per_minute", "from 1 to 1000000, and is 0"),
    ('requests_per_minute = "fast"', "requests_per_minute", "must be a whole number, and is text"),
    ("list_trust_seconds = -1", "list_trust_seconds", "from 0 to 86400, and is -1"),
    ("list_trust_seconds = inf", "list_trust_seconds", "from 0 to 86400"),
    ("sweep_seconds = 0", "sweep_seconds", "from 0.05 to 604800, and is 0"),
    ("sweep_second = 60", "sweep_second", "did you mean sweep_seconds?"),
    ('dialect = "phase"', "dialect", 'did you mean "phaseo"?'),
    ('dialect = "whatever"', "dialect", 'Known: "phaseo"'),
    ('base_url = "http://api.example.com/v1"', "base_url", "allow_plain_http = true"),
    ('base_url = "http://127.1/v1"', "base_url", "in the clear"),
    ('base_url = "https://u:hush-hush@api.example.com"', "base_url", "a user name or a password"),
    ('base_url = "https://api.example.com/v1?key=hush-hush"', "base_url", "query"),
    ('base_url = "https://api.example.com/v1#"', "base_url", "fragment"),
    ('base_url = "https://api.example.com/a/../b"', "base_url", "steps"),
    ('base_url = "ftp://api.example.com"', "base_url", "http:// or https://"),
    ('base_url = "https://api example.com"', "base_url", "not a URL"),
    ('base_url = ""', "base_url", "not a URL"),
    ("-api_key_env", "api_key_env", "name a variable"),
    ('api_key_env = ""', "api_key_env", "names no variable"),
    ('api_key_env = "UNSET"', "api_key_env", "export UNSET=..."),
    ('api_key_env = "EMPTY"', "api_key_env", "the variable EMPTY is empty"),
    ('api_key_env = "TWO_LINES"', "api_key_env", "line breaks"),
    ('api_key_env = "UNICODE"', "api_key_env", "cannot be sent in a header"),
    ('api_key_env = "PADDED"', "api_key_env", "white space"),
    ('api_key_env = "hush hush"', "api_key_env", "not the name of a variable"),
    ('api_key_env = "phaseo_v1_sk_abc123_hush"', "api_key_env", "not the name of a variable"),
    ('api_key_file = "k"', "api_key_file", "both given"),
    ("-webhook_secrets_env", "webhook_secrets_env", 'webhook = "none"'),
    ("webhook_secrets_env = []", "webhook_secrets_env", "is missing"),
    ('webhook_secrets_env = "HOOK"', "webhook_secrets_env", "must be a list of texts"),
    ('webhook_secrets_env = ["UNSET"]', "webhook_secrets_env", "export UNSET=..."),
    ('webhook_secrets_env = ["whsec_hush"]', "webhook_secrets_env", "not the name of a variable"),
    ('webhook_secrets_env = ["SHORT"]', "webhook_secrets_env", "has 15 bytes, and needs at least 16"),
    ('webhook_secrets_env = ["PREFIX"]', "webhook_secrets_env", "the prefix whsec_ and no secret"),
    ('webhook_secrets_env = ["PADDED"]', "webhook_secrets_env", "white space"),
    ('webhook_secrets_env = ["HOOK", "HOOK"]', "webhook_secrets_env", "the same secret"),
    ('webhook_secrets_env = ["HOOK", "COPY"]', "webhook_secrets_env", "the variable HOOK and the variable COPY"),
    ('webhook_secrets_env = ["HOOK", "OTHER", "A", "B"]', "webhook_secrets_env", "there are 4"),
    ("tolerance_seconds = 0", "tolerance_seconds", "from 1 to 3600"),
    ("tolerance_seconds = 300.0", "tolerance_seconds", "must be a whole number"),
    ('webhook = "endpont"', "webhook", 'did you mean "endpoint"?'),
    ("webhook = true", "webhook", "is true or false"),
    ('webhook_endpoint_id = "a b"', "webhook_endpoint_id", "not an id"),
    ('webhook_events = ["batch.complete"]', "webhook_events", 'did you mean "batch.completed"?'),
    ("webhook_events = []", "webhook_events", "is empty"),
    ('adopt = "some"', "adopt", '"signed", "all", "none"'),
    ("adopt_limit = 0", "adopt_limit", "from 1 to"),
    ('api_key = "hush-hush"', "api_key", "api_key_env ="),
    ('webhook_secret = "hush-hush"', "webhook_secret", "webhook_secrets_env = ["),
    ('webhook_secrets = ["hush-hush"]', "webhook_secrets", "webhook_secrets_file"),
    ('base_ulr = "https://x.example"', "base_ulr", "did you mean base_url?"),
    ("port = 1", "port", "it belongs to [receiver] or [operators]"),
    ('"quo\\u001bted" = 1', '"quo\\u001bted"', "there is no such key"),
]
TROUBLESOME = {
    "EMPTY": " ",
    "TWO_LINES": "one\ntwo",
    "UNICODE": "schlüssel",
    "PADDED": f" {SECRET}",
    "SHORT": "fifteen-bytes-1",
    "PREFIX": "whsec_",
    "COPY": SECRET,
    "A": "a" * 32,
    "B": "b" * 32,
}


class TestWhatIsRefused:
    @pytest.mark.parametrize(("section", "line", "key", "said"), WRONG_VALUES)
    def test_a_wrong_value(self, refused, section, line, key, said):
        """
        A value that a key cannot take is refused with the key, the file and the fix, and with nothing else.
        """
        [(named, text)] = refused(f"{SOURCE}[{section}]\n{line}", **TROUBLESOME)

        assert (key, True, True) == (named, said in text, "batchkeeper.toml" in text), text
        assert "hush" not in text

    @pytest.mark.parametrize(("line", "key", "said"), WRONG_SOURCES)
    def test_a_wrong_source(self, refused, line, key, said):
        """
        What a source cannot have is refused once, under its own key, and no secret is repeated.
        """
        replaced = ["-api_key_env"] if line.startswith("api_key = ") else []
        replaced += ["-webhook_secrets_env"] if line.startswith(("webhook_secret = ", "webhook_secrets = ")) else []
        [(named, text)] = refused(source(*replaced, line), **TROUBLESOME)

        assert (f"sources.gateway.{key}", True) == (named, said in text), text
        assert "hush" not in text

    @pytest.mark.parametrize(
        ("text", "key", "said"),
        [
            ("", "sources", "[sources.gateway]"),
            ("[sources]", "sources", "there is no source"),
            ("sources = 1", "sources", "and is a whole number"),
            ("[[sources]]\ndialect = 'phaseo'", "sources", "and is a list"),
            ("[sources]\ngateway = 1", "sources.gateway", "write [sources.gateway]"),
            ("[sources]\ndialect = 'phaseo'", "sources.dialect", "below the name of a source"),
            (source(name="Gateway"), "sources.Gateway", "a to z"),
            (source(name='"a b"'), 'sources."a b"', "a to z"),
            (source(name="a" * 64), f"sources.{'a' * 64}", "at most 63"),
            ("receiver = 1" + SOURCE, "receiver", "write [receiver]"),
            (SOURCE + "[reciever]", "reciever", "did you mean [receiver]?"),
            (SOURCE + "[source.x]", "source", "did you mean [sources.NAME]?"),
            ("max_headers = 9" + SOURCE, "max_headers", "it belongs to [receiver]"),
            ("api_key = 'hush'" + SOURCE, "api_key", "a secret must not stand in the file"),
            ("zzz = 9" + SOURCE, "zzz", "the tables are"),
        ],
    )
    def test_a_wrong_shape(self, refused, text, key, said):
        """
        Tables that are none, or are not known, are refused with what was probably meant.
        """
        [(named, words)] = refused(text)

        assert (key, True, False) == (named, said in words, "hush" in words), words

    def test_everything_at_once(self, refused):
        """
        All that is wrong is said in one go, in the file and in the environment.
        """
        text = source("-dialect", 'api_key_env = "UNSET"', 'webhook = "no"') + "[receiver]\nport = 'x'\nprot = 1\n"
        problems = refused(text, BATCHKEEPER_RECIEVER__PORT="1", BATCHKEEPER_DATA__DIR="")

        assert {
            "",
            "data.dir",
            "receiver.port",
            "receiver.prot",
            "sources.gateway.dialect",
            "sources.gateway.api_key_env",
            "sources.gateway.webhook",
        } == {key for key, _ in problems}

    def test_threat_19_sources_do_not_share_a_secret(self, refused):
        """
        Two sources with one secret are refused, whatever the secret's variables are called, and both are named.
        """
        [(key, text)] = refused(SOURCE + source('webhook_secrets_env = ["COPY"]', name="other"), COPY=SECRET)

        assert key == "sources.other.webhook_secrets_env"
        assert "the same secret as sources.gateway (the variable HOOK)" in text
        assert SECRET not in text

    def test_one_key_in_two_spellings(self, read):
        """
        What some take with its prefix and some decode without it could be one key, and is refused as one.
        """
        other = source().replace("[sources.gateway]", "[sources.other]").replace('["HOOK"]', '["BARE"]')
        with pytest.raises(ConfigError) as raised:
            read(source() + "\n" + other, BARE=SECRET.removeprefix("whsec_") + "=")
        assert "the same secret as sources.gateway" in str(raised.value)

    @pytest.mark.parametrize(
        "secret", ["", " ", "\t", "whsec_", "whsec_ ", " whsec_", "fifteen-bytes-1", "whsec_12345678"]
    )
    def test_threat_09_a_secret_that_is_none(self, refused, secret):
        """
        A secret that is empty, blank, a prefix alone or short enough to be guessed is refused before anything starts.
        """
        [(key, _)] = refused(SOURCE, HOOK=secret)

        assert key == "sources.gateway.webhook_secrets_env"

    @pytest.mark.parametrize("lines", [["-webhook_secrets_env"], ["webhook_secrets_env = []"]])
    def test_threat_10_no_source_takes_webhooks_unsigned(self, refused, lines):
        """
        A source without a secret is refused, unless it takes no webhooks at all. There is no way to take them unsigned.
        """
        [(key, text)] = refused(source(*lines))

        assert (key, 'webhook = "none"' in text) == ("sources.gateway.webhook_secrets_env", True)

    def test_threat_11_three_secrets_may_be_live(self, read, refused):
        """
        While secrets are changed up to three are good at once, and a fourth is refused.
        """
        three, four = '"HOOK", "OTHER", "A"', '"HOOK", "OTHER", "A", "B"'
        more = {"A": "a" * 32, "B": "b" * 32}
        [(key, text)] = refused(source(f"webhook_secrets_env = [{four}]"), **more)

        assert len(read(source(f"webhook_secrets_env = [{three}]"), **more).sources["gateway"].webhook_secrets) == 3
        assert (key, "at most 3" in text) == ("sources.gateway.webhook_secrets_env", True)

    def test_the_text_is_for_people(self, read):
        """
        The error reads as a list; it has no traceback, no address of a library and no word of its own.
        """
        with pytest.raises(ConfigError) as caught:
            read(SOURCE + "[receiver]\nport = 'x'\n[data]\ndir = 1\n")
        text = str(caught.value)

        assert text.startswith("The configuration has 2 problems.\n\n  receiver.port (")
        assert text.count("\n      fix: write ") == 2
        assert not re.search("pydantic|https?:|Traceback|validation|Input should", text)

    @pytest.mark.parametrize(
        ("webhook", "base_url", "public_url", "wrong"),
        [
            ("inline", "https://api.phaseo.app/v1", None, True),
            ("inline", "https://api.phaseo.app/v1", "https://hooks.example", False),
            ("inline", "http://127.0.0.1:8090/v1", None, False),
            ("endpoint", "https://api.phaseo.app/v1", None, False),
            ("none", "https://api.phaseo.app/v1", None, False),
        ],
    )
    def test_a_webhook_sent_along_needs_an_address(self, read, refused, webhook, base_url, public_url, wrong):
        """
        A source that tells its provider with each job where to send its news has to know how others reach this machine.
        """
        receiver = f'[receiver]\npublic_url = "{public_url}"\n' if public_url else ""
        text = receiver + source(f'webhook = "{webhook}"', f'base_url = "{base_url}"')

        if not wrong:
            assert read(text).sources["gateway"].webhook == webhook
            return
        ((key, said),) = refused(text)
        assert key == "receiver.public_url"
        assert "sources.gateway tells its provider with each job" in said
        assert 'write public_url = "https://..." under [receiver]' in said


class TestSecretsFromFiles:
    @pytest.fixture
    def mounted(self, tmp_path):
        def write(name: str, content: bytes) -> str:
            path = tmp_path / name
            path.write_bytes(content)
            return json.dumps(str(path))

        return write

    @pytest.mark.parametrize("ending", [b"", b"\n", b"\r\n"])
    def test_a_newline_at_the_end_is_no_part_of_it(self, read, mounted, ending):
        """
        A mounted file holds the secret, and perhaps the newline that its editor left.
        """
        key, hook = mounted("key", b"the-key" + ending), mounted("hook", OTHER.encode() + ending)
        gateway = read(source("-api_key_env", f"api_key_file = {key}", f"webhook_secrets_file = [{hook}]")).sources[
            "gateway"
        ]

        assert (
            gateway.api_key.reveal(),
            [secret.reveal() for secret in gateway.webhook_secrets],
        ) == ("the-key", [SECRET, OTHER])

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (b"", "is empty"),
            (b"\n", "is empty"),
            (b"key\n\n", "white space"),
            (b"one\ntwo\n", "line breaks"),
            (b"key\0", "control characters"),
            (b"\xff\xfe", "not UTF-8"),
            (b"k" * 70_000, "too large"),
        ],
    )
    def test_a_file_holds_one_secret_and_nothing_else(self, refused, mounted, content, said):
        """
        A file that holds nothing, or more than a secret, is refused by name.
        """
        path = mounted("key", content)
        [(key, text)] = refused(source("-api_key_env", f"api_key_file = {path}"))

        assert (key, said in text and json.loads(path) in text) == ("sources.gateway.api_key_file", True), text

    @pytest.mark.parametrize(
        ("path", "said"),
        [
            ("/nowhere/key", "/nowhere/key cannot be read: No such file"),
            ("/dev/zero", "not a plain file"),
            ("/", "not a plain file"),
            ("n" * 5_000, "too long"),
            ("phaseo_v1_sk_abc123_hush", "not the path of a file"),
            ("", "not the path of a file"),
        ],
    )
    def test_a_path_without_a_file(self, refused, path, said):
        """
        A file that cannot be read is refused with the reason; what looks like the secret itself is not repeated.
        """
        [(key, text)] = refused(source("-api_key_env", f'api_key_file = "{path}"'))

        assert (key, said in text, "hush" in text) == ("sources.gateway.api_key_file", True, False), text

    def test_files_and_variables_count_together(self, refused, mounted):
        """
        A secret in a file and the same in a variable are one secret twice.
        """
        [(key, text)] = refused(source(f"webhook_secrets_file = [{mounted('hook', SECRET.encode())}]"))

        assert (key, "hold the same secret" in text) == ("sources.gateway.webhook_secrets_file", True), text


class TestWarnings:
    @pytest.mark.parametrize(("length", "warnings"), [(16, 1), (23, 1), (24, 0), (64, 0)])
    def test_a_short_secret_is_taken_with_a_warning(self, read, length, warnings):
        """
        From 16 bytes a secret is taken, and under 24 there is a warning, which does not show it.
        """
        config = read(HOOK="x" * length)

        assert warnings == len(config.warnings)
        assert "xx" not in "".join(map(str, config.warnings))

    def test_length_is_counted_in_bytes(self, read):
        """
        The key of a signature is bytes, so a letter of two bytes counts twice.
        """
        assert len(read(HOOK="ü" * 8).warnings) == 1


class TestOverrides:
    @pytest.mark.parametrize(
        ("name", "text", "path", "value"),
        [
            ("BATCHKEEPER_RECEIVER__PORT", "9000", "receiver.port", 9000),
            ("BATCHKEEPER_receiver__Port", " 9000 ", "receiver.port", 9000),
            ("BATCHKEEPER_RECEIVER__TRUSTED_PROXIES", "10.0.0.1, ::1", "receiver.trusted_proxies", ("10.0.0.1", "::1")),
            ("BATCHKEEPER_RECEIVER__TRUSTED_PROXIES", "['10.0.0.1']", "receiver.trusted_proxies", ("10.0.0.1",)),
            ("BATCHKEEPER_RECEIVER__TRUSTED_PROXIES", '["\\u003a:1"]', "receiver.trusted_proxies", ("::1",)),
            ("BATCHKEEPER_RECEIVER__TRUSTED_PROXIES", "", "receiver.trusted_proxies", ()),
            ("BATCHKEEPER_RECONCILER__POLL_SECONDS", "0.5", "reconciler.poll_seconds", 0.5),
            ("BATCHKEEPER_RECONCILER__POLL_SECONDS", "5", "reconciler.poll_seconds", 5.0),
            ("BATCHKEEPER_RECONCILER__POLL_SECONDS", "1e2", "reconciler.poll_seconds", 100.0),
            ("BATCHKEEPER_DATA__DIR", "true", "data.dir", "true"),
            (
                "BATCHKEEPER_SOURCES__GATEWAY__BASE_URL",
                "http://localhost:1/",
                "sources.gateway.base_url",
                "http://localhost:1",
            ),
            ("BATCHKEEPER_SOURCES__GATEWAY__ALLOW_PLAIN_HTTP", "Yes", "sources.gateway.allow_plain_http", True),
            ("BATCHKEEPER_SOURCES__GATEWAY__ADOPT", "none", "sources.gateway.adopt", "none"),
        ],
    )
    def test_a_variable_takes_the_place_of_a_key(self, read, name, text, path, value):
        """
        Any key can be given by a variable, and its text is read as what the key takes.
        """
        found: Any = read(SOURCE + '[receiver]\nport = 1\ntrusted_proxies = ["10.9.9.9"]\n', **{name: text})
        for word in path.split("."):
            found = found[word] if isinstance(found, dict) or hasattr(found, "keys") else getattr(found, word)

        assert (value, type(value)) == (found, type(found))

    @pytest.mark.parametrize("name", ["a_", "a__b", "a__port"])
    def test_underscores_in_a_name_are_no_obstacle(self, read, name):
        """
        A source whose name ends in an underscore, or holds two, can be overridden like any other.
        """
        variable = f"BATCHKEEPER_SOURCES__{name.upper()}__TOLERANCE_SECONDS"

        assert read(source(name=name), **{variable: "7"}).sources[name].tolerance_seconds == 7

    @pytest.mark.parametrize(
        ("name", "text", "key", "said"),
        [
            ("BATCHKEEPER_RECEIVER__PORT", "many", "receiver.port", "export BATCHKEEPER_RECEIVER__PORT=8080"),
            ("BATCHKEEPER_RECEIVER__PORT", "", "receiver.port", "must be a whole number, and is empty"),
            ("BATCHKEEPER_RECEIVER__PORT", "８０８０", "receiver.port", "must be a whole number"),
            ("BATCHKEEPER_RECEIVER__PORT", "70000", "receiver.port", "and is 70000"),
            ("BATCHKEEPER_RECONCILER__POLL_SECONDS", "nan", "reconciler.poll_seconds", "must be a number"),
            ("BATCHKEEPER_RECONCILER__POLL_SECONDS", "1e999", "reconciler.poll_seconds", "from 0.05 to 86400"),
            ("BATCHKEEPER_RECEIVER__TRUSTED_PROXIES", "[", "receiver.trusted_proxies", "must be a list"),
            (
                "BATCHKEEPER_SOURCES__GATEWAY__WEBHOOK_SECRETS_ENV",
                '["\\ud800"]',
                "sources.gateway.webhook_secrets_env",
                "not the name of a variable",
            ),
            ("BATCHKEEPER_RECEIVER__HOST", "\udcff", "receiver.host", "not an address"),
            ("BATCHKEEPER_DATA__DIR", "\udcff", "data.dir", "not the path of a folder"),
        ],
    )
    def test_a_wrong_text_is_laid_to_the_variable(self, refused, name, text, key, said):
        """
        What a variable says wrong is reported with the variable's name and not with the file's.
        """
        [(named, words)] = refused(**{name: text})

        assert (key, True, True) == (named, said in words, f"variable {name}" in words), words

    @pytest.mark.parametrize(
        ("name", "said"),
        [
            ("BATCHKEEPER_RECIEVER__PORT", "did you mean BATCHKEEPER_RECEIVER__PORT?"),
            ("BATCHKEEPER_RECEIVER_PORT", "did you mean BATCHKEEPER_RECEIVER__PORT?"),
            ("BATCHKEEPER_RECEIVER__PROT", "did you mean BATCHKEEPER_RECEIVER__PORT?"),
            ("batchkeeper_reciever__port", "did you mean BATCHKEEPER_RECEIVER__PORT?"),
            ("BATCHKEEPER_PORT", "BATCHKEEPER_RECEIVER__PORT or BATCHKEEPER_OPERATORS__PORT"),
            ("BATCHKEEPER_TOLERANCE_SECONDS", "BATCHKEEPER_SOURCES__NAME__TOLERANCE_SECONDS"),
            ("BATCHKEEPER_CONFG", "did you mean BATCHKEEPER_CONFIG?"),
            ("BATCHKEEPER_SOURCES__GATEWAY__BASE_ULR", "did you mean BATCHKEEPER_SOURCES__GATEWAY__BASE_URL?"),
            ("BATCHKEEPER_SOURCES__GATEWY__BASE_URL", "did you mean BATCHKEEPER_SOURCES__GATEWAY__BASE_URL?"),
            ("BATCHKEEPER_SOURCES__GATEWAY__API_KEY", "name that with api_key_env"),
            ("BATCHKEEPER_OPERATORS__TOKEN", "name that with token_env"),
            ("BATCHKEEPER_", "docs/configuration.md"),
            ("BATCHKEEPER_QQQ", "docs/configuration.md"),
        ],
    )
    def test_a_misspelt_variable_is_an_error(self, refused, name, said):
        """
        A variable of ours that means no key is refused with the nearest that does, and its value is not shown.
        """
        [(key, text)] = refused(**{name: "hush-hush"})

        assert (key, said in text, name in text, "hush" in text) == ("", True, True, False), text

    def test_what_is_no_name_is_not_suggested(self, refused):
        """
        A source's name that could upset a terminal is not repeated as a suggestion.
        """
        problems = refused(source(name='"gateway\\u001b"'), BATCHKEEPER_SOURCES__GATEWAY__BASE_URL="x")

        assert len(problems) == 2
        assert "\x1b" not in str(problems[0][1] + problems[1][1])

    def test_two_spellings_of_one_variable_are_refused(self, refused):
        """
        Of two variables for one key neither is believed.
        """
        [(_, text)] = refused(BATCHKEEPER_RECEIVER__PORT="1", batchkeeper_receiver__port="2")

        assert "the same key as BATCHKEEPER_RECEIVER__PORT" in text

    @pytest.mark.parametrize(
        "name", ["BATCHKEEPER_CONFIG", "BATCHKEEPER_TEST_ANYTHING", "BATCHKEEPER_CRASH_AT", "BATCHKEEPERS", "PATH"]
    )
    def test_some_variables_mean_something_else(self, read, name):
        """
        The variable that names the file, and those of the tests, override nothing.
        """
        assert read() == read(**{name: "x"})

    def test_a_variable_that_holds_a_secret_may_be_called_like_ours(self, read):
        """
        Variables that the configuration names may begin with our prefix, even if the name comes from an override.
        """
        config = read(
            source('api_key_env = "BATCHKEEPER_RECEIVER__PORT"') + '[operators]\ntoken_env = "BATCHKEEPER_TOKEN"',
            BATCHKEEPER_RECEIVER__PORT="the-key",
            BATCHKEEPER_TOKEN=ENVIRON["TOKEN"],
            BATCHKEEPER_SOURCES__GATEWAY__WEBHOOK_SECRETS_ENV="BATCHKEEPER_HOOK",
            BATCHKEEPER_HOOK=OTHER,
        )

        assert (config.sources["gateway"].api_key.reveal(), config.receiver.port) == ("the-key", 8080)
        assert (Secret(OTHER),) == config.sources["gateway"].webhook_secrets

    def test_a_source_can_come_from_variables_alone(self, read, refused):
        """
        A source that is not in the file must be given whole, and then it is like any other.
        """
        whole = {
            "BATCHKEEPER_SOURCES__OTHER__DIALECT": "phaseo",
            "BATCHKEEPER_SOURCES__OTHER__API_KEY_ENV": "KEY",
            "BATCHKEEPER_SOURCES__OTHER__WEBHOOK_SECRETS_ENV": "OTHER",
        }

        assert (Secret(OTHER),) == read("", **whole).sources["other"].webhook_secrets
        for missing in whole:
            assert refused(SOURCE, **{name: text for name, text in whole.items() if name != missing})


class TestSecret:
    def test_it_is_not_shown(self):
        """
        However a secret is printed, alone or inside of something, it reads ***.
        """
        secret = Secret("hush")
        shown = [repr(secret), str(secret), f"{secret}", f"{secret:>9}", f"{[secret]!r}", "%s" % secret, f"{secret!a}"]  # noqa: UP031

        assert [text for text in shown if "hush" in text or "***" not in text] == []

    def test_no_model_shows_it(self, read):
        """
        A configuration can be printed, and written as JSON, without giving a secret away.
        """
        config = read(SOURCE + '[operators]\ntoken_env = "TOKEN"')
        shown = repr(config) + str(config) + config.model_dump_json() + str(config.model_dump())

        assert [name for name, value in ENVIRON.items() if value in shown] == []

    def test_it_is_given_away_on_request(self):
        """
        The one way to the secret is to ask for it.
        """
        assert Secret("hush").reveal() == "hush"
        assert not hasattr(Secret("hush"), "__dict__")

    def test_equal_secrets_are_equal(self):
        """
        Secrets are compared by what they hold, and are equal to nothing that is no secret.
        """
        assert Secret("ü") == Secret("ü")
        assert len({Secret("a"), Secret("a")}) == 1
        assert Secret("a") != Secret("b")
        assert Secret("a") != "a"

    def test_it_is_not_pickled(self):
        """
        A secret is not written out as text by pickle, but a copy of what holds it can be made.
        """
        with pytest.raises(TypeError, match="not pickled"):
            pickle.dumps(Secret("hush"))
        assert copy.deepcopy([Secret("a")]) == [copy.copy(Secret("a"))]

    def test_a_model_takes_no_plain_text_for_it(self):
        """
        Where a secret belongs plain text is refused, and the refusal does not repeat it.
        """
        with pytest.raises(ValidationError) as caught:
            Source(
                name="a",
                dialect="phaseo",
                base_url="https://x.example",
                api_key="hush",
                tolerance_seconds=1,
                delivery_window_seconds=1,
                webhook_events=(),
            )

        assert "hush" not in str(caught.value)


ALL_KEYS = [
    *((name, key) for name, model in SECTIONS.items() for key in model.model_fields),
    *((f"{table}.NAME", key) for table, model in NAMED.items() for key in model.model_fields),
]
"""Every key that a file can hold."""
NO_DEFAULT = {
    *("token_env", "token_file", "read_token_env", "read_token_file"),
    *("api_key_file", "cancel_after_seconds", "secret_env", "secret_file"),
}
REQUIRED = {"dialect", "type"}
BY_DIALECT = {
    "base_url",
    "tolerance_seconds",
    "delivery_window_seconds",
    "webhook_events",
    "requests_per_minute",
    "webhook",
}
# What a source may have of its own; else its dialect, and then [reconciler], says.
OWN = {
    "concurrency",
    "request_timeout_seconds",
    "max_answer_bytes",
    "first_poll_seconds",
    "poll_seconds",
    "poll_cap_seconds",
}


def default(table: str, key: str) -> Any:
    return model_of(table).model_fields[key].default


def model_of(table: str) -> type[Section]:
    return NAMED.get(table.removesuffix(".NAME"), SECTIONS.get(table))


class TestTheExample:
    TEXT = (ROOT / "config.example.toml").read_text()
    ENVIRON = {  # noqa: RUF012
        "PHASEO_API_KEY": "phaseo_v1_sk_abc123_key",
        "PHASEO_WEBHOOK_SECRET": SECRET,
        "BATCHKEEPER_TOKEN": "0123456789abcdef0123456789abcdef",
    }

    def test_it_works_unchanged(self):
        """
        The example can be used as it is with the sandbox.
        """
        config = load(ROOT / "config.example.toml", self.ENVIRON, DIALECTS)

        assert list(config.sources) == ["gateway"]
        assert (
            config.sources["gateway"].base_url,
            config.sources["gateway"].webhook_endpoint_id,
        ) == ("http://127.0.0.1:8090/v1", "5f0c3f7e-0000-4000-8000-000000000001")

    def test_its_comments_show_the_defaults(self):
        """
        What the example has commented out is what holds without it; and it shows every key.
        """
        shown = tomllib.loads(re.sub(r"(?m)^# (\w+ = |\[handoffs)", r"\1", self.TEXT))
        gateway, targets = shown.pop("sources")["gateway"], shown.pop("handoffs")
        tables = {**shown, "sources.NAME": gateway, "handoffs.NAME": targets["program"] | targets["downstream"]}

        assert [key for table, key in ALL_KEYS if key not in tables[table]] == []
        given = {"dialect", "base_url", "api_key_env", "webhook_secrets_env", "webhook_endpoint_id", "public_url"}
        given |= {"type", "command", "token_env"}
        places = {("handoffs.NAME", "url"), ("data", "url")}
        for table, key in ALL_KEYS:
            if key not in given | NO_DEFAULT | BY_DIALECT and (table, key) not in places:
                expected = default("reconciler" if table == "sources.NAME" and key in OWN else table, key)
                assert (list(expected) if isinstance(expected, tuple) else expected) == tables[table][key], key

    def test_what_it_says_of_the_dialect_is_so(self):
        """
        The defaults that the example calls the dialect's are those of the gateway.
        """
        shown = tomllib.loads(re.sub(r"(?m)^# (\w+ = |\[handoffs)", r"\1", self.TEXT))["sources"]["gateway"]
        known = dialects.DEFAULTS["phaseo"]

        assert (known.tolerance_seconds, known.delivery_window_seconds, list(known.webhook_events)) == (
            shown["tolerance_seconds"],
            shown["delivery_window_seconds"],
            shown["webhook_events"],
        )


class TestTheDocumentation:
    TEXT = (ROOT / "docs" / "configuration.md").read_text()

    @pytest.mark.parametrize(("table", "key"), ALL_KEYS)
    def test_every_key_is_explained(self, table, key):
        """
        Each key has a row with its default and the meaning that the model gives it.
        """
        part = self.TEXT.partition(f"\n## [{table}]\n")[2].partition("\n## ")[0]
        rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in part.splitlines() if line[:3] == "| `"]
        model = model_of(table)
        [row] = [row for row in rows if row[0] == f"`{key}`"]

        assert model.model_fields[key].description == row[3]
        if table == "sources.NAME" and key in BY_DIALECT | OWN:
            assert row[1] == "by dialect"
        elif key in REQUIRED:
            assert row[1] == "required"
        elif default(table, key) is None:
            assert row[1] == "none"
        else:
            written = json.loads(row[1].strip("`"))
            assert default(table, key) == (tuple(written) if isinstance(written, list) else written)

    def test_the_error_that_it_shows_is_a_real_one(self, tmp_path, monkeypatch):
        """
        The page's example of an error is what is really printed.
        """
        monkeypatch.chdir(tmp_path)
        path = Path("batchkeeper.toml")
        path.write_text(source('api_key_env = "PHASEO_API_KEY"'))
        with pytest.raises(ConfigError) as caught:
            load(path, {"HOOK": SECRET, "BATCHKEEPER_RECIEVER__PORT": "1"}, DIALECTS)

        shown = "\n".join(f"    {line}" if line else "" for line in str(caught.value).splitlines())
        assert shown in self.TEXT


WORDS = st.sampled_from(
    [
        *sorted({key for _, key in ALL_KEYS}),
        *SECTIONS,
        *NAMED,
        "gateway",
        "api_key",
        "token",
        "zzz",
        "a b",
        "",
        "\x1b",
        "é",
    ]
)
LEAVES = (
    st.booleans()
    | st.integers(-(10**25), 10**25)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["phaseo", "KEY", "HOOK", "https://h/v1", "sqlite:///x", "none", "127.0.0.1", "[", "http://["])
)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4), max_leaves=12
)
TABLES = st.dictionaries(WORDS, VALUES, max_size=6)
DOCUMENTS = st.builds(
    lambda top, sections, named: {**top, **sections, **{word: tables for word, tables in named.items() if tables}},
    TABLES,
    st.dictionaries(st.sampled_from(list(SECTIONS)), TABLES, max_size=4),
    st.dictionaries(
        st.sampled_from(list(NAMED)),
        st.dictionaries(st.sampled_from(["gateway", "other", "Bad", "é"]), TABLES, max_size=3),
    ),
)
SUFFIXES = st.one_of(
    st.builds("{}__{}".format, WORDS, WORDS),
    st.builds("sources__gateway__{}".format, WORDS),
    st.builds("handoffs__gateway__{}".format, WORDS),
    st.text(max_size=12),
)
VARIABLES = st.dictionaries(
    SUFFIXES.map(lambda rest: f"BATCHKEEPER_{rest.upper()}"), st.text(max_size=12) | LEAVES.map(str), max_size=4
)


def as_toml(value: Any) -> str:
    """A value as TOML writes it on one line."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return json.dumps(value).replace("\x7f", "\\u007f")
        case list():
            return f"[{', '.join(map(as_toml, value))}]"
        case dict():
            return f"{{{', '.join(f'{as_toml(key)} = {as_toml(inner)}' for key, inner in value.items())}}}"
    return str(value)


class TestAnyInput:
    @given(document=DOCUMENTS, environ=VARIABLES)
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=300)
    def test_tables_of_any_kind(self, tmp_path, document, environ):
        """
        Whatever tables and variables say, the answer is a configuration or a ConfigError that prints as text.
        """
        text = "\n".join(f"{as_toml(key)} = {as_toml(value)}" for key, value in document.items())
        path = tmp_path / "any.toml"
        path.write_text(text, encoding="utf-8")
        try:
            assert isinstance(load(path, ENVIRON | environ, DIALECTS), Config)
        except ConfigError as error:
            assert error.problems
            assert "\x1b" not in str(error)

    @given(content=st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")))
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
    def test_bytes_of_any_kind(self, tmp_path, content):
        """
        Whatever bytes the file holds, what is raised is a ConfigError.
        """
        path = tmp_path / "any.toml"
        path.write_bytes(content)
        with pytest.raises(ConfigError):
            load(path, ENVIRON, DIALECTS)

    @given(texts=st.lists(st.text(max_size=40), min_size=3, max_size=3))
    @settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
    def test_secrets_of_any_kind(self, tmp_path, texts):
        """
        Whatever the variables hold as secrets, they are taken or refused, and never shown.
        """
        key, first, second = (f"hush{text}" for text in texts)
        path = tmp_path / "any.toml"
        path.write_text(source('webhook_secrets_env = ["HOOK", "OTHER"]'))
        try:
            config = load(path, {"KEY": key, "HOOK": first, "OTHER": second}, DIALECTS)
            assert "hush" not in repr(config)
        except ConfigError as error:
            assert "hush" not in str(error)
