"""One timeline of a job: everything that was heard, asked, found and done about it, newest first. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from operators.dashboard.failure_words import is_as_asked
from operators.dashboard.verdict_words import verdict_words
from operators.dashboard.writing import plain, size
from operators.views import View
from schemas.times import parse_rfc3339
from schemas.words import Category

MOST = 400
KNOWN = "known here"


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened. `ids` are what it can be found by elsewhere, each a name and a value; `link` a page of ours."""

    at: str
    sort: str
    title: str
    text: str = ""
    tone: str = "plain"
    ids: tuple[tuple[str, str], ...] = ()
    link: str | None = None


def timeline(job: View) -> list[Entry]:
    """Of a job as `queries.show_job` gives it."""
    parts = (_milestones, _receipts, _attempts, _observations, _transitions, _actions, _outputs, _handoffs, _failures)
    entries = [entry for part in parts for entry in part(job) if entry.at]
    return sorted(entries, key=_when)[::-1][:MOST]


# What comes of what, where one answer brings several things about at once: the later is put above the earlier.
_CAUSES = ("attempt", "delivery", "asking", "action", "status", "output", *Category, "job", "handoff")


def _when(entry: Entry) -> tuple[int, bool, int]:
    is_first = entry.title == KNOWN  # nothing comes before that
    return parse_rfc3339(entry.at) or 0, not is_first, _CAUSES.index(entry.sort)


def _milestones(job: View) -> Iterator[Entry]:
    yield Entry(job["created_at"], "job", KNOWN, f"by {job['origin']}", ids=(("job", job["id"]),))
    told = (
        ("provider_created_at", "created at the provider"),
        ("provider_ended_at", "ended at the provider"),
        ("ready_at", "ready: its results are here, or known to be absent"),
        ("settled_at", "settled: nothing waits for it any more"),
    )
    for name, title in told:
        if job[name]:
            yield Entry(job[name], "job", title)


def _receipts(job: View) -> Iterator[Entry]:
    for delivery in job["deliveries"]:
        for receipt in delivery["receipts"]:
            number = f", attempt {receipt['attempt']}" if receipt["attempt"] else ""
            said = receipt["native_status"] or receipt["reported_status"] or "nothing of status"
            text = receipt["unreadable"] or f"it says {said}; {verdict_words(receipt['verdict'])}"
            ids = (("receipt", receipt["id"]), ("delivery", delivery["id"]), ("event", receipt["event_id"]))
            yield Entry(
                receipt["received_at"],
                "delivery",
                f"webhook {delivery['delivery_key']}{number}",
                text,
                "trouble" if receipt["verdict"] in ("conflict", "unreadable") else "plain",
                _known(ids),
                f"/receipts?delivery={delivery['id']}",
            )


def _attempts(job: View) -> Iterator[Entry]:
    for one in job["provider_attempts"]:
        status = f"HTTP {one['response_status']}" if one["response_status"] else None
        text = ", ".join(part for part in (one["outcome"], status, one["error"], one["preview"]) if part)
        tone = "plain" if one["outcome"] == "delivered" else "delivery"
        title = f"the provider tried to deliver {one['delivery_key']}, attempt {one['attempt']}"
        yield Entry(one["tried_at"] or "", "attempt", title, text, tone)


def _observations(job: View) -> Iterator[Entry]:
    for one in job["observations"]:
        status = one["native_status"] or one["status"]
        progress = f", {one['progress']} %" if one["progress"] is not None else ""
        said = f"{status}{progress}" if status else one["message"] or "no status"
        times = (
            f"; said {one['times_seen']} times since then, last {plain(one['last_seen_at'])}"
            if one["times_seen"] > 1
            else ""
        )
        trouble = f"{one['trouble']}: {one['message'] or 'no further word'}" if one["trouble"] else said
        http = f"HTTP {one['http_status']}" if one["http_status"] else ""
        ids = (("answer", http), ("request", one["details"].get("request_id")), ("flag", one["flag"]))
        yield Entry(
            one["first_seen_at"],
            "asking",
            f"answer to our {one['asked']}",
            trouble + times,
            "asking" if one["trouble"] else "plain",
            _known(ids),
        )


def _transitions(job: View) -> Iterator[Entry]:
    for one in job["transitions"]:
        basis = f"{one['basis']}, " if one["basis"] else ""
        yield Entry(
            one["at"], "status", f"{one['from']} → {one['to']}", f"{basis}revision {one['revision']}", one["to"]
        )


def _actions(job: View) -> Iterator[Entry]:
    for one in job["actions"]:
        ids = (("action", one["id"]),)
        by = f"by {one['asked_by']}" + (f": {one['reason']}" if one["reason"] else "")
        yield Entry(one["asked_at"], "action", f"{one['verb']} asked for", by, "plain", ids)
        if one["answered_at"]:
            status = f"HTTP {one['http_status']}" if one["http_status"] else None
            text = ", ".join(part for part in (one["message"], status) if part)
            tone = "cancellation" if one["state"] in ("refused", "not_cancellable") else "plain"
            yield Entry(one["answered_at"], "action", f"{one['verb']}: {one['state']}", text, tone, ids)


def _outputs(job: View) -> Iterator[Entry]:
    for one in job["outputs"]:
        ids = _known((("file", one["file_id"]), ("sha256", one["sha256"])))
        title = f"{one['role']} file {one['state']}"
        text = ", ".join(
            part for part in (size(one["bytes"]) if one["bytes"] is not None else None, one["message"]) if part
        )
        tone = "asking" if one["state"] in ("parked", "unreadable") else "plain"
        yield Entry(one["fetched_at"] or one["checked_at"] or "", "output", title, text, tone, ids)


def _handoffs(job: View) -> Iterator[Entry]:
    for one in job["handoffs"]:
        ids, link = (("hand-off", one["id"]),), f"/handoffs/{one['id']}"
        yield Entry(one["made_at"], "handoff", f"hand-off to {one['target']} made", one["type"], "plain", ids, link)
        told = one["done_at"] or one["tried_at"]
        if told:
            status = f"HTTP {one['http_status']}" if one["http_status"] else None
            text = ", ".join(
                part
                for part in (f"{one['attempts']} attempt{'' if one['attempts'] == 1 else 's'}", status, one["message"])
                if part
            )
            tone = "handoff" if one["state"] == "dead" else "plain"
            yield Entry(told, "handoff", f"hand-off to {one['target']}: {one['state']}", text, tone, ids, link)


def _failures(job: View) -> Iterator[Entry]:
    for one in (*job["failures"], *job["cleared_failures"]):
        ids = (("failure", one["id"]),)
        title = f"{one['category']}: {one['code']}"
        tone = "plain" if is_as_asked(one["code"]) else one["category"]
        yield Entry(one["detected_at"], one["category"], title, one["message"], tone, ids)
        if one["cleared_at"]:
            yield Entry(one["cleared_at"], one["category"], f"{title} no longer holds", "", "plain", ids)


def _known(ids: Sequence[tuple[str, str | None]]) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in ids if value)
