"""Whether a key is good for asking about batches: one harmless question, and what its answers mean."""

from collections.abc import Mapping

from schemas.dialects.openai.errors import Envelope, read_envelope, read_trouble
from schemas.dialects.openai.listing import read_page
from schemas.readings import KeyFails, KeyWorks, Page, Question, Response

_ADVICE: Mapping[str, str] = {
    "invalid_api_key": "OpenAI knows no such key: copy it again, or make a new one for the project",
    "insufficient_quota": "what the account has paid for is used up: see its plan and billing",
}


def check_key(base_url: str) -> tuple[Question, ...]:
    """The shortest list."""
    return (Question("GET", f"{base_url}/batches?limit=1"),)


def read_key(response: Response) -> KeyWorks | KeyFails:
    if 200 <= response.status < 300:
        page = read_page(response, None)
        return KeyWorks() if isinstance(page, Page) else KeyFails(page)
    return KeyFails(read_trouble(response), _advice(response.status, read_envelope(response)))


def _advice(status: int, envelope: Envelope) -> str | None:
    if status == 404 and envelope.is_about_address:
        return "nothing stands there: base_url has to end in /v1"
    if status == 403:
        return "the key is known and may not do this: give it the permission to read and write batches and files"
    return _ADVICE.get(envelope.code)
