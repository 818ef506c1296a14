"""The operators' app over a real socket: behind its token, read-only, and silent about its insides."""

import asyncio
import base64
import contextlib
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from operators.api.problems import HEADERS
from operators.app import build_app
from operators.clock import now
from schemas.config import Config, Operators, Secret, Source
from schemas.dialects.phaseo import Phaseo
from schemas.words import Origin
from storage import jobs, schema
from storage.sqlite.engine import Sqlite
from storage.store import Store

TOKEN = "0123456789abcdef0123456789abcdef"
BEARER = {"authorization": f"Bearer {TOKEN}"}
PATHS = [
    "/jobs",
    "/jobs/batch_a",
    "/jobs/batch_a/explain",
    "/deliveries",
    "/failures",
    "/refusals",
    "/sources",
    "/handoffs",
    "/receipts",
    "/groups",
    "/submissions",
    "/actions",
    "/status",
]


class Unsignalled(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@pytest.fixture
def ask(tmp_path):
    """The answers to some requests, each a method, a path and headers, from an app that knows two jobs, and `more` by status."""

    def answers(
        *requests: tuple[str, str, Any],
        token: str | None = TOKEN,
        spoil: bool = False,
        more: Mapping[str, str] | None = None,
    ) -> list[httpx.Response]:
        return asyncio.run(_answers(_config(tmp_path, token), requests, spoil, more or {}))

    return answers


def _config(home: Path, token: str | None) -> Config:
    defaults = Phaseo.defaults
    source = Source(
        name="gateway",
        dialect="phaseo",
        base_url="http://127.0.0.1:1/v1",
        api_key=Secret("key" * 8),
        webhook_secrets=(Secret("secret" * 8),),
        tolerance_seconds=defaults.tolerance_seconds,
        delivery_window_seconds=defaults.delivery_window_seconds,
        webhook_events=defaults.webhook_events,
    )
    operators = Operators(port=0, token=Secret(token) if token else None)
    return Config(path=home / "batchkeeper.toml", operators=operators, sources={"gateway": source})


async def _answers(
    config: Config, requests: tuple[tuple[str, str, Any], ...], spoil: bool, more: Mapping[str, str]
) -> list[httpx.Response]:
    store = Store(Sqlite(config.path.with_name("ledger.db")), now)
    await schema.migrate(store)
    async with store.writing() as connection:
        for number, job_id in enumerate(("batch_a", "a/b", *more), 1):
            await jobs.bear(connection, number, ("gateway", "batch", job_id), Origin.TRACK, now())
            await jobs.change(connection, number, {"status": more.get(job_id, "unknown")}, now())
        if spoil:
            await connection.exec_driver_sql("ALTER TABLE jobs RENAME TO spoilt")
    listener = socket.create_server(("127.0.0.1", 0))
    server = Unsignalled(uvicorn.Config(build_app(lambda: config, store, now), lifespan="off", log_config=None))
    running = asyncio.create_task(server.serve([listener]))
    try:
        base = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with httpx.AsyncClient(trust_env=False, base_url=base, timeout=20) as client:
            return [await client.request(method, path, headers=headers) for method, path, headers in requests]
    finally:
        server.should_exit = True
        await running
        await store.close()


def test_nothing_is_shown_without_the_token(ask):
    """
    Without a token, with a wrong one, and with one in another form every path answers the same 401, known or not.
    """
    wrong = [{}, {"authorization": f"Bearer {TOKEN}x"}, {"authorization": TOKEN}, {"authorization": b"Bearer \xe9"}]
    asked = [("GET", f"/api/v1{path}", headers) for path in [*PATHS, "/jobs/nobody", "/nothing"] for headers in wrong]

    found = ask(*asked)

    assert {answer.status_code for answer in found} == {401}
    assert {answer.headers["www-authenticate"] for answer in found} == {"Bearer"}
    assert len({answer.content for answer in found}) == 1


def test_a_token_is_taken_from_the_header_alone(ask):
    """
    A token in a URL, in a cookie or as a user's password lets nobody in, and is not repeated in the answer.
    """
    basic = f"Basic {base64.b64encode(f'operator:{TOKEN}'.encode()).decode()}"
    found = ask(
        *(("GET", f"/api/v1/jobs?{name}={TOKEN}", {}) for name in ("token", "access_token", "authorization")),
        ("GET", "/api/v1/jobs", {"cookie": f"token={TOKEN}"}),
        ("GET", "/api/v1/jobs", {"authorization": basic}),
    )

    assert {answer.status_code for answer in found} == {401}
    assert not any(TOKEN in answer.text for answer in found)


def test_nothing_is_kept_shown_or_guessed_at_by_a_browser(ask):
    """
    Every answer, also a refusal, has the headers that keep it out of caches, frames and other pages; no other origin is let in.
    """
    found = ask(
        ("GET", "/api/v1/jobs", BEARER),
        ("GET", "/api/v1/jobs", {}),
        ("GET", "/nothing", {}),
        ("POST", "/livez", {}),
        ("GET", "/openapi.json", {}),
        (
            "OPTIONS",
            "/api/v1/jobs",
            {**BEARER, "origin": "https://evil.example", "access-control-request-method": "GET"},
        ),
    )

    for answer in found:
        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
        assert not any(name.startswith("access-control-") for name in answer.headers)


def test_head_is_get_without_the_body(ask):
    """
    HEAD says what GET would, and how long it would be.
    """
    got, head = ask(("GET", "/api/v1/jobs", BEARER), ("HEAD", "/api/v1/jobs", BEARER))

    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(got.content)))


def test_a_refusal_has_one_shape(ask):
    """
    Whoever refuses, the router, the door or what is behind it: the members are the same, and none tells of our insides.
    """
    found = ask(
        ("GET", "/api/v1/jobs", {}),
        ("GET", "/nothing", {}),
        ("GET", "/api/v1/nothing", BEARER),
        ("POST", "/api/v1/nothing", BEARER),
        ("PROPFIND", "/api/v1/jobs", BEARER),
        ("DELETE", "/livez", {}),
        ("GET", "/api/v1/jobs?limit=x", BEARER),
        ("GET", "/api/v1/jobs/nobody", BEARER),
        ("POST", "/api/v1/jobs/nobody/cancel", {**BEARER, "content-type": "application/json"}),
    )

    assert [answer.status_code for answer in found] == [401, 404, 404, 404, 405, 405, 400, 404, 400]
    for answer in found:
        assert answer.headers["content-type"] == "application/problem+json"
        assert [*answer.json()] == ["type", "title", "status", "detail"]
        assert answer.json()["status"] == answer.status_code
    assert [answer.headers.get("allow") for answer in found if answer.status_code == 405] == [
        "GET, HEAD, POST",
        "GET, HEAD",
    ]


def test_without_a_configured_token_everything_is_closed(ask):
    """
    No token in the configuration means that nobody has it, and the refusal says what to set.
    """
    for answer in ask(("GET", "/api/v1/jobs", {}), ("GET", "/api/v1/jobs", {"authorization": "Bearer"}), token=None):
        assert answer.status_code == 401
        assert "token_env" in answer.json()["detail"]


def test_each_page_answers_with_the_token(ask):
    """
    With the token every page is JSON that no cache keeps.
    """
    found = ask(*(("GET", f"/api/v1{path}", BEARER) for path in PATHS))

    assert [answer.status_code for answer in found] == [200] * len(PATHS)
    assert {answer.headers["cache-control"] for answer in found} == {"no-store"}
    assert [row["job_id"] for row in found[0].json()["jobs"]] == ["a/b", "batch_a"]
    assert {finding["axis"] for finding in found[2].json()["findings"]} >= {"execution", "asking"}


@pytest.mark.parametrize("name", ["a/b", "a%2Fb", "gateway/a/b", "gateway%2Fa%2Fb"])
def test_an_id_with_slashes_is_found(ask, name):
    """
    A job's name may hold slashes, encoded or not.
    """
    whole, explained = ask(("GET", f"/api/v1/jobs/{name}", BEARER), ("GET", f"/api/v1/jobs/{name}/explain", BEARER))

    assert whole.json()["job_id"] == explained.json()["job_id"] == "a/b"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/jobs/nobody", 404),
        ("GET", "/api/v1/jobs/", 404),
        ("GET", "/api/v1/nothing", 404),
        ("GET", "/nothing", 404),
        ("POST", "/api/v1/jobs", 400),
        ("DELETE", "/api/v1/jobs/batch_a", 405),
        ("GET", "/api/v1/jobs?limit=0", 400),
        ("GET", "/api/v1/jobs?limit=99999999999999999999", 400),
        ("GET", "/api/v1/jobs?limit=\u0663", 400),
        ("GET", "/api/v1/jobs?status=done", 400),
        ("GET", "/api/v1/jobs?status=", 400),
        ("GET", "/api/v1/jobs?status=failed&status=done", 400),
        ("GET", "/api/v1/jobs?statuses=failed,", 400),
        ("GET", "/api/v1/failures?category=bad", 400),
        ("GET", "/api/v1/handoffs?state=bad", 400),
        ("GET", "/api/v1/handoffs?limit=0", 400),
        ("GET", "/api/v1/handoffs/hnd_0000000000000", 404),
        ("GET", "/api/v1/handoffs/nothing", 404),
        ("POST", "/api/v1/handoffs", 405),
    ],
)
def test_refusals_are_problems(ask, method, path, status):
    """
    Whatever cannot be answered is a problem in the form of RFC 9457, with a sentence.
    """
    (answer,) = ask((method, path, BEARER))

    assert answer.status_code == answer.json()["status"] == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert {"type", "title", "detail"} <= set(answer.json())


def test_a_limit_cuts_and_says_so(ask):
    """
    A listing holds the newest rows up to the limit, and says whether there are more.
    """
    cut, whole = ask(("GET", "/api/v1/jobs?limit=1", BEARER), ("GET", "/api/v1/jobs?status=unknown", BEARER))

    assert (len(cut.json()["jobs"]), cut.json()["next"]) == (1, cut.json()["jobs"][0]["id"])
    assert (len(whole.json()["jobs"]), whole.json()["next"]) == (2, None)


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("", ["batch_d", "batch_c", "a/b", "batch_a"]),
        ("status=completed", ["batch_c"]),
        ("status=completed&status=in_progress", ["batch_d", "batch_c"]),
        ("status=Completed,processing", ["batch_d", "batch_c"]),
        ("statuses=completed,running&status=unknown&limit=2", ["batch_d", "batch_c"]),
        ("status=canceled", []),
    ],
)
def test_jobs_by_status(ask, asked, shown):
    """
    `status` and `statuses` take our words and the gateway's, repeated or with commas, and show the jobs of any of them.
    """
    (answer,) = ask(("GET", f"/api/v1/jobs?{asked}", BEARER), more={"batch_c": "completed", "batch_d": "running"})

    assert [row["job_id"] for row in answer.json()["jobs"]] == shown


def test_an_error_of_ours_shows_nothing_of_us(ask):
    """
    When the store fails the answer is a plain 503, without a table's name or a line of code.
    """
    (answer,) = ask(("GET", "/api/v1/jobs", BEARER), spoil=True)

    assert answer.status_code == 503
    assert "jobs" not in answer.json()["detail"]
    assert "Traceback" not in answer.text


def test_whether_it_lives_is_open_to_all(ask):
    """
    The question for life wants no token and says nothing else.
    """
    (answer,) = ask(("GET", "/livez", {}))

    assert (answer.status_code, answer.text) == (200, "alive\n")
