"""How a password is exchanged for tokens, and which answers are about them (contract 1)."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tagger_wire import API, BASE, BROKEN, HTML, TAGGER, refused, said

from schemas.dialects.login import Tokens
from schemas.readings import Denied, Question, Response, Troubled
from schemas.times import MINUTE, SECOND
from schemas.words import Trouble

LOGIN = TAGGER.login
TOKENS = {"access_token": "ey.a.b", "refresh_token": "k3-_x", "token_type": "bearer", "expires_in": 1800}


def test_questions() -> None:
    """A login takes address and password, a refresh the one-time token; what they carry is not shown with the question."""
    asked = LOGIN.log_in(BASE, "correct horse")

    assert asked == Question("POST", f"{API}/auth/login", {"email": "daemon@example.com", "password": "correct horse"})
    assert LOGIN.refresh(BASE, "k3") == Question("POST", f"{API}/auth/refresh", {"refresh_token": "k3"})
    assert "correct horse" not in repr(asked)


@pytest.mark.parametrize("body", [{"user": {"id": "x"}, "tokens": TOKENS}, TOKENS])
def test_tokens(body: dict[str, Any]) -> None:
    """A login has them below `tokens`, a refresh at the top level. They are good for `expires_in` seconds from their receipt."""
    assert LOGIN.read_tokens(said(body)) == Tokens("ey.a.b", "k3-_x", 1800 * SECOND)


@pytest.mark.parametrize("lifetime", [None, 0, -1, True, "1800", 1e300, [1]])
def test_without_a_lifetime(lifetime: Any) -> None:
    """One that cannot be read is the usual half hour: should it be shorter, a 401 tells."""
    read = LOGIN.read_tokens(said(TOKENS | {"expires_in": lifetime}))

    assert isinstance(read, Tokens)
    assert read.lifetime == 30 * MINUTE


@pytest.mark.parametrize("token", [None, "", 7, "two words", "bréve", "a\nb", "x" * 5_000])
def test_tokens_that_cannot_be_used(token: Any) -> None:
    """An access token has to fit into a header; without a refresh token one logs in again."""
    read = LOGIN.read_tokens(said(TOKENS | {"access_token": token}))
    assert isinstance(read, Troubled)
    assert read.about_source

    refreshed = LOGIN.read_tokens(said(TOKENS | {"refresh_token": token}))
    assert isinstance(refreshed, Tokens)
    assert refreshed.refresh is None


@pytest.mark.parametrize(
    "response",
    [
        refused(401, "Invalid email or password"),
        refused(401, "Invalid or expired refresh token"),
        refused(403, "User account is disabled"),
    ],
)
def test_denied(response: Response) -> None:
    """What was shown is no good, in the tagger's own words."""
    assert isinstance(LOGIN.read_tokens(response), Denied)


@pytest.mark.parametrize(
    ("response", "trouble"),
    [
        (refused(500, "Failed to login"), Trouble.GATEWAY),  # PostgreSQL is down
        (refused(500, "Failed to refresh token"), Trouble.GATEWAY),
        (BROKEN, Trouble.GATEWAY),
        (HTML, Trouble.GATEWAY),
        (refused(404, "Not Found"), Trouble.REQUEST),
        (refused(422, [{"loc": ["body", "email"], "msg": "no address", "input": "x"}]), Trouble.REQUEST),
        (Response(401, {}, b"<html>who are you</html>"), Trouble.KEY_REFUSED),
        (Response(307, {"location": "https://elsewhere.example"}, b""), Trouble.REDIRECTED),
        (Response(200, {}, b"<html>"), Trouble.UNREADABLE),
        (said({"tokens": {}}), Trouble.UNREADABLE),
    ],
)
def test_trouble(response: Response, trouble: Trouble) -> None:
    """Anything else says nothing of the password; as nobody can ask anything without tokens, it is about the whole source."""
    read = LOGIN.read_tokens(response)

    assert isinstance(read, Troubled)
    assert (read.trouble, read.about_source) == (trouble, True)


@pytest.mark.parametrize(
    ("response", "is_stale"),
    [
        (refused(401, "Invalid or expired token"), True),
        (refused(401, "User not found"), False),
        (refused(401, "Invalid email or password"), False),
        (refused(403, "Not authenticated"), False),
        (refused(403, "Invalid or expired token"), False),
        (Response(401, {}, b"Invalid or expired token"), False),
        (said({"detail": "Invalid or expired token"}), False),
    ],
)
def test_stale(response: Response, is_stale: bool) -> None:
    """One answer alone is mended by a new token."""
    assert LOGIN.is_stale(response) is is_stale


@given(
    st.integers(100, 599),
    st.binary() | st.dictionaries(st.sampled_from([*TOKENS, "tokens", "detail"]), st.text() | st.integers()),
)
def test_answers_of_any_kind(status: int, body: Any) -> None:
    """Whatever comes is tokens that can be used, a denial, or trouble."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    read = LOGIN.read_tokens(Response(status, {}, content))

    assert isinstance(read, Tokens | Denied | Troubled)
    assert LOGIN.is_stale(Response(status, {}, content)) in (True, False)
    if isinstance(read, Tokens):
        assert read.lifetime > 0
        assert all(" " <= letter <= "~" for letter in read.access)
