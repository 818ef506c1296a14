"""[sources.NAME.options] of a provider by configuration: where in its JSON what stands, and what its words mean."""

import json
import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from schemas.config.addresses import refuse
from schemas.config.model import Section
from schemas.config.suggest import nearest
from schemas.dialects.standard.paths import is_path
from schemas.dialects.standard.urls import is_below, why_no_template
from schemas.identity import is_delivery_key, is_kind
from schemas.words import TERMINAL, Status

BEARER, HEADER = "bearer", "header:"
WHOLE_TEXT = "text"
_SAMPLE_WORDS = 'words = { running = "running", succeeded = "completed", failed = "failed" }'
_SAMPLE_STATUS_URL = 'status_url = "/v1/tasks/{job}"'
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}")
# A key there would break the request, or be overwritten.
_NOT_FOR_KEYS = frozenset(
    {"accept", "accept-encoding", "connection", "content-length", "content-type", "host", "transfer-encoding"}
)
# Nobody has been asked yet: that is not for a provider to say.
_STATUSES = tuple(status.value for status in Status if status is not Status.UNKNOWN)
_ENDS = tuple(status for status in _STATUSES if Status(status) in TERMINAL)


def _template(text: str | None) -> str | None:
    if text and (why := why_no_template(text)):
        refuse(why, "write a path on base_url's host, such as /v1/tasks/{job}")
    return text


def _path(text: str | None) -> str | None:
    if text is not None and not is_path(text):
        refuse("this is not a path into JSON", 'write the names of members with a full stop between them: "data.id"')
    return text


def _path_or_nothing(text: str) -> str:
    return text and (_path(text) or "")


def _kind(text: str) -> str:
    if not is_kind(text):
        refuse("this is not a kind of job", 'write a word of up to 32 characters, such as "prediction"')
    return text


def _auth(text: str) -> str:
    name = text.removeprefix(HEADER)
    is_header = text.startswith(HEADER) and _HEADER_NAME.fullmatch(name) and name.lower() not in _NOT_FOR_KEYS
    if text != BEARER and not is_header:
        refuse(
            "this is no way to show a key", 'write "bearer", or "header:" and the name of a header: "header:x-api-key"'
        )
    return text


def _words(table: dict[str, str]) -> dict[str, str]:
    """In lower case, as they are compared."""
    words: dict[str, str] = {}
    for word, status in table.items():
        _refuse_no_status(word, status, _STATUSES)
        if words.setdefault(word.lower(), status) != status:
            refuse(
                f"{json.dumps(word[:80])} is there twice, with different meanings", "upper and lower case are the same"
            )
    return words


def _events(table: dict[str, str]) -> dict[str, str]:
    for event, status in table.items():
        _refuse_no_status(event, status, _ENDS)
        if not is_delivery_key(event):
            refuse(
                f"{json.dumps(event[:80])} cannot be the name of an event",
                "write it as the provider sends it: up to 256 printable ASCII characters without blanks",
            )
    return table


def _refuse_no_status(word: str, status: str, known: tuple[str, ...]) -> None:
    if status in known:
        return
    guess = nearest(status, known)
    meant = f"did you mean {json.dumps(guess)}? " if guess else ""
    refuse(
        f"{json.dumps(word[:80])} is to mean something that is not one of the statuses here",
        f"{meant}Write one of {', '.join(known)}",
    )


Template = Annotated[str | None, AfterValidator(_template)]
Path = Annotated[str | None, AfterValidator(_path)]


class Options(Section):
    """Paths are names of members with a full stop between them, such as `data.id`."""

    status_url: Template = Field(
        default=None,
        description="Where a job's status is asked for, with {job} for its id: a path on base_url's host, or a URL; required.",
    )
    poll_status: Annotated[str, AfterValidator(_path)] = Field(
        default="status", description="Where the status word stands in the answer."
    )
    poll_job: Annotated[str, AfterValidator(_path_or_nothing)] = Field(
        default="id", description='Where the job\'s id stands in the answer; "" if it is not repeated there.'
    )
    words: Annotated[dict[str, str], AfterValidator(_words)] = Field(
        default_factory=dict,
        description="What each of the provider's status words means here; upper and lower case are the same. Required.",
    )
    cancel_url: Template = Field(
        default=None, description="Where a job is cancelled, with {job} for its id; left out, it cannot be."
    )
    cancel_method: Literal["POST", "DELETE", "PUT"] = Field(default="POST", description="How it is cancelled.")
    auth: Annotated[str, AfterValidator(_auth)] = Field(
        default=BEARER, description='How the API key is shown: "bearer", or "header:NAME" for a header of that name.'
    )
    secret: Literal["base64", "text"] = Field(
        default="base64",
        description="How a webhook secret makes the key: base64 after whsec_, or the whole text as it stands.",
    )
    header_prefix: Literal["webhook", "svix"] = Field(
        default="webhook",
        description='How the three signed headers begin; with "svix" those of "webhook" are taken, too.',
    )
    job: Annotated[str, AfterValidator(_path)] = Field(
        default="data.id", description="Where the job's id stands in a webhook's body."
    )
    event: Annotated[str, AfterValidator(_path)] = Field(
        default="type", description="Where the event's name stands in a webhook's body."
    )
    status: Path = Field(
        default=None,
        description="Where the status word stands in a webhook's body; left out, every webhook makes us ask.",
    )
    expected_events: Annotated[dict[str, str], AfterValidator(_events)] = Field(
        default_factory=dict,
        description="Which event tells which end; left out, no delivery is expected, and none is ever missing.",
    )
    kind: Annotated[str, AfterValidator(_kind)] = Field(default="job", description="What a job is called here.")
    counts_total: Path = Field(default=None, description="Where the number of a job's rows stands in the answer.")
    counts_completed: Path = Field(default=None, description="Where the number of those that succeeded stands.")
    counts_failed: Path = Field(default=None, description="Where the number of those that failed stands.")
    error_message: Path = Field(default=None, description="Where the answer says what went wrong, as a text.")


def why_not_options(options: Options) -> tuple[str, str] | None:
    """What is wrong between options, and the mending."""
    if not options.status_url:
        return "status_url is missing: nobody could be asked how a job ended", f"write {_SAMPLE_STATUS_URL}"
    if not set(options.words.values()) & set(_ENDS):
        return (
            "words has none for an end, so no job would ever end here",
            f"write what each status word of the provider means: {_SAMPLE_WORDS}",
        )
    if "cancel_method" in options.model_fields_set and not options.cancel_url:
        return "cancel_method is given and cancel_url is not", "write cancel_url, too, or remove the other"
    return None


def why_not_base_url(options: Options, base_url: str) -> tuple[str, str] | None:
    """What is wrong between the options and base_url, and the mending."""
    for name in ("status_url", "cancel_url"):
        template = getattr(options, name)
        if template and not is_below(template, base_url):
            return (
                f"{name} leads away from base_url, and the API key goes nowhere else",
                "write it as a path that begins with base_url's own, or shorten base_url to what they share",
            )
    return None


def named_events(options: Options) -> tuple[str, ...]:
    """The events that deliveries are expected of."""
    return tuple(options.expected_events)
