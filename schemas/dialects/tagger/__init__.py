"""The wire of a document tagger, Meta-Data-Tag-Generator: jobs are only polled, under ids of our own. Pure: no I/O, no clock."""

from collections.abc import Mapping, Sequence
from typing import Any

from schemas.config import DialectDefaults
from schemas.contents import NoRow, ResultPage, ResultRow
from schemas.dialects.dialect import Dialect
from schemas.dialects.login import Login
from schemas.dialects.orders import CheckedRequest, InputLimits, NewJob, SubmitLater, SubmitRefused, SubmitUnclear
from schemas.dialects.tagger import account, commands, jobs, listing, live, results, rows, starting
from schemas.dialects.tagger.login import PasswordLogin
from schemas.dialects.tagger.options import LLM_KEY, TaggerOptions, why_not_options
from schemas.dialects.tagger.routes import START
from schemas.dialects.tagger.standing import KIND, SHUT_DOWN
from schemas.readings import (
    Advice,
    Answer,
    Denied,
    KeyFails,
    KeyWorks,
    NotFoundRule,
    Observed,
    Page,
    Question,
    Response,
    SocketMessage,
    Troubled,
)
from schemas.times import MINUTE, SECOND
from schemas.words import ActionVerb, Status


class Tagger(Dialect):
    """See `schemas.dialects.dialect.Dialect`."""

    name = "tagger"
    kinds = frozenset({KIND})
    cancelled_may_mean = SHUT_DOWN
    listed_kinds = frozenset({KIND})
    list_pause = listing.PAUSE
    socket_silence = live.SILENCE
    looks_before_acting = True
    is_often_silent = True  # fact 9: whoever waits behind a blocked loop is no sign of an outage
    place_by_socket = True
    doubts_pause = 5 * SECOND  # contract 12: its worker goes on after a second, and the word stays
    uploads_input = False
    chooses_job_id = True
    holds_metadata = False
    pages_results = True
    columns = rows.COLUMNS
    default_endpoint = START
    defaults = DialectDefaults(
        base_url="",
        tolerance_seconds=300,  # it sends no webhooks: neither this nor the next one is used
        delivery_window_seconds=60,
        webhook_events=(),
        known_events=frozenset(),
        webhooks=("none",),
        names_endpoint=False,
        concurrency=1,  # contract 11: one poll at a time
        request_timeout_seconds=150.0,  # contract 11: while a document is handled, nothing is answered
        max_answer_bytes=64 * 1024 * 1024,  # the rows of a job come in one message
        options=TaggerOptions,
        secrets=(LLM_KEY,),
        shows_key=False,
        why_not_options=why_not_options,
    )

    @property
    def login(self) -> Login:
        email = self.options.email if isinstance(self.options, TaggerOptions) else ""
        return PasswordLogin(email)

    def check_key(self, base_url: str) -> tuple[Question, ...]:
        return account.check_key(base_url)

    def read_key(self, response: Response) -> KeyWorks | KeyFails:
        return account.read_key(response)

    def not_found_rule(self, was_seen: bool) -> NotFoundRule:
        """Contract 12. A start whose answer was lost may wait in the tagger's queue for minutes before its job is there."""
        if was_seen:
            return NotFoundRule(times=3, over=5 * MINUTE, becomes=Status.EXPIRED)
        return NotFoundRule(times=5, over=3 * MINUTE, becomes=Status.FAILED)

    def poll(self, base_url: str, kind: str, job_id: str, polling_url: str | None) -> tuple[Question, ...]:
        return jobs.poll(base_url, job_id, polling_url)

    def read_poll(self, kind: str, job_id: str, response: Response, asked: Question | None = None) -> Answer:
        return jobs.read_poll(job_id, response, asked)

    def advice(self, rows: int | None, is_told: bool) -> Advice:
        """Contract 11. A row takes half a second at the least, so that a job of a few rows may be over soon."""
        is_small = rows is not None and rows <= 10
        return Advice(first=(5 if is_small else 10) * SECOND, cap=MINUTE)

    def list_page(self, base_url: str, cursor: str | None) -> Question | None:
        return listing.list_page(base_url, cursor)

    def read_page(self, response: Response, cursor: str | None = None) -> Page | Troubled:
        return listing.read_page(response)

    def socket(self, base_url: str, kind: str, job_id: str) -> Question:
        return live.socket(base_url, job_id)

    def read_socket(self, kind: str, job_id: str, message: str) -> SocketMessage:
        return live.read_socket(job_id, message)

    def act(self, base_url: str, verb: ActionVerb, kind: str, job_id: str, offered_url: str | None) -> Question | None:
        return commands.act(base_url, verb, job_id, offered_url)

    def read_act(self, verb: ActionVerb, kind: str, job_id: str, response: Response) -> Answer:
        return commands.read_act(response)

    def input_limits(self, endpoint: str | None) -> InputLimits:
        return rows.LIMITS

    def check_request(self, row: Mapping[str, Any], endpoint: str | None) -> CheckedRequest:
        return rows.check_request(row, endpoint)

    def why_not_order(self, endpoint: str, params: Mapping[str, Any], secrets: Sequence[str]) -> str | None:
        return starting.why_not_order(endpoint, params, secrets)

    def create(self, base_url: str, new: NewJob) -> Question:
        return starting.create(base_url, new, self.options)

    def read_create(
        self, response: Response, new: NewJob | None = None
    ) -> Observed | SubmitRefused | SubmitLater | SubmitUnclear:
        return starting.read_create(response, new)

    def result_page(
        self, base_url: str, kind: str, job_id: str, polling_url: str | None, cursor: str | None
    ) -> Sequence[Question]:
        return results.result_page(base_url, job_id, polling_url, cursor)

    def read_result_page(
        self, kind: str, job_id: str, response: Response, asked: Question | None = None
    ) -> ResultPage | Denied | Troubled:
        return results.read_result_page(job_id, response, asked)

    def request_key(self, line: bytes, place: int) -> str:
        return results.request_key(place)

    def read_row(self, line: bytes) -> ResultRow | NoRow:
        return results.read_row(line)
