"""What docs/monitoring.md lists is what the code has: every metric, every event of the log, every alert."""

import re
from pathlib import Path

import yaml
from log_events import events

from operators.logs import LEVELS
from operators.metrics.catalogue import METRICS

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "monitoring.md").read_text()


def section(title: str) -> str:
    return TEXT.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def rows(title: str) -> list[list[str]]:
    """The cells of a section's table, without its head."""
    lines = [line for line in section(title).splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[1:]]


def test_every_metric_is_listed():
    """
    The table of metrics is the catalogue: names, kinds, labels and meanings, in its order.
    """
    listed = [
        [f"`{metric.full_name}`", metric.kind, ", ".join(metric.labels), metric.meaning] for metric in METRICS.values()
    ]

    assert [[*cells[:2], *cells[-2:]] if len(cells) == 4 else cells for cells in rows("Metrics")] == listed


def test_a_counter_is_named_as_one():
    """
    Counters, and they alone, end in `_total`.
    """
    assert {name for name, one in METRICS.items() if name.endswith("_total")} == {
        name for name, one in METRICS.items() if one.kind == "counter"
    }


def test_every_event_of_the_log_is_listed():
    """
    The table of events has each one that the code logs, at its levels, with every field that stands where it is logged.
    """
    logged = events()
    listed = {cells[0].strip("`"): cells for cells in rows("The log")}

    assert listed.keys() == logged.keys()
    assert len(rows("The log")) == len(listed)
    for name, event in logged.items():
        _, levels, fields, meaning = listed[name]
        assert set(levels.split(" or ")) == event.levels, name
        assert event.fields - set(re.findall(r"\w+", fields)) == set(), name
        assert meaning


def test_an_event_is_one_name():
    """
    Events are words of ours: lower case, and one name for one thing.
    """
    assert [name for name in events() if not re.fullmatch(r"[a-z]+(_[a-z]+)*", name)] == []


def test_every_level_is_named():
    """
    The levels that `BATCHKEEPER_LOG` takes are in the text.
    """
    assert [level for level in LEVELS if level not in section("The log")] == []


def test_every_alert_is_listed():
    """
    The table of alerts has each rule that ships, with its severity.
    """
    groups = yaml.safe_load((ROOT / "monitoring" / "alerts.yml").read_text())["groups"]
    shipped = [(rule["alert"], rule["labels"]["severity"]) for group in groups for rule in group["rules"]]

    assert re.findall(r"^\| `(\w+)`, (\w+) \|", section("Alerts"), re.MULTILINE) == shipped
