"""Creating a job (contract 4.1). No create can be told from the one before it, so what may have made a job is not sent twice."""

from collections.abc import Mapping
from dataclasses import replace

from schemas.dialects.orders import NewJob, SubmitLater, SubmitRefused, SubmitUnclear, Webhook
from schemas.dialects.thunderbit.addresses import ENDPOINTS, root
from schemas.dialects.thunderbit.errors import document_of, read_envelope, read_trouble
from schemas.dialects.thunderbit.objects import job_id_of, read_object, unwrapped
from schemas.dialects.thunderbit.results import urls_of
from schemas.readings import Observed, Question, Response, Troubled
from schemas.times import MINUTE

_NO_ENDPOINT = "/batch/without-an-endpoint"  # an order that was checked never goes there, and nothing stands there
_CREDITS_AGAIN = 10 * MINUTE  # how often to see whether somebody has bought credits; a source's own questions go on
# About the key, the account's credits or limit, or the address: nothing was looked at, and it may be mended.
_LATER = frozenset({401, 402, 403, 404, 429})


def create(base_url: str, new: NewJob) -> Question:
    """Send the URLs in the order of their rows, with the params."""
    body: dict[str, object] = {**new.params, "urls": urls_of(new.rows)}
    if new.webhook and (webhook := _webhook(new.webhook)):
        body["webhook"] = webhook
    return Question("POST", f"{root(base_url)}{new.endpoint if new.endpoint in ENDPOINTS else _NO_ENDPOINT}", body)


def _webhook(webhook: Webhook) -> Mapping[str, str]:
    """Without an address there is nobody to tell."""
    told = {"url": webhook.url, "secret": webhook.secret}
    return {name: value for name, value in told.items() if value} if webhook.url else {}


def read_create(
    response: Response, new: NewJob | None, page_size: int
) -> Observed | SubmitRefused | SubmitLater | SubmitUnclear:
    """Any success has made a job (contract 3), and an error of the provider's own may have."""
    if 200 <= response.status < 300:
        return _created(response, new, page_size)
    if not 300 <= response.status < 500 or response.status == 408:
        return SubmitUnclear(f"HTTP {response.status}: {read_envelope(response)}")
    if response.status < 400 or response.status in _LATER:
        return SubmitLater(_for_now(read_trouble(response)))
    return SubmitRefused(response.status, str(read_envelope(response)))


def _created(response: Response, new: NewJob | None, page_size: int) -> Observed | SubmitUnclear:
    document = document_of(response)
    if isinstance(document, Troubled):
        return SubmitUnclear(f"the create was answered without a readable job: {document.message}")
    job_id = job_id_of(document)
    if job_id is None:
        return SubmitUnclear("the create was answered without a usable id")
    said = read_object(job_id, unwrapped(document), page_size)
    if new is None:
        return Observed(said)
    total = len(urls_of(new.rows)) if said.counts.total is None else said.counts.total
    return Observed(replace(said, endpoint=new.endpoint, counts=replace(said.counts, total=total)))


def _for_now(trouble: Troubled) -> Troubled:
    """Without credits nothing can be submitted, and everything can be asked about (contract 2)."""
    if trouble.http_status != 402:
        return trouble
    message = f"{trouble.message}; it is submitted by itself once the account has credits again"
    return replace(trouble, message=message, about_source=False, retry_after=trouble.retry_after or _CREDITS_AGAIN)
