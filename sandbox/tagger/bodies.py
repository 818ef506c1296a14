"""Reading a JSON body by a model, and refusing it as the tagger's framework does (contract 11).

What was sent is echoed in a 422, as by the tagger, but for the key of the LLM, which is never shown here.
"""

import json
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from sandbox.errors import Refused
from sandbox.tagger.errors import refusal
from sandbox.tagger.switches import Mode

Model = TypeVar("Model", bound=BaseModel)
KEY, HIDDEN = "api_key", "hidden"


async def read_body(request: Request, model: type[Model], mode: Mode) -> Model:
    """Raises the 422 with a list, or as documented a 400 with a text."""
    try:
        content = json.loads(await request.body())
        # halves of characters can be stored nowhere
        json.dumps(content, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise invalid(
            [{"type": "json_invalid", "loc": ["body", 0], "msg": "JSON decode error", "input": {}}], mode
        ) from None
    try:
        return model.model_validate(content)
    except ValidationError as trouble:
        errors = json.loads(trouble.json(include_context=False))
        raise invalid([_told(error, "body") for error in errors], mode) from None


def invalid(errors: list[dict[str, Any]], mode: Mode) -> Refused:
    """Each error with its `type`, `loc`, `msg` and `input`."""
    if mode is Mode.AS_DOCUMENTED:
        return refusal(400, f"{'.'.join(map(str, errors[0]['loc']))}: {errors[0]['msg']}")
    return refusal(422, errors)


def _told(error: dict[str, Any], place: str) -> dict[str, Any]:
    about_key = KEY in error["loc"]
    return error | {"loc": [place, *error["loc"]], "input": HIDDEN if about_key else _without_key(error["input"])}


def _without_key(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: HIDDEN if name == KEY else _without_key(each) for name, each in value.items()}
    return [_without_key(each) for each in value] if isinstance(value, list) else value
