"""The alerts and the dashboard that ship ask for metrics, labels and words that a real `/metrics` has."""

import json
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import insert
from stored import NOON, Run, within
from test_metrics import config

from operators.cli.main import PLACES, Verbs
from operators.metrics.catalogue import METRICS, PREFIX
from operators.metrics.counters import COUNTERS
from operators.metrics.exposition import gathered, written
from operators.metrics.standing import CIRCUIT
from schemas.tables import FindingRow
from schemas.words import ActionState, Category, Code, HandoffState, RefusalReason, Status, Trouble
from storage import counting, leases, sources
from storage.rows import table
from storage.store import Store

ROOT = Path(__file__).parents[2]
ALERTS = [
    rule
    for group in yaml.safe_load((ROOT / "monitoring" / "alerts.yml").read_text())["groups"]
    for rule in group["rules"]
]
DASHBOARD = json.loads((ROOT / "monitoring" / "grafana.json").read_text())
TARGETS = [(panel["title"], target) for panel in DASHBOARD["panels"] for target in panel["targets"]]
EXPRESSIONS = [(rule["alert"], rule["expr"]) for rule in ALERTS] + [(title, one["expr"]) for title, one in TARGETS]

# The words of each label that is matched by a word.
WORDS: dict[str, set[str]] = {
    "category": set(Category),
    "code": set(Code),
    "reason": set(RefusalReason),
    "trouble": set(Trouble),
    "to_status": set(Status),
    "state": {*CIRCUIT, *HandoffState, *ActionState},
    "source": {"other", "$source"},
}
OF_PROMETHEUS = {"up": {"job"}}
# One of everything that happens.
A_ROW = {
    "last_http_status": 200,
    "last_attempt_at": NOON,
    "last_attempt_status": 200,
    "clock_ahead": 0,
    "budget_left": 1,
}
COUNTED = {
    ".".join([head, *("word" if known is None else min(known) for known in words)]): 1
    for head, (_, words) in COUNTERS.items()
} | {"handoff.down.new.waiting": 1, "lag.le.10": 1, "lag.count": 1, "lag.sum": 1}


@pytest.fixture
def real(store: Store, run: Run) -> dict[str, set[str]]:
    """The labels of each sample that a `/metrics` shows once everything has happened, by the sample's name."""

    async def text() -> str:
        clock = store.engine.lease_clock(NOON)
        await within(store.writing(), sources.enter, "acme", "phaseo", NOON)
        await within(store.writing(), sources.change, "acme", A_ROW)
        await within(store.writing(), counting.count, "acme", COUNTED, NOON)
        await within(store.writing(), leases.acquire, "reconciler:one", "one", 10_000_000, clock)
        finding = FindingRow(id=1, source="acme", rule="silent", message="", began_at=NOON, seen_at=NOON)
        async with store.writing() as connection:
            await connection.execute(insert(table(FindingRow)).values(**finding.model_dump()))
        async with store.reading() as connection:
            return written(await gathered(connection, store, config("acme"), NOON)).decode()

    found: defaultdict[str, set[str]] = defaultdict(set)
    for family in text_string_to_metric_families(run(text())):
        for sample in family.samples:
            found[sample.name] |= sample.labels.keys()
    return found


def test_everything_in_the_catalogue_is_shown(real: dict[str, set[str]]) -> None:
    """Each metric of the catalogue has samples once there is something to tell, with its labels and no others."""
    for metric in METRICS.values():
        ending = "_count" if metric.kind == "histogram" else ""
        assert real[metric.full_name + ending] == set(metric.labels), metric.name


def test_what_is_asked_for_exists(real: dict[str, set[str]]) -> None:
    """Every metric, label and word in an expression is one that there is."""
    for where, expression in EXPRESSIONS:
        labels: set[str] = {"le"} if "le" in re.findall(r"\w+", expression) else set()
        for name, matched in _selectors(expression):
            known = OF_PROMETHEUS.get(name, real.get(name))
            assert known is not None, f"{where}: there is no {name}"
            labels |= known
            for label, words in matched:
                assert label in known, f"{where}: {name} has no label {label}"
                strange = set() if name in OF_PROMETHEUS else words - WORDS[label]
                assert not strange, f"{where}: {label} is never {strange}"
        for grouped in re.findall(r"\b(?:by|on|without)\s*\(([^)]*)\)", expression):
            assert {one.strip() for one in grouped.split(",")} <= labels, f"{where}: {grouped}"


@pytest.mark.parametrize(("where", "expression"), EXPRESSIONS)
def test_brackets_match(where: str, expression: str) -> None:
    """What opens closes, in order; and something of ours, or of Prometheus itself, is asked for."""
    opened: list[str] = []
    for letter in re.sub(r'"[^"]*"', "", expression):
        if letter in "([{":
            opened.append(letter)
        elif letter in ")]}":
            assert opened, where
            assert opened.pop() + letter in ("()", "[]", "{}"), where
    assert not opened, where
    assert list(_selectors(expression)), where


def test_legends_name_labels() -> None:
    """A legend shows labels that the expression leaves."""
    for title, target in TARGETS:
        shown = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
        kept = {one.strip() for one in re.findall(r"by \(([^)]*)\)", target["expr"])[0:1] for one in one.split(",")}
        assert shown <= kept, title


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_each_alert_says_where_to_look(rule: dict[str, Any]) -> None:
    """A page with its heading, and a command with options that it has; its labels are those that the expression leaves."""
    page, _, command = rule["annotations"]["see"].partition("; ")
    file, _, anchor = page.partition("#")
    headings = re.findall(r"^#+ (.+)$", (ROOT / file).read_text(), re.MULTILINE)
    assert not anchor or anchor in {_slug(heading) for heading in headings}

    words = command.strip("`").split()
    assert words[0] == "batchkeeper"
    options = [word for word in words if word.startswith("--")]
    assert set(options) <= _options(words[1:])
    assert rule["labels"]["severity"] in ("page", "ticket")
    named = set(re.findall(r"\$labels\.(\w+)", json.dumps(rule["annotations"])))
    kept = {one.strip() for group in re.findall(r"by \(([^)]*)\)", rule["expr"])[:1] for one in group.split(",")}
    assert named <= kept


def test_the_alerts_have_names_of_their_own() -> None:
    """No name is given twice, and each begins with the product's."""
    names = [rule["alert"] for rule in ALERTS]
    assert len(set(names)) == len(names)
    assert {name.startswith("Batchkeeper") for name in names} == {True}


def _selectors(expression: str) -> list[tuple[str, list[tuple[str, set[str]]]]]:
    """Each metric in an expression, with the labels that it is narrowed by and their words."""
    found = re.findall(rf"\b({PREFIX}[a-z0-9_]+|up)\b(?:\{{([^}}]*)\}})?", expression)
    return [
        (
            name,
            [(label, set(words.split("|"))) for label, words in re.findall(r'(\w+)\s*[!=]=?~?\s*"([^"]*)"', matchers)],
        )
        for name, matchers in found
    ]


def _options(words: list[str]) -> set[str]:
    """The options of a verb, or of a verb's own verb."""
    group = Verbs(name="batchkeeper")
    context = typer.Context(group)
    assert words[0] in PLACES
    command: Any = group.get_command(context, words[0])
    while hasattr(command, "commands"):
        words = words[1:]
        command = command.commands[words[0]]
    return {name for parameter in command.params for name in parameter.opts}


def _slug(heading: str) -> str:
    """How a heading is linked to."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
