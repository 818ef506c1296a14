"""The verbs without a service: usage, configuration, files, names. In this process; tests/flow/test_cli.py has real ones."""

import json
import os
import re
import shlex
import socket
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
import structlog
import typer

import sandbox
from operators.cli.main import app, main
from operators.filters import NOUNS

EXAMPLE = str(Path(sandbox.__file__).parent / "examples" / "requests.jsonl")
SOURCE = """
[sources.{name}]
dialect = "phaseo"
base_url = "http://127.0.0.1:1/v1"
api_key_env = "KEY"
webhook_secrets_env = ["SECRET_{name}"]
webhook_endpoint_id = "5f0c3f7e-0000-4000-8000-000000000001"
"""
DATABASE = '[database]\nurl = "sqlite:///ledger.db"\n'


@dataclass
class Said:
    """What a verb printed, and how it ended."""

    code: int
    out: str
    err: str


Typed = Callable[..., Said]


@pytest.fixture
def typed(tmp_path, monkeypatch, capsys) -> Typed:
    """Run a verb in a folder with a good configuration. `changes` are variables."""
    for name in [name for name in os.environ if name.startswith("BATCHKEEPER_")]:
        monkeypatch.delenv(name)
    variables = {"KEY": "k" * 24, "SECRET_gateway": "s" * 32, "SECRET_other": "t" * 32, "NO_COLOR": "1"}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    Path("batchkeeper.toml").write_text(DATABASE + SOURCE.format(name="gateway"))

    def run(*words: str, **changes: str) -> Said:
        for name, value in changes.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["batchkeeper", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        for name in changes:
            monkeypatch.setenv(name, variables[name]) if name in variables else monkeypatch.delenv(name)
        printed = capsys.readouterr()
        assert "Traceback" not in printed.out + printed.err
        return Said(int(ended.value.code or 0), printed.out, printed.err)

    yield run
    structlog.reset_defaults()


@pytest.fixture
def stored(typed) -> Typed:
    """The same, with a database."""
    assert typed("migrate").out.endswith("/ledger.db: brought up to date\n")
    return typed


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["jobz"], "did you mean `job` or `jobs`"),
        (["xyz"], "`batchkeeper --help` lists them"),
        (["jobs", "--limit", "0"], "--limit"),
        (["jobs", "--status", "done"], "status: there is no status done. Known are unknown, pending"),
        (["jobs", "--status", "failed,complete"], "did you mean completed?"),
        (["jobs", "--status", ","], "status: a word is missing"),
        (["failures", "--category", "bad"], "--category"),
        (["cancel", "x"], "--reason"),
        (["cancel", "x", "--reason", " "], "--reason"),
        (["submit", "x.jsonl"], "--source"),
        (["submit", EXAMPLE, "--source", "nope"], "configured are: gateway"),
        (["jobs", "--config"], "write --config PATH"),
        (["jobs", "--config", "nowhere.toml"], "nowhere.toml"),
        (["sandbox", "--speed", "0"], "above 0"),
        (["sandbox", "--generation", "G9"], "use G1a, G1b, G2, G3"),
        (["sandbox", "--port", "99999"], "--port"),
        (["sign", "--source", "nope"], "configured are: gateway"),
        (["send", "--source", "gateway", "--body", "nothing"], "cannot read nothing"),
        (["send", "--source", "gateway", "--to", "nonsense"], "cannot post to nonsense"),
    ],
)
def test_wrong_usage_ends_with_2(typed, words, said):
    """
    Wrong usage is answered on standard error with what is wrong, and ends with 2.
    """
    found = typed(*words)

    assert (found.code, found.out) == (2, "")
    assert said in found.err


def test_config_may_stand_before_and_after_the_verb(stored):
    """
    The same file is read from in front of the verb, from behind it, and from the variable.
    """
    Path("batchkeeper.toml").rename("other.toml")

    assert stored("jobs").code == 2
    assert stored("--config", "other.toml", "jobs").code == 0
    assert stored("jobs", "--config=other.toml", "--json").out == "[]\n"
    assert stored("jobs", "--json", "--config", "other.toml").out == "[]\n"
    assert stored("jobs", BATCHKEEPER_CONFIG="other.toml").code == 0


def test_config_check_tells_all_problems_at_once(typed):
    """
    A good file is summed up; a broken one ends with 2 and every problem, each with its key and the fix.
    """
    assert str(Path("ledger.db").absolute()) in typed("config", "check").out

    broken = typed("config", "check", KEY="", BATCHKEEPER_RECEIVER__PROT="1")

    assert broken.code == 2
    assert "2 problems" in broken.err
    assert broken.err.count("fix:") == 2


@pytest.mark.parametrize(
    "words",
    [
        ["jobs"],
        ["job", "x"],
        ["explain", "x"],
        ["sources"],
        ["poll", "x"],
        ["track", "gateway", "x"],
        ["submit", EXAMPLE, "--source", "gateway"],
    ],
)
def test_without_a_database_nothing_is_made(typed, words):
    """
    Before the first start a verb ends with 6, says how to begin, and leaves no file behind.
    """
    said = typed(*words)

    assert said.code == 6
    assert "`batchkeeper up`" in said.err
    assert [path.name for path in Path().iterdir()] == ["batchkeeper.toml"]


@pytest.mark.parametrize("words", [["jobs"], ["up"], ["migrate"], ["reconcile", "--once"]])
def test_a_file_that_is_no_database_ends_with_6(typed, words):
    """
    A database file that is something else is named as such, and not touched.
    """
    Path("ledger.db").write_bytes(b"something else" * 1000)
    said = typed(*words)

    assert said.code == 6
    assert "not a database" in said.err
    assert Path("ledger.db").read_bytes() == b"something else" * 1000


def test_a_busy_database_ends_with_6(stored):
    """
    When somebody else holds the database for too long, the verb says so and to try again.
    """
    with closing(sqlite3.connect("ledger.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        said = stored("track", "gateway", "batch_x")
        other.execute("ROLLBACK")

    assert said.code == 6
    assert "try again" in said.err


@pytest.mark.parametrize("verb", ["jobs", "deliveries", "failures", "refusals"])
def test_an_empty_listing_is_no_mistake(stored, verb):
    """
    Nothing to list is a sentence, or an empty array; of a source that nobody knows it is a slip, and ends with 2.
    """
    said, slip = stored(verb), stored(verb, "--source", "gatewey", "--json")

    assert (said.code, said.err) == (0, "")
    assert stored(verb, "--json").out == "[]\n"
    assert stored(verb, "--source", "gateway").out == "nothing here for gateway\n"
    assert (slip.code, slip.out) == (2, "")


@pytest.mark.parametrize("words", [["job", "x"], ["explain", "x"], ["poll", "x"], ["cancel", "x", "--reason", "y"]])
def test_an_unknown_job_ends_with_4(stored, words):
    """
    A name that no job has ends with 4 and says how to go on.
    """
    said = stored(*words)

    assert (said.code, said.out) == (4, "")
    assert "`batchkeeper jobs` lists them" in said.err


def test_an_ambiguous_name_ends_with_5(stored):
    """
    A name that two jobs have ends with 5 and lists both, each under a name that is its own.
    """
    Path("batchkeeper.toml").write_text(DATABASE + SOURCE.format(name="gateway") + SOURCE.format(name="other"))
    for source in ("gateway", "other"):
        assert stored("track", source, "same").code == 0

    said = stored("job", "same")
    ours = re.findall(r"job_\w{13}", said.err)

    assert said.code == 5
    assert [stored("job", name).out.split("/")[0] for name in ours] == ["gateway", "other"]


def test_track_takes_a_job_in_once(stored):
    """
    A job is taken in, a second time it is said to be known, and that nobody is at work is said both times.
    """
    first, second = (stored("track", "gateway", "a/b/c") for _ in range(2))

    assert first.out.startswith("gateway/a/b/c: it is watched from now on")
    assert second.out.startswith("gateway/a/b/c: it was known already")
    assert "no reconciler is at work" in first.err
    assert "known by  " in stored("job", "gateway/a/b/c").out


@pytest.mark.parametrize(
    "words", [["gateway", "a b"], ["gateway", ".."], ["gateway", "x", "--kind", "music"], ["no", "x"]]
)
def test_what_cannot_be_a_job_is_not_tracked(stored, words):
    """
    An id or a kind that no job can have, and a source that is not configured, end with 2.
    """
    assert stored("track", *words).code == 2


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({}, "not looked through yet"),
        ({"list_message": "it cannot be had"}, "not looked through yet; it cannot be had"),
        ({"swept_at": 0}, "looked through at 1970-01-01 00:00:00 UTC; its page is not full"),
        (
            {"swept_at": 0, "list_message": "it cannot be had", "list_unreadable": 2},
            "looked through at 1970-01-01 00:00:00 UTC; its page was not full; since then: it cannot be had; "
            "2 entries could not be read",
        ),
        (
            {"swept_at": 0, "list_is_full": 1, "list_message": "its page is full for failed", "listed_at": 60_000_000},
            "last asked at 1970-01-01 00:01:00, looked through at 1970-01-01 00:00:00 UTC; "
            "there may be more than it shows: its page is full for failed",
        ),
    ],
)
def test_sources_tells_how_much_the_list_shows(stored, columns, said):
    """
    When the list was looked through, whether it shows all, for which statuses it is saturated, and what is in its way.
    """
    row = {"name": "gateway", "dialect": "phaseo", "listening_since": 0, "asked_last_minute": 0, "orphans": "{}"}
    row = {**row, "list_is_full": 0, "list_unreadable": 0, **columns}
    with closing(sqlite3.connect("ledger.db")) as ledger, ledger:
        names, marks = ", ".join(row), ", ".join("?" * len(row))
        ledger.execute(f"INSERT INTO sources ({names}) VALUES ({marks})", tuple(row.values()))  # noqa: S608  (our own names)

    (line,) = [line for line in stored("sources").out.splitlines() if line.startswith("  list ")]
    assert line.removeprefix("  list").strip() == said
    assert json.loads(stored("sources", "--json").out)[0]["list"]["message"] == columns.get("list_message")


def test_sources_prints_how_to_register(stored):
    """
    For a managed endpoint `sources` prints URL and events, and one unbroken command that registers both, without any key of ours.
    """
    lines = stored("sources").out.splitlines()
    command = shlex.split(lines[-1])
    (row,) = json.loads(stored("sources", "--json").out)

    assert f"for the events {' '.join(row['webhook_events'])}" in " ".join(" ".join(lines).split())
    assert command[:4] == ["curl", "-X", "POST", "http://127.0.0.1:1/v1/webhook-endpoints"]
    assert command[4:8] == [
        "-H",
        "Authorization: Bearer $PHASEO_MANAGEMENT_KEY",
        "-H",
        "Content-Type: application/json",
    ]
    assert json.loads(command[9]) == {"url": row["webhook_url"], "events": row["webhook_events"]}
    assert row["webhook_registration"]["body"] == json.loads(command[9])
    assert "k" * 24 not in lines[-1]


@pytest.mark.parametrize("webhook", ["inline", "none"])
def test_sources_without_an_endpoint_registers_nothing(stored, webhook):
    """
    Where no endpoint is managed there is nothing to register.
    """
    said = stored("sources", BATCHKEEPER_SOURCES__GATEWAY__WEBHOOK=webhook)

    assert "curl" not in said.out
    assert said.code == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--json"], "belong to --online"),
        (["--source", "gateway"], "belong to --online"),
        (["--management-key-env", "KEY"], "belong to --online"),
        (["--online", "--source", "nope"], "configured are: gateway"),
        (["--online", "--management-key-env", "NOT_SET"], "export NOT_SET="),
        (["--online", "--management-key-env", "EMPTY"], "export EMPTY="),
        (["--online", "--management-key-env", "BROKEN"], "export BROKEN="),
    ],
)
def test_a_check_that_is_asked_for_wrongly(typed, words, said):
    """
    Options of --online without it, a source that nobody knows, and a variable without a key are refused before anybody is asked.
    """
    found = typed("config", "check", *words, EMPTY=" ", BROKEN="two\nlines")

    assert (found.code, found.out) == (2, "")
    assert said in found.err


def test_nobody_to_ask_ends_with_7(typed):
    """
    `config check --online` says what is configured, and ends with 7 where nobody answers.
    """
    plain, online = typed("config", "check"), typed("config", "check", "--online")

    assert (plain.code, online.code) == (0, 7)
    assert online.out.startswith(plain.out)
    assert "  ! provider: unreachable: " in online.out


def test_a_job_of_a_removed_source_says_so(stored):
    """
    A job whose source has left the configuration ends with 1 and says what to put back, and is still listed.
    """
    stored("track", "gateway", "batch_x")
    Path("batchkeeper.toml").write_text(DATABASE + SOURCE.format(name="other"))
    said = stored("explain", "batch_x")

    assert said.code == 1
    assert "[sources.gateway]" in said.err
    assert "batch_x" in stored("jobs").out
    assert "batch_x" in stored("jobs", "--source", "gateway").out


def test_a_bad_file_is_refused_with_its_lines(stored):
    """
    All that is wrong with a file is told at once, with line numbers, before anything is stored or sent.
    """
    Path("bad.jsonl").write_text('{"custom_id": "a"}\nnonsense\n')
    said = stored("submit", "bad.jsonl", "--source", "gateway")

    assert said.code == 2
    assert "line 1: url is missing" in said.err
    assert "line 2: not JSON" in said.err
    assert "stored as" not in said.err


@pytest.mark.parametrize("pairs", [["k"], ["=v"], ["k=1", "k=2"], ["batchkeeper_submission=x"], ["k=" + "x" * 513]])
def test_metadata_that_would_be_refused_is_refused_here(stored, pairs):
    """
    Metadata of another form or beyond the gateway's limits is refused with the name of the key, and nothing is sent.
    """
    words = [word for pair in pairs for word in ("--metadata", pair)]
    said = stored("submit", EXAMPLE, "--source", "gateway", *words)

    assert said.code in (1, 2)
    assert "--metadata" in said.err
    assert "stored as" not in said.err


def test_a_submission_waits_for_an_unreachable_provider(stored):
    """
    What a gateway that nobody answers at cannot be sent is stored and waits: no mishap, told in the system's words, and listed.
    """
    said = stored("submit", EXAMPLE, "--source", "gateway")

    assert said.code == 0
    assert "stored, and waits; it goes on at" in said.out
    assert "connection" in said.out
    assert "goes on by itself" in said.err
    assert "stored" in stored("submissions").out


def test_what_nobody_answers_cannot_be_sent(typed):
    """
    Without a receiver `send` ends with 1 and asks whether one runs.
    """
    said = typed("send", "--source", "gateway", "--to", "http://127.0.0.1:1/webhooks/gateway")

    assert said.code == 1
    assert "is `batchkeeper up` running there?" in said.err


def test_a_signed_file_comes_from_that_file_again(typed):
    """
    `sign --body` prints a command that reads the file itself: not all bytes can stand in a command.
    """
    Path("body.bin").write_bytes(b"\xff\x00'")

    assert typed("sign", "--source", "gateway", "--body", "body.bin").out.endswith(" --data-binary @body.bin\n")


@pytest.mark.parametrize("table", ["receiver", "operators"])
def test_a_taken_port_is_named(typed, table):
    """
    A port that somebody has ends the start with 1, the port, and where to set another one.
    """
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ports = {"BATCHKEEPER_RECEIVER__PORT": "0", "BATCHKEEPER_OPERATORS__PORT": "0"}
        said = typed("up", **{**ports, f"BATCHKEEPER_{table.upper()}__PORT": str(port)})

    assert said.code == 1
    assert f"port {port}" in said.err
    assert f"[{table}]" in said.err


def test_the_audits_exit_codes(stored):
    """
    An audit ends with 0 when nothing is different, and with 3 when something is, or a finding stands against a source; in
    JSON it is one document.
    """
    nothing = stored("audit")
    assert (nothing.code, nothing.out) == (0, "no difference between the two ledgers, and no finding about a source\n")
    assert json.loads(stored("audit", "--json").out) == {"differences": [], "counts": {}, "findings": []}

    with closing(sqlite3.connect("ledger.db")) as ledger, ledger:
        ledger.execute(
            "INSERT INTO findings (id, source, rule, message, began_at, seen_at) VALUES (1, 'gateway', 'own_clock', 'far', 5, 5)"
        )
    found = stored("audit")
    assert (found.code, "see docs/failures.md#own_clock" in found.out) == (3, True)
    assert stored("audit", "--source", "other").code == 2

    with closing(sqlite3.connect("ledger.db")) as ledger, ledger:
        ledger.execute("DELETE FROM findings")
        ledger.execute(
            "INSERT INTO jobs (id, source, kind, job_id, origin, created_at, updated_at) "
            "VALUES (1, 'gateway', 'batch', 'batch_1', 'track', 5, 5)"
        )
        for number, code in enumerate(("missing", "lost_here"), 1):
            ledger.execute(
                "INSERT INTO failures (id, job, source, category, code, message, detected_at) "
                "VALUES (?, 1, 'gateway', 'delivery', ?, 'it never came', 5)",
                (number, code),
            )
    found = stored("audit", "--json")
    told = json.loads(found.out)
    assert (found.code, told["counts"]) == (3, {"lost_here": 1, "missing": 1})
    assert [one["page"] for one in told["differences"]] == ["docs/failures.md#lost_here", "docs/failures.md#missing"]
    assert stored("audit").out.endswith("1 lost_here, 1 missing\n")
    assert stored("audit", "--since", "1h").code == 0


def test_every_filter_of_a_listing_is_an_option():
    """
    The verbs that list take the filters of the API, each as an option of the same name.
    """
    for noun in NOUNS.values():
        verb = typer.main.get_command(app).get_command(None, noun.name)
        options = {name for parameter in verb.params for name in parameter.opts}
        assert {f"--{name.replace('_', '-')}" for name in noun.filters} <= options, noun.name
