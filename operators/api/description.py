"""The description of the API, as OpenAPI 3.1: made of the same operations as its routes. It tells nothing of what is kept."""

from collections.abc import Sequence
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

from operators.access import Right
from operators.api.operations import ROOT, Body, Operation, Parameter
from operators.api.shapes import SHAPES
from operators.api.shapes.words import named

_ABOUT = (
    "What batchkeeper knows, and what can be asked of it. Listings are newest first and come in pages: `next` is the cursor of "
    "the next one, or null. Times are RFC 3339. Whatever is refused is a problem in the form of RFC 9457."
)
_TOKEN = {
    "type": "http",
    "scheme": "bearer",
    "description": "[operators] token_env: looks and acts; read_token_env: only looks.",
}


def described(operations: Sequence[Operation]) -> dict[str, Any]:
    paths: dict[str, dict[str, Any]] = {}
    for one in operations:
        paths.setdefault(ROOT + one.path, {})[one.method.lower()] = _operation(one)
    return {
        "openapi": "3.1.0",
        "info": {"title": "batchkeeper", "version": version("batchkeeper"), "description": _ABOUT},
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {"schemas": SHAPES, "securitySchemes": {"token": _TOKEN}},
    }


def _operation(one: Operation) -> dict[str, Any]:
    answers = {
        str(status): _answer(HTTPStatus(status).phrase, "application/json", schema)
        for status, schema in one.gives.items()
    }
    problems = {
        str(status): _answer(HTTPStatus(status).phrase, "application/problem+json", named("Problem"))
        for status in one.problems
    }
    description = " ".join(filter(None, (one.about, _right(one), _combined(one))))
    return {
        "operationId": one.name,
        "summary": one.summary,
        "description": description,
        "tags": [one.path.split("/")[1]],
        "parameters": [_parameter(parameter) for parameter in one.parameters],
        **({"requestBody": _body(one.body)} if one.body else {}),
        "responses": {**answers, **problems},
    }


def _right(one: Operation) -> str:
    return "Needs the token that acts." if one.right is Right.ACT else ""


def _combined(one: Operation) -> str:
    """Which filters go together, in words."""
    known = [" and ".join(sorted(names)) for names in one.combinations if names]
    if not known:
        return ""
    return f"Filters that go together: {'; '.join(known)}. Times go with each of them but a prefix."


def _answer(what: str, media_type: str, schema: Any) -> dict[str, Any]:
    return {"description": what, "content": {media_type: {"schema": schema}}}


def _parameter(one: Parameter) -> dict[str, Any]:
    return {
        "name": one.name,
        "in": one.place,
        "required": one.required,
        "description": one.meaning,
        "schema": one.schema,
    }


def _body(body: Body) -> dict[str, Any]:
    content = {media_type: {"schema": schema} for media_type, schema in body.content.items()}
    return {"required": body.required, "content": content}
