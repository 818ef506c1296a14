"""Thunderbit's batches of URLs (contract thunderbit): pages become Markdown, or records. Pure: no I/O, no clock."""

from collections.abc import Mapping, Sequence
from typing import Any

from schemas.config import DialectDefaults
from schemas.config.model import Section
from schemas.contents import NoRow, ResultPage, ResultRow
from schemas.dialects.dialect import Dialect, Headers
from schemas.dialects.orders import (
    CheckedRequest,
    Column,
    InputLimits,
    NewJob,
    SignedRequest,
    SubmitLater,
    SubmitRefused,
    SubmitUnclear,
)
from schemas.dialects.thunderbit import creating, events, keys, orders, push, questions, results, signature
from schemas.dialects.thunderbit.addresses import DISTILL, EXTRACT
from schemas.dialects.thunderbit.delivery_key import EVENT
from schemas.dialects.thunderbit.objects import KIND
from schemas.dialects.thunderbit.options import ThunderbitOptions
from schemas.presented import Presented
from schemas.readings import (
    Advice,
    Answer,
    Denied,
    Ended,
    Expected,
    KeyFails,
    KeyWorks,
    NotFoundRule,
    Observation,
    Observed,
    Question,
    Refused,
    Report,
    Response,
    Troubled,
    Verified,
)
from schemas.times import DAY, MINUTE, SECOND
from schemas.words import ActionVerb, Status

MOST_URLS = 100  # in one job (contract 4.1)
LARGEST_INPUT = 1 << 20  # ours: a hundred URLs that each take ten kilobytes


class Thunderbit(Dialect):
    """See `schemas.dialects.dialect.Dialect`."""

    name = "thunderbit"
    kinds = frozenset({KIND})
    endpoints = (DISTILL, EXTRACT)
    defaults = DialectDefaults(
        base_url="https://openapi.thunderbit.com/openapi/v1",
        tolerance_seconds=3_600,  # a genuine retry may carry a signature of 45 minutes ago (contract 9.3)
        delivery_window_seconds=45 * 60,
        webhook_events=(EVENT,),
        known_events=frozenset({EVENT}),
        requests_per_minute=10,  # of the free plan (contract 8)
        webhooks=("inline", "none"),
        names_endpoint=False,
        max_answer_bytes=64 * 1024 * 1024,  # an answer brings the pages that were read
        options=ThunderbitOptions,
    )
    uploads_input = False
    holds_metadata = False
    pages_results = True
    columns = (
        Column("url", "the page to read", is_needed=True),
        Column("custom_id", "what its result is called"),
    )

    def __init__(self, source: str = "", options: Section | None = None) -> None:
        super().__init__(source, options)
        self._options = self.options if isinstance(self.options, ThunderbitOptions) else ThunderbitOptions()

    def check_key(self, base_url: str) -> tuple[Question, ...]:
        return keys.check_key(base_url)

    def read_key(self, response: Response) -> KeyWorks | KeyFails:
        return keys.read_key(response)

    def present(self, headers: Headers) -> Presented | Refused:
        return signature.present(headers, self._options.signature)

    def check(
        self, presented: Presented, body: bytes, secrets: Sequence[bytes], tolerance: int, now: int
    ) -> Verified | Refused:
        terms = signature.Terms(self.source, self._options.signature, tolerance)
        return signature.check(presented, body, secrets, terms, now)

    def read_report(self, document: Mapping[str, Any]) -> Report:
        return push.read_report(document)

    def read_pushed(self, document: Mapping[str, Any]) -> Observation | None:
        return push.read_pushed(document)

    def sign(self, secret: bytes, body: bytes, now: int) -> SignedRequest:
        return signature.sign(secret, body, self._options.signature, now)

    def sample(self, event: str, job_id: str, status: str, base_url: str, now: int) -> bytes:
        return events.sample(job_id, status, now)

    def expected(self, ended: Ended, events_listened_for: Sequence[str]) -> tuple[Expected, ...]:
        return events.expected(self.source, ended, events_listened_for)

    def not_found_rule(self, was_seen: bool) -> NotFoundRule:
        # How long ended jobs are kept, nobody says (contract 10). One that was never seen may be asked for with the key of
        # another account, or by a wrong id: that looks the same, and a day is left to mend it.
        return NotFoundRule(times=3, over=10 * MINUTE if was_seen else DAY, becomes=Status.EXPIRED)

    def poll(self, base_url: str, kind: str, job_id: str, polling_url: str | None) -> tuple[Question, ...]:
        return questions.poll(base_url, job_id, polling_url, self._options.page_size)

    def read_poll(self, kind: str, job_id: str, response: Response, asked: Question | None = None) -> Answer:
        return questions.read_poll(job_id, response, asked, self._options.page_size)

    def advice(self, rows: int | None, is_told: bool) -> Advice:
        """The contract's numbers (12), and the vendor's for small jobs (8)."""
        if rows is not None and rows < self._options.poll_small_below:
            return Advice(first=5 * SECOND, cap=10 * SECOND, grace=5 * SECOND)
        if not is_told:
            return Advice(first=10 * SECOND, cap=MINUTE)
        return Advice(first=MINUTE, cap=5 * MINUTE, grace=max(30 * SECOND, 2 * SECOND * (rows or 0)))

    def act(self, base_url: str, verb: ActionVerb, kind: str, job_id: str, offered_url: str | None) -> Question | None:
        return questions.cancel(base_url, job_id, offered_url) if verb is ActionVerb.CANCEL else None

    def read_act(self, verb: ActionVerb, kind: str, job_id: str, response: Response) -> Answer:
        return questions.read_cancel(response)

    def input_limits(self, endpoint: str | None) -> InputLimits:
        return InputLimits(LARGEST_INPUT, self._options.extract_urls if endpoint == EXTRACT else MOST_URLS)

    def check_request(self, row: Mapping[str, Any], endpoint: str | None) -> CheckedRequest:
        return orders.check_request(row, endpoint)

    def why_not_order(self, endpoint: str, params: Mapping[str, Any], secrets: Sequence[str]) -> str | None:
        return orders.why_not_order(endpoint, params)

    def create(self, base_url: str, new: NewJob) -> Question:
        return creating.create(base_url, new)

    def read_create(
        self, response: Response, new: NewJob | None = None
    ) -> Observed | SubmitRefused | SubmitLater | SubmitUnclear:
        return creating.read_create(response, new, self._options.page_size)

    def result_page(
        self, base_url: str, kind: str, job_id: str, polling_url: str | None, cursor: str | None
    ) -> tuple[Question, ...]:
        return questions.page(base_url, job_id, polling_url, cursor or "0", self._options.page_size)

    def read_result_page(
        self, kind: str, job_id: str, response: Response, asked: Question | None = None
    ) -> ResultPage | Denied | Troubled:
        return results.read_page(job_id, response, asked, self._options.page_size)

    def request_key(self, line: bytes, place: int) -> str | None:
        return results.read_url(line)

    def read_row(self, line: bytes) -> ResultRow | NoRow:
        return results.read_row(line)
