"""Where the key goes: to the configured origin, on paths that the dialect knows for the job, and nowhere else."""

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from service import KEY, Asked, Provider, Service, batch, environment, event, file_of, said, service, until

# What a gateway could offer as the place to ask. `own` is its base URL, `other` one that only listens.
OFFERS: dict[str, Callable[[str, str], str]] = {
    "another_port": lambda own, other: f"{other}/v1/batches/JOB",
    "another_scheme": lambda own, other: own.replace("http://", "https://") + "/batches/JOB",
    "a_socket": lambda own, other: own.replace("http://", "ws://") + "/batches/JOB",
    "another_name_of_this_host": lambda own, other: own.replace("127.0.0.1", "localhost") + "/batches/JOB",
    "no_scheme": lambda own, other: f"//{other.partition('//')[2]}/v1/batches/JOB",
    "a_bare_path": lambda own, other: "/v1/batches/JOB",
    "another_path": lambda own, other: f"{own}/files/JOB",
    "another_job": lambda own, other: f"{own}/batches/batch_of_another",
    "below_the_job": lambda own, other: f"{own}/batches/JOB/requests",
    "up_and_down": lambda own, other: f"{own}/batches/../batches/JOB",
    "a_query": lambda own, other: f"{own}/batches/JOB?key=please",
    "a_fragment": lambda own, other: f"{own}/batches/JOB#there",
    "a_user": lambda own, other: own.replace("http://", "http://me:you@") + "/batches/JOB",
    "host_as_user": lambda own, other: own.replace("://", "://x@") + "/batches/JOB",
    "our_host_as_user": lambda own, other: f"{own}@{other.partition('//')[2]}/v1/batches/JOB",
    "backslash": lambda own, other: own.replace("/v1", "") + f"\\@{other.partition('//')[2]}/v1/batches/JOB",
    "a_tab": lambda own, other: f"{own}/batches/\tJOB",
    "a_new_line": lambda own, other: f"{own}/batches/JOB\r\nX-Key: 1",
    "not_a_port": lambda own, other: "http://127.0.0.1:port/v1/batches/JOB",
    "not_a_url": lambda own, other: "http://[::1",
    "very_long": lambda own, other: f"{other}/{'x' * 5_000}",
}


def test_threat_43_a_polling_url_or_cancel_url_elsewhere_is_recorded_and_not_followed() -> None:
    """Another origin, scheme, path or user in an offered URL: the other listener is never visited, our own path is asked."""

    async def flow() -> None:
        def script(asked: Asked) -> bytes:
            if answer := file_of(asked):
                return answer
            job = asked.job_id
            if asked.method == "POST":
                cancelled.add(job)
            url = OFFERS[job](provider.base_url, elsewhere.url).replace("JOB", job)
            return said(
                batch(
                    job,
                    "cancelled" if job in cancelled else "in_progress",
                    polling_url=url,
                    cancel_url=f"{url}/cancel",
                    websocket_url=url,
                    results_url=url,
                )
            )

        cancelled: set[str] = set()
        async with (
            Provider(lambda asked: said(batch(asked.job_id, "failed"))).listening() as elsewhere,
            Provider(script).listening() as provider,
            service(provider.base_url) as running,
        ):
            for job in OFFERS:
                await running.track(job)
            for job in OFFERS:
                await _asked_twice(provider, job)
                await running.cancel(job)
            for job in OFFERS:
                await running.reaches(job, "cancelled")
                view = await running.view(job)
                flagged = [seen for seen in view["observations"] if seen["flag"] == "url_mismatch"]
                assert flagged, f"{job} was offered, and no mismatch is recorded"
                assert all(seen["message"].startswith("not followed: ") for seen in flagged)
                assert "cancel" in {seen["asked"] for seen in flagged}
                assert KEY not in str(view)
            assert elsewhere.asked == []
            asked = {(each.method, each.target) for each in provider.asked if "/files/" not in each.target}
            assert asked == {("GET", f"/v1/batches/{job}") for job in OFFERS} | {
                ("POST", f"/v1/batches/{job}/cancel") for job in OFFERS
            }
            assert {each.headers["host"] for each in provider.asked} == {provider.url.removeprefix("http://")}

    asyncio.run(flow())


async def _asked_twice(provider: Provider, job: str) -> None:
    """The first answer brings the URL, the second question is where it would be followed."""

    async def twice() -> bool:
        return len(provider.about(job)) >= 2

    await until(twice, f"{job} to be asked about again")


def test_a_url_on_the_configured_origin_is_followed_with_the_key() -> None:
    """The gateway's alias for the same batch is one of its known paths: it is followed, and no mismatch is recorded."""

    async def flow() -> None:
        def script(asked: Asked) -> bytes:
            job = asked.target.split("/")[3]
            return said(
                batch(job, "in_progress", polling_url=f"{provider.url}/v1/batch/{job}")
                if asked.target.startswith("/v1/batches/")
                else batch(job, "cancelled")
            )

        async with Provider(script).listening() as provider, service(provider.base_url) as running:
            await running.track("batch_a")
            await running.reaches("batch_a", "cancelled")
            view = await running.view("batch_a")

            assert [asked.target for asked in provider.asked] == ["/v1/batches/batch_a", "/v1/batch/batch_a"]
            assert {asked.headers["authorization"] for asked in provider.asked} == {f"Bearer {KEY}"}
            assert {seen["flag"] for seen in view["observations"]} == {None}

    asyncio.run(flow())


def test_threat_43_urls_in_a_webhook_are_not_even_looked_at() -> None:
    """A signed delivery whose polling_url leads elsewhere: the job is asked about where it always is."""

    async def flow() -> None:
        async with (
            Provider(lambda asked: said(batch(asked.job_id, "failed"))).listening() as elsewhere,
            Provider(lambda asked: said(batch(asked.job_id, "cancelled"))).listening() as provider,
            service(provider.base_url) as running,
        ):
            url = f"{elsewhere.url}/v1/batches/batch_a"
            body = event("batch_a", "failed", polling_url=url, cancel_url=url, websocket_url=url, content_url=url)
            assert (await running.deliver(body)).status_code == 202
            await running.reaches("batch_a", "cancelled")

            assert elsewhere.asked == []
            assert {asked.target for asked in provider.asked} == {"/v1/batches/batch_a"}

    asyncio.run(flow())


LOOPBACK = ["127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0", "localhost", "[::ffff:127.0.0.1]"]


@pytest.mark.parametrize("spelling", LOOPBACK)
def test_threat_45_loopback_in_other_spellings(spelling: str) -> None:
    """A URL that is offered with this machine's own address, however spelled, is not followed: nobody is asked there."""

    async def flow() -> None:
        async with Provider(lambda asked: said(batch(asked.job_id, "failed"))).listening() as inside:
            url = f"http://{spelling}:{inside.url.rpartition(':')[2]}/v1/batches/batch_a"
            statuses = ["in_progress", "in_progress", "cancelled"]

            def script(_: Asked) -> bytes:
                status = statuses.pop(0) if len(statuses) > 1 else statuses[0]
                return said(batch("batch_a", status, polling_url=url, cancel_url=f"{url}/cancel"))

            async with Provider(script).listening() as provider, service(provider.base_url) as running:
                await running.track("batch_a")
                await running.reaches("batch_a", "cancelled")

                assert inside.asked == []
                assert {asked.target for asked in provider.asked} == {"/v1/batches/batch_a"}

    asyncio.run(flow())


def test_threat_46_no_name_but_the_configured_one_is_resolved(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that is offered is never looked up, so it can resolve to one address now and to another then as it likes."""
    looked_up: set[str] = set()
    resolve = socket.getaddrinfo

    def noted(host: Any, *more: Any, **named: Any) -> Any:
        looked_up.add(host.decode() if isinstance(host, bytes) else str(host))
        return resolve(host, *more, **named)

    async def flow() -> None:
        url = "http://rebinding.example/v1/batches/batch_a"
        statuses = ["in_progress", "in_progress", "cancelled"]

        def script(_: Asked) -> bytes:
            status = statuses.pop(0) if len(statuses) > 1 else statuses[0]
            return said(batch("batch_a", status, polling_url=url, cancel_url=f"{url}/cancel"))

        async with (
            Provider(script).listening() as provider,
            service(provider.base_url.replace("127.0.0.1", "localhost")) as running,
        ):
            monkeypatch.setattr(socket, "getaddrinfo", noted)
            await running.track("batch_a")
            await running.reaches("batch_a", "cancelled")
            monkeypatch.undo()

        assert "localhost" in looked_up
        assert looked_up <= {"localhost", "127.0.0.1", "::1"}

    asyncio.run(flow())


@pytest.mark.parametrize("variables", [("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), ("http_proxy", "all_proxy")])
def test_threat_49_proxies_of_the_environment_are_ignored(variables: tuple[str, ...]) -> None:
    """Questions go straight to the source, whatever proxy the environment names: it would see the key."""

    async def flow() -> None:
        async with Provider(lambda asked: said(batch("batch_a", "failed"))).listening() as proxy:
            with environment(dict.fromkeys(variables, proxy.url)):
                async with (
                    Provider(lambda asked: said(batch(asked.job_id, "cancelled"))).listening() as provider,
                    service(provider.base_url) as running,
                ):
                    await running.track("batch_a")
                    await running.reaches("batch_a", "cancelled")
                    assert len(provider.asked) >= 1
            assert proxy.asked == []

    asyncio.run(flow())


def test_threat_49_a_netrc_names_no_other_key(tmp_path: Path) -> None:
    """A file of passwords that the environment names is not read: the key is the configured one."""

    async def flow() -> None:
        file = tmp_path / "netrc"
        file.write_text("machine 127.0.0.1 login somebody password else\n")
        file.chmod(0o600)
        with environment({"NETRC": str(file), "HOME": str(tmp_path)}):
            async with (
                Provider(lambda asked: said(batch(asked.job_id, "cancelled"))).listening() as provider,
                service(provider.base_url) as running,
            ):
                await running.track("batch_a")
                await running.reaches("batch_a", "cancelled")
                assert {asked.headers["authorization"] for asked in provider.asked} == {f"Bearer {KEY}"}

    asyncio.run(flow())


def test_the_key_and_the_secret_are_nowhere_in_the_store_or_the_log() -> None:
    """Neither the API key nor the webhook secret is in the database, its log, what is logged, or a printed configuration."""

    async def flow() -> None:
        refusals = [said({"error": "unauthorised", "reason": "invalid_secret", "message": "no such key"}, 500)]

        def script(asked: Asked) -> bytes:
            return refusals.pop() if refusals else said(batch(asked.job_id, "cancelled"))

        async with Provider(script).listening() as provider, service(provider.base_url) as running:
            await running.track("batch_a")
            await running.reaches("batch_a", "cancelled")
            everything = await _whole(running)

            for secret in (KEY, running.environ["SECRET_gateway"]):
                assert secret.encode() not in everything
                assert secret not in repr(running.logged)
                assert secret not in repr(running.config)

    asyncio.run(flow())


async def _whole(running: Service) -> bytes:
    """Every byte of the database, and of what is not yet merged into it."""
    home = Path(running.store.place)
    pieces: list[Any] = [path.read_bytes() for path in home.parent.glob(f"{home.name}*") if path.is_file()]
    return b"".join(pieces)
