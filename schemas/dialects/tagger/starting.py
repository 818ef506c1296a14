"""Starting a job (contract 2). It is named by us, with an id that nobody has used: that is how a start is found again whose
answer was lost, and an id that is sent twice would be worked on twice."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from schemas.config.model import Section
from schemas.dialects.orders import NewJob, SubmitLater, SubmitRefused, SubmitUnclear
from schemas.dialects.tagger import routes, rows
from schemas.dialects.tagger.errors import in_words, read_document, read_trouble
from schemas.dialects.tagger.options import LLM_KEY, usual
from schemas.dialects.tagger.standing import KIND, whole
from schemas.identity import is_job_id
from schemas.readings import Observation, Observed, Question, Response, RowCounts, Troubled
from schemas.texts import clean
from schemas.words import Status

_RANGES = {"num_pages": (1, 10), "num_tags": (3, 15)}
_PARAMS = ("model_name", *_RANGES, "exclusion_words")
# Turned away before anything was written. A start that comes too large for what stands before the tagger is, too.
_REFUSED = frozenset({400, 413, 422})


def why_not_order(endpoint: str, params: Mapping[str, Any], secrets: Sequence[str]) -> str | None:
    if endpoint != routes.START:
        return f"the tagger has one endpoint for rows, {routes.START}"
    if LLM_KEY not in secrets:
        return "the tagger needs the key of an LLM: name it with llm_key_env or llm_key_file among the source's options"
    return "; ".join(_problems(params)) or None


def create(base_url: str, new: NewJob, options: Section) -> Question:
    """The key of the LLM goes along each time; the tagger keeps it nowhere, and neither do we."""
    wanted = {name: new.params[name] for name in _PARAMS if name in new.params}
    body: dict[str, object] = {
        "documents": rows.documents(new.rows),
        "config": {"api_key": new.secrets.get(LLM_KEY, ""), **usual(options), **wanted},
        "column_mapping": {},
    }
    return Question("POST", routes.start(base_url), body if new.job_id is None else {"job_id": new.job_id, **body})


def read_create(response: Response, new: NewJob | None) -> Observed | SubmitRefused | SubmitLater | SubmitUnclear:
    """An error of the server's leaves it open whether the job is at work: it is asked about by the id that we gave it. A 409,
    which only the tagger's page knows, says that such a job is there: ours, sent twice by somebody between."""
    own = new.job_id if new else None
    if 200 <= response.status < 300:
        return _read_started(response, own)
    if response.status in _REFUSED:
        return SubmitRefused(response.status, in_words(response))
    if response.status >= 500 or response.status in (408, 409) or response.status < 200:
        return _unclear(in_words(response), own)
    return SubmitLater(read_trouble(response))


def _read_started(response: Response, own: str | None) -> Observed | SubmitUnclear:
    document = read_document(response)
    if isinstance(document, Troubled):
        return _unclear(document.message, own)
    job_id = document.get("job_id")
    if not isinstance(job_id, str) or not is_job_id(job_id):
        return _unclear("the start was answered without a usable job id", own)
    if own is not None and job_id != own:
        return _unclear(f"the start was answered about {clean(job_id, 80)}, which is not the id that we gave it", own)
    counts = RowCounts(whole(document.get("total_documents")) or None)
    return Observed(Observation(KIND, job_id, Status.PENDING, None, counts=counts, writes_files=False))


def _unclear(message: str, own: str | None) -> SubmitUnclear:
    return SubmitUnclear(message, None if own is None else KIND, own)


def _problems(params: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted(params.keys() - set(_PARAMS)):
        yield f"{clean(name, 80)} is no param of the tagger's; there are {', '.join(_PARAMS)}"
    for name, (least, most) in _RANGES.items():
        value = params.get(name, least)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            yield f"{name} has to be a whole number from {least} to {most}"
    if not _is_word(params.get("model_name", "any")):
        yield "model_name has to be a text that is not empty"
    words = params.get("exclusion_words", [])
    if not isinstance(words, list | tuple) or not all(map(_is_word, words)):
        yield "exclusion_words has to be a list of texts that are not empty"


def _is_word(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip()) and value.isprintable()
