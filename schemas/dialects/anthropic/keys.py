"""Whether a key is good for asking about batches: one harmless question, and what its answers mean."""

from collections.abc import Mapping

from schemas.dialects.anthropic.errors import read_envelope, read_trouble
from schemas.dialects.anthropic.listing import read_page
from schemas.readings import KeyFails, KeyWorks, Page, Question, Response

_ADVICE: Mapping[str, str] = {
    "authentication_error": "Anthropic knows no such key, or it has expired: copy it again, or make a new one",
    "permission_error": "the key is known and may not do this: see its workspace in the console",
    "billing_error": "the key is known, and there is trouble with the payment: see the billing in the console",
    "not_found_error": "nothing stands there: base_url has to end in /v1",
}


def check_key(base_url: str) -> tuple[Question, ...]:
    """The shortest list."""
    return (Question("GET", f"{base_url}/messages/batches?limit=1"),)


def read_key(response: Response) -> KeyWorks | KeyFails:
    if 200 <= response.status < 300:
        page = read_page(response, None)
        return KeyWorks() if isinstance(page, Page) else KeyFails(page)
    return KeyFails(read_trouble(response), _ADVICE.get(read_envelope(response).type))
