"""What `job` shows, section by section: blocks of values, then tables of what came, was done and was said."""

from collections.abc import Callable, Iterable
from typing import Any

from operators import documented
from operators.cli import told
from operators.cli.columns import FAILURES, HANDOFFS
from operators.cli.present import Columns, moment
from operators.views import View

Rows = Callable[[View], Iterable[View]]


def _job(found: View) -> tuple[str, View]:
    return "job", {
        "our id": found["id"],
        "kind": found["kind"],
        "known by": found["origin"],
        "submission": found["submission"],
        "known since": _utc(found["created_at"]),
        "updated": _utc(found["updated_at"]),
    }


def _state(found: View) -> tuple[str, View]:
    reported = found["reported"]
    by_webhook = f"{reported['status'] or 'nothing of status'} at {_utc(reported['at'])}" if reported["at"] else None
    return "state", {
        "status": found["status"],
        "the provider's word": found["native_status"],
        "basis": found["basis"],
        "progress": None if found["progress"] is None else f"{found['progress']} %",
        "rows": {name: count for name, count in found["rows"].items() if count is not None},
        "error": ": ".join(text for text in (found["error_code"], found["error_message"]) if text),
        "last webhook said": by_webhook,
        "created there": _utc(found["provider_created_at"]),
        "ended there": _utc(found["provider_ended_at"]),
        "end known since": _utc(found["ended_at"]),
        "ready since": _utc(found["ready_at"]),
        "settled since": _utc(found["settled_at"]),
        "missing": "; ".join(f"{one['condition']}, for {one['age']}" for one in found["missing"]),
    }


def _asking(found: View) -> tuple[str, View]:
    asking = found["asking"]
    trouble = None
    if asking["trouble"]:
        said = f"{asking['trouble']}: {asking['message']}, since {_utc(asking['since'])}"
        trouble = f"{said} (see {documented.trouble(asking['trouble'])})"
    return "our asking", {
        "answers": asking["answers"],
        "last answer": _utc(asking["answered_at"]),
        "next question": _utc(asking["next_at"]) or "none",
        "wanted since": _utc(asking["wanted_at"]),
        "failed in a row": asking["failed_in_a_row"] or None,
        "trouble": trouble,
        "the whole source": found["source_trouble"],
    }


def _links(found: View) -> tuple[str, View]:
    return "where it is", {
        "polling URL": found["polling_url"],
        "cancel URL": found["cancel_url"],
        "output file": found["output_file_id"],
        "error file": found["error_file_id"],
        "webhook of ours": found["has_webhook"],
    }


def _match(found: View) -> tuple[str, View]:
    match = found["row_match"] or {}
    names = ("asked", "succeeded", "failed", "missing", "repeated", "strange", "unreadable")
    counts = {name: match.get(name) for name in names if name in ("asked", "succeeded") or match.get(name)}
    return "its rows, matched with what was asked", {**counts, "matched": _utc(match.get("matched_at"))}


def _examples(found: View) -> Iterable[View]:
    match = found["row_match"] or {"examples": {}}
    return ({"what": what, "said": one} for what, ones in match["examples"].items() for one in ones)


def _utc(time: str | None) -> str | None:
    return f"{moment(time)} UTC" if time else None


def _at(name: str) -> Callable[[View], Any]:
    return lambda row: row[name] and moment(row[name])


def _of(name: str) -> Callable[[View], Any]:
    return lambda row: row[name]


def _receipts(found: View) -> Iterable[View]:
    return ({"key": row["delivery_key"], **receipt} for row in found["deliveries"] for receipt in row["receipts"])


_FAILURES = {name: read for name, read in FAILURES.items() if name not in ("source", "job")}
_HANDOFFS = {name: read for name, read in HANDOFFS.items() if name not in ("source", "job")}
_DELIVERIES: Columns = {
    "key": _of("delivery_key"),
    "reported": _of("reported_status"),
    "verdict": lambda row: row["verdict"] or "not judged yet",
    "which means": _of("verdict_means"),
    "times": _of("times_received"),
    "first received (UTC)": _at("first_received_at"),
    "last received (UTC)": _at("last_received_at"),
}
_RECEIPTS: Columns = {
    "receipt": _of("id"),
    "key": _of("key"),
    "attempt": _of("attempt"),
    "reported": _of("reported_status"),
    "verdict": lambda row: row["verdict"] or "not judged yet",
    "unreadable": _of("unreadable"),
    "received (UTC)": _at("received_at"),
    "taken in (UTC)": _at("taken_in_at"),
}
EXPECTED: Columns = {
    "key": _of("key"),
    "state": _of("state"),
    "expected by (UTC)": _at("expected_by"),
    "waited for until (UTC)": _at("given_up_at"),
    "why": _of("why"),
}
_ATTEMPTS: Columns = {
    "key": _of("delivery_key"),
    "attempt": _of("attempt"),
    "outcome": _of("outcome"),
    "HTTP": _of("response_status"),
    "error": _of("error"),
    "answer": _of("preview"),
    "tried (UTC)": _at("tried_at"),
}
_ACTIONS: Columns = {
    "action": _of("id"),
    "verb": _of("verb"),
    "by": _of("asked_by"),
    "reason": _of("reason"),
    "state": _of("state"),
    "answer": _of("message"),
    "asked (UTC)": _at("asked_at"),
    "answered (UTC)": _at("answered_at"),
}
_OUTPUTS: Columns = {
    "file": _of("file_id"),
    "role": _of("role"),
    "state": _of("state"),
    "bytes": _of("bytes"),
    "rows": _of("lines"),
    "sha256": lambda row: row["sha256"] and row["sha256"][:12],
    "where": _of("where"),
    "message": _of("message"),
    "checked (UTC)": _at("checked_at"),
}
_EXAMPLES: Columns = {"what": _of("what"), "which": _of("said")}
_TRANSITIONS: Columns = {
    "from": _of("from"),
    "to": _of("to"),
    "basis": _of("basis"),
    "at (UTC)": _at("at"),
}
_OBSERVATIONS: Columns = {
    "asked by": _of("asked"),
    "status": _of("status"),
    "native": _of("native_status"),
    "%": _of("progress"),
    "trouble": _of("trouble"),
    "HTTP": _of("http_status"),
    "message": _of("message"),
    "flag": _of("flag"),
    "times": _of("times_seen"),
    "first (UTC)": _at("first_seen_at"),
    "last (UTC)": _at("last_seen_at"),
}

BLOCKS: tuple[Callable[[View], tuple[str, View]], ...] = (_job, _state, _asking, _links, _match, *told.BLOCKS)
TABLES: tuple[tuple[str, Rows, Columns], ...] = (
    ("failures", _of("failures"), _FAILURES),
    ("failures that no longer hold", _of("cleared_failures"), _FAILURES),
    ("pricing lines", told.pricing_lines, told.PRICING_LINES),
    ("expected deliveries", _of("expected_deliveries"), EXPECTED),
    ("deliveries", _of("deliveries"), _DELIVERIES),
    ("their receipts", _receipts, _RECEIPTS),
    ("the provider's account of its attempts", _of("provider_attempts"), _ATTEMPTS),
    ("actions", _of("actions"), _ACTIONS),
    ("outputs", _of("outputs"), _OUTPUTS),
    ("rows that failed, are missing, or are none", _examples, _EXAMPLES),
    ("hand-offs", _of("handoffs"), _HANDOFFS),
    ("transitions", _of("transitions"), _TRANSITIONS),
    ("what the provider answered", _of("observations"), _OBSERVATIONS),
)
