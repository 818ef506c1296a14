"""The demo does what the README says of it."""

import json
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from commands import SCRIPT, environment

from sandbox.clock import Clock
from sandbox.providers import make_providers
from sandbox.server import SandboxSettings

pytestmark = pytest.mark.processes


def test_the_demo_ends_by_itself_and_well(tmp_path):
    """
    `demo --json` prints the report alone, every job has ended as the sandbox says, at each provider that the sandbox stands in
    for, all three categories of failure appear where they belong, lost webhooks are healed by asking, every row is accounted for,
    one by one where the sandbox tells each, downstream is told of each job under one id, and nothing is left behind.
    """
    variables = environment({"TMPDIR": str(tmp_path)})

    done = subprocess.run(
        [SCRIPT, "demo", "--json"],
        env=variables,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    jobs = json.loads(done.stdout)["jobs"]
    rows = {job["story"]: tuple(job["rows"][name] for name in COUNTS) for job in jobs if job["rows"]}
    assert Counter(job["source"] for job in jobs) == {"gateway": 14, **dict.fromkeys(others(), 1)}
    assert len([job for job in jobs if job["story"] == "one of a group of three"]) == 3
    assert rows["one of a group of three"] == (4, 4, 0, 0)
    assert rows["a good day"] == (12, 12, 0, 0)
    assert rows["some rows fail"] == (12, 8, 4, 0)
    assert rows["batch fails"] == (12, 0, 0, 12)
    assert {job["source"]: job["outcomes"] for job in jobs if job["outcomes"]} == EACH_ROW
    for source, outcomes in EACH_ROW.items():
        (job,) = (job for job in jobs if job["source"] == source)
        assert rows[job["story"]] == (len(outcomes), outcomes.count(SUCCEEDED), outcomes.count(FAILED), 0)
    assert {sum(counts[1:]) - counts[0] for counts in rows.values()} == {0}
    assert {job["handed_on"] for job in jobs} == {1}
    codes = {job["story"]: {(one["category"], one["code"]) for one in job["failures"]} for job in jobs}
    # On a machine that is busy enough, the batch is over before the command to cancel it has started.
    cancelled = codes.pop("cancelled by us")
    assert cancelled in ({(CANCELLATION, "cancelled_by_operator")}, {(CANCELLATION, "too_late")})
    assert codes == EXPECTED
    assert [job["story"] for job in jobs if job["status"] != job["true_status"]] == []
    assert {job["story"] for job in jobs if job["healed_by_poll"]} == UNHEARD
    assert {job["source"]: (job["sent"], job["arrived"]) for job in jobs if job["source"] != "gateway"} == TRAFFIC
    assert list(tmp_path.iterdir()) == []


def others() -> set[str]:
    """Whom the sandbox stands in for beside the gateway."""
    return {one.path.removeprefix("/") for one in make_providers(SandboxSettings(0), Clock(1))}


COUNTS = ("asked", "answered", "failed", "missing")
DELIVERY, EXECUTION, CANCELLATION = "delivery", "execution", "cancellation"
SUCCEEDED, FAILED = "succeeded", "failed"
UNHEARD = {
    "webhook never sent",
    "gateway cannot reach us, gives up",
    "webhook signed with a wrong secret",
    "batch expires, webhook never sent",
    "webhook never sent, gateway answers 500",
    "documents as CSV, two fail",  # the tagger has no webhooks
    "messages, one fails",  # nor has Anthropic
}
# What became of each row, in the order of the input: of pages.csv and documents.csv as their names say, of OpenAI's as the
# scenario rows_fail has it.
EACH_ROW = {
    "openai": [FAILED if place % 3 == 1 else SUCCEEDED for place in range(12)],
    "thunderbit": [SUCCEEDED, SUCCEEDED, FAILED, SUCCEEDED, SUCCEEDED, FAILED, SUCCEEDED, SUCCEEDED],
    "tagger": [SUCCEEDED, SUCCEEDED, FAILED, SUCCEEDED, FAILED, SUCCEEDED],
    "anthropic": [SUCCEEDED, FAILED, SUCCEEDED, SUCCEEDED],
}
# What went out as webhooks, and what of it was taken: of OpenAI's the one that is signed well.
TRAFFIC = {
    "openai": ({"batch.completed": 2}, {"batch.completed": 1}),
    "thunderbit": ({"batch.completed": 1}, {"batch.completed": 1}),
    "tagger": ({}, {}),
    "anthropic": ({}, {}),
    "standard": ({"task.started": 1, "task.completed": 1}, {"task.started": 1, "task.completed": 1}),
}
EXPECTED = {
    "a good day": set(),
    "webhook never sent": {(DELIVERY, "never_attempted")},
    "webhook sent three times": set(),
    "webhook late": set(),
    "gateway cannot reach us, gives up": {(DELIVERY, "unreachable")},
    "webhook signed with a wrong secret": {(DELIVERY, "rejected")},
    "batch fails": {(EXECUTION, "failed")},
    "batch expires, webhook never sent": {(EXECUTION, "expired"), (DELIVERY, "never_attempted")},
    "some rows fail": {(EXECUTION, "rows_failed")},
    "webhook never sent, gateway answers 500": {(DELIVERY, "never_attempted")},
    "one of a group of three": set(),
    "first webhook badly signed, rows fail": {(EXECUTION, "rows_failed")},
    "pages as CSV, two fail": {(EXECUTION, "rows_failed")},
    "documents as CSV, two fail": {(EXECUTION, "rows_failed")},
    "messages, one fails": {(EXECUTION, "rows_failed")},
    "made by another program": set(),
}


def test_a_demo_that_is_interrupted_leaves_nothing(tmp_path):
    """
    SIGTERM ends the demo, its processes and its folder.
    """
    process = subprocess.Popen(
        [SCRIPT, "demo"], env=environment({"TMPDIR": str(tmp_path)}), cwd=tmp_path, stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        for line in process.stdout:
            if "batchkeeper submit" in line:
                break
        folders = list(tmp_path.iterdir())
        process.terminate()
        process.stdout.read()

    assert process.returncode == 128 + 15
    assert len(folders) == 1
    assert list(tmp_path.iterdir()) == []
    assert _processes_in(folders[0]) == []


def _processes_in(folder: Path) -> list[str]:
    """The processes that have this working folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cwd"):
        try:
            if str(entry.readlink()).startswith(str(folder)):
                found.append(entry.parent.name)
        except OSError:
            continue
    return found
