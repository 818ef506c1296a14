"""Batches that were submitted from here: their input is kept among our files, and their jobs know it."""

import json
from collections.abc import Sequence

from service import Stage

from operators.clock import now
from schemas.ids import shown
from schemas.tables import SubmissionRow
from schemas.words import Origin
from storage import jobs, submissions
from storage.files import files_for


async def noted(on: Stage, scenario: str, rows: int = 8, group: int | None = None, shard: int = 1) -> str:
    """Make a batch of `rows` rows called row-0 and so on, and note it as one of ours."""
    job = await on.create(scenario, rows=rows)
    await adopt(on, job, await staged(on, [f"row-{number}" for number in range(rows)]), rows, group, shard)
    return job


async def staged(on: Stage, custom_ids: Sequence[str]) -> str:
    """An input among our files. Its name."""
    name = f"gateway/inputs/{shown('sub', on.service.store.new_id())}.jsonl"
    lines = [json.dumps({"custom_id": custom_id, "body": {}}).encode() + b"\n" for custom_id in custom_ids]
    writing = await files_for(on.service.config.data).create(name)
    await writing.write(b"".join(lines))
    await writing.publish()
    return name


async def adopt(on: Stage, job: str, name: str, rows: int, group: int | None, shard: int) -> None:
    store, number = on.service.store, on.service.store.new_id()
    member = {"group_id": group, "shard": shard}
    told = {"source": "gateway", "state": "created", "staged_as": name, "job_id": job, "input_name": "rows.jsonl"}
    counts = {"input_sha256": "", "input_bytes": 1, "row_count": rows, "created_at": now(), "updated_at": now()}
    async with store.writing() as connection:
        await submissions.store(connection, SubmissionRow(id=number, **told, **counts, **member))
    async with store.writing() as connection:
        identity = ("gateway", "batch", job)
        await jobs.bear(
            connection,
            store.new_id(),
            identity,
            Origin.SUBMIT,
            now(),
            hands_on=True,
            submission_id=number,
            group_id=group,
        )
    on.service.reconciler.wake()
