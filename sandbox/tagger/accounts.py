"""Who may ask: users, their access tokens, and their refresh tokens, which are good for one use (contract 1).

A user's access tokens stay good after a refresh and after a logout. Several refresh tokens of one user may be good at once.
"""

import secrets
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from sandbox.clock import Clock, unix
from sandbox.errors import uncaught
from sandbox.tagger.errors import BEARER, refusal, unauthorised
from sandbox.tagger.switches import Mode, Switches
from sandbox.tagger.times import iso_us
from sandbox.tagger.tokens import read_token, signed

REFRESH_LIFE = timedelta(days=7)
LONGEST_USER_AGENT = 255  # characters; the database's column has no more


@dataclass(frozen=True)
class User:
    """The default one is as active as the switch `account` says."""

    email: str
    password: str
    created_at: datetime
    full_name: str | None = None
    is_default: bool = False
    id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def shown(self, switches: Switches) -> dict[str, Any]:
        return {
            "id": self.id,
            "email": self.email,
            "full_name": self.full_name,
            "is_active": not self.is_disabled(switches),
            "is_verified": False,
            "created_at": iso_us(self.created_at),
        }

    def is_disabled(self, switches: Switches) -> bool:
        return self.is_default and switches.account == "disabled"

    def is_deleted(self, switches: Switches) -> bool:
        return self.is_default and switches.account == "deleted"


class Accounts:
    """`logins` and `refreshes` count those that were granted."""

    def __init__(self, clock: Clock, email: str, password: str) -> None:
        self._clock = clock
        self._secret = secrets.token_bytes(32)
        self._users: dict[str, User] = {}
        self._refresh: dict[bytes, tuple[User, datetime]] = {}
        self.logins = 0
        self.refreshes = 0
        self._add(User(email, password, clock.now(), is_default=True))

    def register(self, email: str, password: str, full_name: str | None) -> User:
        if any(user.email == email for user in self._users.values()):
            raise refusal(400, "Email already registered")
        return self._add(User(email, password, self._clock.now(), full_name))

    def login(self, email: str, password: str, agent: str, switches: Switches) -> tuple[User, dict[str, Any]]:
        """The user, and both tokens. Other refresh tokens of the user stay good."""
        if switches.postgresql_down or len(agent) > LONGEST_USER_AGENT:
            raise refusal(500, "Failed to login")
        user = next((user for user in self._users.values() if user.email == email), None)
        if (
            user is None
            or user.is_deleted(switches)
            or not secrets.compare_digest(user.password.encode(), password.encode())
        ):
            raise refusal(401, "Invalid email or password")
        if user.is_disabled(switches):
            raise refusal(403, "User account is disabled")
        self.logins += 1
        return user, self._tokens(user, switches)

    def refresh(self, token: str, agent: str, switches: Switches) -> dict[str, Any]:
        """Both tokens anew. The one that is spent for them is good no more, and the others are not touched."""
        if switches.postgresql_down or len(agent) > LONGEST_USER_AGENT:
            raise refusal(500, "Failed to refresh token")
        user, until = self._refresh.get(_digest(token), (None, self._clock.now()))
        gone = user is None or user.is_deleted(switches) or user.is_disabled(switches)
        if user is None or gone or until <= self._clock.now():
            raise refusal(401, "Invalid or expired refresh token")
        del self._refresh[_digest(token)]
        self.refreshes += 1
        return self._tokens(user, switches)

    def logout(self, token: str) -> bool:
        """Whether there was such a refresh token."""
        return self._refresh.pop(_digest(token), None) is not None

    def caller(self, header: str | None, switches: Switches) -> User:
        """Whoever the Authorization header speaks for; else the refusal of contract 1.3."""
        scheme, _, token = (header or "").partition(" ")
        if not scheme or not token:
            documented = switches.mode is Mode.AS_DOCUMENTED
            raise refusal(401, "Not authenticated", BEARER) if documented else refusal(403, "Not authenticated")
        if scheme.lower() != "bearer":
            raise refusal(403, "Invalid authentication credentials")
        return self.user_of(token, switches)

    def user_of(self, token: str, switches: Switches) -> User:
        """The user whom an access token names. The token is read before the user is looked up."""
        claims = read_token(token, self._secret, self._clock.now().timestamp())
        if claims is None:
            raise unauthorised("Invalid or expired token")
        if switches.postgresql_down:
            raise uncaught()
        user = self._users[claims["sub"]]
        if user.is_deleted(switches):
            raise unauthorised("User not found")
        if user.is_disabled(switches):
            raise refusal(403, "User account is disabled")
        return user

    def revoke_access_tokens(self) -> None:
        """As after a change of the signing secret."""
        self._secret = secrets.token_bytes(32)

    def revoke_refresh_tokens(self) -> None:
        self._refresh.clear()

    def _add(self, user: User) -> User:
        self._users[user.id] = user
        return user

    def _tokens(self, user: User, switches: Switches) -> dict[str, Any]:
        now = self._clock.now()
        issued, refresh = unix(now), secrets.token_urlsafe(32)
        claims = {
            "sub": user.id,
            "email": user.email,
            "type": "access",
            "exp": issued + switches.token_seconds,
            "iat": issued,
        }
        self._refresh[_digest(refresh)] = user, now + REFRESH_LIFE
        return {
            "access_token": signed(claims, self._secret),
            "refresh_token": refresh,
            "token_type": "bearer",
            "expires_in": switches.token_seconds,
        }


def _digest(token: str) -> bytes:
    """All that is kept of a refresh token."""
    return sha256(token.encode("utf-8", "replace")).digest()
