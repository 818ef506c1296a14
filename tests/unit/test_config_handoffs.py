"""[handoffs.NAME]: what may stand there, and what is said about the rest."""

import base64
import sys
from pathlib import Path
from typing import Any

import pytest

from schemas.config import Config, ConfigError, DialectDefaults, load
from schemas.config.difference import difference, taken_up

HOOK = "whsec_" + base64.b64encode(b"the provider signs with this one").decode()
TOLD = "whsec_" + base64.b64encode(b"we sign what we tell with this..").decode()
ENVIRON = {"KEY": "phaseo_v1_sk_abc123_key", "HOOK": HOOK, "TOLD": TOLD, "PATH": str(Path(sys.executable).parent)}
DIALECTS = {
    "phaseo": DialectDefaults("https://api.phaseo.example/v1", 300, 2_700, ("batch.completed",), frozenset()),
}
SOURCE = """
[sources.gateway]
dialect = "phaseo"
api_key_env = "KEY"
webhook_secrets_env = ["HOOK"]
"""
HTTP = {"type": '"http"', "url": '"https://jobs.example/told"', "secret_env": '"TOLD"'}
COMMAND = {"type": '"command"', "command": f'["{sys.executable}", "-c", "pass"]'}


def target(keys: dict[str, str], *lines: str, name: str = "downstream") -> str:
    """A target with one key after another replaced or added; `-key` leaves one out."""
    keys = dict(keys)
    for line in lines:
        word, _, value = line.partition(" = ")
        keys.pop(word.removeprefix("-"), None)
        if value:
            keys[word] = value
    return "\n".join([f"[handoffs.{name}]", *(f"{word} = {value}" for word, value in keys.items())]) + "\n"


def read(folder: Path, text: str, **environ: str) -> Config:
    path = folder / "batchkeeper.toml"
    path.write_text(SOURCE + text)
    return load(path, ENVIRON | environ, DIALECTS)


def refused(folder: Path, text: str, **environ: str) -> list[tuple[str, str]]:
    with pytest.raises(ConfigError) as caught:
        read(folder, text, **environ)
    return [(problem.key, str(problem)) for problem in caught.value.problems]


def test_none_is_fine(tmp_path: Path) -> None:
    """Nobody needs a target."""
    assert dict(read(tmp_path, "").handoffs) == {}
    assert dict(read(tmp_path, "[handoffs]\n").handoffs) == {}


def test_an_http_target(tmp_path: Path) -> None:
    """A target is its type, a URL and a secret; the rest has defaults, and the secret is not shown."""
    found = read(tmp_path, target(HTTP)).handoffs["downstream"]

    assert found.model_dump() == {
        "name": "downstream",
        "type": "http",
        "secret": "***",
        "on": "ready",
        "url": "https://jobs.example/told",
        "command": (),
        "timeout_seconds": 30.0,
        "most_attempts": 20,
        "retry_seconds": 10.0,
        "retry_cap_seconds": 3_600.0,
        "concurrency": 4,
        "sources": (),
        "statuses": (),
        "labels": (),
        "allow_plain_http": False,
    }
    assert found.secret is not None and found.secret.reveal() == TOLD
    assert "jobs.example" not in repr(found)


def test_a_command_target(tmp_path: Path) -> None:
    """A command is a program, by its path or by its name on PATH, and its arguments."""
    name = Path(sys.executable).name
    for program in (sys.executable, name):
        found = read(tmp_path, target(COMMAND, f'command = ["{program}", "-v"]')).handoffs["downstream"]
        assert (found.type, found.command, found.secret) == ("command", (program, "-v"), None)


def test_what_is_written_counts(tmp_path: Path) -> None:
    """Each key can be changed, in the file and by a variable; the secret may stand in a file."""
    secret = tmp_path / "secret"
    secret.write_text(TOLD + "\n")
    lines = (
        'on = "finding"',
        "-secret_env",
        f'secret_file = "{secret}"',
        "concurrency = 2",
        'sources = ["gateway"]',
        'statuses = ["running", "completed"]',
        'labels = ["team=search", "empty="]',
    )
    found = read(tmp_path, target(HTTP, *lines), BATCHKEEPER_HANDOFFS__DOWNSTREAM__MOST_ATTEMPTS="3")
    chosen = found.handoffs["downstream"]

    assert (chosen.on, chosen.concurrency, chosen.most_attempts) == ("finding", 2, 3)
    assert (chosen.sources, chosen.statuses) == (("gateway",), ("running", "completed"))
    assert chosen.labels == ("team=search", "empty=")


def test_from_variables_alone(tmp_path: Path) -> None:
    """A target that is not in the file can be given by variables, if they say what it is first."""
    whole = {
        "BATCHKEEPER_HANDOFFS__A__TYPE": "http",
        "BATCHKEEPER_HANDOFFS__A__URL": "https://jobs.example/?key=1",
        "BATCHKEEPER_HANDOFFS__A__SECRET_ENV": "TOLD",
    }
    assert read(tmp_path, "", **whole).handoffs["a"].url == "https://jobs.example/?key=1"
    [(_, text)] = refused(tmp_path, "", BATCHKEEPER_HANDOFFS__A__URL="https://jobs.example")
    assert "beginning with BATCHKEEPER_HANDOFFS__A__TYPE" in text
    [(_, text)] = refused(tmp_path, target(HTTP), BATCHKEEPER_HANDOFFS__DOWNSTREM__URL="https://jobs.example")
    assert "did you mean BATCHKEEPER_HANDOFFS__DOWNSTREAM__URL" in text


def test_what_holds_secrets_is_known(tmp_path: Path) -> None:
    """The configuration knows each variable that it names as holding a secret, those of targets too."""
    found = read(tmp_path, target(HTTP) + '[operators]\ntoken_env = "TOKEN"\n', TOKEN="a-token-of-operators")

    assert found.secret_variables == {"KEY", "HOOK", "TOLD", "TOKEN"}


WRONG: list[tuple[dict[str, str], str, str, str]] = [
    (HTTP, "-type", "type", 'write how the target is told: "http" or "command"'),
    (HTTP, 'type = "htp"', "type", 'did you mean "http"?'),
    (HTTP, "type = 1", "type", "must be text in quotes"),
    (HTTP, 'on = "redy"', "on", 'did you mean "ready"?'),
    (HTTP, "-url", "url", "is missing"),
    (HTTP, 'url = "http://jobs.example/told"', "url", "allow_plain_http = true"),
    (HTTP, 'url = "https://u:hush@jobs.example"', "url", "a user name or a password"),
    (HTTP, 'url = "https://jobs.example/?a=b#hush"', "url", "this is not a URL"),
    (HTTP, 'url = "https://jobs.example/?hush hush"', "url", "this is not a URL"),
    (HTTP, 'url = "jobs.example"', "url", "http:// or https://"),
    (HTTP, "-secret_env", "secret_env", "openssl rand -base64 32"),
    (HTTP, 'secret = "hush"', "secret", 'secret_env = "NAME_OF_A_VARIABLE"'),
    (HTTP, 'secret_file = "x"', "secret_file", "both given"),
    (HTTP, 'secret_env = "UNSET"', "secret_env", "export UNSET="),
    (HTTP, 'secret_env = "SHORT"', "secret_env", "24 to 64 bytes"),
    (HTTP, 'secret_env = "LONG"', "secret_env", "24 to 64 bytes"),
    (HTTP, 'secret_env = "PLAIN"', "secret_env", "24 to 64 bytes"),
    (HTTP, 'secret_env = "BARE"', "secret_env", "whsec_ and"),
    (HTTP, 'secret_env = "HOOK"', "secret_env", "a webhook secret of sources.gateway"),
    (HTTP, 'command = ["true"]', "command", "a target of type http has no command"),
    (COMMAND, 'url = "https://jobs.example"', "url", "a target of type command has no url"),
    (COMMAND, 'secret_env = "TOLD"', "secret_env", "a target of type command has no secret_env"),
    (COMMAND, "-command", "command", "is missing"),
    (COMMAND, "command = []", "command", "is missing"),
    (COMMAND, 'command = "true"', "command", "must be a list of texts"),
    (COMMAND, 'command = [""]', "command", "entry 1 is not a word of a command"),
    (COMMAND, 'command = ["a", "b\\u0000"]', "command", "entry 2 is not a word of a command"),
    (COMMAND, 'command = ["nothing-of-this-name"]', "command", "no such program is on PATH"),
    (COMMAND, 'command = ["/nothing/of/this/name"]', "command", "no program at this path"),
    (COMMAND, 'command = ["bin/told"]', "command", "a relative path"),
    (HTTP, "timeout_seconds = 0", "timeout_seconds", "from 0.1 to 86400"),
    (HTTP, "most_attempts = 0", "most_attempts", "from 1 to 10000"),
    (HTTP, "retry_cap_seconds = 9", "retry_cap_seconds", "below retry_seconds, which is 10"),
    (HTTP, "concurrency = 65", "concurrency", "from 1 to 64"),
    (HTTP, 'sources = ["gatewy"]', "sources", 'did you mean "gateway"?'),
    (HTTP, 'statuses = ["complete"]', "statuses", 'did you mean "completed"?'),
    (HTTP, 'statuses = ["running"]', "statuses", "known: cancelled, completed, expired, failed"),
    (HTTP, 'labels = ["team"]', "labels", "entry 1 is not a label"),
    (HTTP, 'labels = ["=search"]', "labels", "entry 1 is not a label"),
    (HTTP, "retries = 3", "retries", "there is no such key in [handoffs.NAME]"),
    (HTTP, "timeout_second = 3", "timeout_second", "did you mean timeout_seconds?"),
]
TROUBLESOME = {
    "SHORT": "whsec_" + base64.b64encode(b"x" * 23).decode(),
    "LONG": "whsec_" + base64.b64encode(b"x" * 65).decode(),
    "PLAIN": "whsec_no-base64-at-all,hush",
    "BARE": base64.b64encode(b"x" * 32).decode(),
}


@pytest.mark.parametrize(("keys", "line", "key", "said"), WRONG)
def test_a_wrong_target(tmp_path: Path, keys: dict[str, str], line: str, key: str, said: str) -> None:
    """A wrong key is refused alone, with its place and what to do, and without what it held."""
    [(named, text)] = refused(tmp_path, target(keys, line), **TROUBLESOME)

    assert named == f"handoffs.downstream.{key}"
    assert said in text
    assert "hush" not in text


@pytest.mark.parametrize(
    ("text", "key", "said"),
    [
        ("[handoff.a]\n", "handoff", "did you mean [handoffs.NAME]?"),
        ("[handoffs]\nurl = 'https://x.example'\n", "handoffs.url", "[handoffs.downstream]"),
        ("[handoffs]\na = 1\n", "handoffs.a", "write [handoffs.a]"),
        ("[[handoffs]]\n", "handoffs", "is a list"),
        (target(HTTP, name="Bad"), "handoffs.Bad", "cannot be the name of a target"),
        (target(HTTP, 'on = "group"', 'statuses = ["completed"]'), "handoffs.downstream.statuses", "has no status"),
    ],
)
def test_a_wrong_shape(tmp_path: Path, text: str, key: str, said: str) -> None:
    """What is no table of a target, and what does not fit what is told, is said to be so."""
    [(named, told)] = refused(tmp_path, text)

    assert named == key
    assert said in told


def test_two_targets_may_share_a_secret(tmp_path: Path) -> None:
    """What is signed for the one target tells the other nothing that is not ours."""
    found = read(tmp_path, target(HTTP, name="a") + target(HTTP, 'on = "finding"', name="b"))

    assert found.handoffs["a"].secret == found.handoffs["b"].secret


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ((), ((), (), ())),
        (("concurrency = 2",), ((), (), ("downstream",))),
        (("type",), ((), ("downstream",), ())),
    ],
)
def test_a_running_process_takes_targets_up(tmp_path: Path, lines: tuple[str, ...], expected: Any) -> None:
    """Targets that are added, removed or changed are named, and hold from then on."""
    old = read(tmp_path, target(HTTP))
    new = read(tmp_path, "" if lines == ("type",) else target(HTTP, *lines))
    found = difference(old, new)

    assert (found.handoffs_added, found.handoffs_removed, found.handoffs_changed) == expected
    assert found.needs_restart == ()
    assert taken_up(old, new).handoffs == new.handoffs
    assert difference(new, old).handoffs_added == found.handoffs_removed
