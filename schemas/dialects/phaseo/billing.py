"""Phaseo's two shapes of billing: seven keys on REST once a batch is finalized (contract 3.9), and all of it on push (4.5)."""

from collections.abc import Mapping
from typing import Any

from schemas.dialects.members import cost, first, flag, nanos, read_time, text
from schemas.readings import Billing

READ = frozenset(
    {
        "state",
        "currency",
        "estimated_nanos",
        "estimated_user_cost",
        "reserved_nanos",
        "total_nanos",
        "cost_nanos",
        "cost_usd",
        "settled_user_cost",
        "billed",
        "charged",
        "reason",
        "charge_reason",
        "billed_at",
        "finalized_at",
    }
)


def read_billing(value: Any) -> Billing | None:
    """Estimated, held and settled, in billionths of the currency's unit; whichever shape it is. None: it says nothing."""
    if not isinstance(value, dict):
        return None
    state = _state(value)
    settled = first(
        nanos(value.get("cost_nanos")), nanos(value.get("total_nanos")), cost(value.get("settled_user_cost"))
    )
    read = Billing(
        state=state,
        currency=text(value.get("currency"), 16) or ("usd" if "cost_usd" in value else None),
        estimated_nanos=first(nanos(value.get("estimated_nanos")), cost(value.get("estimated_user_cost"))),
        held_nanos=nanos(value.get("reserved_nanos")),
        settled_nanos=settled if state in ("settled", "void") else None,
        is_charged=flag(value.get("charged")),
        reason=text(value.get("reason")) or text(value.get("charge_reason")),
        settled_at=first(read_time(value.get("billed_at")), read_time(value.get("finalized_at"))),
    )
    return None if read == Billing() else read


def _state(value: Mapping[str, Any]) -> str | None:
    """REST has no word for it: it says whether the bill is made, and void is a finished one without a charge."""
    if (said := text(value.get("state"), 32)) is not None:
        return said
    match value.get("billed"), value.get("finalized_at"):
        case True, _:
            return "settled"
        case False, str():
            return "void"
        case False, _:
            return "pending"
    return None
