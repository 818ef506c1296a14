"""What a batch cost, as REST and as push tell it (contract 3.9, 4.5)."""

from datetime import datetime
from typing import Any

from sandbox.batches import Batch
from sandbox.clock import iso_ms, iso_stored
from sandbox.generations import Generation

WIDE = (
    "reservation_id",
    "reservation_status",
    "estimated_provider_cost",
    "estimated_user_cost",
    "settled_provider_cost",
    "settled_user_cost",
)


def usage_and_billing(batch: Batch, generation: Generation) -> dict[str, Any]:
    """Seven keys, and the gateway's own sum of tokens; both absent before finalization.

    G1b has more, named `reservation_*`, `estimated_*` and `settled_*`. The contract does not list them: they are taken
    from the push object.
    """
    bill = batch.bill
    if bill is None:
        return {}
    charged = bill.nanos > 0
    usage = {
        "prompt_tokens": bill.prompt_tokens,
        "completion_tokens": bill.completion_tokens,
        "total_tokens": bill.prompt_tokens + bill.completion_tokens,
    }
    billing = {
        "billed": charged,
        "charged": charged,
        "reason": None if charged else "no_successful_rows",
        "cost_nanos": bill.nanos,
        "cost_usd": bill.nanos / 1e9,
        "finalized_at": iso_ms(bill.at),
        "pricing_breakdown": {"total_nanos": bill.nanos, "total_usd_str": f"{bill.nanos / 1e9:.9f}", "lines": []},
    }
    if generation.rest_is_wide:
        pushed = push_billing(bill.nanos, bill.at)
        billing |= {name: pushed[name] for name in WIDE}
    return {"usage": usage, "billing": billing}


def push_billing(nanos: int | None, billed_at: datetime | None, why_free: str = "no_successful_rows") -> dict[str, Any]:
    """Before it is settled `nanos` is None; at 0 it is void, for the reason given."""
    settled = None if nanos is None else f"{nanos / 1e9:.2f}"
    billing: dict[str, Any] = {
        "currency": "usd",
        "estimated_provider_cost": None,
        "estimated_user_cost": None,
        "settled_provider_cost": settled,
        "settled_user_cost": settled,
        "state": "pending" if nanos is None else "settled" if nanos else "void",
        "billable": nanos != 0,
        "total_nanos": nanos,
        "estimated_nanos": None,
        "reserved_nanos": None,
        "estimation_truncated": False,
        "estimation_sample_size": None,
        "estimation_total_rows": None,
        "reservation_id": None,
        "reservation_status": None,
        "charge_reason": why_free if nanos == 0 else None,
        "charged": bool(nanos),
    }
    return billing | ({"billed_at": iso_stored(billed_at)} if billed_at else {})
