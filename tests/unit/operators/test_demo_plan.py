"""The demo's plan: whom it plays at, its configuration, and how the stand-ins' words are read."""

import sys
from pathlib import Path

import pytest

import sandbox
from operators.demo import plan, truths
from operators.demo.providers import PROVIDERS, make_up
from operators.demo.report import is_right, report_job
from operators.demo.truths import Truth
from sandbox.reached import stand_ins
from sandbox.server import SandboxSettings
from schemas.config import load
from schemas.dialects import DEFAULTS, DIALECTS

EXAMPLES = Path(sandbox.__file__).parent / "examples"
PLACES = {"sandbox": "http://127.0.0.1:8090", "endpoint": "5f0c3f7e-0000-4000-8000-000000000001"}
TWO = {"asked": 2, "answered": 1, "failed": 1, "missing": 0}


def test_every_dialect_is_played(tmp_path):
    """
    The configuration is one that the service takes, with secrets that the sandbox tells or that are made up. It has a source
    for each dialect, and each has a job.
    """
    path = tmp_path / "batchkeeper.toml"
    tables = tuple(one.table for one in PROVIDERS)
    path.write_text(plan.configuration(1, 2, tables, PLACES, sys.executable))
    told = {name: value for one in stand_ins(SandboxSettings(0), "") for name, value in one.variables.items()}

    config = load(path, {**told, **make_up(), plan.OPERATORS_TOKEN: "0123456789abcdef"}, DEFAULTS)

    assert {source.dialect for source in config.sources.values()} == DIALECTS.keys()
    assert list(config.sources) == [one.source for one in PROVIDERS]
    assert all(one.jobs for one in PROVIDERS)


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda one: one.source)
def test_each_job_has_an_example_or_an_order(provider):
    """
    What is submitted lies among the sandbox's examples; what another program makes has a create call and a key.
    """
    for job in provider.jobs:
        if job.order is None:
            assert (EXAMPLES / job.file).is_file()
        else:
            assert provider.create_path
            assert provider.api_key in provider.table


BATCH = {"job_id": "t", "status": "failed", "settled": True, "rows": None, "sent": []}
THUNDERBIT = {"job_id": "t", "status": "COMPLETED", "done": True, "settled": True, "sent": [{}, {}]}
TAGGER = {"job_id": "t", "status": "completed", "done": True, "rows": ["success", "failed"]}
OUTCOMES = ("succeeded", "failed")


@pytest.mark.parametrize(
    ("read", "document", "expected"),
    [
        (
            truths.of_gateway,
            {"batches": [BATCH]},
            Truth("failed", True, None, None, {}),
        ),
        (
            truths.of_openai,
            {"batches": [{**BATCH, "rows": TWO, "outcomes": list(OUTCOMES), "sent": [{"event": "batch.failed"}]}]},
            Truth("failed", True, TWO, OUTCOMES, {"batch.failed": 1}),
        ),
        (
            truths.of_thunderbit,
            {"jobs": [{**THUNDERBIT, "rows": [{"outcome": "SUCCEEDED"}, {"outcome": "FAILED"}]}]},
            Truth("completed", True, TWO, OUTCOMES, {"batch.completed": 2}),
        ),
        (
            truths.of_thunderbit,
            {"jobs": [{**THUNDERBIT, "rows": [{"outcome": "PENDING"}], "settled": False, "sent": []}]},
            Truth("completed", False, {"asked": 1, "answered": 0, "failed": 0, "missing": 1}, ("missing",), {}),
        ),
        (truths.of_tagger, {"jobs": [TAGGER]}, Truth("completed", True, TWO, OUTCOMES, {})),
        (
            truths.of_tagger,
            {"jobs": [{**TAGGER, "status": "processing", "done": False}]},
            Truth("processing", False, None, None, {}),
        ),
        (
            truths.of_standard,
            {"tasks": [{"task_id": "t", "status": "failed", "settled": False, "sent": [{"event": "task.failed"}] * 2}]},
            Truth("failed", False, None, None, {"task.failed": 2}),
        ),
    ],
)
def test_each_truth_is_read_in_one_shape(read, document, expected):
    """
    Status in our words, whether it is settled, counts of rows, what became of each row, and what was sent.
    """
    assert read(document) == {"t": expected}


OURS = {
    "source": "thunderbit",
    "status": "completed",
    "row_match": {"asked": 2, "succeeded": 1, "failed": 1, "missing": 0},
    "deliveries": [],
    "failures": [],
}
TRUE = Truth("completed", True, TWO, OUTCOMES, {})


@pytest.mark.parametrize(
    ("ours", "truth", "outcomes", "right"),
    [
        (OURS, TRUE, ["succeeded", "failed"], True),
        (OURS, TRUE, ["failed", "succeeded"], False),
        (OURS, TRUE, None, False),
        ({**OURS, "status": "failed"}, TRUE, ["succeeded", "failed"], False),
        ({**OURS, "row_match": None}, TRUE, ["succeeded", "failed"], False),
        ({**OURS, "row_match": None}, Truth("completed", True, None, None, {}), None, True),
    ],
)
def test_a_job_is_right_only_row_by_row(ours, truth, outcomes, right):
    """
    Status, counts and the outcome of each row have to be the sandbox's, in their order. Where it tells none, there are none.
    """
    job = report_job("a story", truth, ours, [{"id": "hnd_1"}], outcomes)

    assert (job["as_it_should_be"], is_right([job])) == (right, right)
