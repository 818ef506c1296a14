"""Signing in, with a token or a link that is good once, and signing out."""

import secrets
import time
from urllib.parse import quote

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from operators.access import Right, is_closed, right_of
from operators.dashboard.gate import Gate, cookie_name, read_form
from operators.dashboard.origin import is_local
from operators.dashboard.rendering import HEADERS, render
from operators.dashboard.sealing import LASTS, Purpose, open_sealed, seal
from operators.dashboard.visit import Visit
from receiver.flood import Flood
from receiver.senders import neighbourhood
from schemas.times import SECOND
from storage import spent

TRIES_PER_MINUTE = 10

_WRONG = "that is not a token of this service"
_STALE = "this link has been used, or is too old; `batchkeeper dashboard` prints a new one"
_TOO_MANY = "too many tries from your address; wait a minute"
_CLOSED = "no token is configured, so nobody can be let in; set [operators] token_env"


class SigningIn:
    """Every try counts, so that a token cannot be guessed at any pace, right or wrong."""

    def __init__(self, gate: Gate, tries_per_minute: int = TRIES_PER_MINUTE) -> None:
        self._gate = gate
        self._tries = Flood(tries_per_minute)

    async def show(self, request: Request) -> Response:
        """The form; of a link, one button. Looking at a link does not use it up, as whoever previews links looks, too."""
        closed = _CLOSED if is_closed(self._gate.configured()) else None
        return self._page(_next(request.query_params.get("next")), request.query_params.get("link"), closed)

    async def sign_in(self, request: Request) -> Response:
        form = await read_form(request)
        then = _next(_text(form, "next"))
        if is_closed(self._gate.configured()):
            return self._page(then, None, _CLOSED, 401)
        if not self._tries.spend(neighbourhood(request.client.host if request.client else None), time.monotonic()):
            return self._page(then, None, _TOO_MANY, 429)
        link = _text(form, "link")
        right = await self._right_of_link(link) if link else right_of(self._gate.configured(), _text(form, "token"))
        if right is None:
            return self._page(then, None, _STALE if link else _WRONG, 401)
        return self._let_in(request, right, then)

    async def sign_out(self, visit: Visit, _: FormData) -> Response:
        """The session ends for every process, wherever its cookie may have gone."""
        async with visit.store.writing() as connection:
            await spent.spend(connection, visit.session.key, visit.session.until, visit.now)
        answer = RedirectResponse("/signin", 303, dict(HEADERS))
        answer.delete_cookie(cookie_name(visit.request), path="/", httponly=True, samesite="strict")
        return answer

    async def _right_of_link(self, link: str) -> Right | None:
        now = self._gate.now()
        found = open_sealed(self._gate.configured(), Purpose.LINK, link, now)
        if found is None:
            return None
        async with self._gate.store.writing() as connection:
            return found.right if await spent.spend(connection, found.key, found.until, now) else None

    def _let_in(self, request: Request, right: Right, then: str) -> Response:
        text = seal(self._gate.configured(), Purpose.SESSION, right, secrets.token_urlsafe(18), self._gate.now())
        answer = RedirectResponse(quote(then, safe="/?&=%:,+-._~"), 303, dict(HEADERS))
        answer.set_cookie(
            cookie_name(request),
            text,
            max_age=LASTS[Purpose.SESSION] // SECOND,
            path="/",
            secure=_is_https(request),
            httponly=True,
            samesite="strict",
        )
        return answer

    def _page(self, then: str, link: str | None, complaint: str | None, status: int = 200) -> Response:
        values = {"next": then, "link": link, "complaint": complaint}
        headers = {"retry-after": "60"} if status == 429 else {}
        answer = render("signin.html", values, status)
        answer.headers.update(headers)
        return answer


def _is_https(request: Request) -> bool:
    """Whether the browser speaks https, with us or with what stands in front of us. Who lies about it harms their own cookie."""
    return "https" in (request.url.scheme, request.headers.get("x-forwarded-proto", "").lower())


def _next(path: str | None) -> str:
    return path if path and is_local(path) and not path.startswith("/sign") else "/"


def _text(form: FormData, name: str) -> str:
    value = form.get(name, "")
    return value.strip() if isinstance(value, str) else ""
