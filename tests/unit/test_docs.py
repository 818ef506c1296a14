"""What the documents say is what the code has."""

import re
from pathlib import Path

import pytest

from operators import documented
from operators.auditing import CONFLICT, UNACKNOWLEDGED
from operators.cli.main import EPILOG
from operators.demo.report import COLUMNS
from sandbox.anthropic.scenarios import WORDS as ANTHROPIC_WORDS
from sandbox.scenarios import WORDS
from sandbox.thunderbit.scenarios import WORDS as THUNDERBIT_WORDS
from sandbox.thunderbit.switches import Switches
from schemas.config.difference import LIVE
from schemas.config.written import SECTIONS
from schemas.words import Category, Code, SourceRule, Trouble

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
# The codes of each category, as the design's table has them.
CODES = {
    Category.EXECUTION: (Code.FAILED, Code.EXPIRED, Code.ROWS_FAILED, Code.OUTPUT_MISSING),
    Category.CANCELLATION: (
        Code.CANCELLED_BY_OPERATOR,
        Code.CANCELLED_BY_AUTOMATION,
        Code.CANCELLED_ELSEWHERE,
        Code.NOT_CANCELLABLE,
        Code.REFUSED,
        Code.TOO_LATE,
        Code.STUCK,
    ),
    Category.DELIVERY: (
        Code.REJECTED,
        Code.TIMED_OUT,
        Code.UNREACHABLE,
        Code.NEVER_ATTEMPTED,
        Code.PHANTOM,
        Code.LOST_HERE,
        Code.MISSING,
    ),
}
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
    docs/failures.md explains each code under its category, each rule about a source, each difference that is no failure and
    each word of trouble, and nothing else: what it means, an example of evidence, and what to do.
    """
    text = (ROOT / "docs" / "failures.md").read_text()
    explained = {}
    for part in text.split("\n## ")[1:]:
        title, _, rest = part.partition("\n")
        for section in rest.split("\n### ")[1:]:
            name, _, said = section.partition("\n")
            explained[name] = title.partition(":")[0]
            assert re.search(r"\n\w.*\n\n- \*\*Evidence\*\*: .*`.*\n- \*\*Do\*\*: \S", said), name

    assert {code for codes in CODES.values() for code in codes} == set(Code)
    categories = {code.value: title for title, codes in CODES.items() for code in codes}
    assert explained == {
        **categories,
        **{rule.value: "Findings about a source" for rule in SourceRule},
        **dict.fromkeys([UNACKNOWLEDGED, CONFLICT], "Differences of the two ledgers"),
        **{f"trouble: {word}": "Reconciliation trouble" for word in Trouble},
    }


@pytest.mark.parametrize(
    "page",
    [
        *(documented.failure(code) for code in Code),
        *(documented.source_rule(rule) for rule in SourceRule),
        *(documented.trouble(word) for word in Trouble),
        *(f"{documented.PAGE}#{word}" for word in (UNACKNOWLEDGED, CONFLICT)),
    ],
)
def test_what_is_shown_leads_to_its_explanation(page):
    """
    Each place that operators are sent to is a heading of that page, and there is one such heading.
    """
    path, _, anchor = page.partition("#")
    headings = re.findall(r"^#+ (.*)$", (ROOT / path).read_text(), re.MULTILINE)
    anchors = [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings]

    assert anchors.count(anchor) == 1


@pytest.mark.parametrize("name", ["failures", "handoffs"])
def test_links_within_a_page(name):
    """
    A link to a heading of the same page leads to one that is there.
    """
    text = (ROOT / "docs" / f"{name}.md").read_text()
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}

    assert set(re.findall(r"\]\(#([\w-]+)\)", text)) <= anchors


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
    assert set(re.findall(r"`(\w+)`", taken_up)) | {"token", "read_token"} == keys


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
