"""Whether an answer is what /openapi.json says of it."""

from typing import Any

import httpx
import jsonschema_rs


def described(document: dict[str, Any], method: str, path: str, answer: httpx.Response) -> list[str]:
    """What is wrong with an answer at a path of the description; nothing when it fits."""
    operation = document["paths"][f"/api/v1{path}"][method.lower()]
    content = operation["responses"].get(str(answer.status_code), {}).get("content", {})
    media_type = answer.headers["content-type"]
    if media_type not in content:
        return [f"{answer.status_code} with {media_type} is not described"]
    schema = {**content[media_type]["schema"], "components": document["components"]}
    found = jsonschema_rs.Draft202012Validator(schema, validate_formats=True).iter_errors(answer.json())
    return [f"{'/'.join(map(str, error.instance_path))}: {error.message}" for error in found]
