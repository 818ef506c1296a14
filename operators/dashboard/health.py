"""How each source does: what came from it, whether it can be asked, and whether its clock is ours. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from operators import views
from operators.dashboard.numbers import Counted, Requests, requests_of
from schemas.config import Source
from schemas.tables import SourceRow
from schemas.times import MINUTE, SECOND, in_words, rfc3339_or_none

SKEW = 30 * SECOND  # a clock that is off by more is worth a look
MOST_REFUSED = 0.2  # of the requests of a day
SILENT_ENDS = 3  # jobs that ended without a word since the last request


@dataclass(frozen=True, slots=True)
class Worry:
    """What is not well about a source. `kind` is whose matter it is: our own asking, or delivery."""

    kind: str
    code: str | None
    message: str


@dataclass(frozen=True, slots=True)
class Health:
    """One source. Times are RFC 3339."""

    name: str
    dialect: str
    has_webhook: bool
    circuit: str
    owner: str | None
    heard_at: str | None
    answered_at: str | None
    asked_last_minute: int
    left: int | None
    skew: str | None
    requests: Requests
    worries: tuple[Worry, ...]


def health(source: Source, row: SourceRow | None, owner: str | None, counted: Counted, now: int) -> Health:
    """`counted` is what was counted in the last day."""
    asking, requests = views.asking(row, source, now), requests_of(counted, source.name)
    return Health(
        name=source.name,
        dialect=source.dialect,
        has_webhook=source.webhook != "none",
        circuit=asking["circuit"],
        owner=owner,
        heard_at=rfc3339_or_none(row.heard_at) if row else None,
        answered_at=rfc3339_or_none(row.last_answer_at) if row else None,
        asked_last_minute=asking["requests"]["last_minute"],
        left=asking["requests"]["left"],
        skew=_skew(row),
        requests=requests,
        worries=tuple(_worries(source, row, owner, requests, now)),
    )


def healths(
    sources: Mapping[str, Source],
    rows: Mapping[str, SourceRow],
    owners: Mapping[str, str],
    counted: Counted,
    now: int,
) -> list[Health]:
    """Of every configured source, those with worries first."""
    found = [health(source, rows.get(name), owners.get(name), counted, now) for name, source in sorted(sources.items())]
    return sorted(found, key=lambda one: not one.worries)


def _skew(row: SourceRow | None) -> str | None:
    ahead = row.clock_ahead if row else None
    if ahead is None:
        return None
    return f"{in_words(abs(ahead))} {'ahead' if ahead > 0 else 'behind'}" if abs(ahead) >= SECOND else "in step"


def _worries(source: Source, row: SourceRow | None, owner: str | None, requests: Requests, now: int) -> list[Worry]:
    found = []
    if row is not None and row.trouble:
        since = f" for {in_words(now - row.trouble_since)}" if row.trouble_since else ""
        found.append(Worry("asking", row.trouble, f"cannot be asked{since}: {row.trouble_message or row.trouble}"))
    if owner is None:
        found.append(Worry("asking", None, "no reconciler is at work for it, so nobody asks: start `batchkeeper up`"))
    if row is not None and row.clock_ahead is not None and abs(row.clock_ahead) >= SKEW:
        found.append(Worry("delivery", None, f"our clock is {_skew(row)} of its: signatures with times may be refused"))
    if source.webhook != "none" and row is not None and row.unheard_ends >= SILENT_ENDS:
        since = (
            f" in {in_words(now - row.unheard_since)}" if row.unheard_since and now - row.unheard_since > MINUTE else ""
        )
        found.append(Worry("delivery", None, f"silent: {row.unheard_ends} jobs ended{since}, and no webhook came"))
    if requests.refused_count and requests.refused_count >= MOST_REFUSED * requests.all:
        worst = f", most of them {requests.worst_refusal}"
        found.append(
            Worry("delivery", None, f"{requests.refused_count} of {requests.all} requests of a day refused{worst}")
        )
    return found
