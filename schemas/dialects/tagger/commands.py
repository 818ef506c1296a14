"""Cancel, pause and resume (contract 5): always answered 200, for any id in any state, so that the answer tells nothing.

To an id that the tagger does not know, a command makes a ghost that stays for ever: whoever sends one looks at the job
right before. A job of which only part of its state is left can be sent one: what would be the ghost is there already.
"""

from schemas.dialects.members import text
from schemas.dialects.tagger import routes
from schemas.dialects.tagger.errors import denies_job, in_words, read_detail, read_document, read_trouble
from schemas.dialects.tagger.jobs import NO_STATE
from schemas.readings import Accepted, Answer, CancelRefused, Denied, Question, Response, Troubled
from schemas.words import ActionVerb

VERBS = frozenset({ActionVerb.CANCEL, ActionVerb.PAUSE, ActionVerb.RESUME})
# By the tagger's own word about this job. As its page has it, a wrong state is a 409 (contract 13); as it is, none occurs.
_ABOUT_JOB = frozenset({400, 405, 409, 410})


def act(base_url: str, verb: ActionVerb, job_id: str, offered_url: str | None) -> Question | None:
    if verb not in VERBS:
        return None
    return Question("POST", routes.job(base_url, job_id, verb.value), mismatch=offered_url)


def read_act(response: Response) -> Answer:
    """200 says that the command was written down. Only the job's status tells what came of it."""
    if denies_job(response):
        return Denied(NO_STATE)
    if response.status in _ABOUT_JOB and read_detail(response) is not None:
        return CancelRefused(response.status, in_words(response))
    if not 200 <= response.status < 300:
        return read_trouble(response)
    document = read_document(response)
    return document if isinstance(document, Troubled) else Accepted(text(document.get("message")))
