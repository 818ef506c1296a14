"""Correlation: the id under which the provider knows a question of ours, for whoever asks its support about it."""

from schemas.readings import Response
from schemas.strict_json import NotStrictJson, parse_object
from schemas.texts import clean

# OpenAI's clients read the first (`openai/_exceptions.py`), Anthropic's the second (`anthropic/_base_client.py`).
HEADERS = ("x-request-id", "request-id")
LONGEST = 128
LARGEST = 65_536  # bytes of a refusal that is looked through


def request_id_of(response: Response) -> str | None:
    """By a header, else by the body of a refusal: the gateway names it there alone (contract 1.4)."""
    told = next((response.headers[name] for name in HEADERS if name in response.headers), None)
    if told is None and response.status >= 400:
        told = _in_body(response.body)
    return clean(told, LONGEST) if told else None


def _in_body(body: bytes) -> str | None:
    if len(body) > LARGEST:
        return None
    try:
        found = parse_object(body).get("request_id")
    except NotStrictJson:
        return None
    return found if isinstance(found, str) else None
