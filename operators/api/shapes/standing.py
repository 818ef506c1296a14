"""How things stand, and the form of every refusal."""

from operators.api.shapes.jobs import FACT, TROUBLE
from operators.api.shapes.told import CIRCUIT, WEBHOOK
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
from operators.auditing import CONFLICT, UNACKNOWLEDGED
from schemas.words import Category, Code, RefusalReason, SourceRule, Status

_SOURCE_IN_TROUBLE = thing(
    name=TEXT, trouble=TROUBLE, message=maybe(TEXT), since=maybe(TIME), asking_again_at=maybe(TIME)
)
_TARGET = thing(target=TEXT, target_configured=TRUTH, waiting=COUNT, dead=COUNT, oldest_made_at=maybe(TIME))

STANDING: dict[str, Schema] = {
    "Status": thing(
        at=TIME,
        version=TEXT,
        database=TEXT,
        jobs=thing(**{status.value: COUNT for status in Status}),
        failures=thing(**{category.value: by_name(COUNT) for category in Category}),
        findings=many(named("SourceFinding")),
        trouble=thing(sources=many(_SOURCE_IN_TROUBLE), jobs=many(named("Job")), more_jobs=TRUTH),
        submissions=thing(waiting=COUNT, more_waiting=TRUTH, held_up=COUNT, longest=many(named("Submission"))),
        deliveries=thing(last_hour=named("Received"), last_day=named("Received")),
        handoffs=many(_TARGET),
        sources=many(named("Health")),
    ),
    "Received": thing(
        accepted=COUNT,
        duplicate=COUNT,
        unreadable=COUNT,
        refused=COUNT,
        taken_in=COUNT,
        mostly_refused_for=maybe(one_of(RefusalReason)),
    ),
    "Health": thing(
        name=TEXT,
        dialect=TEXT,
        webhook=WEBHOOK,
        owner=maybe(TEXT),
        trouble=maybe(TROUBLE),
        circuit=CIRCUIT,
        heard_at=maybe(TIME),
        unheard_ends=COUNT,
        unheard_since=maybe(TIME),
        last_answer_at=maybe(TIME),
        clock_ahead_seconds=maybe(NUMBER),
        last_hour=named("Received"),
        last_day=named("Received"),
    ),
    "SourceFinding": thing(
        id=an_id("fnd"),
        source=TEXT,
        axis=one_of(("delivery", "asking")),
        rule=one_of(SourceRule),
        subject=maybe(TEXT),
        state=one_of(("standing", "closed")),
        message=TEXT,
        facts=many(FACT),
        revision=COUNT,
        began_at=TIME,
        seen_at=TIME,
        closed_at=maybe(TIME),
        page=TEXT,
    ),
    "Difference": thing(
        difference=one_of((*Code, UNACKNOWLEDGED, CONFLICT)),
        source=TEXT,
        kind=TEXT,
        job_id=TEXT,
        job=maybe(an_id("job")),
        key=TEXT,
        message=TEXT,
        at=TIME,
        evidence=OBJECT,
        page=TEXT,
    ),
    "Problem": thing(type=TEXT, title=TEXT, status=WHOLE, detail=TEXT),
}
