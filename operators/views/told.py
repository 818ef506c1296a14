"""What arrived: deliveries, receipts, refusals; and the provider's own account of its attempts."""

from operators.views.view import View
from reconciler.accounting import was_refused
from reconciler.verdicts import sentence
from schemas.ids import shown
from schemas.tables import AttemptRow, DeliveryRow, ReceiptRow, RefusalRow
from schemas.times import rfc3339, rfc3339_or_none


def delivery(row: DeliveryRow) -> View:
    return {
        "id": shown("dlv", row.id),
        "source": row.source,
        "kind": row.kind,
        "job_id": row.job_id,
        "delivery_key": row.delivery_key,
        "event_type": row.event_type,
        "reported_status": row.reported_status,
        "verdict": row.verdict,
        "verdict_means": sentence(row.verdict, row.reported_status, was_refused(row)),
        "times_received": row.times_received,
        "times_taken_in": row.times_taken_in,
        "taken_in_at": rfc3339_or_none(row.taken_in_at),
        "first_received_at": rfc3339(row.first_received_at),
        "last_received_at": rfc3339(row.last_received_at),
    }


def receipt(row: ReceiptRow) -> View:
    return {
        "id": shown("rcp", row.id),
        "received_at": rfc3339(row.received_at),
        "signed_at": rfc3339_or_none(row.signed_at),
        "attempt": row.attempt,
        "event_id": row.event_id,
        "reported_status": row.reported_status,
        "native_status": row.native_status,
        "verdict": row.verdict,
        "verdict_means": sentence(row.verdict, row.reported_status, row.taken_in_at is not None),
        "unreadable": row.unreadable,
        "taken_in_at": rfc3339_or_none(row.taken_in_at),
        "refusal": None if row.refusal_id is None else shown("ref", row.refusal_id),
    }


def receipt_whole(row: ReceiptRow) -> View:
    """One accepted request, with the delivery that it is of."""
    return {
        **receipt(row),
        "delivery": shown("dlv", row.delivery_id),
        "source": row.source,
        "event_type": row.event_type,
        "secret_index": row.secret_index,
    }


def refusal(row: RefusalRow, taken_in: tuple[int, int] | None) -> View:
    """`taken_in`: when its request was taken in after all, and as which receipt."""
    later = None if taken_in is None else {"at": rfc3339(taken_in[0]), "receipt": shown("rcp", taken_in[1])}
    return {
        "id": shown("ref", row.id),
        "source": row.source,
        "reason": row.reason,
        "http_status": row.http_status,
        "received_at": rfc3339(row.received_at),
        "remote": row.remote,
        "body_bytes": row.body_bytes,
        "taken_in": later,
    }


def attempt(row: AttemptRow) -> View:
    return {
        "delivery_key": row.delivery_key,
        "attempt": row.number,
        "tried_at": rfc3339(row.tried_at) if row.tried_at else None,
        "outcome": row.outcome,
        "response_status": row.response_status,
        "error": row.error,
        "preview": row.preview,
    }
