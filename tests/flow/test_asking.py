"""Our own asking, against providers that refuse, stall, lie and fall over: no job is blamed for it, and every job ends."""

import asyncio
import gzip
import itertools
import json
import time
from collections.abc import AsyncIterator, Mapping
from email.utils import formatdate
from typing import Any

import pytest
from service import (
    Asked,
    Provider,
    Said,
    Service,
    SourceAt,
    account,
    batch,
    event,
    ever_told,
    file_of,
    reconciling,
    said,
    service,
    told,
    until,
)

from operators.queries import show_job
from reconciler.authorization import KeyShown
from reconciler.client import Client
from schemas.config import Secret
from schemas.dialects.phaseo import Phaseo
from schemas.readings import Observed, Question, Response, Troubled

KEY_REFUSED = {"error": "unauthorised", "reason": "invalid_secret", "error_origin": "user"}
FORBIDDEN = {"error": "forbidden", "reason": "batch_api_feature_flag_disabled", "error_origin": "gateway"}
TOO_MANY = {"error": "rate_limited", "reason": "workspace_rate_limited", "error_origin": "user"}
PROVIDERS_OWN = {"error": {"message": "Rate limit reached for batches.", "type": "rate_limit_exceeded"}}


class Jobs:
    """A script that gives each job its own answers: the listed ones in order, and then what it really is."""

    def __init__(self, end: str = "completed") -> None:
        self.first: dict[str, list[Said]] = {}
        self.always: dict[str, Said | Any] = {}
        self.end = end

    async def __call__(self, asked: Asked) -> Said:
        if answer := file_of(asked):
            return answer
        job = asked.job_id
        if job in self.always:
            always = self.always[job]
            return always() if callable(always) else always
        if self.first.get(job):
            return self.first[job].pop(0)
        return said(batch(job, self.end))


def gaps(asked: list[Asked]) -> list[float]:
    times = [each.at for each in asked]
    return [later - earlier for earlier, later in itertools.pairwise(times)]


async def in_trouble(running: Service, job: str, trouble: str) -> dict[str, Any]:
    return await running.shows(job, lambda view: view["asking"]["trouble"] == trouble, f"to be in trouble: {trouble}")


# Trouble with the source


DATED = {"date": formatdate(1e9, usegmt=True), "retry_after": formatdate(1e9 + 6, usegmt=True)}
REFUSALS: Mapping[str, tuple[bytes, str, float]] = {  # the answer, the trouble, and the least pause after it
    "locked": (said(KEY_REFUSED, 401), "key_refused", 5),
    "closed": (said(FORBIDDEN, 403), "key_refused", 5),
    "limited": (said(TOO_MANY, 429, retry_after="6"), "rate_limited", 6),
    "dated": (said(TOO_MANY, 429, **DATED), "rate_limited", 6),
}


def test_threat_53_a_refused_key_and_a_rate_limit_are_trouble_of_the_source() -> None:
    """401, 403 and the gateway's own 429 open the circuit: one question at a time, jobs unblamed, and well again by itself."""

    async def flow() -> None:
        refusing = True

        def script(asked: Asked) -> Said:
            refusal, _, _ = REFUSALS[asked.target.split("/")[1]]
            return refusal if refusing else file_of(asked) or said(batch(asked.job_id, "completed"))

        async with Provider(script).listening() as provider:
            sources = {name: SourceAt(f"{provider.url}/{name}/v1") for name in REFUSALS}
            jobs = {f"{name}-{number}": name for name in REFUSALS for number in range(3)}
            async with service(sources, {"concurrency": 4}) as running:
                for job, source in jobs.items():
                    await running.track(job, source)
                await until(
                    lambda: _troubles(running, {name: word for name, (_, word, _) in REFUSALS.items()}), "trouble"
                )
                for job in jobs:
                    view = await running.view(job)
                    assert (view["status"], view["trouble"], view["failures"]) == ("unknown", None, [])
                    assert view["asking"]["failed_in_a_row"] == 0
                refusing = False
                for job in jobs:
                    await running.reaches(job, "completed")
                await until(lambda: _troubles(running, dict.fromkeys(REFUSALS)), "every source to be well")

                assert [ever_told(await running.view(job)) for job in jobs] == [set()] * len(jobs)
                for name, (_, _, pause) in REFUSALS.items():
                    mine = [each.at for each in provider.asked if each.target.startswith(f"/{name}/")]
                    early = [at for at in mine if at < mine[0] + pause - 0.2]
                    assert len(early) <= 4, "no more than were under way when the first refusal came"

    asyncio.run(flow())


async def _troubles(running: Service, wanted: Mapping[str, str | None]) -> bool:
    return {name: (await running.source(name))["trouble"] for name in wanted} == wanted


def test_the_trouble_of_a_source_ends_with_a_restart_that_mends_it() -> None:
    """A source left in trouble by one process is shown as well once another process, with the right key, is answered."""

    async def flow() -> None:
        answers = [said(KEY_REFUSED, 401)]

        async with (
            Provider(lambda asked: answers[-1] or said(batch(asked.job_id, "in_progress"))).listening() as provider,
            service(provider.base_url, reconciles=False) as running,
        ):

            async def has_trouble() -> bool:
                return (await running.source())["trouble"] is not None

            async def is_well() -> bool:
                return (await running.source())["trouble"] is None

            await running.track("batch_a")
            async with reconciling(running.reconciler):
                await until(has_trouble, "the source to be in trouble")
            assert await has_trouble()
            answers.append(b"")
            async with reconciling(running.reconciler):
                await running.reaches("batch_a", "running")
                await until(is_well, "the source to be well")

    asyncio.run(flow())


def test_a_gateway_that_falls_over_is_left_alone_and_then_asked_again() -> None:
    """After five failures in a row the source rests, one question tries it again, and all of its jobs end."""

    async def flow() -> None:
        jobs, down = [f"batch_{number}" for number in range(6)], True

        def script(asked: Asked) -> Said:
            if down:
                return said(b"Internal Server Error", 500, content_type="text/plain")
            return file_of(asked) or said(batch(asked.job_id, "completed"))

        async with Provider(script).listening() as provider, service(provider.base_url) as running:
            for job in jobs:
                await running.track(job)

            async def open_circuit() -> bool:
                return bool((await running.source())["asking_again_at"])

            await until(open_circuit, "the circuit to open")
            while_open, opened = len(provider.asked), time.monotonic()
            await asyncio.sleep(1.5)
            assert len(provider.asked) == while_open
            view = await running.view(jobs[0])
            assert (view["status"], view["asking"]["trouble"], told(view)) == ("unknown", "gateway", set())
            down = False
            for job in jobs:
                await running.reaches(job, "completed")
            assert provider.asked[while_open].at - opened > 3
            assert {(await running.view(job))["trouble"] for job in jobs} == {None}

    asyncio.run(flow())


# Trouble with one job


def test_threat_54_retry_after_of_the_provider_behind_is_obeyed_job_by_job() -> None:
    """The upstream's 429 makes that job wait as long as asked, in seconds or by date, and no other job of the source."""

    async def flow() -> None:
        date, script = formatdate(1e9, usegmt=True), Jobs()
        later = formatdate(1e9 + 2, usegmt=True)
        script.first = {
            "seconds": [said(PROVIDERS_OWN, 429, retry_after="2")],
            "date": [said(PROVIDERS_OWN, 429, date=date, retry_after=later)],
            "nonsense": [said(PROVIDERS_OWN, 429, retry_after="soon")],
        }
        async with Provider(script).listening() as provider, service(provider.base_url) as running:
            for job in (*script.first, "other"):
                await running.track(job)
            for job in ("other", "nonsense", "seconds", "date"):
                await running.reaches(job, "completed")

            assert gaps(provider.about("seconds"))[0] >= 2
            assert gaps(provider.about("date"))[0] >= 2
            assert gaps(provider.about("nonsense"))[0] < 2
            assert {each.job_id for each in provider.asked if each.at < provider.about("date")[1].at} >= {"other"}
            assert ever_told(await running.view("seconds")) == set()

    asyncio.run(flow())


DEEP = b'{"id":"job","status":' + b"[" * 5_000 + b"]" * 5_000 + b"}"
UNREADABLE: Mapping[str, tuple[bytes, str]] = {
    "cut_json": (b'{"id":"cut_json","object":"batch","status":"compl', "unreadable"),
    "html": (b"<!doctype html><h1>502 Bad Gateway</h1>", "unreadable"),
    "empty": (b"", "unreadable"),
    "null": (b"null", "unreadable"),
    "list": (b'[{"id":"list","status":"completed"}]', "unreadable"),
    "doubled_key": (b'{"id":"doubled_key","status":"in_progress","status":"completed"}', "unreadable"),
    "not_a_number": (b'{"id":"not_a_number","status":"completed","x":NaN}', "unreadable"),
    "not_utf8": (b'{"id":"not_utf8","status":"completed","x":"\xff"}', "unreadable"),
    "deep": (DEEP, "unreadable"),
    "an_error": (b'{"error":{"message":"try later","type":"server_error"}}', "unreadable"),
    "no_status": (b'{"id":"no_status","object":"batch"}', "unreadable"),
    "status_is_a_number": (b'{"id":"status_is_a_number","status":7}', "unreadable"),
    "other_job": (json.dumps(batch("batch_of_another", "completed")).encode(), "wrong_job"),
    "native_id": (json.dumps(batch("batch_68f0", "completed", native_batch_id="native_id")).encode(), "wrong_job"),
}


def test_threat_52_what_is_no_answer_about_the_job_moves_nothing() -> None:
    """Cut, foreign, doubled, too deep or about another job: trouble that says so, nothing moves, and the next answer counts."""

    async def flow() -> None:
        script = Jobs()
        script.always = {job: said(body) for job, (body, _) in UNREADABLE.items()}
        async with Provider(script).listening() as provider, service(provider.base_url) as running:
            for job in UNREADABLE:
                await running.track(job)
            for job, (_, trouble) in UNREADABLE.items():
                view = await in_trouble(running, job, trouble)
                assert (view["status"], view["native_status"], view["transitions"]) == ("unknown", None, [])
                assert view["observations"][0]["trouble"] == trouble
            script.always = {}
            for job in UNREADABLE:
                await running.reaches(job, "completed")
            assert await running.row("batch_of_another") is None
            assert {(await running.view(job))["trouble"] for job in UNREADABLE} == {None}

    asyncio.run(flow())


def test_threat_51_encoded_and_oversized_answers_are_not_read() -> None:
    """Compressed or too large: not read, however small it came or good it would be. The next answer counts."""

    async def flow() -> None:
        async def endless() -> AsyncIterator[bytes]:
            yield b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{"
            while True:
                yield b" " * 65_536

        good = json.dumps(batch("gzip", "completed")).encode()
        bomb = gzip.compress(b" " * 50_000_000)
        answers: dict[str, tuple[Said, str]] = {
            "gzip": (said(gzip.compress(good), content_encoding="gzip"), "encoded"),
            "bomb": (said(bomb, content_encoding="gzip"), "encoded"),
            "strange_encoding": (said(good, content_encoding="rot13"), "encoded"),
            "large": (said(batch("large", "completed", x="y" * 20_000)), "too_large"),
            "endless": (endless(), "too_large"),
        }
        script = Jobs()
        async with (
            Provider(script).listening() as provider,
            service(provider.base_url, {"max_answer_bytes": 16_384, "concurrency": 2}) as running,
        ):
            await _each_first(running, script, answers)

    asyncio.run(flow())


def test_threat_48_redirects_are_not_followed() -> None:
    """Redirected: the other host is never visited, and the key stays at home. The next answer counts."""

    async def flow() -> None:
        script = Jobs()
        async with (
            Provider(lambda asked: said(batch(asked.job_id, "completed"))).listening() as elsewhere,
            Provider(script).listening() as provider,
            service(provider.base_url) as running,
        ):
            moved = f"{elsewhere.url}/v1/batches/moved"
            statuses = (301, 302, 303, 307, 308)
            answers = {f"moved_{status}": (said(b"", status, location=moved), "redirected") for status in statuses}
            await _each_first(running, script, answers)
            assert elsewhere.asked == []

    asyncio.run(flow())


async def _each_first(running: Service, script: Jobs, answers: Mapping[str, tuple[Said, str]]) -> None:
    """Each job's first answer is the given one, and its trouble; by the second it ends."""
    for job, (answer, trouble) in answers.items():
        script.first[job] = [answer]
        await running.track(job)
        await running.reaches(job, "completed")
        assert await first_trouble(running, job) == trouble


async def first_trouble(running: Service, job: str) -> str | None:
    """What was wrong with the first answer about a job, which must have told nothing of it."""
    view = await running.view(job)
    first = view["observations"][-1]
    assert (first["status"], first["native_status"], first["progress"]) == (None, None, None)
    assert [move["from"] for move in view["transitions"]] == ["unknown"]
    trouble: str | None = first["trouble"]
    return trouble


def test_threat_50_a_dripping_a_silent_and_a_breaking_answer_end_in_time() -> None:
    """Each question has one deadline for all of it: bytes that trickle do not prolong it. A broken connection is trouble too."""

    async def flow() -> None:
        async def dripping() -> AsyncIterator[bytes]:
            for byte in said(batch("dripping", "completed")):
                yield bytes([byte])
                await asyncio.sleep(0.1)

        async def silent() -> AsyncIterator[bytes]:
            await asyncio.sleep(60)
            yield b""

        async def after_the_head() -> AsyncIterator[bytes]:
            yield b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n"
            await asyncio.sleep(60)

        script = Jobs()
        answers: dict[str, tuple[Said, str]] = {
            "dripping": (dripping(), "timed_out"),
            "silent": (silent(), "timed_out"),
            "after_the_head": (after_the_head(), "timed_out"),
            "hung_up": (b"", "unreachable"),
        }
        script.first = {job: [answer] for job, (answer, _) in answers.items()}
        async with (
            Provider(script).listening() as provider,
            service(provider.base_url, {"request_timeout_seconds": 1}) as running,
        ):
            for job in answers:
                await running.track(job)
            for job in answers:
                await running.reaches(job, "completed")
            troubles = {job: await first_trouble(running, job) for job in answers}
            assert troubles == {job: trouble for job, (_, trouble) in answers.items()}
            assert gaps(provider.about("dripping"))[0] < 10, "all of its bytes would have taken longer"

    asyncio.run(flow())


def _framings(body: bytes) -> dict[str, bytes]:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:200], body[200:])) + b"0\r\n\r\n"
    return {
        "length": head + b"content-length: %d\r\n\r\n" % len(body) + body,
        "chunked": head + b"transfer-encoding: chunked\r\n\r\n" + chunks,
        "until_closed": head + b"\r\n" + body,
    }


@pytest.mark.parametrize("framing", ["length", "chunked", "until_closed"])
def test_an_answer_cut_at_any_byte_is_no_answer(framing: str) -> None:
    """Wherever the connection breaks, however the body was framed: what came is trouble and never a reading of a part."""

    async def flow() -> None:
        whole = _framings(json.dumps(batch("batch_a", "completed")).encode())[framing]
        dialect = Phaseo()

        async def answer(asked: Asked) -> bytes:
            return whole[: int(asked.target.rpartition("/")[2])]

        async with (
            Provider(answer).listening() as provider,
            Client(provider.base_url, KeyShown(Phaseo(), Secret("key")), 10, 1 << 20) as client,
        ):

            async def reading(cut: int) -> object:
                got = await client.send(Question("GET", f"{provider.base_url}/batches/batch_a/{cut}"))
                return dialect.read_poll("batch", "batch_a", got) if isinstance(got, Response) else got

            # The end of a chunked body is told by its last chunk; the line after that adds nothing.
            last = len(whole) - (2 if framing == "chunked" else 0)
            readings = [await reading(cut) for cut in range(0, last, 10)]
            assert {type(each) for each in readings} == {Troubled}
            assert isinstance(await reading(len(whole)), Observed)

    asyncio.run(flow())


def test_cut_answers_leave_no_trace_in_the_job() -> None:
    """The same through the whole reconciler: four cuts for each framing move nothing, and the whole answer then does."""

    async def flow() -> None:
        script, sources = Jobs(), ("length", "chunked", "until_closed")
        for framing, quarter in itertools.product(sources, range(1, 5)):
            job = f"{framing}_{quarter}"
            whole = _framings(json.dumps(batch(job, "completed")).encode())[framing]
            script.first[job] = [whole[: len(whole) * quarter // 4 - 5]]
        async with (
            Provider(script).listening() as provider,
            service({name: SourceAt(provider.base_url) for name in sources}) as running,
        ):
            for job in list(script.first):
                await running.track(job, job.rpartition("_")[0])
            for job in script.first:
                assert (await running.reaches(job, "completed")).revision == 1
                assert await first_trouble(running, job) in ("unreachable", "unreadable")

    asyncio.run(flow())


def test_threat_53_three_kinds_of_404() -> None:
    """The gateway's own 404 about this job denies it; the provider's, one about another job, or plain text is only trouble."""

    async def flow() -> None:
        def flat(job: str) -> bytes:
            said_so = {"error": "not_found", "reason": "batch_not_found_or_not_owned", "batch_id": job}
            return said(said_so, 404)

        script = Jobs()
        script.always = {
            "denied": flat("denied"),
            "other": flat("batch_of_another"),
            "passed_on": said({"error": {"message": "No batch found", "type": "invalid_request_error"}}, 404),
            "text": said(b"404 Not Found", 404, content_type="text/plain"),
        }
        expected = {"denied": "not_found", "other": "request", "passed_on": "upstream", "text": "request"}
        async with Provider(script).listening() as provider, service(provider.base_url) as running:
            for job in expected:
                await running.track(job)
            for job, trouble in expected.items():
                view = await in_trouble(running, job, trouble)
                assert (view["status"], told(view)) == ("unknown", set())
                row = await running.row(job)
                assert row is not None
                assert (row.denials > 0) == (job == "denied")

            async def asked_often() -> bool:
                return len(provider.about("denied")) > 8

            await until(asked_often, "the denied job to be asked about again and again")
            assert (await running.view("denied"))["status"] == "unknown"
            script.always = {}
            for job in expected:
                await running.reaches(job, "completed")
            row = await running.row("denied")
            assert row is not None
            assert row.denials == 0

    asyncio.run(flow())


# Each for itself


def test_a_slow_job_holds_up_no_other_and_a_hung_source_no_other_source() -> None:
    """While one job's status and a whole source hang, everything else ends; what hangs is asked with bounded connections."""

    async def flow() -> None:
        hang = asyncio.Event()

        async def stuck() -> AsyncIterator[bytes]:
            await hang.wait()
            yield said(batch("slow", "completed"))

        async def hung(asked: Asked) -> bytes:
            await hang.wait()
            return said(batch(asked.job_id, "completed"))

        script = Jobs()
        script.always["slow"] = stuck
        async with Provider(script).listening() as provider, Provider(hung).listening() as other:
            sources = {"gateway": SourceAt(provider.base_url), "hung": SourceAt(other.base_url)}
            async with service(sources, {"concurrency": 2, "request_timeout_seconds": 30}) as running:
                await running.track("slow")
                for number in range(10):
                    await running.track(f"hung_{number}", "hung")
                quick = [f"quick_{number}" for number in range(10)]
                for job in quick:
                    await running.track(job)
                for job in quick:
                    await running.reaches(job, "completed")

                assert (await running.view("slow"))["status"] == "unknown"
                assert len(provider.about("slow")) == 1
                assert len(other.asked) == 2
                assert (await running.view("hung_0"))["status"] == "unknown"
                hang.set()
                await running.reaches("slow", "completed")

    asyncio.run(flow())


POISON = """CREATE TRIGGER poison BEFORE INSERT ON observations
WHEN NEW.job = (SELECT id FROM jobs WHERE job_id = 'poison') BEGIN SELECT RAISE(ABORT, 'poison'); END"""


def test_a_poison_job_costs_only_itself() -> None:
    """A job whose answer cannot be written is set aside, in sight; others answered with it are written, and it recovers."""

    async def flow() -> None:
        script = Jobs()
        async with (
            Provider(script).listening() as provider,
            service(provider.base_url, errors_expected=True) as running,
        ):
            async with running.store.writing() as connection:
                await connection.exec_driver_sql(POISON)
            others = [f"batch_{number}" for number in range(20)]
            for job in (*others[:10], "poison", *others[10:]):
                await running.track(job)
            await running.settles(*others)
            view = await in_trouble(running, "poison", "poison")

            assert (view["status"], told(view)) == ("unknown", set())
            assert {entry["event"] for entry in running.errors()} == {"poison"}
            assert len(provider.about("poison")) == 1, "it waits; it is not asked about in a circle"
            async with running.store.writing() as connection:
                await connection.exec_driver_sql("DROP TRIGGER poison")
            await running.poll("poison")
            assert (await running.reaches("poison", "completed")).trouble is None

    asyncio.run(flow())


POISON_RECEIPT = """CREATE TRIGGER poison BEFORE UPDATE OF verdict ON deliveries
WHEN NEW.job_id = 'poison' BEGIN SELECT RAISE(ABORT, 'poison'); END"""


def test_a_poison_receipt_costs_only_itself() -> None:
    """A receipt that cannot be judged keeps its place; the others are judged, and its job ends by being asked about."""

    async def flow() -> None:
        async with (
            Provider(Jobs()).listening() as provider,
            service(provider.base_url, errors_expected=True) as running,
        ):
            async with running.store.writing() as connection:
                await connection.exec_driver_sql(POISON_RECEIPT)
            for job in ("batch_a", "poison", "batch_b"):
                await running.track(job)
                await running.deliver(event(job, "completed"))

            async def judged() -> set[str]:
                return {row["job_id"] for row in await running.deliveries() if row["verdict"]}

            await until(lambda: _equal(judged, {"batch_a", "batch_b"}), "the others to be judged")
            await running.reaches("poison", "completed")
            assert {entry["event"] for entry in running.errors()} == {"poison"}

    asyncio.run(flow())


async def _equal(found: Any, wanted: object) -> bool:
    return bool(await found() == wanted)


# How often


def test_an_open_job_is_asked_about_ever_less_often() -> None:
    """The questions about a job that stays open spread out exponentially, up to the longest interval; nothing spins."""

    async def flow() -> None:
        knobs = {"poll_seconds": 0.2, "poll_cap_seconds": 1.6, "first_poll_seconds": 0}
        async with Provider(Jobs("in_progress")).listening() as provider, service(provider.base_url, knobs) as running:
            await running.track("batch_a")

            async def seven() -> bool:
                return len(provider.about("batch_a")) >= 7

            await until(seven, "seven questions")
            between = gaps(provider.about("batch_a"))[:6]
            least = [0.2, 0.4, 0.8, 1.6, 1.6, 1.6]
            assert all(gap >= wanted * 0.85 for gap, wanted in zip(between, least, strict=True)), between
            assert sum(between) < 14, "nor is it forgotten"

    asyncio.run(flow())


def test_trouble_is_asked_about_with_growing_pauses_too() -> None:
    """Answers that are no answers do not make us ask faster: the first pause is five seconds, or the cap where that is less."""

    async def flow() -> None:
        script = Jobs()
        script.always = {
            "unreadable": said(b"?"),
            "denied": said({"error": "not_found", "reason": "batch_not_found_or_not_owned"}, 404),
        }
        script.always["upstream"] = said({"error": {"message": "no"}}, 400)
        knobs = {"poll_cap_seconds": 60}
        async with Provider(script).listening() as provider, service(provider.base_url, knobs) as running:
            for job in script.always:
                await running.track(job)
            await in_trouble(running, "unreadable", "unreadable")
            await asyncio.sleep(2.5)
            assert {job: len(provider.about(job)) for job in script.always} == dict.fromkeys(script.always, 1)

    asyncio.run(flow())


def test_no_question_about_one_batch_or_file_has_a_query_string() -> None:
    """The gateway cuts the id out of the raw URL: even where the polling_url it gave has a query, ours has none."""

    async def flow() -> None:
        def script(asked: Asked) -> Said:
            job = asked.job_id
            url = f"{provider.base_url}/batches/{job}?include=everything"
            ended = len(provider.about(job)) > 2
            status = "cancelled" if job == "unwanted" and ended else "completed" if ended else "in_progress"
            return file_of(asked) or said(batch(job, status, polling_url=url, cancel_url=f"{url}/cancel"))

        async with Provider(script).listening() as provider, service(provider.base_url) as running:
            await running.track("batch_a")
            await running.track("unwanted")
            await running.reaches("unwanted", "running")
            await running.cancel("unwanted")
            await running.settles("batch_a")
            view = (await running.settles("unwanted"))[0]

            assert "POST" in {asked.method for asked in provider.asked}
            assert [asked.target for asked in provider.asked if "?" in asked.target or "#" in asked.target] == []
            assert "url_mismatch" in {seen["flag"] for seen in view["observations"]}

    asyncio.run(flow())


def test_threat_55_an_id_that_looks_like_a_path_stays_one_segment() -> None:
    """A job id with slashes, dots, query and percent signs is encoded as one segment: it cannot lead us to another place."""

    async def flow() -> None:
        strange = "../files/x?y=1#z%2F"
        answered: list[str] = []

        def script(asked: Asked) -> Said:
            answered.append(asked.target)
            return said(batch(strange, "cancelled"))

        async with Provider(script).listening() as provider, service(provider.base_url) as running:
            await running.track(strange)
            await running.reaches(strange, "cancelled")
            assert set(answered) == {"/v1/batches/..%2Ffiles%2Fx%3Fy%3D1%23z%252F"}

    asyncio.run(flow())


# Evidence and trouble together


def test_while_no_question_is_answered_webhooks_are_shown_as_unconfirmed() -> None:
    """All asking fails and a webhook tells of the end: shown as reported, not believed, and confirmed once answers come."""

    async def flow() -> None:
        script = Jobs()
        script.always["batch_a"] = said(b"oops", 500)
        async with Provider(script).listening() as provider, service(provider.base_url) as running:
            await running.track("batch_a")
            await in_trouble(running, "batch_a", "gateway")
            assert (await running.deliver(event("batch_a", "completed"))).status_code == 202
            view = await running.shows("batch_a", lambda view: view["reported"]["status"], "to be reported")

            assert (view["status"], view["reported"]["status"], view["ready"]) == ("unknown", "completed", False)
            assert [delivery["verdict"] for delivery in view["deliveries"]] == ["disagrees"]
            script.always = {}
            assert (await running.reaches("batch_a", "completed")).basis == "observed"

    asyncio.run(flow())


def test_a_wanted_question_that_failed_is_asked_again() -> None:
    """A webhook about the end and then an answer that fails: the want stays, and is asked long before routine would."""

    async def flow() -> None:
        slow = {"poll_seconds": 60, "poll_cap_seconds": 60, "first_poll_seconds": 60}
        script = Jobs("in_progress")
        async with Provider(script).listening() as provider, service(provider.base_url, slow) as running:
            await running.track("batch_a")
            await running.reaches("batch_a", "running")
            script.first["batch_a"], script.end = [said(b"oops", 500)], "completed"
            await running.deliver(event("batch_a", "completed"))
            view = await in_trouble(running, "batch_a", "gateway")
            assert view["asking"]["wanted_at"] is not None
            await running.reaches("batch_a", "completed")
            assert gaps(provider.about("batch_a"))[-1] < 10

    asyncio.run(flow())


def test_threat_21_an_end_that_the_provider_does_not_confirm_stays_a_claim() -> None:
    """Reported completed and answered open: asked again at once and soon after, and shown as trouble when it goes on too long."""

    async def flow() -> None:
        knobs = {"poll_cap_seconds": 0.5, "trouble_after_seconds": 1}
        script = Jobs("in_progress")
        async with Provider(script).listening() as provider, service(provider.base_url, knobs) as running:
            await running.track("batch_a")
            await running.reaches("batch_a", "running")
            await running.deliver(event("batch_a", "completed"))
            view = await in_trouble(running, "batch_a", "still_open")
            assert (view["status"], told(view)) == ("running", set())
            script.end = "completed"
            await running.reaches("batch_a", "completed")
            assert (await running.view("batch_a"))["trouble"] is None

    asyncio.run(flow())


def test_an_operator_is_shown_all_four_kinds_apart() -> None:
    """Execution, cancellation, delivery, and trouble of our own: a job can have failed while its source is in trouble."""

    async def flow() -> None:
        script, key_works = Jobs(), True

        async def answer(asked: Asked) -> Said:
            return await script(asked) if key_works else said(KEY_REFUSED, 401)

        async with Provider(answer).listening() as provider, service(provider.base_url) as running:
            told_another = {"delivery_key": "batch.failed", "status": "delivered", "response_body_preview": "ok"}
            script.always["failed"] = said(batch("failed", "failed", webhook=account(told_another)))
            script.always["open"] = said(batch("open", "in_progress"))
            await running.track("failed")
            await running.track("open")
            await running.settles("failed")
            key_works = False

            async def trouble() -> bool:
                return bool((await running.source())["trouble"] == "key_refused")

            await until(trouble, "the source to be in trouble")
            async with running.store.reading() as connection:
                failed, still_open = [
                    await show_job(connection, running.config, job, time.time_ns() // 1000)
                    for job in ("failed", "open")
                ]
            assert told(failed) == {("execution", "failed"), ("delivery", "phantom")}
            assert (told(still_open), still_open["trouble"], still_open["source_trouble"]) == (
                set(), None, "key_refused",
            )  # fmt: skip

    asyncio.run(flow())
