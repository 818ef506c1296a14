"""Whether a key is good for asking about batches (contract 1.2): two harmless questions, and what their answers mean."""

from collections.abc import Mapping

from schemas.dialects.phaseo.errors import Envelope, read_envelope, read_trouble
from schemas.dialects.phaseo.listing import read_page
from schemas.readings import KeyFails, KeyWorks, Page, Question, Response

NOBODYS = "batchkeeper-asks-whether-its-key-works"  # no batch is called so

_NO_LIST = "the gateway has no list of batches, so jobs are asked about one by one"
_ADVICE: Mapping[str, str] = {
    "missing_or_invalid_authorization_header": "what is configured as the API key is no key: copy it again",
    "invalid_key_format": "what is configured as the API key is no key of Phaseo's (phaseo_v1_sk_...): copy it again",
    "legacy_key_prefix_retired": "keys with this beginning are not taken any more: make a new one",
    "management_key_not_valid_for_gateway": "this is a management key: configure an inference key (phaseo_v1_sk_...)",
    "oauth_delegated_key_required": "the gateway wants another sort of key here: make an inference key (phaseo_v1_sk_...)",
    "key_not_found_or_revoked": "the gateway knows no such key, or it was revoked: make a new one",
    "key_expired": "make a new one",
    "key_soft_blocked": "the provider has blocked the key: ask why",
    "invalid_secret": "the key's last part is wrong: copy it again, whole",
    "batch_api_feature_flag_disabled": "the key is known, but the account has no access to batches: ask the provider for it",
    "batch_api_temporarily_disabled": "batches are switched off at the gateway: ask the provider",
}


def check_key(base_url: str) -> tuple[Question, ...]:
    """The shortest list; and for a gateway that has none (generation G1a) a batch that nobody has."""
    return Question("GET", f"{base_url}/batches?limit=1"), Question("GET", f"{base_url}/batches/{NOBODYS}")


def read_key(response: Response) -> KeyWorks | KeyFails:
    """A page, or the gateway's own word that it knows no such batch: who asks is checked before either."""
    if 200 <= response.status < 300:
        page = read_page(response, None)
        return KeyWorks() if isinstance(page, Page) else KeyFails(page)
    envelope = read_envelope(response)
    if response.status == 404 and envelope.form == "flat" and envelope.code == "not_found":
        return KeyWorks(_NO_LIST)
    return KeyFails(read_trouble(response), _advice(response.status, envelope))


def _advice(status: int, envelope: Envelope) -> str | None:
    if status == 404 and envelope.form == "text":
        return "nothing stands there: base_url has to end in /v1"
    return _ADVICE.get(envelope.reason)
