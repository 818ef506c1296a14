"""How an account's password is exchanged for tokens (contract 1). A refresh token is good for one refresh."""

import re
from dataclasses import replace
from typing import Any

from schemas.dialects.login import Tokens
from schemas.dialects.members import mapping
from schemas.dialects.tagger import routes
from schemas.dialects.tagger.errors import (
    DISABLED,
    STALE_TOKEN,
    in_words,
    read_detail,
    read_document,
    read_trouble,
    unreadable,
)
from schemas.readings import Denied, Question, Response, Troubled
from schemas.times import DAY, MINUTE, SECOND

USUAL_LIFETIME = 30 * MINUTE  # contract 1.1, for an answer that does not say
_LONGEST_LIFETIME = 365 * DAY
_TOKEN = re.compile(r"[!-~]{1,4096}")  # what a header can hold
_NOT_UNDERSTOOD = "; see whether `email` among the source's options is the account's address"


class PasswordLogin:
    """See `schemas.dialects.login.Login`. The secret is the account's password, and `email` names the account."""

    def __init__(self, email: str) -> None:
        self._email = email

    def log_in(self, base_url: str, secret: str) -> Question:
        return Question("POST", routes.login(base_url), {"email": self._email, "password": secret})

    def refresh(self, base_url: str, refresh_token: str) -> Question:
        return Question("POST", routes.refresh(base_url), {"refresh_token": refresh_token})

    def read_tokens(self, response: Response) -> Tokens | Denied | Troubled:
        """A login has them below `tokens`, a refresh at the top level. Whoever gets none can ask nothing: that trouble is about
        the source. PostgreSQL that is down is a 500 here, and says nothing of what was shown."""
        if not 200 <= response.status < 300:
            return _without(response)
        document = read_document(response)
        if isinstance(document, Troubled):
            return replace(document, about_source=True)
        members = mapping(document.get("tokens")) or document
        access = _token(members.get("access_token"))
        if access is None:
            return replace(unreadable(response, "the answer holds no usable access token"), about_source=True)
        return Tokens(access, _token(members.get("refresh_token")), _lifetime(members.get("expires_in")))

    def is_stale(self, response: Response) -> bool:
        """Any other 401, and every 403, is about the account or about how we ask: no new token would help."""
        return response.status == 401 and read_detail(response) == STALE_TOKEN


def _without(response: Response) -> Denied | Troubled:
    detail = read_detail(response)
    if (response.status == 401 and detail is not None) or (response.status == 403 and detail == DISABLED):
        return Denied(in_words(response))
    trouble = replace(read_trouble(response), about_source=True)
    return replace(trouble, message=trouble.message + _NOT_UNDERSTOOD) if response.status == 422 else trouble


def _token(value: Any) -> str | None:
    return value if isinstance(value, str) and _TOKEN.fullmatch(value) else None


def _lifetime(value: Any) -> int:
    """`expires_in` is in seconds, and counts from the receipt: the token's own `exp` is of another clock (contract 17.25)."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value * SECOND <= _LONGEST_LIFETIME:
        return USUAL_LIFETIME
    return int(value * SECOND)
