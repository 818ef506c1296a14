"""Rows of every noun for the operators' app to tell of, each at least once in every way that its view has."""

import json
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import SQLModel

from operators.clock import now
from schemas.ids import shown
from schemas.presented import Presented, written
from schemas.tables import (
    ActionRow,
    AttemptRow,
    BodyRow,
    DeliveryRow,
    GroupRow,
    HandoffRow,
    JobRow,
    LabelRow,
    ObservationRow,
    OutputRow,
    ReceiptRow,
    RefusalRow,
    RefusedRequestRow,
    RowMatchRow,
    SubmissionRow,
    TransitionRow,
)
from schemas.times import HOUR, MINUTE
from storage import counting, failures, findings, group_tallies, handoffs, jobs, row_matches, sources, submissions
from storage.failures import Named
from storage.findings import Found
from storage.rows import add
from storage.store import Store

Ids = dict[str, str]
BODY = b'{"object": "batch", "id": "batch_done", "status": "completed"}'


async def fill(store: Store) -> Ids:
    """Put them in; their ids by what they are called in tests."""
    at = now() - HOUR
    ids: Ids = {}
    async with store.writing() as connection:
        for name in ("gateway", "other"):
            await sources.enter(connection, name, "phaseo", at)
        troubled = {
            "trouble": "key_refused",
            "trouble_message": "401",
            "trouble_since": at,
            "asking_again_at": now() + HOUR,
        }
        await sources.change(
            connection, "other", {**troubled, "heard_at": at, "unheard_ends": 3, "clock_ahead": -2_500_000}
        )
        group, parts = await _work(connection, store, at)
        made = await _jobs(connection, store, group, parts[0], at)
        ids |= {
            "group": shown("grp", group.id),
            "stored": shown("sub", parts[1].id),
            "refused": shown("sub", parts[2].id),
        }
        ids |= {name: shown("job", row.id) for name, row in made.items()}
        ids |= await _told(connection, store, made["batch_done"], at)
        ids |= await _kept(connection, store, made["batch_done"], at)
        ids |= await _failures(connection, store, made, at)
        ids |= await _found(connection, store, at)
        ids |= await _handoffs(connection, store, made["batch_done"], at)
    return ids


async def _put(connection: AsyncConnection, *rows: SQLModel) -> None:
    for row in rows:
        await add(connection, row)


async def _work(connection: AsyncConnection, store: Store, at: int) -> tuple[GroupRow, list[SubmissionRow]]:
    group = GroupRow(id=store.new_id(), source="gateway", input_name="night.jsonl", size=3, created_at=at)
    given: dict[str, Any] = {
        "source": "gateway", "group_id": group.id, "input_name": "night.jsonl", "input_sha256": "0" * 64,
        "input_bytes": 10, "row_count": 5, "created_at": at, "updated_at": at, "details": json.dumps({"metadata": {"a": "b"}}),
    }  # fmt: skip
    parts = [
        SubmissionRow(id=store.new_id(), shard=1, state="created", job_id="batch_done", confirmed_at=at, **given),
        SubmissionRow(id=store.new_id(), shard=2, state="stored", due_at=now() + HOUR, staged_as="x", **given),
        SubmissionRow(id=store.new_id(), shard=3, state="refused", message="no such model", staged_as="y", **given),
    ]
    await _put(connection, group, LabelRow(subject=group.id, key="team", value="search"))
    for part in parts:
        await submissions.store(connection, part)
    return group, parts


async def _jobs(
    connection: AsyncConnection, store: Store, group: GroupRow, part: SubmissionRow, at: int
) -> dict[str, JobRow]:
    """One that is done with everything, one that runs and cannot be asked about, one of another kind and source, one unknown."""
    told: dict[str, dict[str, Any]] = {
        "batch_done": {
            "status": "completed", "native_status": "completed", "basis": "observed", "revision": 1, "progress": 100,
            "rows_total": 5, "rows_completed": 4, "rows_failed": 1, "output_file_id": "file-1", "has_webhook": 1,
            "ended_at": at, "ended_by": "poll", "ready_at": at, "settled_at": at, "cost_nanos": 5, "cost_currency": "USD",
            "cost_state": "settled", "reported_status": "completed", "reported_at": at, "due_at": None,
        },
        "a/b": {"status": "running", "trouble": "timed_out", "trouble_message": "slow", "trouble_since": at, "failed_asks": 3},
        "batch_unasked": {},
        "video_1": {"status": "failed", "error_code": "e", "error_message": "<b>&", "due_at": None},
    }  # fmt: skip
    found: dict[str, JobRow] = {}
    for name, changes in told.items():
        source, kind = ("other", "video") if name == "video_1" else ("gateway", "batch")
        of = {"submission_id": part.id, "group_id": group.id} if name == "batch_done" else {}
        row = JobRow(
            id=store.new_id(), source=source, kind=kind, job_id=name, origin="track", created_at=at, updated_at=at
        )
        found[name] = JobRow(**{**row.model_dump(), **of, **changes})
        async with group_tallies.kept(connection, part.id if of else None):
            await add(connection, found[name])
        moved = {"status": changes["status"]} if changes else {}
        await counting.count(
            connection, source, {"born.track": 1, **{f"moved.unknown.{s}": 1 for s in moved.values()}}, at
        )
    await _put(connection, LabelRow(subject=found["batch_done"].id, key="team", value="search"))
    return found


async def _told(connection: AsyncConnection, store: Store, job: JobRow, at: int) -> Ids:
    delivery = DeliveryRow(
        id=store.new_id(), source=job.source, kind=job.kind, job_id=job.job_id, delivery_key="batch.completed",
        event_type="batch.completed", reported_status="completed", verdict="agrees", times_received=2,
        first_received_at=at, last_received_at=at + MINUTE,
    )  # fmt: skip
    odd = DeliveryRow(
        id=store.new_id(), source="gateway", kind="batch", job_id="batch_stranger", delivery_key="batch.failed",
        verdict="unknown_job", first_received_at=at, last_received_at=at,
    )  # fmt: skip
    number = store.new_id()
    receipt = ReceiptRow(
        id=number, delivery_id=delivery.id, body_id=number, source=job.source, digest=1, received_at=at, signed_at=at,
        event_type="batch.completed", event_id="evt_1", attempt=1, reported_status="completed", verdict="agrees",
    )  # fmt: skip
    again = ReceiptRow(
        id=store.new_id(), delivery_id=delivery.id, body_id=number, source=job.source, digest=1, received_at=at + MINUTE
    )
    strange = ReceiptRow(
        id=store.new_id(), delivery_id=odd.id, body_id=number, source="gateway", digest=1, received_at=at, unreadable="no",
        verdict="unknown_job",
    )  # fmt: skip
    refusal = RefusalRow(
        id=store.new_id(), source="gateway", reason="signature_wrong", http_status=401, received_at=at, remote="192.0.2.1",
        body_bytes=20,
    )  # fmt: skip
    lost = RefusalRow(id=store.new_id(), source="other", reason="flood", http_status=429, received_at=at)
    number_, presented = store.new_id(), Presented("v1", at, b"msg_1.", ("0" * 64,), ((b"webhook-id", b"msg_1"),))
    kept = RefusalRow(id=number_, source="gateway", reason="timestamp_stale", http_status=401, received_at=at)
    request = RefusedRequestRow(id=number_, source="gateway", presented=written(presented), body=BODY)
    conflict = odd.model_copy(update={"id": store.new_id(), "job_id": "batch_done", "verdict": "conflict"})
    await _put(connection, kept, request, conflict)
    await _put(connection, delivery, odd, BodyRow(id=number, body=BODY), receipt, again, strange, refusal, lost)
    await counting.count(connection, "gateway", {"accepted": 2, "duplicate": 1, "refused.signature_wrong": 4}, now())
    await counting.count(connection, "other", {"refused.flood": 1, "unreadable": 1}, now() - 2 * HOUR)
    return {
        "delivery": shown("dlv", delivery.id),
        "odd": shown("dlv", odd.id),
        "receipt": shown("rcp", receipt.id),
        "refusal": shown("ref", refusal.id),
        "flood": shown("ref", lost.id),
        "kept": shown("ref", kept.id),
    }


async def _kept(connection: AsyncConnection, store: Store, job: JobRow, at: int) -> Ids:
    """What is kept about a job alone."""
    observation = ObservationRow(
        id=store.new_id(), job=job.id, asked="poll", status="completed", native_status="completed", progress=100,
        http_status=200, details=json.dumps({"request_id": "req_1", "billing": {"cost": 1}}), first_seen_at=at,
        last_seen_at=at,
    )  # fmt: skip
    odd = ObservationRow(
        id=store.new_id(), job=job.id, asked="list", trouble="gateway", message="502", flag="open_after_end",
        first_seen_at=at, last_seen_at=at,
    )  # fmt: skip
    action = ActionRow(
        id=store.new_id(), job=job.id, source=job.source, verb="cancel", state="moot", asked_by="operator", reason="why",
        asked_at=at, cancel_url_present=1, cancel_url_read_at=at, answered_at=at, http_status=409, message="too late",
    )  # fmt: skip
    polled = ActionRow(
        id=store.new_id(), job=job.id, source=job.source, verb="poll", state="done", asked_by="operator", asked_at=at
    )
    await _put(
        connection, observation, odd, action, polled,
        TransitionRow(
            id=store.new_id(), job=job.id, revision=1, from_status="unknown", to_status="completed", basis="observed",
            observation=observation.id, at=at,
        ),
        AttemptRow(
            id=store.new_id(), job=job.id, delivery_key="batch.completed", number=1, tried_at=at, outcome="delivered",
            response_status=202, preview="rcp_1", first_seen_at=at,
        ),
        AttemptRow(
            id=store.new_id(), job=job.id, delivery_key="batch.failed", number=2, outcome="retrying", timed_out=1,
            error="slow", first_seen_at=at,
        ),
        OutputRow(
            id=store.new_id(), job=job.id, role="output", file_id="file-1", state="fetched", size=5, named_at=at,
            stored_as="out/1", sha256="0" * 64, lines=4, fetched_at=at,
        ),
        OutputRow(id=store.new_id(), job=job.id, role="error", file_id="file-2", named_at=at, due_at=at),
    )  # fmt: skip
    match = RowMatchRow(job=job.id, revision=1, asked=5, succeeded=4, failed=1, missing=0, matched_at=at)
    await row_matches.keep(connection, match)
    return {"action": shown("act", action.id), "poll": shown("act", polled.id)}


async def _failures(connection: AsyncConnection, store: Store, made: dict[str, JobRow], at: int) -> Ids:
    named = {
        "batch_done": [Named("delivery", "rejected", "batch.failed", "it was refused", {"status": 401}),
                       Named("execution", "rows_failed", "", "1 of 5 rows failed", {"rows": 1})],
        "video_1": [Named("execution", "failed", "", "it failed", {})],
    }  # fmt: skip
    ids: Ids = {}
    for job, found in named.items():
        for row in (await failures.sync(connection, made[job], found, store.new_id, at)).began:
            ids[row.code] = shown("fail", row.id)
    await failures.sync(connection, made["batch_done"], named["batch_done"][:1], store.new_id, at + MINUTE)
    return ids


async def _found(connection: AsyncConnection, store: Store, at: int) -> Ids:
    """About sources: one finding that stands, and one that was closed."""
    facts = [{"name": "refused.signature_wrong", "value": 4, "read_from": "the counters", "at": None}]
    wrong = Found("wrong_secret", "", "4 requests were refused", facts)
    silent = Found("webhooks_silent", "", "3 jobs have ended", facts)
    opened = await findings.sync(connection, "gateway", [wrong, silent], store.new_id, at)
    await findings.sync(connection, "gateway", [wrong], store.new_id, at + MINUTE)
    return {row.rule: shown("fnd", row.id) for row in opened}


async def _handoffs(connection: AsyncConnection, store: Store, job: JobRow, at: int) -> Ids:
    ids: Ids = {}
    for revision, (target, state) in enumerate(
        [("down", "waiting"), ("down", "dead"), ("gone", "waiting"), ("down", "done")]
    ):
        number = store.new_id()
        event = {"id": shown("hnd", number), "type": "batchkeeper.job.ready", "subject": job.job_id}
        row = HandoffRow(
            id=number, about="job", subject=job.id, source=job.source, target=target, revision=revision,
            event=json.dumps(event), made_at=at, due_at=at if state == "waiting" else None,
        )  # fmt: skip
        await handoffs.put(connection, row)
        if state != "waiting":
            await handoffs.change(connection, number, {"state": state, "message": "x", "http_status": 500}, at)
        ids[f"{target} {state}"] = shown("hnd", number)
    return ids


async def many_jobs(store: Store, name: str, count: int) -> set[str]:
    """So many more that nobody has asked about, in the order of their provider's ids; our ids."""
    async with store.writing() as connection:
        rows = [
            JobRow(
                id=store.new_id(), source="gateway", kind="batch", job_id=f"{name}_{number:06}", origin="track",
                created_at=now(), updated_at=now(),
            ).model_dump()
            for number in range(count)
        ]  # fmt: skip
        for start in range(0, count, 200):
            await connection.execute(jobs.JOBS.insert(), rows[start : start + 200])
    return {shown("job", row["id"]) for row in rows}
