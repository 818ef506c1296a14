"""From a webhook that was rejected to the requests that were refused here, and likely why."""

from urllib.parse import parse_qs, urlsplit

import pytest
from given import NOW

from operators.dashboard.rejected import rejected
from schemas.times import HOUR, MINUTE, rfc3339


def a_job(*attempts: int, **evidence):
    told = {"attempts": [{"tried_at": rfc3339(at)} for at in attempts], "ended_at": rfc3339(NOW - HOUR), **evidence}
    failure = {"code": "rejected", "evidence": told, "detected_at": rfc3339(NOW - 20 * MINUTE)}
    return {"source": "gateway", "failures": [failure]}


def a_finding(rule: str, began: int, closed: int | None = None):
    return {"rule": rule, "began_at": rfc3339(began), "closed_at": None if closed is None else rfc3339(closed)}


@pytest.mark.parametrize(
    ("attempts", "since", "until"),
    [
        ((NOW - HOUR, NOW - 50 * MINUTE), NOW - 62 * MINUTE, NOW - 48 * MINUTE),
        ((), NOW - 62 * MINUTE, NOW - 18 * MINUTE),
    ],
)
def test_the_requests_of_that_time(attempts, since, until):
    """
    Those of its source from a little before the first attempt to a little after the last; where the provider tells of no
    attempt, from the end to when it was given up.
    """
    found = rejected(a_job(*attempts), [])

    assert found is not None
    url = urlsplit(found.refusals)
    assert url.path == "/refusals"
    assert parse_qs(url.query) == {"source": ["gateway"], "since": [rfc3339(since)], "until": [rfc3339(until)]}


@pytest.mark.parametrize(
    ("finding", "is_cause"),
    [
        (a_finding("wrong_secret", NOW - HOUR), True),
        (a_finding("wrong_secret", NOW - 2 * HOUR, NOW - 40 * MINUTE), True),
        (a_finding("clock_skew", NOW - 57 * MINUTE), True),
        (a_finding("wrong_secret", NOW - 9 * HOUR, NOW - 3 * HOUR), False),
        (a_finding("wrong_secret", NOW - 10 * MINUTE), False),
        (a_finding("webhooks_silent", NOW - HOUR), False),
        (a_finding("asking_fails", NOW - HOUR), False),
    ],
)
def test_the_likely_cause(finding, is_cause):
    """
    What was found of refused requests, and stood at that time, whether it stands still or was closed since.
    """
    found = rejected(a_job(NOW - HOUR), [finding])

    assert found is not None
    assert list(found.causes) == ([finding] if is_cause else [])


def test_nothing_was_rejected():
    """
    Other failures lead to no refusals.
    """
    assert rejected({"source": "gateway", "failures": [{"code": "missing"}]}, []) is None
