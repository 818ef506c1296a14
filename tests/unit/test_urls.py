"""Where a question of ours may go."""

from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.dialects.urls import follow, segment

BASE = "https://api.phaseo.app/v1"
PATHS = ("/v1/batches/batch_1", "/v1/batch/batch_1")
OWN = "https://api.phaseo.app/v1/batches/batch_1"
ALIAS = "https://api.phaseo.app/v1/batch/batch_1"


@pytest.mark.parametrize(
    ("offered", "followed"),
    [
        (None, OWN),
        (OWN, OWN),
        (ALIAS, ALIAS),
        ("https://api.phaseo.app:443/v1/batches/batch_1", OWN),
        ("HTTPS://API.Phaseo.App/v1/batches/batch_1", OWN),
    ],
)
def test_followed(offered: str | None, followed: str) -> None:
    """An offered URL on our own origin and on a path that names the job is followed, in our own spelling of the origin."""
    assert follow(BASE, offered, PATHS) == (followed, None)


@pytest.mark.parametrize(
    "offered",
    [
        "",
        " ",
        "/v1/batches/batch_1",
        "batch_1",
        "https:",
        "https://",
        "https:///v1/batches/batch_1",
        "https:/v1/batches/batch_1",
        "https:api.phaseo.app/v1/batches/batch_1",
        "//api.phaseo.app/v1/batches/batch_1",
        "///api.phaseo.app/v1/batches/batch_1",
        "\\\\api.phaseo.app\\v1\\batches\\batch_1",
        "http://api.phaseo.app/v1/batches/batch_1",
        "wss://api.phaseo.app/v1/batches/batch_1",
        "ftp://api.phaseo.app/v1/batches/batch_1",
        "file:///v1/batches/batch_1",
        "javascript:alert(1)",
        "data:application/json,{}",
        "https://evil.example/v1/batches/batch_1",
        "https://api.phaseo.app.evil.example/v1/batches/batch_1",
        "https://evil.example/https://api.phaseo.app/v1/batches/batch_1",
        "https://xapi.phaseo.app/v1/batches/batch_1",
        "https://phaseo.app/v1/batches/batch_1",
        "https://api.phaseo.app./v1/batches/batch_1",
        "https://api.phaseo.app%2eevil.example/v1/batches/batch_1",
        "https://api.phaseo.app%00.evil.example/v1/batches/batch_1",
        "https://api.phaseo.app%40evil.example/v1/batches/batch_1",
        "https://api。phaseo。app/v1/batches/batch_1",
        "https://аpi.phaseo.app/v1/batches/batch_1",
        "https://ａpi.phaseo.app/v1/batches/batch_1",
        "https://127.0.0.1/v1/batches/batch_1",
        "https://169.254.169.254/latest/meta-data",
        "https://2130706433/v1/batches/batch_1",
        "https://0x7f000001/v1/batches/batch_1",
        "https://[::1]/v1/batches/batch_1",
        "https://[::ffff:127.0.0.1]/v1/batches/batch_1",
        "https://[/v1/batches/batch_1",
        "https://api.phaseo.app:80/v1/batches/batch_1",
        "https://api.phaseo.app:8443/v1/batches/batch_1",
        "https://api.phaseo.app:0/v1/batches/batch_1",
        "https://api.phaseo.app:99999/v1/batches/batch_1",
        "https://api.phaseo.app:-443/v1/batches/batch_1",
        "https://api.phaseo.app:44x/v1/batches/batch_1",
        "https://api.phaseo.app:٤٤٣/v1/batches/batch_1",
        "https://api.phaseo.app:443@evil.example/v1/batches/batch_1",
        "https://api.phaseo.app@evil.example/v1/batches/batch_1",
        "https://user@api.phaseo.app/v1/batches/batch_1",
        "https://user:pass@api.phaseo.app/v1/batches/batch_1",
        "https://@api.phaseo.app/v1/batches/batch_1",
        "https://:@api.phaseo.app/v1/batches/batch_1",
        "https://evil.example@api.phaseo.app/v1/batches/batch_1",
        "https://evil.example\\@api.phaseo.app/v1/batches/batch_1",
        "https://api.phaseo.app\\@evil.example/v1/batches/batch_1",
        "https://api.phaseo.app\\.evil.example/v1/batches/batch_1",
        "https:\\\\api.phaseo.app\\v1\\batches\\batch_1",
        "https://api.phaseo.app\\v1\\batches\\batch_1",
        "https://api.phaseo.app#@evil.example/v1/batches/batch_1",
        "https://api.phaseo.app?@evil.example/v1/batches/batch_1",
        "https://evil.example#https://api.phaseo.app/v1/batches/batch_1",
        OWN + "?",
        OWN + "?x=1",
        OWN + "#",
        OWN + "#fragment",
        OWN + ";x",
        OWN + "/",
        OWN + "/cancel",
        OWN + "/..",
        OWN + "/../batch_2",
        OWN + "%2f..%2fbatch_2",
        OWN + "%00",
        OWN + "\x00",
        OWN + "\n",
        OWN + "\r\nx-injected: 1",
        OWN + "%0d%0ax-injected:%201",
        OWN + "\u202e",
        OWN + "é",
        "https://api.phaseo.app/v1/batches/batch_2",
        "https://api.phaseo.app/v1/batches/BATCH_1",
        "https://api.phaseo.app/v1/batches/batch%5F1",
        "https://api.phaseo.app/v1/batches/",
        "https://api.phaseo.app/v1/batches",
        "https://api.phaseo.app/v1//batches/batch_1",
        "https://api.phaseo.app//v1/batches/batch_1",
        "https://api.phaseo.app/v1/batches//batch_1",
        "https://api.phaseo.app/v1/./batches/batch_1",
        "https://api.phaseo.app/v1/x/../batches/batch_1",
        "https://api.phaseo.app/v1/%2e%2e/v1/batches/batch_1",
        "https://api.phaseo.app/v1%2fbatches%2fbatch_1",
        "https://api.phaseo.app/V1/batches/batch_1",
        "https://api.phaseo.app/v2/batches/batch_1",
        "https://api.phaseo.app/batches/batch_1",
        "https://api.phaseo.app/v1/files/batch_1",
        "https://api.phaseo.app/v1/webhook-endpoints",
        "https://api.phaseo.app/v1\t/batches/batch_1",
        "ht\ntps://api.phaseo.app/v1/batches/batch_1",
        "\x00https://api.phaseo.app/v1/batches/batch_1",
    ],
)
def test_threat_44_not_followed(offered: str) -> None:
    """Any other host, port, scheme or path, and any trick of spelling, is recorded, and our own path is asked."""
    assert follow(BASE, offered, PATHS) == (OWN, offered)


@pytest.mark.parametrize(
    "address",
    [
        "[64:ff9b::7f00:1]",
        "[64:ff9b::a9fe:a9fe]",
        "[2002:7f00:1::]",
        "[fec0::1]",
        "192.88.99.1",
        "100.64.0.1",
        "169.254.169.254",
        "[::ffff:169.254.169.254]",
        "10.0.0.1",
        "[fe80::1]",
    ],
)
def test_threat_47_addresses_that_only_seem_public(address: str) -> None:
    """No address is judged, because none but the configured origin is ever asked: one that is offered is only recorded."""
    offered = f"https://{address}/v1/batches/batch_1"

    assert follow(BASE, offered, PATHS) == (OWN, offered)


@pytest.mark.parametrize(
    ("base", "offered"),
    [
        ("http://127.0.0.1:9000/v1", "http://127.0.0.1:9000/v1/batches/batch_1"),
        ("http://[::1]:9000/v1", "http://[::1]:9000/v1/batches/batch_1"),
        ("http://localhost/v1", "http://localhost:80/v1/batches/batch_1"),
    ],
)
def test_other_bases(base: str, offered: str) -> None:
    """A port is a part of the origin, whether written or implied."""
    assert follow(base, offered, PATHS) == (f"{base.removesuffix('/v1')}{PATHS[0]}", None)


@pytest.mark.parametrize(
    ("base", "offered"),
    [
        ("http://127.0.0.1:9000/v1", "http://127.0.0.1/v1/batches/batch_1"),
        ("http://127.0.0.1:9000/v1", "http://localhost:9000/v1/batches/batch_1"),
        ("http://127.0.0.1:9000/v1", "http://127.1:9000/v1/batches/batch_1"),
        ("http://127.0.0.1:9000/v1", "https://api.phaseo.app/v1/batches/batch_1"),
        ("http://localhost:443/v1", "https://localhost/v1/batches/batch_1"),
    ],
)
def test_other_bases_are_not_mixed(base: str, offered: str) -> None:
    """Names for the same machine are not the same origin."""
    assert follow(base, offered, PATHS) == (f"{base.removesuffix('/v1')}{PATHS[0]}", offered)


@given(
    st.text()
    | st.builds(
        "{}{}{}{}".format,
        st.sampled_from(["https://", "HTTPS:", "http://", "//", "\\", " "]),
        st.sampled_from(
            ["api.phaseo.app", "evil.example", "api.phaseo.app:443", "u@api.phaseo.app", "api.phaseo.app."]
        ),
        st.sampled_from(["/v1/batches/batch_1", "/v1/batch/batch_1", "/v1/batches/..", "\\v1", ""]),
        st.text(max_size=5),
    )
)
def test_any_offer(offered: str) -> None:
    """Whatever is offered, the answer is one of our own two URLs."""
    url, mismatch = follow(BASE, offered, PATHS)

    assert url in (OWN, ALIAS)
    assert mismatch in (None, offered)


@given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=256))
def test_segments(text: str) -> None:
    """An id is one segment of a path: nothing in it ends the segment or begins a query, and it can be read back."""
    parts = urlsplit(f"https://api.phaseo.app/v1/batches/{segment(text)}")

    assert (parts.query, parts.fragment, parts.path.count("/")) == ("", "", 3)
    assert unquote(parts.path.rpartition("/")[2]) == text
