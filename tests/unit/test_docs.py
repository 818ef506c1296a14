"""What the documents say is what the code has."""

import re
from pathlib import Path

import pytest

from operators.cli.main import EPILOG
from operators.demo.report import COLUMNS
from sandbox.anthropic.scenarios import WORDS as ANTHROPIC_WORDS
from sandbox.scenarios import WORDS
from sandbox.thunderbit.scenarios import WORDS as THUNDERBIT_WORDS
from sandbox.thunderbit.switches import Switches
from schemas.config.difference import LIVE
from schemas.config.written import SECTIONS
from schemas.words import Category, Code, Trouble

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
DOCUMENTS = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document):
    """
    Every relative link of a document leads to a file that is there.
    """
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text())

    assert [target for target in targets if not (document.parent / target).exists()] == []


def test_every_promise_names_the_test_that_shows_it():
    """
    Each promise links a test file and names a test that stands in it.
    """
    section = README.partition("## Promises")[2].partition("\n## ")[0]
    promises = [line for line in section.splitlines() if re.match(r"\d\.|- ", line)]
    shown = re.findall(r"\[`(\w+)`\]\((tests/[\w/]+\.py)\)", section)

    assert len(promises) >= 5
    assert len(shown) >= len(promises)
    assert [name for name, path in shown if f"def {name}(" not in (ROOT / path).read_text()] == []


def test_the_demo_table_is_the_demos():
    """
    The table in the README has the columns that the demo prints, in their order.
    """
    header = next(line for line in README.splitlines() if "what was played  " in line)

    assert re.split(r"\s{2,}", header.strip()) == list(COLUMNS)


def test_every_code_is_explained():
    """
    docs/failures.md has a row for each code, under its category, and for each kind of trouble.
    """
    text = (ROOT / "docs" / "failures.md").read_text()

    assert [code for code in Code if f"| `{code}` |" not in text] == []
    assert [category for category in Category if f"## {category}" not in text] == []
    assert [
        trouble for trouble in Trouble if f"`{trouble}`" not in text.partition("## Reconciliation trouble")[2]
    ] == []


def test_what_a_running_service_takes_up_is_told():
    """
    docs/configuration.md names each table and key that SIGHUP changes, and no other key in that paragraph.
    """
    text = (ROOT / "docs" / "configuration.md").read_text()
    taken_up = text.partition("- Taken up at once:")[2].partition("\n- ")[0]
    whole = {table for table, keys in LIVE.items() if keys == set(SECTIONS[table].model_fields)}
    named = {*whole, "sources.NAME", "handoffs.NAME", *(LIVE.keys() - whole)}
    keys = {key for table in LIVE.keys() - whole for key in LIVE[table]}

    assert set(re.findall(r"`\[([\w.]+)\]`", taken_up)) == named
    assert set(re.findall(r"`(\w+)`", taken_up)) | {"token"} == keys


def test_every_scenario_is_listed():
    """
    docs/sandbox.md lists each scenario word with what it does.
    """
    text = (ROOT / "docs" / "sandbox.md").read_text()

    assert [word for word, what in WORDS.items() if f"| `{word}` | {what} |" not in text] == []


def test_everything_at_thunderbit_is_listed():
    """
    docs/sandbox.md lists each switch of the stand-in for Thunderbit, and each scenario word with what it does.
    """
    text = (ROOT / "docs" / "sandbox.md").read_text().partition("## Thunderbit")[2]

    assert [name for name in Switches.model_fields if f"| `{name}` |" not in text] == []
    assert [word for word, what in THUNDERBIT_WORDS.items() if f"| `{word}` | {what} |" not in text] == []


def test_everything_at_anthropic_is_listed():
    """
    docs/sandbox.md lists each scenario word of the stand-in for Anthropic with what it does.
    """
    text = (ROOT / "docs" / "sandbox.md").read_text().partition("## Anthropic")[2]

    assert [word for word, what in ANTHROPIC_WORDS.items() if f"| `{word}` | {what} |" not in text] == []


def test_exit_codes_are_those_of_the_help():
    """
    The README and the command line's help tell the same exit codes.
    """
    flat = " ".join(README.split())

    assert EPILOG.rstrip(".") in flat


def test_every_dependency_says_what_it_saves():
    """
    docs/dependencies.md has a line for each dependency of pyproject.toml.
    """
    project = (ROOT / "pyproject.toml").read_text()
    named = set(re.findall(r'^    "([a-z-]+)(?:\[[a-z]+\])?[><=~]', project, re.MULTILINE))
    text = (ROOT / "docs" / "dependencies.md").read_text()

    assert {name for name in named if name not in text} == set()


def test_every_folder_is_in_the_readme():
    """
    A new entry at the root needs a sentence in the README.
    """
    folders = {path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")}
    ignored = {"batchkeeper-data", "build", "dist", "__pycache__"}

    assert {name for name in folders - ignored if f"`{name}/`" not in README and not name.endswith("egg-info")} == set()


def test_pinned_versions_name_no_address():
    """
    The constraints are names and versions, and nothing else.
    """
    lines = (ROOT / "constraints.txt").read_text().splitlines()

    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9_.-]+==[A-Za-z0-9_.+-]+", line)] == []
