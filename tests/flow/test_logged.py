"""What a run leaves in the log: events that can be told apart by job, delivery key, receipt and the provider's own id."""

import asyncio
import re
from collections.abc import Mapping
from typing import Any

from service import Asked, Provider, Said, SourceAt, batch, event, file_of, said, service, until

FORBIDDEN = "a-word-of-a-body"


def of(logged: list[Any], name: str, **holds: Any) -> list[Mapping[str, Any]]:
    """The lines of an event in which these fields are so."""
    return [line for line in logged if line["event"] == name and holds.items() <= line.items()]


def test_a_life_in_the_log() -> None:
    """A delivery, its verdict, the job's moves, an action and a failure each have their line, with ids that lead to the rows."""

    async def flow() -> None:
        is_over = False

        def script(asked: Asked) -> Said:
            if asked.target.endswith("/cancel"):
                return said({"error": "not_supported", "request_id": "G-CANCEL"}, status=400)
            status = "failed" if is_over else "in_progress"
            return file_of(asked) or said(batch(asked.job_id, status))

        async with (
            Provider(script).listening() as provider,
            service({"gateway": SourceAt(f"{provider.url}/v1")}) as running,
        ):
            await running.track("batch_a")
            await running.reaches("batch_a", "running")
            await running.cancel("batch_a")
            await until(lambda: _has(running.logged, "action_answered"), "the cancel to be answered")
            is_over = True
            answer = await running.deliver(event("batch_a", "failed", note=FORBIDDEN))
            assert answer.status_code == 202
            receipt, delivery = answer.json()["receipt"], answer.json()["delivery"]
            await running.reaches("batch_a", "failed")
            await running.settles("batch_a")
            view = await running.view("batch_a")

            logged, named = running.logged, {"job": view["id"], "job_id": "batch_a", "kind": "batch"}
            about = {"source": "gateway", **named}
            (accepted,) = of(logged, "delivery_accepted", receipt=receipt, delivery=delivery, job_id="batch_a")
            (judged,) = of(logged, "receipt_judged", receipt=receipt, delivery=delivery, job_id="batch_a")
            assert accepted["log_level"] == judged["log_level"] == "debug"
            assert accepted["delivery_key"] == judged["delivery_key"]
            moves = of(logged, "job_moved", **about)
            assert [(line["from_status"], line["to_status"]) for line in moves] == [
                ("unknown", "running"),
                ("running", "failed"),
            ]
            (sent,) = of(logged, "action_sent", verb="cancel", asked_by="operator", **about)
            (answered,) = of(logged, "action_answered", verb="cancel", state="refused", http_status=400, **about)
            assert sent["action"] == answered["action"] == view["actions"][0]["id"]
            assert answered["request_id"] == "G-CANCEL"
            began = of(logged, "failure_began", category="execution", code="failed", **about)
            assert [line["log_level"] for line in began] == ["warning"]
            assert FORBIDDEN not in repr(logged)

    asyncio.run(flow())


def test_trouble_is_told_when_it_comes_and_when_it_goes() -> None:
    """However often the same goes wrong, that it does is one line, with the provider's id of the question; and so is its end."""

    async def flow() -> None:
        answers = 0

        def script(asked: Asked) -> Said:
            nonlocal answers
            if file_of(asked):
                return file_of(asked) or b""
            answers += 1
            if answers <= 3:
                error = {"error": {"message": "try later", "type": "server_error", "param": None, "code": None}}
                return said(error, 500, **{"x-request-id": f"req_{answers}"})
            return said(batch(asked.job_id, "completed"))

        async with (
            Provider(script).listening() as provider,
            service({"gateway": SourceAt(f"{provider.url}/v1")}) as running,
        ):
            await running.track("batch_a")
            await running.reaches("batch_a", "completed")

            (trouble,) = of(running.logged, "asking_in_trouble", job_id="batch_a")
            assert (trouble["http_status"], trouble["request_id"], trouble["asked"]) == (500, "req_1", "poll")
            assert trouble["log_level"] == "warning"
            (over,) = of(running.logged, "asking_recovered", job_id="batch_a")
            assert over["was"] == trouble["trouble"]

    asyncio.run(flow())


def test_every_event_is_a_name() -> None:
    """No line has a sentence for its event, and none is without its source where it is about one."""

    async def flow() -> None:
        async with service("http://127.0.0.1:1/v1") as running:
            await running.track("batch_a")
            await until(lambda: _has(running.logged, "source_trouble"), "the source to be in trouble")

            assert all(re.fullmatch(r"[a-z_]+", line["event"]) for line in running.logged)
            assert {line["source"] for line in of(running.logged, "source_trouble")} == {"gateway"}

    asyncio.run(flow())


async def _has(logged: list[Any], name: str) -> bool:
    return bool(of(logged, name))
