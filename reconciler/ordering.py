"""What a submission asks a provider to create. Pure."""

import json

from schemas.config import Source
from schemas.dialects.dialect import NewJob, Webhook
from schemas.identity import SUBMISSION_TOKEN
from schemas.ids import shown
from schemas.tables import SubmissionRow


def new_job(row: SubmissionRow, source: Source, webhook_url: str) -> NewJob:
    """The order, with our token in its metadata. `webhook_url` is where the source's news can reach us."""
    if row.input_file_id is None:
        raise ValueError("a submission without an input file can create nothing")
    metadata = {**json.loads(row.details).get("metadata", {}), SUBMISSION_TOKEN: shown("sub", row.id)}
    return NewJob(row.input_file_id, row.endpoint, row.completion_window, metadata, _webhook(source, webhook_url))


def _webhook(source: Source, url: str) -> Webhook | None:
    """How the job is to send its news. Without an endpoint to name, it sends none, and lives by polling."""
    if source.webhook == "inline":
        return Webhook(source.webhook_events, url=url, secret=source.webhook_secrets[0].reveal())
    if source.webhook == "endpoint" and source.webhook_endpoint_id is not None:
        return Webhook(source.webhook_events, endpoint_id=source.webhook_endpoint_id)
    return None
