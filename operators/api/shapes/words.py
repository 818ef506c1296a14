"""What shapes are made of."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from schemas.ids import pattern

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
TRUTH: Schema = {"type": "boolean"}
NUMBER: Schema = {"type": "number"}
WHOLE: Schema = {"type": "integer"}
COUNT: Schema = {"type": "integer", "minimum": 0}
TIME: Schema = {"type": "string", "format": "date-time"}
ANYTHING: Schema = {}
OBJECT: Schema = {"type": "object"}


def thing(**members: Schema) -> Schema:
    """An object with just these members, each always there."""
    return {"type": "object", "properties": members, "required": list(members), "additionalProperties": False}


def many(of: Schema) -> Schema:
    return {"type": "array", "items": of}


def by_name(of: Schema) -> Schema:
    """An object whose names are free."""
    return {"type": "object", "additionalProperties": of}


def maybe(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def an_id(prefix: str) -> Schema:
    return {"type": "string", "pattern": pattern(prefix)}


def one_of(words: type[StrEnum] | Iterable[str]) -> Schema:
    return {"type": "string", "enum": [str(word) for word in words]}


def named(shape: str) -> Schema:
    """A shape that is described elsewhere."""
    return {"$ref": f"#/components/schemas/{shape}"}
