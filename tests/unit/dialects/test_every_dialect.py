"""What holds for every dialect: it is pure and total, believes only what is signed, and asks nobody but its own origin."""

import json
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.contents import ResultPage
from schemas.dialects import DIALECTS, Dialect
from schemas.dialects.orders import NewJob, SubmitLater, SubmitRefused, SubmitUnclear, Webhook
from schemas.identity import is_delivery_key, is_job_id, is_kind, is_source
from schemas.readings import (
    Accepted,
    CancelRefused,
    Coverage,
    Denied,
    Ended,
    Expected,
    FileExists,
    KeyFails,
    KeyWorks,
    NotVisible,
    Observed,
    Page,
    Question,
    Refused,
    Report,
    Response,
    RowCounts,
    Suppressed,
    Troubled,
    Uploaded,
    Verified,
    WebhookEndpoint,
)
from schemas.times import SECOND
from schemas.words import TERMINAL, ActionVerb, OutputRole, Status

NOW = 1_786_500_000 * SECOND
SECRET = b"whsec_4f2b9c7d1e8a6350"
BASE = "https://gateway.example:8443/v1"
JOB = "batch_01K2XYZ3ABCDEFGHJKMNPQRSTV"

# What the dialects without an address or a vocabulary of their own are told by configuration.
TOLD: dict[str, dict[str, Any]] = {
    "standard": {
        "status_url": "/v1/tasks/{job}",
        "cancel_url": "/v1/tasks/{job}/cancel",
        "status": "data.status",
        "words": {"queued": "pending", "completed": "completed", "failed": "failed", "cancelled": "cancelled"},
        "expected_events": {f"task.{end}": end for end in TERMINAL},
    },
    "tagger": {"email": "daemon@example.com"},
}
# Nobody has read the errors of these, so that a denial in JSON, of whatever form, has to do as a sign that the key works.
STRANGERS = frozenset({"standard"})


def made(name: str) -> Dialect:
    dialect = DIALECTS[name]
    return dialect("gateway", dialect.defaults.options(**TOLD.get(name, {})))


MADE = [made(name) for name in DIALECTS]
THOROUGH = settings(deadline=None)

# Ends of which a provider tells nobody, so that no delivery is expected.
UNTOLD = {"thunderbit": {Status.EXPIRED}}

IDS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=256).filter(is_job_id)
WORDS = st.sampled_from(
    [JOB, "completed", "batch", "not_found", "2026-08-12T02:00:00Z", "https://gateway.example:8443/v1"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | WORDS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["id", "status", "error", "data", "webhook", "reason"]) | st.text(), inner, max_size=4
        )
    ),
    max_leaves=15,
)
BODIES = st.binary() | JSON.map(lambda value: json.dumps(value).encode())
RESPONSES = st.builds(
    Response,
    st.sampled_from([200, 202, 301, 400, 401, 403, 404, 409, 429, 500, 501, 502, 503]) | st.integers(0, 999),
    st.dictionaries(st.sampled_from(["retry-after", "date", "location", "content-type"]), st.text()),
    BODIES,
)


def about_webhooks(test: Any) -> Any:
    """What holds for those that send some."""
    test.is_about_webhooks = True
    return test


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each test is run for every dialect that it is about."""
    only_senders = getattr(metafunc.function, "is_about_webhooks", False)
    dialects = [made for made in MADE if sends_webhooks(made) or not only_senders]
    metafunc.parametrize("dialect", dialects, ids=[made.name for made in dialects])


def sends_webhooks(dialect: Dialect) -> bool:
    return dialect.defaults.webhooks != ("none",)


def test_its_defaults(dialect: Dialect) -> None:
    """A dialect is filed under its name, and its defaults would pass as configuration."""
    defaults = dialect.defaults

    assert DIALECTS[dialect.name] is type(dialect)
    assert is_source(dialect.name)
    assert urlsplit(defaults.base_url).scheme == "https" or defaults.base_url == ""
    assert not defaults.base_url.endswith("/")
    assert defaults.tolerance_seconds > 0
    assert defaults.delivery_window_seconds > 0
    assert defaults.known_events.issuperset(defaults.webhook_events)
    assert defaults.why_not_options is None or defaults.why_not_options(dialect.options) is None
    assert defaults.why_not_base_url is None or defaults.why_not_base_url(dialect.options, BASE) is None
    assert dialect.kinds
    assert all(is_kind(kind) for kind in dialect.kinds)


def events_of(dialect: Dialect) -> tuple[str, ...]:
    """The events that are listened for where nothing is said about them."""
    named = dialect.defaults.events
    return named(dialect.options) if named else dialect.defaults.webhook_events


def events_known_to(dialect: Dialect) -> list[str]:
    return sorted(dialect.defaults.known_events | set(events_of(dialect)))


@pytest.mark.parametrize("was_seen", [True, False])
def test_its_rule_for_denials(dialect: Dialect, was_seen: bool) -> None:
    """A denied job is taken for ended only after several denials over some time."""
    rule = dialect.not_found_rule(was_seen)

    assert rule.times > 1
    assert rule.over > 0
    assert rule.becomes in TERMINAL


@THOROUGH
@given(st.lists(st.tuples(st.binary(), st.binary())), st.binary(), st.lists(st.binary()), st.integers(0), st.integers())
def test_random_requests(
    dialect: Dialect, headers: list[tuple[bytes, bytes]], body: bytes, secrets: list[bytes], tolerance: int, now: int
) -> None:
    """Nothing that is sent by somebody without the secret is accepted, and nothing of it raises."""
    assert isinstance(dialect.verify(headers, body, secrets, tolerance, now), Refused)


def test_without_webhooks(dialect: Dialect) -> None:
    """Who sends none signs none, awaits none and has no events; who sends some has all of that."""
    unheard = Ended(min(dialect.kinds), Status.COMPLETED, RowCounts(), None)
    shown = [
        events_known_to(dialect),
        events_of(dialect),
        dialect.sign(SECRET, b"{}", NOW),
        dialect.expected(unheard, events_of(dialect)),
    ]

    assert [bool(one) for one in shown] == [sends_webhooks(dialect)] * len(shown)


@about_webhooks
@THOROUGH
@given(st.data())
def test_tampered_requests(dialect: Dialect, data: st.DataObject) -> None:
    """Of an authentic request, with any header changed, doubled or taken away, or bytes of the body changed, nothing raises."""
    request = dialect.sign(SECRET, dialect.sample(events_of(dialect)[0], JOB, "completed", BASE, NOW), NOW)
    headers = [(name.encode(), value.encode()) for name, value in request.headers]
    place = data.draw(st.integers(0, len(headers) - 1))
    value = data.draw(st.binary() | st.text(alphabet="0123456789abcdef.,=:+- ").map(str.encode))
    changed = data.draw(
        st.sampled_from(
            [
                headers[:place] + headers[place + 1 :],
                [*headers, headers[place]],
                [*headers, (headers[place][0], value)],
                [*headers[:place], (headers[place][0], value), *headers[place + 1 :]],
            ]
        )
    )
    assert isinstance(dialect.verify(changed, request.body, [SECRET], 300 * SECOND, NOW), Verified | Refused)

    cut = data.draw(st.integers(0, len(request.body) - 1))
    body = request.body[:cut] + value + request.body[cut + 1 :]
    outcome = dialect.verify(headers, body, [SECRET], 300 * SECOND, NOW)
    assert isinstance(outcome, Refused) or body == request.body


@about_webhooks
@THOROUGH
@given(BODIES)
def test_authentic_bodies(dialect: Dialect, body: bytes) -> None:
    """Whatever bytes an authentic request carries, it is verified; it names its delivery in bounded ASCII, or says why not."""
    request = dialect.sign(SECRET, body, NOW)
    headers = [(name.encode(), value.encode()) for name, value in request.headers]
    outcome = dialect.verify(headers, body, [SECRET], 300 * SECOND, NOW)

    assert isinstance(outcome, Verified)
    assert (outcome.identity is None) == (outcome.unreadable is not None)
    if outcome.identity is not None:
        assert is_kind(outcome.identity.kind)
        assert is_job_id(outcome.identity.job_id)
        assert is_delivery_key(outcome.identity.delivery_key)


@about_webhooks
@pytest.mark.parametrize("status", ["completed", "failed", "pending"])
def test_made_by_hand(dialect: Dialect, status: str) -> None:
    """For each event that is listened for by default, a sample, signed, is accepted and tells what it was made to tell."""
    assert events_of(dialect)
    for event in events_of(dialect):
        request = dialect.sign(SECRET, dialect.sample(event, JOB, status, BASE, NOW), NOW)
        headers = [(name.encode(), value.encode()) for name, value in request.headers]
        outcome = dialect.verify(headers, request.body, [b"other-secret-of-it", SECRET], 0, NOW)

        assert isinstance(outcome, Verified)
        assert outcome.identity is not None
        assert outcome.identity.kind in dialect.kinds
        assert (outcome.identity.job_id, outcome.secret_index) == (JOB, 1)
        assert outcome.report == dialect.read_report(json.loads(request.body))
        assert isinstance(dialect.verify(headers, request.body, [b"other-secret-of-it"], 0, NOW), Refused)


@THOROUGH
@given(IDS, st.none() | st.text() | st.sampled_from(["https://evil.example", "//evil.example", f"{BASE}/../../x"]))
def test_questions_stay_at_home(dialect: Dialect, job_id: str, offered: str | None) -> None:
    """Every question goes to the configured origin, below its path, whatever the job is called and whatever URL was offered."""
    new = NewJob(job_id, "/v1/responses", "24h", {"job": job_id}, Webhook(("batch.completed",), url=offered))
    questions = [
        *(asked for kind in dialect.kinds for asked in dialect.poll(BASE, kind, job_id, offered)),
        *acts(dialect, job_id, offered),
        *pages(dialect, job_id, offered),
        *contents(dialect, job_id),
        *((dialect.file(BASE, job_id), dialect.upload(BASE)) if dialect.uploads_input else ()),
        *([] if dialect.why_not_submit else [dialect.create(BASE, new)]),
        *(asked for asked in [dialect.list_page(BASE, None)] if asked),
        *dialect.check_key(BASE),
        *(asked for named in (job_id, None) if (asked := dialect.webhook_endpoints(BASE, named))),
        *(asked for asked in [dialect.new_webhook_endpoint(BASE, str(offered), [job_id])] if asked),
        *(asked for kind in dialect.kinds if (asked := dialect.socket(BASE, kind, job_id))),
    ]
    for question in [*questions, *tokens(dialect)]:
        parts = urlsplit(question.url)

        assert (parts.scheme.replace("wss", "https"), parts.netloc) == ("https", "gateway.example:8443")
        assert parts.path.startswith("/v1/")
        assert not {".", ".."} & set(parts.path.split("/"))
        assert question.url.isascii()
        assert question.url.isprintable()
        assert question.mismatch in (None, offered)


def acts(dialect: Dialect, job_id: str, offered: str | None) -> list[Question]:
    """Every action that it knows."""
    verbs = (ActionVerb.CANCEL, ActionVerb.PAUSE, ActionVerb.RESUME)
    found = [dialect.act(BASE, verb, kind, job_id, offered) for verb in verbs for kind in sorted(dialect.kinds)]
    return [asked for asked in found if asked is not None]


def tokens(dialect: Dialect) -> list[Question]:
    """What is asked for tokens, where there are any."""
    login = dialect.login
    return [] if login is None else [login.log_in(BASE, "correct horse"), login.refresh(BASE, "k3")]


def pages(dialect: Dialect, job_id: str, offered: str | None) -> list[Question]:
    """The first page of rows, and one after it."""
    kinds = sorted(dialect.kinds)
    return [
        asked for kind in kinds for at in (None, "2") for asked in dialect.result_page(BASE, kind, job_id, offered, at)
    ]


def contents(dialect: Dialect, job_id: str) -> list[Question]:
    """Its outputs, where it has some that are not read page by page."""
    if dialect.pages_results or dialect.why_not_submit:
        return []
    return [dialect.content(BASE, kind, job_id, role, job_id) for kind in sorted(dialect.kinds) for role in OutputRole]


def test_questions_that_change_nothing(dialect: Dialect) -> None:
    """Looking is a GET without a body; only upload, create and cancel are a POST, and what we print and do not send."""
    for kind in dialect.kinds:
        assert {(asked.method, asked.body) for asked in dialect.poll(BASE, kind, JOB, None)} == {("GET", None)}
    assert {asked.method for asked in acts(dialect, JOB, None)} <= {"POST", "DELETE"}
    looks = [
        *((dialect.file(BASE, JOB),) if dialect.uploads_input else ()),
        *pages(dialect, JOB, None),
        *contents(dialect, JOB),
        *dialect.check_key(BASE),
        *(dialect.webhook_endpoints(BASE, of) for of in (JOB, None)),
    ]
    assert {(look.method, look.body) for look in looks if look is not None} == {("GET", None)}
    assert {asked.method for asked in tokens(dialect)} <= {"POST"}
    new = dialect.new_webhook_endpoint(BASE, BASE, ["batch.completed"])
    assert new is None or new.method == "POST"
    assert dialect.why_not_submit or dialect.create(BASE, NewJob("file-1")).method == "POST"
    assert not dialect.uploads_input or dialect.upload(BASE).method == "POST"


@settings(deadline=None, max_examples=300)
@given(RESPONSES)
def test_answers_are_total(dialect: Dialect, response: Response) -> None:
    """Every answer, of whatever status, headers and bytes, is read as one of the declared kinds of reading."""
    for kind in dialect.kinds:
        assert isinstance(dialect.read_poll(kind, JOB, response), Observed | Denied | Troubled)
        for verb in (ActionVerb.CANCEL, ActionVerb.PAUSE, ActionVerb.RESUME):
            read = dialect.read_act(verb, kind, JOB, response)
            assert isinstance(read, Observed | Denied | CancelRefused | Accepted | Troubled)
        assert isinstance(dialect.read_result_page(kind, JOB, response), ResultPage | Denied | Troubled)
    assert isinstance(dialect.read_page(response), Page | Troubled)
    assert isinstance(dialect.read_key(response), KeyWorks | KeyFails)
    endpoints = dialect.read_webhook_endpoints(response)
    assert isinstance(endpoints, tuple | NotVisible | Denied | Troubled)
    assert not isinstance(endpoints, tuple) or all(isinstance(one, WebhookEndpoint) for one in endpoints)
    assert isinstance(dialect.read_file(JOB, response), FileExists | Denied | Troubled)
    assert isinstance(dialect.read_upload(response), Uploaded | SubmitRefused | SubmitLater | Troubled)
    assert isinstance(dialect.read_create(response), Observed | SubmitRefused | SubmitLater | SubmitUnclear)


@THOROUGH
@given(st.dictionaries(st.text(), JSON, max_size=4))
def test_strangers_are_not_believed(dialect: Dialect, members: dict[str, Any]) -> None:
    """An answer is an observation only if it is a success about the very job that was asked about."""
    body = json.dumps({**members, "id": JOB + "x", "status": "completed"}).encode()
    for kind in dialect.kinds:
        assert not isinstance(dialect.read_poll(kind, JOB, Response(200, {}, body)), Observed)
        assert not isinstance(dialect.read_act(ActionVerb.CANCEL, kind, JOB, Response(200, {}, body)), Observed)
        assert not isinstance(dialect.read_poll(kind, JOB + "x", Response(500, {}, body)), Observed)


def test_a_key_is_checked_by_looking(dialect: Dialect) -> None:
    """There is a question to check a key with; an error of any sort, and an answer that anybody could give, is no yes."""
    assert dialect.check_key(BASE)
    for status in (200, 204, 301, 400, 401, 403, 404, 429, 500, 503):
        for body in (b"", b"<html>welcome</html>", b"{}", b"[]", b"null", b'{"error":"no"}'):
            if dialect.name in STRANGERS and status == 404 and body in (b"{}", b'{"error":"no"}'):
                continue
            assert isinstance(dialect.read_key(Response(status, {}, body)), KeyFails)


@THOROUGH
@given(
    st.lists(
        st.dictionaries(st.sampled_from(["id", "url", "status", "events", "deletedAt", "hasSecret"]), JSON) | JSON,
        max_size=4,
    )
)
def test_endpoints_are_total(dialect: Dialect, entries: list[Any]) -> None:
    """Whatever is shown as endpoints: each is read with all that it is compared by, or all of it is trouble."""
    body = json.dumps({"object": "list", "data": entries}).encode()
    found = dialect.read_webhook_endpoints(Response(200, {}, body))

    assert isinstance(found, tuple | Troubled)
    if isinstance(found, tuple):
        assert len(found) == len(entries)
        assert all(one.id and one.url and one.status for one in found)
        assert all(text.isprintable() for one in found for text in (one.id, one.url, one.status, *one.events))


@about_webhooks
@THOROUGH
@given(st.lists(st.text(), max_size=3), st.data())
def test_coverage_is_total(dialect: Dialect, strangers: list[str], data: st.DataObject) -> None:
    """Who is subscribed to all that is listened for lacks nothing, whatever else there is; and what is lacking was wanted."""
    known = events_known_to(dialect)
    subscribed = [*strangers, *data.draw(st.lists(st.sampled_from(known), max_size=5))]
    wanted = data.draw(st.lists(st.sampled_from(known), max_size=5))
    coverage = dialect.coverage(subscribed, wanted)

    assert isinstance(coverage, Coverage)
    assert set(coverage.superfluous) <= set(subscribed)
    assert dialect.coverage([*subscribed, *wanted], wanted).missing == ()
    assert {*coverage.missing, *coverage.harmless} <= set(known)


@THOROUGH
@given(st.text() | st.sampled_from(["https://hooks.example.com/x", "http://[::1", "https://10.0.0.1"]))
def test_any_url_may_be_asked_about(dialect: Dialect, url: str) -> None:
    """Why a provider would not deliver somewhere is a sentence, or nothing."""
    assert isinstance(dialect.why_undeliverable(url), str | None)


ENTRIES = st.dictionaries(st.sampled_from(["id", "status", "created_at", "metadata", "input_file_id"]), JSON)


@THOROUGH
@given(st.lists(ENTRIES | JSON, max_size=5), st.dictionaries(st.text(), JSON, max_size=2))
def test_lists_are_total(dialect: Dialect, entries: list[Any], members: dict[str, Any]) -> None:
    """Of any list every entry is read or counted as unreadable; the jobs read can be asked about, each stands there once."""
    response = Response(200, {}, json.dumps({**members, "data": entries}).encode())
    page = dialect.read_page(response)

    if isinstance(page, Page):
        names = [seen.job_id for seen in page.observations]
        assert all(is_job_id(name) for name in names)
        assert {seen.kind for seen in page.observations} <= dialect.kinds
        assert len(set(names)) == len(names) <= len(entries) - page.unreadable


@THOROUGH
@given(RESPONSES)
def test_ids_from_answers_can_be_used(dialect: Dialect, response: Response) -> None:
    """An id that an answer brings can stand in a URL and in a key."""
    uploaded, created = dialect.read_upload(response), dialect.read_create(response)

    assert not isinstance(uploaded, Uploaded) or is_job_id(uploaded.file_id)
    assert not isinstance(created, Observed) or is_job_id(created.observation.job_id)
    assert not isinstance(created, SubmitUnclear) or created.job_id is None or is_job_id(created.job_id)


@THOROUGH
@given(st.dictionaries(st.sampled_from(["id", "type", "delivery", "data"]) | st.text(), JSON))
def test_reports_are_total(dialect: Dialect, document: dict[str, Any]) -> None:
    """A report is made of any object, though it may say nothing."""
    assert isinstance(dialect.read_report(document), Report)


@about_webhooks
@THOROUGH
@given(
    st.sampled_from(Status),
    st.builds(RowCounts, *[st.none() | st.integers(0, 3)] * 3),
    st.none() | st.just("file-1"),
    st.lists(st.text(), max_size=3),
)
def test_expectations_are_total(
    dialect: Dialect, status: Status, counts: RowCounts, output: str | None, events: list[str]
) -> None:
    """Whatever a job came to, the expected deliveries are named by usable keys, and by none twice."""
    listened = [*events, *events_known_to(dialect)]
    for kind in dialect.kinds:
        expectations = dialect.expected(Ended(kind, status, counts, output), listened)
        keys = [key for each in expectations for key in (each.keys if isinstance(each, Expected) else (each.key,))]

        assert all(isinstance(each, Expected | Suppressed) for each in expectations)
        assert all(is_delivery_key(key) for key in keys)
        assert len(set(keys)) == len(keys)
        assert expectations or status not in TERMINAL - UNTOLD.get(dialect.name, set())
