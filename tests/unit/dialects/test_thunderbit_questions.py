"""What we ask Thunderbit, where, and that we ask it nowhere else."""

import pytest

from schemas.dialects.orders import NewJob, Webhook
from schemas.dialects.thunderbit import Thunderbit
from schemas.dialects.thunderbit.options import ThunderbitOptions
from schemas.readings import Question
from schemas.words import ActionVerb

HOST = "https://openapi.thunderbit.example"
BASE = f"{HOST}/openapi/v1"
JOB = "batch_7f3a9c21"
DISTILL, EXTRACT = f"{BASE}/batch/distill/{JOB}", f"{BASE}/batch/extract/{JOB}"
PAGE = "?page=0&pageSize=100"
DIALECT = Thunderbit("tb")


@pytest.mark.parametrize(
    ("base", "root"),
    [
        (BASE, BASE),
        (f"{BASE}/", BASE),
        (HOST, BASE),
        (f"{HOST}/", BASE),
        ("https://open.thunderbit.example/v1", "https://open.thunderbit.example/v1"),
        ("http://127.0.0.1:8090/thunderbit", "http://127.0.0.1:8090/thunderbit/openapi/v1"),
        ("http://127.0.0.1:8090/thunderbit/openapi/v1", "http://127.0.0.1:8090/thunderbit/openapi/v1"),
        ("http://v1", "http://v1/openapi/v1"),
    ],
)
def test_base_urls(base: str, root: str) -> None:
    """The API's own path may be configured or left out, and every question goes below it."""
    place = f"{root}/batch/distill/{JOB}"
    first, second = DIALECT.poll(base, "batch", JOB, None)

    assert (first.url, second.url) == (place + PAGE, f"{root}/batch/extract/{JOB}{PAGE}")
    assert DIALECT.poll(base, "batch", JOB, place) == (Question("GET", place + PAGE),)
    assert DIALECT.act(base, ActionVerb.CANCEL, "batch", JOB, place) == Question("DELETE", place)
    assert DIALECT.create(base, NewJob(endpoint="/batch/extract")).url == f"{root}/batch/extract"
    assert [asked.url for asked in DIALECT.check_key(base)] == [
        f"{root}/batch/distill/batchkeeper-asks-whether-its-key-works"
    ]


@pytest.mark.parametrize("place", [DISTILL, EXTRACT, EXTRACT.replace(".example/", ".example:443/")])
def test_a_job_that_was_seen(place: str) -> None:
    """A job is asked about, and cancelled, where it was seen, and nowhere else."""
    own = place.replace(":443", "")

    assert DIALECT.poll(BASE, "batch", JOB, place) == (Question("GET", own + PAGE),)
    assert DIALECT.result_page(BASE, "batch", JOB, place, "3") == (Question("GET", f"{own}?page=3&pageSize=100"),)
    assert DIALECT.act(BASE, ActionVerb.CANCEL, "batch", JOB, place) == Question("DELETE", own)


def test_a_job_that_was_not_seen() -> None:
    """A job whose endpoint nobody knows is asked for at both; its cancel begins with the first."""
    both = (Question("GET", DISTILL + PAGE), Question("GET", EXTRACT + PAGE))

    assert DIALECT.poll(BASE, "batch", JOB, None) == both
    assert DIALECT.result_page(BASE, "batch", JOB, None, None) == both
    assert DIALECT.act(BASE, ActionVerb.CANCEL, "batch", JOB, None) == Question("DELETE", DISTILL)


@pytest.mark.parametrize(
    "offered",
    [
        "",
        f"https://evil.example/openapi/v1/batch/extract/{JOB}",
        f"http://openapi.thunderbit.example/openapi/v1/batch/extract/{JOB}",
        f"{EXTRACT}{PAGE}",
        f"{EXTRACT}/",
        f"{BASE}/batch/{JOB}",
        f"{BASE}/extract/batch/{JOB}",
        f"{BASE}/batch/extract/batch_another",
        f"{HOST}/v1/batch/extract/{JOB}",
    ],
)
def test_elsewhere(offered: str) -> None:
    """A URL that leads elsewhere, or to something else, is recorded; the job is asked for at its own places."""
    mismatched = (Question("GET", DISTILL + PAGE, mismatch=offered), Question("GET", EXTRACT + PAGE, mismatch=offered))

    assert DIALECT.poll(BASE, "batch", JOB, offered) == mismatched
    assert DIALECT.act(BASE, ActionVerb.CANCEL, "batch", JOB, offered) == Question("DELETE", DISTILL, mismatch=offered)


def test_ids_are_opaque() -> None:
    """An id stands in a URL as one segment, whatever is in it."""
    (asked,) = DIALECT.poll(BASE, "batch", "a/b?c#d%e", f"{BASE}/batch/extract/a%2Fb%3Fc%23d%25e")

    assert asked.url == f"{BASE}/batch/extract/a%2Fb%3Fc%23d%25e{PAGE}"


def test_page_size() -> None:
    """How many rows an answer brings is the source's own choice."""
    small = Thunderbit("tb", ThunderbitOptions(page_size=7))

    assert small.poll(BASE, "batch", JOB, DISTILL) == (Question("GET", f"{DISTILL}?page=0&pageSize=7"),)


@pytest.mark.parametrize("verb", [ActionVerb.PAUSE, ActionVerb.RESUME])
def test_other_actions(verb: ActionVerb) -> None:
    """Its jobs can be cancelled, and neither paused nor resumed."""
    assert DIALECT.act(BASE, verb, "batch", JOB, None) is None


ROWS = b'{"custom_id":"b","url":"https://b.example/1"}\n\n{"url":"https://a.example","custom_id":"a"}\r\n'


def test_create() -> None:
    """A job is made of the URLs in their order, of the params, and of where its news goes."""
    webhook = Webhook(("batch.completed",), url="https://hooks.example/webhooks/tb/sub_1.x", secret="whsec_1")
    new = NewJob(
        endpoint="/batch/extract",
        completion_window="24h",
        metadata={"batchkeeper_submission": "sub_1"},
        webhook=webhook,
        rows=ROWS,
        params={"schema": {"price": "NUMBER"}, "timeout": 30_000},
    )

    assert DIALECT.create(BASE, new) == Question(
        "POST",
        f"{BASE}/batch/extract",
        {
            "schema": {"price": "NUMBER"},
            "timeout": 30_000,
            "urls": ["https://b.example/1", "https://a.example"],
            "webhook": {"url": "https://hooks.example/webhooks/tb/sub_1.x", "secret": "whsec_1"},
        },
    )


@pytest.mark.parametrize("webhook", [None, Webhook(("batch.completed",)), Webhook(("batch.completed",), secret="s")])
def test_create_without_a_webhook(webhook: Webhook | None) -> None:
    """Where no address is given, none is sent, and no secret either."""
    new = NewJob(endpoint="/batch/distill", webhook=webhook, rows=ROWS)

    assert DIALECT.create(BASE, new).body == {"urls": ["https://b.example/1", "https://a.example"]}


def test_params_are_not_the_rows() -> None:
    """Nothing that is given as params takes the place of the rows."""
    new = NewJob(endpoint="/batch/distill", rows=ROWS, params={"urls": ["https://evil.example"]})

    assert DIALECT.create(BASE, new).body == {"urls": ["https://b.example/1", "https://a.example"]}


@pytest.mark.parametrize("endpoint", [None, "", "/v1/responses", "/batch/..", "/batch/distill/x"])
def test_create_without_an_endpoint(endpoint: str | None) -> None:
    """An order for neither endpoint, which the checks let nobody make, goes where no job is made."""
    assert DIALECT.create(BASE, NewJob(endpoint=endpoint)).url == f"{BASE}/batch/without-an-endpoint"
