"""Any provider that signs by Standard Webhooks and has a JSON status endpoint, by configuration. Pure: no I/O, no clock.

What this dialect knows is in the source's options. Jobs are made elsewhere: nobody has told how to create one.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from schemas.config import DialectDefaults
from schemas.config.model import Section
from schemas.contents import NoRow, ResultRow
from schemas.dialects.dialect import Dialect, Headers
from schemas.dialects.orders import SignedRequest
from schemas.dialects.standard import events, push, questions, signature
from schemas.dialects.standard.options import Options, named_events, why_not_base_url, why_not_options
from schemas.presented import Presented
from schemas.readings import (
    Answer,
    Ended,
    Expected,
    KeyFails,
    KeyWorks,
    NotFoundRule,
    Question,
    Refused,
    Report,
    Response,
    Suppressed,
    Verified,
)
from schemas.times import DAY
from schemas.words import ActionVerb, Status


class Standard(Dialect):
    """See `schemas.dialects.dialect.Dialect`. A job has no outputs that could be fetched."""

    name = "standard"
    shows_webhooks = False
    why_not_submit = (
        "its options tell how jobs are asked about, and not how they are created; create the job there, and "
        "`batchkeeper track` it here"
    )
    uploads_input = False
    options: Options
    defaults = DialectDefaults(
        base_url="",
        tolerance_seconds=300,  # the libraries' own (contract 1)
        delivery_window_seconds=73 * 3_600,  # the longest that any sender of contract 2 retries, and one hour to spare
        webhook_events=(),
        known_events=frozenset(),
        webhooks=("endpoint", "none"),
        names_endpoint=False,
        options=Options,
        why_not_secret=signature.why_not_secret,
        why_not_options=why_not_options,
        why_not_base_url=why_not_base_url,
        events=named_events,
    )

    def __init__(self, source: str = "", options: Section | None = None) -> None:
        super().__init__(source, options)
        self.kinds = frozenset({self.options.kind})

    def headers(self, api_key: str) -> Mapping[str, str]:
        return questions.headers(api_key, self.options)

    def check_key(self, base_url: str) -> tuple[Question, ...]:
        return questions.check_key(base_url, self.options)

    def read_key(self, response: Response) -> KeyWorks | KeyFails:
        return questions.read_key(response, self.options)

    def present(self, headers: Headers) -> Presented | Refused:
        return signature.present(headers, self.options)

    def check(
        self, presented: Presented, body: bytes, secrets: Sequence[bytes], tolerance: int, now: int
    ) -> Verified | Refused:
        return signature.check(presented, body, secrets, tolerance, now, self.options)

    def read_report(self, document: Mapping[str, Any]) -> Report:
        return push.read_report(document, self.options)

    def sign(self, secret: bytes, body: bytes, now: int) -> SignedRequest:
        return signature.sign(secret, body, now, self.options)

    def sample(self, event: str, job_id: str, status: str, base_url: str, now: int) -> bytes:
        return events.sample(event, job_id, status, self.options)

    def expected(self, ended: Ended, events_listened_for: Sequence[str]) -> tuple[Expected | Suppressed, ...]:
        return events.expected(ended, events_listened_for, self.options)

    def not_found_rule(self, was_seen: bool) -> NotFoundRule:
        # Nobody knows how long such a provider keeps its jobs: as with the others, a day of denials is the word.
        return NotFoundRule(times=5, over=DAY, becomes=Status.FAILED)

    def poll(self, base_url: str, kind: str, job_id: str, polling_url: str | None) -> tuple[Question, ...]:
        return questions.poll(base_url, job_id, self.options)

    def read_poll(self, kind: str, job_id: str, response: Response, asked: Question | None = None) -> Answer:
        return questions.read_poll(job_id, response, self.options)

    def act(self, base_url: str, verb: ActionVerb, kind: str, job_id: str, offered_url: str | None) -> Question | None:
        return questions.cancel(base_url, job_id, self.options) if verb is ActionVerb.CANCEL else None

    def read_act(self, verb: ActionVerb, kind: str, job_id: str, response: Response) -> Answer:
        return questions.read_cancel(response)

    def read_row(self, line: bytes) -> ResultRow | NoRow:
        return NoRow("the standard dialect reads no outputs")
