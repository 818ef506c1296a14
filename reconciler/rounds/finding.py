"""The finding round: now and then the rules about the source as a whole are asked, and what they find is kept and told."""

from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from reconciler import outbox
from reconciler.causes import REASONS
from reconciler.finding import Fact
from reconciler.owned import Owned
from reconciler.source_rules import LOOKS_BACK, MANY, SourceFacts, SourceFinding, conclude, undecided
from schemas.ids import shown
from schemas.presented import read
from schemas.tables import FindingRow
from schemas.times import SECOND, rfc3339_or_none
from schemas.words import RefusalReason, SourceRule
from storage import counting, findings, refusals, refused_requests
from storage.findings import Found

log = structlog.get_logger()

EVERY = 15 * SECOND


class FindRound:
    """The finding round of one source."""

    def __init__(self, owned: Owned) -> None:
        self._owned = owned
        self._at = 0

    async def run_once(self, now: int) -> int:
        """Ask the rules, if it is time. How many findings were opened or closed."""
        if 0 <= now - self._at < EVERY:
            return 0
        self._at = now
        owned, name = self._owned, self._owned.source.name
        async with owned.store.reading() as connection:
            standing = [row for row in await findings.of_source(connection, name) if row.closed_at is None]
            facts = await _gather(connection, owned, standing, now)
        found = [_kept(one) for one in conclude(facts, now)]
        if not found and not standing:
            return 0
        async with owned.writing() as connection:
            changed = await findings.sync(connection, name, found, owned.store.new_id, now, undecided(facts))
            await outbox.hand_on_source_findings(connection, owned, changed, now)
        for row in changed:
            about = {"source": name, "finding": shown("fnd", row.id), "rule": row.rule, "message": row.message}
            if row.closed_at is None:
                log.warning("finding_opened", **about)
            else:
                log.info("finding_closed", **about)
        return len(changed)


async def _gather(connection: AsyncConnection, owned: Owned, standing: list[FindingRow], now: int) -> SourceFacts:
    name, rules = owned.source.name, {row.rule for row in standing}
    counted = await counting.of_source(connection, name, now - LOOKS_BACK, now)
    refused = {reason: counted.get(f"refused.{reason}", 0) for reason in RefusalReason}
    asked = {one for rule, reasons in REASONS.items() for one in reasons if refused[one] or rule in rules}
    refused_at = await refusals.newest_of_each(connection, name, sorted(asked), MANY)
    return SourceFacts(
        hears=owned.source.webhook != "none",
        hearing=owned.hearing,
        circuit=owned.circuit,
        refused=refused,
        accepted=counted.get("accepted", 0),
        refused_at=refused_at,
        signed_ago=await _signed_ago(connection, name, refused_at),
        is_answered=owned.is_answered,
        clock_ahead=owned.clock_ahead,
        clock_read_at=owned.client.their_clock.at,
        standing=rules,
    )


async def _signed_ago(
    connection: AsyncConnection, source: str, refused_at: Mapping[RefusalReason, Sequence[int]]
) -> int | None:
    """The middle one of what the newest say that were refused for their time. One alone may be anybody's."""
    reasons = [reason for reason in REASONS[SourceRule.CLOCK_SKEW] if reason in refused_at]
    if not reasons:
        return None
    newest = max(reasons, key=lambda reason: max(refused_at[reason]))
    kept = await refused_requests.newest(connection, source, newest)
    said = [(one.refusal.received_at, read(one.request.presented).signed_at) for one in kept]
    agos = sorted(received - signed for received, signed in said if signed is not None)
    return agos[len(agos) // 2] if agos else None


def _kept(one: SourceFinding) -> Found:
    return Found(one.rule.value, one.subject, one.message, [_fact(fact) for fact in one.facts])


def _fact(fact: Fact) -> dict[str, Any]:
    return {"name": fact.name, "value": fact.value, "read_from": fact.read_from, "at": rfc3339_or_none(fact.at)}
