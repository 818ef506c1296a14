"""The first sentence of a job's page: why there is no result, or what went wrong, and nothing that is not why."""

from typing import Any

import pytest
from given import NOW, a_delivery, a_job, a_source, an_action, the_facts

from operators import views
from operators.dashboard.headline import Headline, headline
from reconciler.accounting import reckon
from reconciler.explain import explain
from reconciler.facts import Facts
from reconciler.ready import missing_for_settled
from schemas.tables import FindingRow, OutputRow
from schemas.times import HOUR, MINUTE
from schemas.words import ActionState, Status

REFUSED = "90 requests were refused in the last 5 min"
ENDED: dict[str, Any] = {"ready_at": None, "settled_at": None, "due_at": NOW + MINUTE}


def standing(rule: str = "wrong_secret", message: str = REFUSED) -> FindingRow:
    times = {"began_at": NOW - HOUR, "seen_at": NOW}
    return FindingRow(id=9, source="gateway", rule=rule, subject="", message=message, evidence="[]", **times)


def told(facts: Facts, *of_source: FindingRow, is_owned: bool = True, **source: Any) -> Headline:
    """As the page has it."""
    found = {
        **views.job_whole(facts.job, ()),
        "missing": [views.missing(one, NOW) for one in missing_for_settled(facts, reckon(facts, NOW), NOW)],
    }
    findings = explain(facts, a_source(**source), NOW, is_owned, of_source)
    return headline(found, [views.finding(one) for one in findings])


def a_file(**columns: Any) -> OutputRow:
    row = {"id": 7, "job": 1, "role": "output", "file_id": "file-1", "state": "named", "named_at": NOW - 3 * MINUTE}
    return OutputRow(**{**row, **columns})


WAITS_FOR_FILE = the_facts(
    a_job(Status.COMPLETED, **ENDED, hands_on=1, output_file_id="file-1", writes_files=1, rows_completed=8),
    deliveries=[a_delivery()],
    outputs=[a_file()],
)
RUNS = "No result yet: it has not ended in 3 h; running, as the provider said 60 s ago"


@pytest.mark.parametrize(
    ("facts", "tone", "text"),
    [
        (the_facts(a_job()), "waiting", RUNS),
        (WAITS_FOR_FILE, "waiting", "No result yet: file file-1 has not been found yet, for 3 min"),
        (
            the_facts(a_job(trouble="upstream", trouble_since=NOW - HOUR, trouble_message="HTTP 503")),
            "asking",
            "No result yet: for 60 min: HTTP 503",
        ),
        (
            the_facts(a_job(Status.FAILED, **ENDED, error_code="model_gone")),
            "execution",
            "No result yet: failed: model_gone",
        ),
    ],
)
def test_webhooks_that_are_refused_are_not_why_a_result_is_late(facts, tone, text):
    """
    What the result waits for comes first, whatever stands against its source; that comes second, in a sentence of its own.
    """
    without, beside = told(facts), told(facts, standing())

    assert (without.tone, without.text, without.beside) == (tone, text, ())
    assert (beside.tone, beside.text) == (tone, text)
    assert [one["message"] for one in beside.beside] == [f"the whole source: {REFUSED}"]


def test_a_source_that_cannot_be_asked_is_why():
    """
    Where nobody asks, or every question fails, no job of the source can have a result.
    """
    failing = told(the_facts(a_job()), trouble="key_refused", trouble_message="HTTP 401")
    finding = told(the_facts(a_job()), standing("asking_fails", "nothing can be asked"))
    unowned = told(the_facts(a_job()), standing(), is_owned=False)

    assert (failing.tone, failing.text) == ("asking", "No result yet: the whole source: HTTP 401")
    assert (finding.tone, finding.text) == ("asking", "No result yet: the whole source: nothing can be asked")
    assert unowned.text.startswith("No result yet: no reconciler is at work")


def test_rows_that_failed_are_not_why_the_rest_is_late():
    """
    A completed job waits for its file, whether rows of it failed or not.
    """
    facts = the_facts(WAITS_FOR_FILE.job.model_copy(update={"rows_failed": 3}), outputs=[a_file()])

    assert told(facts).text.startswith("No result yet: file file-1 has not been found yet")


def test_a_refused_cancel_is_not_why_an_open_job_has_no_result():
    """
    It runs; that it could not be cancelled is told with its cancellation.
    """
    refused = an_action(state=ActionState.REFUSED.value, sent_at=NOW - MINUTE, answered_at=NOW - MINUTE)

    assert told(the_facts(a_job(), actions=[refused])).text == RUNS


def test_what_was_cancelled_as_asked_is_no_trouble():
    """
    It is told in the tone of a note; what else went wrong with it goes first.
    """
    cancel = an_action(state=ActionState.ACCEPTED.value, sent_at=NOW - 3 * HOUR, answered_at=NOW - 3 * HOUR)
    heard = a_delivery("batch.completed")
    done = told(the_facts(a_job(Status.CANCELLED), actions=[cancel], deliveries=[heard]))
    waits = told(the_facts(a_job(Status.CANCELLED, **ENDED), actions=[cancel], deliveries=[heard]))
    unheard = told(the_facts(a_job(Status.CANCELLED), actions=[cancel]))

    assert (done.tone, done.text) == ("note", "cancelled as the operator asked: wrong file")
    assert (waits.tone, waits.text) == ("note", "No result yet: cancelled as the operator asked: wrong file")
    assert unheard.tone == "delivery"


def test_a_result_that_is_here_is_told_so():
    """
    Neither its source nor our own asking takes it away; a failure of its own is told instead, and a settled job is left alone.
    """
    done = the_facts(a_job(Status.COMPLETED, settled_at=None), deliveries=[a_delivery()])
    settled = the_facts(a_job(Status.COMPLETED), deliveries=[a_delivery()])
    unheard = told(the_facts(a_job(Status.COMPLETED)), standing())

    assert told(done, standing(), is_owned=False).text == "Its result is here."
    assert len(told(done, standing()).beside) == 1
    assert told(settled, standing()) == Headline("good", "Its result is here.")
    assert unheard.tone == "delivery"
    assert "whole source" not in unheard.text
