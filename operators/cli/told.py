"""What the provider has told of a job, as `job` shows it: block by block, each with a place of its own."""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

from operators.cli.present import Columns, moment
from operators.views import View

_SECRETS = {
    True: "kept there, and never shown",
    False: "none: its deliveries come unsigned or not at all, and an unsigned one is refused here; it lives by polls",
}


def _object(found: View) -> tuple[str, View]:
    said = found["told"]
    return "as the provider has it", {
        "told by": _told_by(said["told_by"]),
        "provider": said["provider"],
        "model": said["model"],
        "endpoint": said["endpoint"],
        "window": said["completion_window"],
        "expires": _utc(said["expires_at"]),
        "request id": said["request_id"],
        "native id": _native(said["native_id"], found["job_id"]),
        "session id": said["session_id"],
        "input file": said["input_file_id"],
        "live updates": said["websocket_url"],
        "metadata": said["metadata"],
        "usage": said["usage"],
    }


def _native(native_id: str | None, job_id: str) -> str | None:
    if native_id is None or native_id == job_id:
        return native_id
    return f"{native_id} (behind the gateway; no question is asked by it)"


def _told_by(by: Mapping[str, Any]) -> str:
    answer, webhook, only = by["answer"], by["webhook"], by["only_by_webhook"]
    told = [f"{answer['asked']} at {_utc(answer['at'])}"] if answer else []
    if webhook and only:
        told.append(f"webhook at {_utc(webhook['at'])} alone: {', '.join(only)}")
    return "; ".join(told) or "nobody yet"


def _webhook(found: View) -> tuple[str, View]:
    webhook = found["told"]["webhook"]
    if webhook is None:
        return "its webhook", {"webhook": "the provider tells of none" if _is_answered(found) else None}
    return "its webhook", {
        "endpoint": webhook["endpoint_id"],
        "URL": webhook["url"] or "the endpoint's own, which is not shown",
        "events": webhook["events"] or "none of its own: it inherits the endpoint's",
        "secret": _SECRETS.get(webhook["has_secret"]),
    }


def _is_answered(found: View) -> bool:
    return found["told"]["told_by"]["answer"] is not None


def _delivery(found: View) -> tuple[str, View]:
    summary = found["told"]["delivery"] or {}
    return "its deliveries, by the provider's account", {
        "attempts": summary.get("total_attempts"),
        "delivered": summary.get("delivered"),
        "retries pending": summary.get("pending_retries"),
        "next retry": _utc(summary.get("next_retry_at")),
        "last attempt": _last_attempt(summary),
        "last delivered": _utc(summary.get("last_delivered_at")),
        "last failure": _last_failure(summary),
    }


def _last_attempt(summary: Mapping[str, Any]) -> str | None:
    status = summary.get("last_response_status")
    how = [str(summary["last_attempt"])] if summary.get("last_attempt") else []
    how += [f"HTTP {status}"] if status is not None else []
    when = _utc(summary.get("last_attempt_at"))
    return ", ".join([*how, *([f"at {when}"] if when else [])]) or None


def _last_failure(summary: Mapping[str, Any]) -> str | None:
    if not summary.get("last_error"):
        return _utc(summary.get("last_failure_at"))
    when = _utc(summary.get("last_failure_at"))
    return f"{summary['last_error']}, at {when}" if when else str(summary["last_error"])


def _billing(found: View) -> tuple[str, View]:
    bill = found["told"]["billing"] or {}
    currency = str(bill.get("currency") or "").upper()
    return "cost", {
        "billing": bill.get("state"),
        "estimated": money(bill.get("estimated_nanos"), currency),
        "held": money(bill.get("held_nanos"), currency),
        "settled": money(bill.get("settled_nanos"), currency),
        "charged": bill.get("is_charged"),
        "reason": bill.get("reason"),
        "settled at": _utc(bill.get("settled_at")),
    }


def money(nanos: int | None, currency: str) -> str | None:
    """Billionths of a unit, exactly: at least two decimals, and as many more as it has."""
    if nanos is None:
        return None
    units, _, decimals = f"{Decimal(nanos).scaleb(-9):.9f}".partition(".")
    return f"{units}.{decimals[:2]}{decimals[2:].rstrip('0')} {currency}".rstrip()


def _more(found: View) -> tuple[str, View]:
    return "what else it says", dict(found["told"]["more"] or {})


def _utc(time: str | None) -> str | None:
    return f"{moment(time)} UTC" if time else None


def pricing_lines(found: View) -> Iterable[View]:
    return ({"line": number, "said": line} for number, line in enumerate(found["told"]["pricing_lines"] or (), 1))


PRICING_LINES: Columns = {"line": lambda row: row["line"], "what it says": lambda row: row["said"]}
BLOCKS: tuple[Callable[[View], tuple[str, View]], ...] = (_object, _webhook, _delivery, _billing, _more)
