"""One table of the file against its model, and the model's objections in words for the person who wrote it."""

import datetime
import json
from collections.abc import Mapping
from types import NoneType
from typing import Any, TypeVar, get_args

from annotated_types import Ge, Le
from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from schemas.config.inspection import Inspection, Key, shown_word
from schemas.config.model import Section
from schemas.config.strays import unknown_key
from schemas.config.suggest import nearest
from schemas.config.written import NAMED, Kind, kind_of

T = TypeVar("T", bound=Section)

_WANTED: dict[Kind, str] = {
    "whole": "a whole number",
    "number": "a number",
    "truth": "true or false",
    "text": "text in quotes",
    "list": "a list of texts",
    "table": "a table of texts",
}
_SAMPLE: dict[Kind, str] = {
    "whole": "1",
    "number": "1.5",
    "truth": "true",
    "text": '"..."',
    "list": '["..."]',
    "table": '{ ... = "..." }',
}
_FOUND: dict[type, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number with a decimal point",
    str: "text",
    list: "a list",
    tuple: "a list",
    dict: "a table",
    datetime.datetime: "a date",
    datetime.date: "a date",
    datetime.time: "a time",
}
_LARGEST_SHOWN = 10**18


def check(model: type[T], key: Key, table: Mapping[str, Any], inspection: Inspection) -> T:
    """
    The table as its model sees it. Every key that is wrong is reported, and left at its default so that
    the rest can be checked too.
    """
    given = {word: tuple(value) if isinstance(value, list) else value for word, value in table.items()}
    try:
        return model.model_validate(given)
    except ValidationError as error:
        first = {str(detail["loc"][0]): detail for detail in reversed(error.errors(include_url=False))}
    for word in (word for word in given if word in first):
        what, fix = _objection(model, (*key, word), given[word], first[word], inspection)
        inspection.problem((*key, word), what, fix)
    return model.model_validate({word: value for word, value in given.items() if word not in first})


def _objection(
    model: type[Section], key: Key, value: object, detail: ErrorDetails, inspection: Inspection
) -> tuple[str, str]:
    """What is wrong with the value, and how to put it right."""
    word = key[-1]
    if detail["type"] == "extra_forbidden":
        section = ".".join((key[0], "NAME", *key[2:-1])) if key[0] in NAMED else key[0]
        return unknown_key(section, word, list(model.model_fields))
    field = model.model_fields[word]
    match detail["type"]:
        case "refused":
            return detail["ctx"]["what"], detail["ctx"]["fix"]
        case "greater_than_equal" | "less_than_equal" | "finite_number":
            return _out_of_bounds(field, value), inspection.assignment(key, _sample(field))
        case "literal_error":
            return _not_a_choice(field, value), inspection.assignment(key, _sample(field))
    kind = kind_of(field)
    if kind == "number" and type(value) is int:  # larger than any float
        return _out_of_bounds(field, value), inspection.assignment(key, _sample(field))
    return _wrong_kind(kind, value, detail), inspection.assignment(key, _sample(field))


def _wrong_kind(kind: Kind, value: object, detail: ErrorDetails) -> str:
    if value == "":
        return f"must be {_WANTED[kind]}, and is empty"
    if len(detail["loc"]) > 1:
        place = detail["loc"][1]
        entry = f"entry {place + 1}" if isinstance(place, int) else f"the value of {shown_word(str(place))}"
        return f"must be {_WANTED[kind]}, and {entry} is not text"
    return f"must be {_WANTED[kind]}, and is {found(value)}"


def _out_of_bounds(field: FieldInfo, value: object) -> str:
    low = next(mark.ge for mark in field.metadata if isinstance(mark, Ge))
    high = next(mark.le for mark in field.metadata if isinstance(mark, Le))
    number = f", and is {value}" if isinstance(value, int | float) and abs(value) < _LARGEST_SHOWN else ""
    return f"must be from {low} to {high}{number}"


def _not_a_choice(field: FieldInfo, value: object) -> str:
    choices = [
        choice for part in get_args(field.annotation) for choice in get_args(part) or [part] if choice is not NoneType
    ]
    what = f"must be one of {', '.join(map(json.dumps, choices))}"
    if not isinstance(value, str):
        return f"{what}, and is {found(value)}"
    guess = nearest(value, choices)
    return f"{what}; did you mean {json.dumps(guess)}?" if guess else what


def found(value: object) -> str:
    """What a value is, said without showing it: it may be a secret in the wrong place."""
    return _FOUND.get(type(value), "something else")


def _sample(field: FieldInfo) -> str:
    """A value that would do: the default where there is one."""
    if field.default is None or field.default == () or field.is_required() or field.default_factory is not None:
        return _SAMPLE[kind_of(field)]
    return f"{field.default:g}" if isinstance(field.default, float) else json.dumps(field.default)
