"""The sandbox over real sockets: its wire on a good day, its deliveries, and how it stops."""

import asyncio
import hmac
import json
import socket
import time
from hashlib import sha256

from standing_in import DEADLINE, EXAMPLE, FOUR_FAILURES, MANAGER, is_so, outcomes, recorded, stage, until

from sandbox.server import DEFAULT_ENDPOINT_ID


class TestGoodDay:
    def test_from_upload_to_results(self) -> None:
        """
        An uploaded file becomes a batch that walks through its statuses, is announced once, and has its answers.
        """

        async def flow() -> None:
            async with stage(speed=600) as on:
                uploaded = await on.client.post(
                    "/v1/files", files={"file": ("requests.jsonl", EXAMPLE)}, data={"purpose": "batch"}
                )
                file_id = uploaded.json()["id"]
                job = await on.create(requests=None, input_file_id=file_id)
                seen: list[tuple[str, str, bool]] = []
                shown = await on.batch(job)
                while shown["status"] != "completed":
                    view = (shown["status"], shown["lifecycle_status"], shown["cancel_url"] is not None)
                    seen += [view] if view not in seen else []
                    await asyncio.sleep(0.005)
                    shown = await on.batch(job)
                (truth,) = await on.settled(job)
                output = await on.client.get(f"/v1/files/{shown['output_file_id']}/content?any=1")
                ids = {json.loads(line)["custom_id"] for line in output.text.splitlines()}

                assert [entry for entry in seen if entry[0] != "validating"] == [
                    ("in_progress", "running", True),
                    ("finalizing", "pending", False),
                ]
                assert shown["native_batch_id"] != job
                assert shown["request_counts"] == {"total": 12, "completed": 12, "failed": 0}
                assert (shown["error_file_id"], shown["billing"]["charged"]) == (None, True)
                assert ids == {json.loads(line)["custom_id"] for line in EXAMPLE.decode().splitlines()}
                assert outcomes(truth) == [(1, "delivered")]
                assert recorded(truth) == [(1, "delivered")]
                assert truth["recorded"][0]["response_body_preview"] == "kept"

        asyncio.run(flow())

    def test_the_request_on_the_wire(self) -> None:
        """
        A delivery has the gateway's headers, a compact body in the gateway's order and the push shape of the batch.
        """

        async def flow() -> None:
            async with stage(public_base_url="https://api.example.org") as on:
                job = await on.create(session_id="täglich")
                await on.settled(job)
                (receipt,) = on.receipts(job)
                event, data, told = receipt.event, receipt.event["data"], receipt.headers
                rest = await on.batch(job)

                assert receipt.genuine
                assert receipt.body == json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()
                assert list(event) == ["id", "type", "created_at", "delivery", "data"]
                assert event["id"] == told["x-phaseo-event-id"] == f"evt_batch_{job}_batch_completed"
                assert event["type"] == told["x-phaseo-event-type"] == "batch.completed"
                assert event["delivery"] == {"key": "batch.completed", "attempt": 1, "max_attempts": 4}
                assert told["x-phaseo-delivery-key"] == "batch.completed"
                assert (told["x-phaseo-attempt"], told["x-phaseo-max-attempts"]) == ("1", "4")
                assert abs(int(told["x-phaseo-timestamp"]) - time.time()) < 5
                assert (told["content-type"], told["user-agent"]) == ("application/json", "Phaseo-Async-Webhook/1.0")
                assert list(data)[:6] == ["id", "object", "kind", "status", "lifecycle_status", "progress"]
                assert (data["kind"], data["status"], data["progress"]) == ("batch", "completed", 100)
                assert data["native_id"] == rest["native_batch_id"]
                assert (data["session_id"], data["webhook"]["attempts"]) == ("täglich", [])
                assert data["polling_url"] == f"https://api.example.org/v1/batches/{job}"
                assert data["websocket_url"] == f"wss://api.example.org/v1/async/batch/{job}/ws"
                assert (data["cancel_url"], data["billing"]["state"]) == (None, "settled")
                assert rest["polling_url"] == f"{on.box.url}/v1/batches/{job}"
                assert "kind" not in rest

        asyncio.run(flow())

    def test_asking_opens_the_file_and_announces_once(self) -> None:
        """
        Once a status call has seen the end the file can be read, and however many ask, one webhook goes out.
        """

        async def flow() -> None:
            async with stage(speed=1000) as on:
                job = await on.create()
                await on.reaches(job, "completed")
                shown, *_ = await asyncio.gather(*(on.batch(job) for _ in range(8)))
                answer = await on.client.get(f"/v1/files/{shown['output_file_id']}")
                await on.settled(job)

                assert answer.json()["purpose"] == "batch_output"
                assert len(on.receipts(job)) == 1

        asyncio.run(flow())

    def test_created_is_sent_to_subscribers(self) -> None:
        """
        A batch that asks for batch.created gets it besides the terminal one.
        """

        async def flow() -> None:
            async with stage() as on:
                webhook = {"endpoint_id": DEFAULT_ENDPOINT_ID, "events": ["created", "completed"]}
                job = await on.create(webhook=webhook)
                await on.settled(job)

                assert [receipt.event["type"] for receipt in on.receipts(job)] == ["batch.created", "batch.completed"]
                assert on.receipts(job)[0].event["data"]["status"] == "pending"

        asyncio.run(flow())


class TestDeliveries:
    def test_refusals_are_retried_with_what_is_true_then(self) -> None:
        """
        A refused delivery comes again with the same ids, a new attempt number, and the earlier attempts inside.
        """

        async def flow() -> None:
            async with stage() as on:
                on.receiver.plan += [503, 302]
                job = await on.create()
                (truth,) = await on.settled(job)
                receipts = on.receipts(job)
                last = receipts[-1].event

                assert outcomes(truth) == [(1, "rejected"), (2, "rejected"), (3, "delivered")]
                assert len({receipt.event["id"] for receipt in receipts}) == 1
                assert [entry["error_message"] for entry in last["data"]["webhook"]["attempts"]] == [
                    "Webhook returned HTTP 503",
                    "Webhook redirects are not allowed",
                ]
                assert receipts[1].at - receipts[0].at >= 60 / 1800

        asyncio.run(flow())

    def test_four_attempts_and_no_more(self) -> None:
        """
        After four refusals the gateway gives up, and the batch shows it.
        """

        async def flow() -> None:
            async with stage() as on:
                on.receiver.plan += [410] * 9
                job = await on.create()
                (truth,) = await on.settled(job)
                delivery = (await on.batch(job))["webhook"]["delivery"]

                assert [attempt for attempt, _ in outcomes(truth)] == [1, 2, 3, 4]
                assert recorded(truth) == FOUR_FAILURES
                assert (delivery["pending_retries"], delivery["last_attempt_status"]) == (0, "failed_permanently")

        asyncio.run(flow())

    def test_rotation_and_disabling_act_at_once(self) -> None:
        """
        The next attempt is signed with the rotated secret, and a disabled endpoint calls the retries off.
        """

        async def flow() -> None:
            async with stage(speed=600) as on:
                one = f"/v1/webhook-endpoints/{DEFAULT_ENDPOINT_ID}"
                job = await on.create("webhook_badly_signed_once")
                await until(lambda: is_so(lambda: bool(on.receipts(job))))
                rotated = await on.client.post(f"{one}/rotate-secret", headers=MANAGER)
                await until(lambda: is_so(lambda: len(on.receipts(job)) == 2))
                receipt = on.receipts(job)[1]
                signed = receipt.headers["x-phaseo-timestamp"].encode() + b"." + receipt.body
                made = hmac.new(rotated.json()["signing_secret"].encode(), signed, sha256).hexdigest()
                await on.client.patch(one, headers=MANAGER, json={"status": "disabled"})
                (truth,) = await on.settled(job)

                assert made == receipt.headers["x-phaseo-signature"]
                assert recorded(truth)[-1] == (3, "failed_permanently")
                assert truth["recorded"][-1]["error_message"] == "Webhook configuration is no longer valid."

        asyncio.run(flow())


class TestStopping:
    def test_stops_with_webhooks_in_flight(self) -> None:
        """
        Neither a waiting retry nor a receiver that does not answer delays the end.
        """

        async def flow() -> float:
            with socket.create_server(("127.0.0.1", 0)) as silent:
                silent.settimeout(DEADLINE)
                hooks = f"http://127.0.0.1:{silent.getsockname()[1]}/"
                async with stage(speed=1, webhook_url=hooks) as on:
                    await on.create(**on.webhook("batch.created"))
                    refused, _ = await asyncio.to_thread(silent.accept)
                    refused.close()
                    await on.create(**on.webhook("batch.created"))
                    held, _ = await asyncio.to_thread(silent.accept)
                    began = time.monotonic()
                held.close()
            return time.monotonic() - began

        assert asyncio.run(flow()) < 20, "it waited for the receiver, as a sender does for 30 s"
