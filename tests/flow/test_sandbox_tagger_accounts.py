"""Who may ask the tagger: logins, tokens of two kinds, and every way of being refused (contract 1)."""

import asyncio
import base64
import hmac
import json
from hashlib import sha256
from typing import Any

import httpx
from tagging import GOOD, order, tagging

from sandbox.server import DEFAULT_TAGGER_EMAIL, DEFAULT_TAGGER_PASSWORD

FORGED = ".".join(
    base64.urlsafe_b64encode(json.dumps(part).encode()).decode()
    for part in ({"alg": "none", "typ": "JWT"}, {"sub": "1", "type": "access", "exp": 9e9}, "")
)


def claims(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    read: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return read


def told(answer: httpx.Response) -> tuple[int, Any]:
    return answer.status_code, answer.json()["detail"]


class TestTokens:
    def test_a_login(self) -> None:
        """
        The user, and both tokens in a wrapper: an HS256 JWT that lives as long as it says, and 43 characters.
        """

        async def flow() -> None:
            async with tagging() as on:
                shown = (await on.log_in()).json()
                tokens = shown["tokens"]
                read = claims(tokens["access_token"])
                me = await on.client.get("/api/auth/me")

                assert list(shown["user"]) == ["id", "email", "full_name", "is_active", "is_verified", "created_at"]
                assert me.json() == shown["user"]
                assert (tokens["token_type"], tokens["expires_in"]) == ("bearer", 1800)
                assert len(tokens["refresh_token"]) == 43
                assert (read["sub"], read["email"], read["type"]) == (
                    shown["user"]["id"],
                    DEFAULT_TAGGER_EMAIL,
                    "access",
                )
                assert read["exp"] - read["iat"] == 1800

        asyncio.run(flow())

    def test_a_refresh_token_is_good_once(self) -> None:
        """
        A refresh answers with four fields at top level and spends its token alone; the old access token stays good.
        """

        async def flow() -> None:
            async with tagging() as on:
                other = (await on.log_in()).json()["tokens"]["refresh_token"]
                spent = {"refresh_token": on.tokens["refresh_token"]}
                first = await on.client.post("/api/auth/refresh", json=spent)
                again = await on.client.post("/api/auth/refresh", json=spent)
                family = [
                    (await on.client.post("/api/auth/refresh", json={"refresh_token": token})).status_code
                    for token in (first.json()["refresh_token"], other)
                ]
                truth = await on.truth()

                assert list(first.json()) == ["access_token", "refresh_token", "token_type", "expires_in"]
                assert told(again) == (401, "Invalid or expired refresh token")
                assert family == [200, 200]
                assert (await on.client.get("/api/auth/me")).status_code == 200
                assert (truth["logins"], truth["refreshes"]) == (2, 3)
                assert (truth["asks"]["login"], truth["asks"]["refresh"]) == (2, 4)

        asyncio.run(flow())

    def test_two_refreshes_at_once(self) -> None:
        """
        One of them gets a 401.
        """

        async def flow() -> None:
            async with tagging() as on:
                spent = {"refresh_token": on.tokens["refresh_token"]}
                answers = await asyncio.gather(*(on.client.post("/api/auth/refresh", json=spent) for _ in range(2)))

                assert sorted(answer.status_code for answer in answers) == [200, 401]

        asyncio.run(flow())

    def test_a_logout(self) -> None:
        """
        It wants no header, ends the refresh token and not the access token, and does not mind a token that is unknown.
        """

        async def flow() -> None:
            async with tagging() as on:
                spent = {"refresh_token": on.tokens["refresh_token"]}
                answers = [await httpx_post(on.client, "/api/auth/logout", spent) for _ in range(2)]
                refreshed = await on.client.post("/api/auth/refresh", json=spent)

                assert [(answer.status_code, answer.json()) for answer in answers] == [
                    (200, {"message": "Successfully logged out", "success": True}),
                    (200, {"message": "Token already revoked or invalid", "success": True}),
                ]
                assert refreshed.status_code == 401
                assert (await on.client.get("/api/auth/me")).status_code == 200

        asyncio.run(flow())

    def test_registering(self) -> None:
        """
        201 with the user; a second time 400; a short password is a 422.
        """

        async def flow() -> None:
            async with tagging() as on:
                wanted = {"email": "new@tagger.example", "password": "long enough"}
                answers = [
                    await on.client.post("/api/auth/register", json=body)
                    for body in (wanted, wanted, wanted | {"email": "x", "password": "short"})
                ]

                assert [answer.status_code for answer in answers] == [201, 400, 422]
                assert answers[0].json()["email"] == "new@tagger.example"
                assert answers[1].json() == {"detail": "Email already registered"}

        asyncio.run(flow())


class TestRefusals:
    def test_by_the_header(self) -> None:
        """
        Without one, or with another scheme, it is a 403; whatever is no good access token is a 401 that names its scheme.
        """

        async def flow() -> None:
            async with tagging() as on:
                me = on.client.build_request("GET", "/api/auth/me")

                async def asked(header: str | None) -> httpx.Response:
                    headers = {} if header is None else {"Authorization": header}
                    async with httpx.AsyncClient(trust_env=False) as client:
                        return await client.get(me.url, headers=headers)

                assert told(await asked(None)) == told(await asked("Bearer")) == (403, "Not authenticated")
                assert told(await asked("Basic eDp5")) == (403, "Invalid authentication credentials")
                good = on.tokens["access_token"]
                head, body, signature = good.split(".")
                swapped = f"{head}.{body}.{hmac.new(b'', f'{head}.{body}'.encode(), sha256).hexdigest()}"
                for bad in ("x", "a.b.c", FORGED, swapped, f"{body}.{head}.{signature}", on.tokens["refresh_token"]):
                    answer = await asked(f"Bearer {bad}")
                    assert told(answer) == (401, "Invalid or expired token")
                    assert answer.headers["www-authenticate"] == "Bearer"
                assert (await asked(f"bearer {good}")).status_code == 200

        asyncio.run(flow())

    def test_an_expired_token(self) -> None:
        """
        A lifetime of 0 makes tokens that are expired from the start, and says so; those given before stay good.
        """

        async def flow() -> None:
            async with tagging() as on:
                await on.set(token_seconds=0)
                tokens = (await on.log_in()).json()["tokens"]
                answer = await on.client.get(
                    "/api/auth/me", headers={"Authorization": f"Bearer {tokens['access_token']}"}
                )

                assert tokens["expires_in"] == 0
                assert told(answer) == (401, "Invalid or expired token")
                assert (await on.client.get("/api/auth/me")).status_code == 200

        asyncio.run(flow())

    def test_revoked_by_a_test(self) -> None:
        """
        Access tokens that were given can be made bad, and refresh tokens too; a login helps.
        """

        async def flow() -> None:
            async with tagging() as on:
                spent = {"refresh_token": on.tokens["refresh_token"]}
                await on.control("revoke/access")
                refused = await on.client.get("/api/auth/me")
                await on.control("revoke/refresh")
                unrefreshed = await on.client.post("/api/auth/refresh", json=spent)

                assert (refused.status_code, unrefreshed.status_code) == (401, 401)
                assert (await on.log_in()).status_code == 200
                assert (await on.control("revoke/all")).status_code == 404

        asyncio.run(flow())

    def test_a_bad_login(self) -> None:
        """
        A wrong e-mail and a wrong password are one text; there is no lock-out.
        """

        async def flow() -> None:
            async with tagging() as on:
                bad = [await on.log_in(password="no"), await on.log_in("nobody@tagger.example")]

                assert [told(answer) for answer in bad] == [(401, "Invalid email or password")] * 2
                assert (await on.log_in()).status_code == 200

        asyncio.run(flow())

    def test_an_account_that_is_no_more(self) -> None:
        """
        Disabled, every call and the login are a 403; deleted, a call is a 401 and so is the login. Its jobs go on.
        """

        async def flow() -> None:
            async with tagging(speed=1000) as on:
                spent = {"refresh_token": on.tokens["refresh_token"]}
                job = await on.start(GOOD)
                for account, call, login in (
                    ("disabled", (403, "User account is disabled"), (403, "User account is disabled")),
                    ("deleted", (401, "User not found"), (401, "Invalid email or password")),
                ):
                    await on.set(account=account)
                    assert told(await on.client.get("/api/auth/me")) == call
                    assert told(await on.client.post("/api/batch/start", json=order(GOOD))) == call
                    assert told(await on.log_in()) == login
                    refreshed = await on.client.post("/api/auth/refresh", json=spent)
                    assert told(refreshed) == (401, "Invalid or expired refresh token")
                await on.truly(job, "completed")
                await on.set(account="active")
                assert (await on.client.post("/api/auth/refresh", json=spent)).status_code == 200

        asyncio.run(flow())

    def test_a_long_user_agent(self) -> None:
        """
        Above 255 characters logins and refreshes are a 500 in JSON.
        """

        async def flow() -> None:
            async with tagging() as on:
                spent = {"refresh_token": on.tokens["refresh_token"]}
                asked = {"email": DEFAULT_TAGGER_EMAIL, "password": DEFAULT_TAGGER_PASSWORD}
                answers = []
                for length in (256, 255):
                    headers = {"User-Agent": "x" * length}
                    answers.append(await on.client.post("/api/auth/login", json=asked, headers=headers))
                    answers.append(await on.client.post("/api/auth/refresh", json=spent, headers=headers))

                assert [answer.status_code for answer in answers] == [500, 500, 200, 200]
                assert [told(answer)[1] for answer in answers[:2]] == ["Failed to login", "Failed to refresh token"]

        asyncio.run(flow())


async def httpx_post(client: httpx.AsyncClient, path: str, body: dict[str, Any]) -> httpx.Response:
    """Without an Authorization header."""
    async with httpx.AsyncClient(base_url=client.base_url, trust_env=False) as bare:
        return await bare.post(path, json=body)
