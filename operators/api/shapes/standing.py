"""How things stand, and the form of every refusal."""

from operators.api.shapes.jobs import TROUBLE
from operators.api.shapes.told import CIRCUIT, WEBHOOK
from operators.api.shapes.words import (
    COUNT,
    NUMBER,
    TEXT,
    TIME,
    TRUTH,
    WHOLE,
    Schema,
    by_name,
    many,
    maybe,
    named,
    thing,
)
from schemas.words import Category, Status

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
        trouble=thing(sources=many(_SOURCE_IN_TROUBLE), jobs=many(named("Job")), more_jobs=TRUTH),
        deliveries=thing(last_hour=named("Received"), last_day=named("Received")),
        handoffs=many(_TARGET),
        sources=many(named("Health")),
    ),
    "Received": thing(accepted=COUNT, duplicate=COUNT, unreadable=COUNT, refused=COUNT),
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
    ),
    "Problem": thing(type=TEXT, title=TEXT, status=WHOLE, detail=TEXT),
}
