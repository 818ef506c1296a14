"""Webhooks of a job that were answered with a refusal, as its provider tells: which requests those were, and likely why. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from operators.views import View
from schemas.times import MINUTE, parse_rfc3339, rfc3339
from schemas.words import Code, SourceRule

AROUND = 2 * MINUTE  # between the provider's clock and ours, and for an answer to come
# What is found where requests of a source are refused.
_CAUSES = frozenset(
    {SourceRule.WRONG_SECRET, SourceRule.CLOCK_SKEW, SourceRule.OTHER_SCHEME, SourceRule.REQUESTS_REFUSED}
)


@dataclass(frozen=True, slots=True)
class Rejected:
    """`refusals` is the page of the requests of its source that were refused at that time; `causes` are findings about the
    source, standing or closed, that stood then."""

    refusals: str
    causes: Sequence[View]


def rejected(job: View, of_source: Sequence[View]) -> Rejected | None:
    """Of a job as `queries.show_job` gives it; `of_source` are findings about its source. None: nothing of it was rejected."""
    failures = [one for one in job["failures"] if one["code"] == Code.REJECTED]
    times = sorted(time for one in failures for time in _times(one))
    if not times:
        return None
    since, until = times[0] - AROUND, times[-1] + AROUND
    query = urlencode({"source": job["source"], "since": rfc3339(since), "until": rfc3339(until)})
    causes = [one for one in of_source if one["rule"] in _CAUSES and _stood(one, since, until)]
    return Rejected(f"/refusals?{query}", causes)


def _times(failure: View) -> Iterator[int]:
    """When its provider tried, or where that is not told, when the job ended and when it was given up."""
    told = [one["tried_at"] for one in failure["evidence"].get("attempts", ())]
    for text in [one for one in told if one] or (failure["evidence"].get("ended_at"), failure["detected_at"]):
        at = None if text is None else parse_rfc3339(text)
        if at is not None:
            yield at


def _stood(finding: View, since: int, until: int) -> bool:
    """A finding is opened once some requests have been refused, so it may begin a little later than they came."""
    began, closed = parse_rfc3339(finding["began_at"]) or 0, finding["closed_at"]
    return began - 5 * MINUTE <= until and (closed is None or (parse_rfc3339(closed) or 0) >= since)
