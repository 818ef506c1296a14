"""Whatever bytes arrive: a clear refusal, no crash, and nothing left behind that was not authentic."""

from collections.abc import Iterator
from random import Random

import pytest
from fuzz.mutations import mutated
from fuzz.targets import TARGETS
from hypothesis import given, settings
from hypothesis import strategies as st
from receiving import OTHER_SECRET, SECRET, signed
from signed_requests import NOW, SPOILT, authentic, valid
from stores import migrate
from threaded import NOTHING, Running, started, status_of

from schemas.times import SECOND

STORES = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]


@pytest.fixture(scope="module", params=STORES)
def url(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """Of a PostgreSQL database; None: a SQLite file."""
    if request.param == "sqlite":
        yield None
        return
    server = request.getfixturevalue("postgresql")
    with server.database(template=server.template(migrate)) as made:
        yield made


@pytest.fixture(scope="module")
def running(url: str | None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A receiver that is never sent what is authentic: nothing may change there. It soon gives up on requests without an end."""
    with started(tmp_path_factory.mktemp("unauthentic"), url, patience=0.1) as receiver:
        receiver.here.clock.fixed = NOW * SECOND
        yield receiver


@pytest.fixture(scope="module")
def filling(url: str | None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Another one, whose database may fill."""
    with started(tmp_path_factory.mktemp("authentic"), url) as receiver:
        receiver.here.clock.fixed = NOW * SECOND
        yield receiver


NAMES = st.sampled_from(
    ["x-phaseo-signature", "x-phaseo-timestamp", "x-phaseo-delivery-key", "content-type", "content-encoding", "expect",
     "transfer-encoding", "connection", "x-forwarded-for", "trailer", "upgrade", "te", "cookie", "host", "content-length"]
)  # fmt: skip
VALUES = st.one_of(
    st.binary(max_size=60),
    st.sampled_from(
        [b"chunked", b"gzip", b"identity", b"close", b"keep-alive", b"100-continue", b"0" * 64, b"1790000000", b"5"]
    ),
)
PATHS = st.one_of(
    st.just(b"/webhooks/phaseo"),
    st.binary(max_size=40).map(lambda part: b"/webhooks/" + part),
    st.binary(max_size=40).map(lambda part: b"/webhooks/phaseo/" + part),
    st.binary(min_size=1, max_size=40),
)
METHODS = st.one_of(st.just(b"POST"), st.sampled_from([b"GET", b"HEAD", b"PUT", b"BREW", b"CONNECT", b"post"]))
MANY = settings(max_examples=150, deadline=None)


@MANY
@given(st.binary(max_size=300))
def test_random_bytes(running: Running, request_: bytes) -> None:
    """Bytes that are anything at all never get a 5xx, and have no effect."""
    status = status_of(running.ask(request_))
    assert status is None or status < 500
    assert running.effects() == NOTHING


@MANY
@given(METHODS, PATHS, st.lists(st.tuples(NAMES, VALUES), max_size=8), st.binary(max_size=100))
def test_random_requests(
    running: Running, method: bytes, path: bytes, fields: list[tuple[str, bytes]], body: bytes
) -> None:
    """Requests with any path, any fields and any body never get a 5xx or a redirect, and have no effect."""
    head = b"".join(name.encode() + b": " + value + b"\r\n" for name, value in fields)
    status = status_of(running.ask(method + b" " + path + b" HTTP/1.1\r\n" + head + b"\r\n" + body))
    assert status is None or status in (100, 200, 400, 401, 404, 405, 408, 413, 415, 431)
    assert status != 200 or path in (b"/livez", b"/readyz")
    assert running.effects() == NOTHING


@MANY
@given(st.data())
def test_authentic_requests_that_were_touched(running: Running, data: st.DataObject) -> None:
    """A signed request with a byte of its head or body changed, dropped or doubled is never an error of ours."""
    request = signed(
        running.here.clock(), secret=OTHER_SECRET
    )  # of another source: it must not be taken, whatever happens
    position = data.draw(st.integers(0, len(request) - 1))
    change = data.draw(st.binary(max_size=3))
    status = status_of(running.ask(request[:position] + change + request[position + 1 :]))
    assert status is None or 400 <= status < 500
    assert running.effects() == NOTHING


def test_spoilt_requests(running: Running) -> None:
    """Of an authentic request, spoilt in any of the ways that the threat model names, nothing is taken and nothing stays."""
    rng = Random(NOW)
    # The first is signed with a secret that is live here, and what the others put around a value is no part of it on the wire.
    ways = sorted(SPOILT.keys() - {"a retired secret", "blanks around it"})
    for way in ways * 4:
        bad = SPOILT[way](rng, valid(rng, (SECRET,)))
        assert status_of(running.ask(bad.on_the_wire())) in (400, 401), (way, bad)
    assert running.effects() == NOTHING


def test_good_requests(filling: Running) -> None:
    """The same requests, not spoilt, are all taken."""
    rng = Random(NOW)
    for _ in range(50):
        assert status_of(filling.ask(valid(rng, (SECRET,)).on_the_wire())) in (200, 202)


@MANY
@given(st.binary(max_size=200) | mutated(TARGETS["webhook_body"]))
def test_authentic_bodies(filling: Running, body: bytes) -> None:
    """Any bytes at all, and real bodies with something changed, are kept and answered 2xx when they are signed."""
    assert status_of(filling.ask(authentic(body, SECRET).on_the_wire())) in (200, 202)
    assert filling.here.rows("SELECT DISTINCT body FROM bodies WHERE body = ?", body) == [(body,)]
