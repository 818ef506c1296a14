"""What arrived: deliveries, receipts, refusals; and the sources that it came from."""

from operators.api.shapes.jobs import TROUBLE
from operators.api.shapes.words import (
    COUNT,
    NUMBER,
    OBJECT,
    TEXT,
    TIME,
    TRUTH,
    WHOLE,
    Schema,
    an_id,
    by_name,
    many,
    maybe,
    named,
    one_of,
    thing,
)
from schemas.words import RefusalReason, Verdict

_VERDICT = maybe(one_of(Verdict))

DELIVERY: dict[str, Schema] = {
    "id": an_id("dlv"),
    "source": TEXT,
    "kind": TEXT,
    "job_id": TEXT,
    "delivery_key": TEXT,
    "event_type": maybe(TEXT),
    "reported_status": maybe(TEXT),
    "verdict": _VERDICT,
    "verdict_means": TEXT,
    "times_received": COUNT,
    "times_taken_in": COUNT,
    "taken_in_at": maybe(TIME),
    "first_received_at": TIME,
    "last_received_at": TIME,
}
_RECEIPT: dict[str, Schema] = {
    "id": an_id("rcp"),
    "received_at": TIME,
    "signed_at": maybe(TIME),
    "attempt": maybe(WHOLE),
    "event_id": maybe(TEXT),
    "reported_status": maybe(TEXT),
    "native_status": maybe(TEXT),
    "verdict": _VERDICT,
    "verdict_means": TEXT,
    "unreadable": maybe(TEXT),
    "taken_in_at": maybe(TIME),
    "refusal": maybe(an_id("ref")),
}
_RECEIPT_OF: dict[str, Schema] = {
    **_RECEIPT,
    "delivery": an_id("dlv"),
    "source": TEXT,
    "event_type": maybe(TEXT),
    "secret_index": COUNT,
}
_REFUSAL: dict[str, Schema] = {
    "id": an_id("ref"),
    "source": TEXT,
    "reason": one_of(RefusalReason),
    "http_status": WHOLE,
    "received_at": TIME,
    "remote": maybe(TEXT),
    "body_bytes": maybe(WHOLE),
    "taken_in": maybe(thing(at=TIME, receipt=an_id("rcp"))),
}
_PRESENTED = thing(
    scheme=TEXT,
    signed_at=maybe(TIME),
    signed_seconds_before_arrival=maybe(NUMBER),
    message_id=maybe(TEXT),
    fields=by_name(TEXT),
    submission=maybe(TEXT),
    bytes_kept=COUNT,
)
_LOOKED_AT = thing(
    refusal=an_id("ref"),
    received_at=TIME,
    remote=maybe(TEXT),
    refused_for=one_of(RefusalReason),
    outcome=one_of(("taken_in", "would_be_taken_in", "stays_refused", "gone_meanwhile")),
    reason=maybe(one_of(RefusalReason)),
    message=maybe(TEXT),
    about=maybe(thing(kind=TEXT, job_id=TEXT, delivery_key=TEXT, unreadable=maybe(TEXT))),
    receipt=maybe(an_id("rcp")),
    delivery=maybe(an_id("dlv")),
    duplicate=maybe(TRUTH),
)
_REQUESTS = thing(per_minute=maybe(WHOLE), last_minute=COUNT, left=maybe(WHOLE), recorded_at=maybe(TIME))
_LIST = thing(
    exists=TRUTH,
    trust_seconds=NUMBER,
    asked_at=maybe(TIME),
    sweep_seconds=NUMBER,
    swept_at=maybe(TIME),
    shows_all=maybe(TRUTH),
    message=maybe(TEXT),
    unreadable=COUNT,
)
_REVERIFY = thing(
    id=an_id("rvf"),
    face=one_of(("cli", "api", "dashboard")),
    reason=TEXT,
    asked_at=TIME,
    since=maybe(TIME),
    until=maybe(TIME),
    clock_ahead_seconds=NUMBER,
    taken_in=COUNT,
    ended_at=maybe(TIME),
)
CIRCUIT = one_of(("closed", "open", "trying"))
WEBHOOK = one_of(("endpoint", "inline", "none"))

TOLD: dict[str, Schema] = {
    "Delivery": thing(**DELIVERY),
    # As it stands with its job.
    "DeliveryWhole": thing(**DELIVERY, receipts=many(named("Receipt"))),
    "DeliveryOf": thing(**DELIVERY, job=maybe(an_id("job")), receipts=many(named("Receipt"))),
    "Receipt": thing(**_RECEIPT),
    "ReceiptOf": thing(**_RECEIPT_OF),
    "ReceiptWhole": thing(**_RECEIPT_OF, kind=maybe(TEXT), job_id=maybe(TEXT), delivery_key=maybe(TEXT)),
    "Refusal": thing(**_REFUSAL),
    "RefusalWhole": thing(
        **_REFUSAL,
        likely_cause=TEXT,
        page=TEXT,
        request=maybe(_PRESENTED),
    ),
    "Reverified": thing(
        source=TEXT,
        since=maybe(TIME),
        until=maybe(TIME),
        clock_ahead_seconds=NUMBER,
        dry_run=TRUTH,
        looked_at=COUNT,
        authentic=COUNT,
        taken_in=COUNT,
        stay_refused=by_name(COUNT),
        requests=many(_LOOKED_AT),
        more_requests=TRUTH,
        reverification=maybe(an_id("rvf")),
    ),
    "Source": thing(
        name=TEXT,
        dialect=TEXT,
        base_url=TEXT,
        webhook=WEBHOOK,
        webhook_url=TEXT,
        webhook_events=many(TEXT),
        webhook_endpoint_id=maybe(TEXT),
        webhook_registration=maybe(thing(method=TEXT, url=TEXT, body=OBJECT)),
        webhook_secrets=COUNT,
        adopt=one_of(("signed", "all", "none")),
        owner=maybe(TEXT),
        listening_since=maybe(TIME),
        trouble=maybe(TROUBLE),
        trouble_message=maybe(TEXT),
        trouble_since=maybe(TIME),
        asking_again_at=maybe(TIME),
        concurrency=COUNT,
        circuit=CIRCUIT,
        requests=_REQUESTS,
        list=_LIST,
        orphans=by_name(COUNT),
        heard=thing(at=maybe(TIME), unheard_ends=COUNT, unheard_since=maybe(TIME)),
        clock=thing(ahead_seconds=maybe(NUMBER)),
        findings=many(named("SourceFinding")),
        last_reverify=maybe(_REVERIFY),
    ),
}
