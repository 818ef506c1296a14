"""What a submission asks a provider to create. Pure."""

import json

from schemas.config import Source
from schemas.dialects.orders import NewJob, Webhook
from schemas.identity import SUBMISSION_TOKEN
from schemas.ids import shown
from schemas.tables import SubmissionRow


def new_job(row: SubmissionRow, source: Source, webhook_url: str, rows: bytes = b"") -> NewJob:
    """The order, with our token in its metadata. `webhook_url` is where the source's news can reach us; `rows` are its
    rows, where they were not uploaded."""
    if row.input_file_id is None and not rows:
        raise ValueError("a submission without an input can create nothing")
    details = json.loads(row.details)
    url = f"{webhook_url}/{row.path_token}" if row.path_token else webhook_url
    return NewJob(
        input_file_id=row.input_file_id or "",
        endpoint=row.endpoint,
        completion_window=row.completion_window,
        metadata={**details.get("metadata", {}), SUBMISSION_TOKEN: shown("sub", row.id)},
        webhook=_webhook(source, url),
        rows=rows,
        params=details.get("params", {}),
        job_id=row.own_job_id,
        secrets={name: secret.reveal() for name, secret in source.secrets.items()},
    )


def _webhook(source: Source, url: str) -> Webhook | None:
    """How the job is to send its news. Without an endpoint to name, it sends none, and lives by polling."""
    if source.webhook == "inline":
        return Webhook(source.webhook_events, url=url, secret=source.webhook_secrets[0].reveal())
    if source.webhook == "endpoint" and source.webhook_endpoint_id is not None:
        return Webhook(source.webhook_events, endpoint_id=source.webhook_endpoint_id)
    return None
