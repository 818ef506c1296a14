"""The columns of each listing, and which of them give way."""

from collections.abc import Iterator, Mapping

from operators.cli.present import Columns, moment
from operators.views import View


def _reached(row: View) -> str | None:
    """How far a job is beyond its end."""
    if row["settled"]:
        return "settled"
    return "ready" if row["ready"] else None


def _wrongs(row: View) -> Iterator[str]:
    """What went wrong with a job, and with our asking about it."""
    for failure in row["failures"]:
        yield f"{failure['category']}: {failure['code']}"
    if row["trouble"]:
        yield f"trouble: {row['trouble']}"


JOBS: Columns = {
    "source": lambda row: row["source"],
    "kind": lambda row: row["kind"],
    "job": lambda row: row["job_id"],
    "status": lambda row: row["status"],
    "native": lambda row: row["native_status"],
    "%": lambda row: row["progress"],
    "reached": _reached,
    "failures, trouble": lambda row: ", ".join(_wrongs(row)) or None,
    "updated (UTC)": lambda row: moment(row["updated_at"]),
}
DELIVERIES: Columns = {
    "source": lambda row: row["source"],
    "kind": lambda row: row["kind"],
    "job": lambda row: row["job_id"],
    "key": lambda row: row["delivery_key"],
    "reported": lambda row: row["reported_status"],
    "verdict": lambda row: row["verdict"] or "not judged yet",
    "which means": lambda row: row["verdict_means"],
    "times": lambda row: row["times_received"],
    "first received (UTC)": lambda row: moment(row["first_received_at"]),
}
FAILURES: Columns = {
    "source": lambda row: row["source"],
    "job": lambda row: row["job_id"],
    "failure": lambda row: f"{row['category']}: {row['code']}",
    "message": lambda row: row["message"],
    "detected (UTC)": lambda row: moment(row["detected_at"]),
    "cleared (UTC)": lambda row: row["cleared_at"] and moment(row["cleared_at"]),
    "see": lambda row: row["page"],
}
REFUSALS: Columns = {
    "source": lambda row: row["source"] or "(unknown)",
    "reason": lambda row: row["reason"],
    "answered": lambda row: row["http_status"],
    "from": lambda row: row["remote"],
    "bytes": lambda row: row["body_bytes"],
    "received (UTC)": lambda row: moment(row["received_at"]),
    "taken in (UTC)": lambda row: row["taken_in"] and moment(row["taken_in"]["at"]),
}
RECEIPTS: Columns = {
    "receipt": lambda row: row["id"],
    "delivery": lambda row: row["delivery"],
    "source": lambda row: row["source"],
    "event": lambda row: row["event_type"],
    "attempt": lambda row: row["attempt"],
    "reported": lambda row: row["reported_status"],
    "verdict": lambda row: row["verdict"] or "not judged yet",
    "which means": lambda row: row["verdict_means"],
    "received (UTC)": lambda row: moment(row["received_at"]),
    "taken in (UTC)": lambda row: row["taken_in_at"] and moment(row["taken_in_at"]),
}
SOURCES: Columns = {
    "source": lambda row: row["name"],
    "dialect": lambda row: row["dialect"],
    "URL to register": lambda row: row["webhook_url"],
    "trouble": lambda row: row["trouble"],
    "circuit": lambda row: row["circuit"],
    "last accepted (UTC)": lambda row: row["heard"]["at"] and moment(row["heard"]["at"]),
    "findings": lambda row: ", ".join(one["rule"] for one in row["findings"]) or None,
    "reconciler": lambda row: row["owner"],
}
DIFFERENCES: Columns = {
    "difference": lambda row: row["difference"],
    "source": lambda row: row["source"],
    "job": lambda row: row["job_id"],
    "message": lambda row: row["message"],
    "found (UTC)": lambda row: moment(row["at"]),
    "see": lambda row: row["page"],
}
ACTIONS: Columns = {
    "action": lambda row: row["id"],
    "source": lambda row: row["source"],
    "job": lambda row: row["job_id"],
    "verb": lambda row: row["verb"],
    "state": lambda row: row["state"],
    "by": lambda row: row["asked_by"],
    "reason": lambda row: row["reason"],
    "message": lambda row: row["message"],
    "asked (UTC)": lambda row: moment(row["asked_at"]),
}
REVERIFIED: Columns = {
    "refusal": lambda row: row["refusal"],
    "received (UTC)": lambda row: moment(row["received_at"]),
    "outcome": lambda row: row["outcome"].replace("_", " "),
    "job": lambda row: row["about"] and row["about"]["job_id"],
    "key": lambda row: row["about"] and row["about"]["delivery_key"],
    "receipt": lambda row: row["receipt"],
    "why": lambda row: row["message"],
}

GROUPS: Columns = {
    "group": lambda row: row["id"],
    "source": lambda row: row["source"],
    "input": lambda row: row["input"],
    "done": lambda row: row["done"],
    "where": lambda row: row["where"],
    "outcome": lambda row: row["outcome"],
    "rows": lambda row: row["rows"]["asked"],
    "succeeded": lambda row: row["rows"]["succeeded"],
    "made (UTC)": lambda row: moment(row["created_at"]),
}
MEMBERS: Columns = {
    "part": lambda row: row["part"],
    "submission": lambda row: row["submission"],
    "job": lambda row: row["job_id"],
    "where": lambda row: row["where"],
    "outcome": lambda row: row["outcome"],
    "rows": lambda row: row["rows"],
    "succeeded": lambda row: row["succeeded"],
    "failed": lambda row: row["failed"],
    "missing": lambda row: row["missing"],
    "goes on (UTC)": lambda row: row["goes_on_at"] and moment(row["goes_on_at"]),
    "message": lambda row: row["message"],
}
SUBMISSIONS: Columns = {
    "submission": lambda row: row["id"],
    "source": lambda row: row["source"],
    "state": lambda row: row["state"],
    "job": lambda row: row["job_id"],
    "input": lambda row: row["input"],
    "rows": lambda row: row["rows"],
    "goes on (UTC)": lambda row: row["goes_on_at"] and moment(row["goes_on_at"]),
    "message": lambda row: row["message"],
    "stored (UTC)": lambda row: moment(row["created_at"]),
}
HANDOFFS: Columns = {
    "hand-off": lambda row: row["id"],
    "target": lambda row: row["target"] if row["target_configured"] else f"{row['target']} (configured no more)",
    "state": lambda row: row["state"],
    "told": lambda row: row["type"].removeprefix("batchkeeper."),
    "source": lambda row: row["source"],
    "job": lambda row: row["subject"],
    "rev.": lambda row: row["revision"] if row["revision"] < 1_000 else None,  # of a finding it is a time
    "attempts": lambda row: row["attempts"],
    "message": lambda row: row["message"],
    "made (UTC)": lambda row: moment(row["made_at"]),
    "next (UTC)": lambda row: row["next_at"] and moment(row["next_at"]),
}

# The narrowest terminal on which a column is shown: a job's id alone takes 32 characters.
WIDTHS: Mapping[str, int] = {
    "source": 76,
    "kind": 120,
    "native": 140,
    "%": 90,
    "reached": 86,
    "updated (UTC)": 112,
    "first received (UTC)": 112,
    "detected (UTC)": 112,
    "bytes": 80,
    "made (UTC)": 112,
    "stored (UTC)": 130,
    "received (UTC)": 100,
    "asked (UTC)": 112,
    "event": 120,
    "input": 120,
    "succeeded": 100,
    "missing": 100,
    "rev.": 120,
    "which means": 150,
    "see": 140,
    "attempts": 90,
}
RARE = frozenset({"cleared (UTC)", "goes on (UTC)", "next (UTC)", "message", "outcome"})
