"""The console script: where `--config` may stand, and which verbs there are."""

from importlib import import_module

import pytest
import typer

from operators.cli import failing
from operators.cli.main import EPILOG, PLACES, SECTIONS, config_first
from operators.errors import AmbiguousName, BadInput, NoDatabase, NoSuchThing, NotPossible, Problem, ProviderProblem
from storage.ledger import LedgerInUse
from storage.schema import WrongSchema
from storage.sqlite.file import UnsafeDatabaseFile

VERBS = {name: text for verbs in SECTIONS.values() for name, (_, text) in verbs.items()}


@pytest.mark.parametrize(
    ("given", "moved"),
    [
        (["jobs"], ["jobs"]),
        (["--config", "a.toml", "jobs"], ["--config", "a.toml", "jobs"]),
        (["jobs", "--json", "--config", "a.toml"], ["--config", "a.toml", "jobs", "--json"]),
        (["jobs", "--config=a.toml", "--all"], ["--config=a.toml", "jobs", "--all"]),
        (["job", "--", "--config"], ["job", "--", "--config"]),
        ([], []),
    ],
)
def test_config_may_stand_anywhere(given, moved):
    """
    `--config PATH` is moved in front of the verb from wherever it stands, but not from behind `--`.
    """
    assert config_first(given) == moved


def test_config_without_a_path_is_refused():
    """
    `--config` at the very end names nothing, and does not take the verb for a path.
    """
    with pytest.raises(BadInput, match="write --config PATH"):
        config_first(["jobs", "--config"])


@pytest.mark.parametrize("name", PLACES)
def test_each_verb_is_where_the_table_says(name):
    """
    Every verb of the overview is found in its module, and its own help begins as the overview says.
    """
    module, _, verbs = PLACES[name].partition(":")
    group = typer.main.get_group(getattr(import_module(f"operators.cli.{module}"), verbs))
    command = group.commands[name]

    assert (command.help or "").split("\n")[0] == VERBS[name] or name == "demo"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (NotPossible("x"), 1),
        (BadInput("x"), 2),
        (NoSuchThing("x"), 4),
        (AmbiguousName("x"), 5),
        (NoDatabase("x"), 6),
        (UnsafeDatabaseFile("x"), 6),
        (WrongSchema("x"), 6),
        (LedgerInUse("x"), 6),
        (ProviderProblem("x"), 7),
        (ExceptionGroup("several", [NoSuchThing("x")]), 4),
    ],
)
def test_each_error_has_its_exit_code(error, code):
    """
    What went wrong decides the exit code, also inside a group; each code is in the help's last lines.
    """
    assert failing.told(error) == ("x", code)
    assert f"{code} " in EPILOG


@pytest.mark.parametrize("kind", Problem.__subclasses__())
def test_every_problem_has_an_exit_code_of_its_own(kind):
    """
    Each kind of problem says its exit code.
    """
    assert "exit_code" in vars(kind)


def test_an_error_of_ours_is_told_in_a_line_with_its_place():
    """
    What nobody foresaw is named with the place where it happened, without a traceback.
    """
    try:
        config_first(None)  # type: ignore[arg-type]
    except TypeError as error:
        message, code = failing.told(error)

    assert code == 1
    assert "TypeError" in message
    assert "main.py, line" in message
    assert "Traceback" not in message


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (FileNotFoundError(2, "No such file or directory", "x.jsonl"), "x.jsonl: No such file or directory"),
        (OSError(98, "cannot listen on port 80: in use"), "cannot listen on port 80: in use"),
    ],
)
def test_an_error_of_the_system_names_its_file(error, said):
    """
    The file goes along where there is one.
    """
    assert failing.told(error) == (said, 1)
