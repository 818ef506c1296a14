"""Parameters: how the filters of a listing, its limit and its cursor are written in a query, and how that is read."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from starlette.requests import Request

from operators import filters
from operators.api.operations import Parameter, Schema
from operators.api.shapes.words import an_id
from operators.auditing import SORTS, Scope
from operators.errors import BadInput
from operators.filters import LIMIT, MOST, TIMES, Asked, Noun
from operators.once import LONGEST_KEY, idempotency_key
from operators.statuses import KNOWN
from schemas.texts import clean

PRINTABLE = {"type": "string", "pattern": "^[ -~]{1,600}$"}
KEY = {"type": "string", "pattern": f"^[!-~]([ -~]{{0,{LONGEST_KEY - 2}}}[!-~])?$"}
_STATUSES = {"type": "array", "items": {"type": "string", "enum": list(KNOWN)}}
TIME = {"type": "string", "minLength": 1, "examples": ["2026-11-22T06:00:00Z", "6h"]}
_PATTERNS = {"label": "^[ -<>-~][ -<>-~]*=[ -~]*$"}
_IDS = {"group": "grp", "delivery": "dlv"}
_LIMIT = re.compile(r"[1-9][0-9]{0,5}", re.ASCII)


_LIMITS = {"type": "integer", "minimum": 1, "maximum": MOST, "default": LIMIT}
_CURSOR = "what the answer before gave as next"
OF_LIMIT = Parameter("limit", "query", _LIMITS, "how many rows to answer with")
OF_SOURCE = Parameter("source", "query", PRINTABLE, filters.MEANINGS["source"])
OF_AUDIT = (
    OF_SOURCE,
    Parameter("since", "query", TIME, filters.MEANINGS["since"]),
    OF_LIMIT,
    Parameter("cursor", "query", {"anyOf": [an_id(sort.prefix) for sort in SORTS]}, _CURSOR),
)


def of_listing(noun: Noun) -> tuple[Parameter, ...]:
    """Everything that the query of a listing may hold."""
    taken = [Parameter(name, "query", _schema(noun, name), filters.MEANINGS[name]) for name in noun.filters]
    if "status" in noun.filters:
        taken.append(Parameter("statuses", "query", _STATUSES, "the same as status, as the gateway's list calls it"))
    return (*taken, *of_page(noun.prefix))


def of_page(prefix: str) -> tuple[Parameter, ...]:
    """How long a page is and where it begins. `prefix`: of the ids that it goes on after."""
    return (
        OF_LIMIT,
        Parameter("cursor", "query", an_id(prefix), _CURSOR),
    )


def _schema(noun: Noun, name: str) -> Schema:
    words = noun.words(name)
    if name == "status":
        return _STATUSES
    if name in noun.several:
        return {"type": "array", "items": {"type": "string", "enum": list(words)}}
    if words:
        return {"type": "string", "enum": list(words)}
    if name in TIMES:
        return TIME
    if name in _IDS:
        return an_id(_IDS[name])
    return {"type": "string", "pattern": _PATTERNS[name], "maxLength": 600} if name in _PATTERNS else PRINTABLE


def of_path(name: str, prefix: str | None = None) -> Parameter:
    """A part of the path. `prefix`: of the ids that it may be."""
    if prefix is not None:
        return Parameter(name, "path", an_id(prefix), "its id", required=True)
    meaning = "our id, SOURCE/JOB_ID, or the provider's id" if name == "job" else "its name"
    return Parameter(name, "path", {"type": "string", "minLength": 1}, meaning, required=True)


def of_key(required: bool) -> Parameter:
    meaning = (
        "the same for every try of one request, such as a UUID: it is done once, and answered as it was the first time"
    )
    return Parameter("Idempotency-Key", "header", KEY, meaning, required)


def asked_for(request: Request, noun: Noun, now: int) -> Asked:
    """What part of a listing a query asks for. Raises BadInput."""
    given = _check_given(request, several={"status", "statuses", *noun.several})
    if "statuses" in given and "status" in noun.filters:
        given["status"] = [*given.get("status", []), *given.pop("statuses")]
    limit, cursor = given.pop("limit", []), given.pop("cursor", [])
    return filters.read(noun, given, now, _limit(limit), cursor[0] if cursor else None)


def _check_given(request: Request, several: Collection[str]) -> dict[str, list[str]]:
    """What a query gives, by name; but for `several` each is given once."""
    given = {name: request.query_params.getlist(name) for name in request.query_params}
    for name, texts in given.items():
        if "" in texts:
            raise BadInput(f"{clean(name, 40)} is given empty; leave it out, or give it a value")
        if len(texts) > 1 and name not in several:
            raise BadInput(f"{clean(name, 40)} is given more than once")
    return given


def refuse_query(request: Request, but: Sequence[str] = ()) -> None:
    """Raise BadInput where there is nothing else to choose, so that nobody believes to have chosen."""
    _check_given(request, several=())
    for name in request.query_params:
        if name not in but:
            raise BadInput(f"there is no parameter {clean(name, 40)} here")


@dataclass(frozen=True, slots=True)
class AuditPage:
    """What part of the audit a query asks for."""

    scope: Scope
    limit: int
    cursor: str | None


def page_of_audit(request: Request, now: int) -> AuditPage:
    """Raises BadInput."""
    refuse_query(request, but=[one.name for one in OF_AUDIT])
    given = request.query_params
    since = filters.read(filters.FAILURES, {"since": given.getlist("since")}, now).part.since
    return AuditPage(Scope(given.get("source"), since), _limit(given.getlist("limit")), given.get("cursor"))


def page_of(request: Request) -> tuple[int, str | None]:
    """The limit and the cursor of a query that holds nothing else. Raises BadInput."""
    refuse_query(request, but=("limit", "cursor"))
    given = request.query_params
    return _limit(given.getlist("limit")), given.get("cursor")


def required_key(request: Request) -> str:
    """The key of a request that acts. Raises BadInput."""
    key = idempotency_key(request.headers.getlist("idempotency-key"))
    if key is None:
        raise BadInput(
            "acting needs an Idempotency-Key, so that sending it again does nothing twice: choose one, such as a UUID, and "
            "keep it for every try"
        )
    return key


def _limit(given: Sequence[str]) -> int:
    if not given:
        return LIMIT
    if not _LIMIT.fullmatch(given[0]) or int(given[0]) > MOST:
        raise BadInput(f"limit is a number from 1 to {MOST}")
    return int(given[0])
