"""How an order goes out whose rows go along: byte for byte, and with the time that they need."""

import asyncio

from service import Asked, Provider, said

from reconciler.authorization import KeyShown
from reconciler.client import Client
from schemas.config import Secret
from schemas.dialects.anthropic import Anthropic
from schemas.readings import Question, Response, Troubled
from schemas.words import Trouble

KEY = KeyShown(Anthropic(), Secret("sk-ant-1"))
# What no reader of JSON would write again as it stands.
ORDER = rb'{"requests":[{"custom_id":"a","params":{"x":1e400,"y":1.10,"z":"\ud83d"}}]}'


def test_it_goes_as_it_stands() -> None:
    """The bytes of an order arrive as they are, as JSON, with the key in its own header; and once."""

    async def flow() -> None:
        async with (
            Provider(lambda asked: said(b"{}")).listening() as provider,
            Client(provider.base_url, KEY, 30, 1 << 20) as client,
        ):
            answer = await client.send(Question("POST", f"{provider.base_url}/orders", content=ORDER))

            assert isinstance(answer, Response)
            (asked,) = provider.asked
            assert (asked.method, asked.body) == ("POST", ORDER)
            assert asked.headers["content-type"] == "application/json"
            assert asked.headers["x-api-key"] == "sk-ant-1"
            assert "authorization" not in asked.headers

    asyncio.run(flow())


def test_it_may_take_longer() -> None:
    """An order with more time of its own still waits for its answer when another question has given up; it is sent once."""

    async def flow() -> None:
        given_up = asyncio.Event()

        async def answer(asked: Asked) -> bytes:
            await given_up.wait()
            return said(b"{}")

        async with Provider(answer).listening() as provider, Client(provider.base_url, KEY, 0.2, 1 << 20) as client:
            order = Question("POST", f"{provider.base_url}/orders", content=ORDER)
            sending = asyncio.create_task(client.send(order, least_seconds=60))
            other = await client.send(Question("GET", f"{provider.base_url}/messages"))
            given_up.set()

            assert isinstance(other, Troubled)
            assert other.trouble is Trouble.TIMED_OUT
            assert isinstance(await sending, Response)
            assert [asked.method for asked in provider.asked].count("POST") == 1

    asyncio.run(flow())
