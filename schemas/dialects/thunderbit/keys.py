"""Whether a key is good for asking about jobs (contract 2). There is no list to ask for, so it is a job that nobody has."""

from collections.abc import Mapping

from schemas.dialects.thunderbit.addresses import DISTILL, root
from schemas.dialects.thunderbit.errors import denied, document_of, read_envelope
from schemas.readings import KeyFails, KeyWorks, Question, Response, Troubled
from schemas.words import Trouble

NOBODYS = "batchkeeper-asks-whether-its-key-works"  # no job is called so

_NO_LIST = "the provider has no list of jobs, so it was asked about one that nobody has"
_NO_KEY = "what is configured as the API key is no key of Thunderbit's (tb_ and 32 hex digits): copy it again"
_ADVICE: Mapping[str, str] = {
    "API_KEY_MISSING": "what is configured as the API key is no key: copy it again",
    "API_KEY_INVALID_FORMAT": _NO_KEY,
    "API_KEY_NOT_FOUND": "the provider knows no such key: copy it again, or make a new one",
    "API_KEY_REVOKED": "the key was revoked: make a new one",
    "API_KEY_DISABLED": "the key is switched off: switch it on at the provider, or make a new one",
    "API_KEY_EXPIRED": "make a new one",
    "INVALID_API_KEY": "the provider does not take this key: copy it again, or make a new one",
    "INSUFFICIENT_CREDITS": "the key is known, but the account has no credits left: buy some",
}


def check_key(base_url: str) -> tuple[Question, ...]:
    return (Question("GET", f"{root(base_url)}{DISTILL}/{NOBODYS}"),)


def read_key(response: Response) -> KeyWorks | KeyFails:
    """The API's own word that it knows no such job: who asks is checked before."""
    if denied(response):
        return KeyWorks(_NO_LIST)
    document = document_of(response)
    if isinstance(document, Troubled):
        return KeyFails(document, _ADVICE.get(read_envelope(response).code))
    return KeyFails(Troubled(Trouble.UNREADABLE, "a job was shown that nobody has", response.status))
