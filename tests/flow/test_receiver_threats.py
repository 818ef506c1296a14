"""The rows of the threat model that the receiver answers for, by number; framing, time and bodies have files of their own."""

import asyncio
import base64
import hmac
import json
import re
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from receiving import OTHER_SECRET, SECRET, House, house, raw, sample, settled, signed

from schemas.times import DAY, MINUTE, SECOND
from storage import retention
from storage.ledger import LedgerInUse

pytestmark = pytest.mark.both_stores


def run(story: Coroutine[Any, Any, None]) -> None:
    asyncio.run(story)


async def refused(here: House, *requests: bytes) -> None:
    """All of them are 401 and leave nothing but a note."""
    for request in requests:
        assert (await here.send(request)).status == 401
    assert here.count("deliveries") == here.count("receipts") == here.count("bodies") == 0


def body_with(**changes: Any) -> bytes:
    """A readable body, but for what is changed in its data, its delivery, or itself."""
    document = json.loads(sample())
    for name, value in changes.items():
        inside, _, member = name.rpartition("__")
        (document[inside] if inside else document)[member] = value
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def answers_to(tmp_path: Path, *changes: Callable[[str], str]) -> list[int]:
    """What a request is answered whose right signature was changed, for each of the changes."""
    statuses: list[int] = []

    async def story() -> None:
        async with house(tmp_path) as here:
            now, body = here.clock(), sample()
            right = hmac.digest(SECRET.encode(), f"{now // SECOND}.".encode() + body, "sha256").hex()
            for change in changes:
                reply = await here.send(signed(now, body, x_phaseo_signature=change(right)))
                statuses.append(reply.status)

    run(story())
    return statuses


def forged(tmp_path: Path, *changes: Callable[[str], str]) -> None:
    assert answers_to(tmp_path, *changes) == [401] * len(changes)


class TestIdentity:
    def test_threat_01_a_replay_under_another_delivery_key(self, tmp_path: Path) -> None:
        """The identity is read from the signed body; a header that says otherwise is refused."""

        async def story() -> None:
            async with house(tmp_path) as here:
                await refused(here, signed(here.clock(), x_phaseo_delivery_key="batch.progress:50"))
                without = signed(here.clock(), without=["x-phaseo-delivery-key", "x-phaseo-event-id"])
                assert (await here.send(without)).status == 202
                assert here.rows("SELECT delivery_key FROM deliveries") == [("batch.completed",)]

        run(story())

    def test_threat_02_a_replay_within_the_window(self, tmp_path: Path) -> None:
        """The same request again is counted, and nothing else."""

        async def story() -> None:
            async with house(tmp_path) as here:
                request = signed(here.clock())
                statuses = [(await here.send(request)).status for _ in range(3)]
                assert statuses == [202, 200, 200]
                assert here.rows("SELECT times_received FROM deliveries") == [(3,)]
                assert here.count("bodies") == 1

        run(story())

    def test_threat_03_a_replay_after_a_restart_and_after_pruning(self, tmp_path: Path) -> None:
        """What is known is known from the database and not from memory, and outlives the bytes and the receipts."""

        async def story() -> None:
            async with house(tmp_path) as here:
                request = signed(here.clock())
                assert (await here.send(request)).status == 202
            async with house(tmp_path) as here:
                assert (await here.send(request)).status == 200
                async with here.store.writing() as connection:
                    await retention.bodies(connection, here.clock() + DAY, 10)
                    await retention.receipts(connection, here.clock() + DAY, 10)
                assert (await here.send(request)).status == 200
                assert here.rows("SELECT times_received FROM deliveries") == [(3,)]

        run(story())

    def test_threat_03_a_replay_to_another_receiver(self, tmp_path: Path, the_store: str | None) -> None:
        """Where several receivers share a server's database, what one of them has taken is known to all."""

        async def story() -> None:
            async with house(tmp_path) as here, house(tmp_path) as there:
                request = signed(here.clock())
                assert (await here.send(request)).status == 202
                assert (await there.send(request)).status == 200

        if the_store is None:
            with pytest.raises(LedgerInUse):  # a SQLite file has one receiver
                run(story())
        else:
            run(story())

    def test_threat_04_two_jobs_with_one_delivery_key(self, tmp_path: Path) -> None:
        """Each batch has its batch.completed, and each is stored."""

        async def story() -> None:
            async with house(tmp_path) as here:
                statuses = [(await here.deliver(sample(job))).status for job in ("batch_1", "batch_2")]
                assert statuses == [202, 202]
                assert here.count("deliveries") == 2

        run(story())

    def test_threat_05_event_ids_that_collide(self, tmp_path: Path) -> None:
        """Two events with one event id are two: the id is stored and decides nothing."""

        async def story() -> None:
            async with house(tmp_path) as here:
                for key in ("batch.completed", "batch.failed"):
                    assert (await here.deliver(body_with(id="evt_cut", delivery__key=key))).status == 202
                assert here.rows("SELECT DISTINCT event_id FROM receipts") == [("evt_cut",)]
                assert here.count("deliveries") == 2

        run(story())

    def test_threat_06_one_identity_with_different_bytes(self, tmp_path: Path) -> None:
        """A retry whose body was built anew is one more receipt, with its own body and its own report."""

        async def story() -> None:
            async with house(tmp_path) as here:
                await here.deliver(body_with(data__status="in_progress", data__lifecycle_status="running"))
                again = await here.deliver(body_with(delivery__attempt=2))

                assert again.status == 200
                assert here.rows("SELECT attempt, native_status FROM receipts ORDER BY id") == [
                    (1, "in_progress"),
                    (2, "completed"),
                ]
                assert here.count("bodies") == 2

        run(story())


class TestSignature:
    @pytest.mark.parametrize(
        "stamp",
        [
            "1e9", "nan", "-1790000000", "+1790000000", " 179000000", "1_790_000_0", "1790000000.7", "0x6ab13b80", "",
            "9" * 5_000, "2026-11-22T05:00:00Z", "\u0661\u0667\u0669".encode().decode("latin-1"), "1790000000,1790000000",
        ],
    )  # fmt: skip
    def test_threat_07_other_ways_to_write_a_time(self, tmp_path: Path, stamp: str) -> None:
        """Only ten digits are a timestamp, however well the rest is signed."""

        async def story() -> None:
            async with house(tmp_path) as here:
                body = sample()
                signature = hmac.digest(SECRET.encode(), stamp.encode("latin-1") + b"." + body, "sha256").hex()
                request = signed(here.clock(), body, x_phaseo_timestamp=stamp, x_phaseo_signature=signature)
                await refused(here, request)

        run(story())

    def test_threat_07_the_window_has_two_sides(self, tmp_path: Path) -> None:
        """Five minutes either way are fresh, and a second more is not."""

        async def story() -> None:
            async with house(tmp_path) as here:
                here.clock.fixed = 1_790_000_000 * SECOND
                now = here.clock()
                await refused(here, signed(now - 5 * MINUTE - SECOND), signed(now + 5 * MINUTE + SECOND))
                for off in (-5 * MINUTE, 5 * MINUTE):
                    assert (await here.send(signed(now + off))).status in (200, 202)

        run(story())

    def test_threat_08_a_boundary_that_moves(self, tmp_path: Path) -> None:
        """The dot between timestamp and body cannot be moved into either."""

        async def story() -> None:
            async with house(tmp_path) as here:
                stamp = str(here.clock() // SECOND)
                signature = hmac.digest(SECRET.encode(), f"{stamp}.5.{{}}".encode(), "sha256").hex()
                fields = {"x-phaseo-timestamp": f"{stamp}.5", "x-phaseo-signature": signature, "content-length": "2"}
                await refused(here, raw("POST", "/webhooks/phaseo", fields, b"{}"))

        run(story())

    def test_threat_09_the_empty_key_opens_nothing(self, tmp_path: Path) -> None:
        """What is signed with no key, a blank one, or a prefix alone is refused."""

        async def story() -> None:
            async with house(tmp_path) as here:
                now = here.clock()
                await refused(here, *[signed(now, secret=secret) for secret in ("", " ", "whsec_", "None", "null")])

        run(story())

    def test_threat_10_no_door_without_a_secret(self, tmp_path: Path) -> None:
        """A source that takes no webhooks has no path, and one that nothing can be checked with is closed."""

        async def story() -> None:
            async with house(tmp_path) as here:
                assert (await here.deliver(path="/webhooks/open_door", secret="")).status == 503
                assert (await here.deliver(path="/webhooks/silent", secret="")).status == 404
                assert here.count("deliveries") == 0

        run(story())

    def test_threat_11_every_live_secret_is_good(self, tmp_path: Path) -> None:
        """While two secrets are live, either signs, and which one it was is recorded."""

        async def story() -> None:
            async with house(tmp_path) as here:
                for number, secret in enumerate((OTHER_SECRET, "whsec_the_next_secret_of_that_source")):
                    path = "/webhooks/other"
                    assert (await here.deliver(sample(f"batch_{number}"), path, secret=secret)).status == 202
                assert here.rows("SELECT secret_index FROM receipts ORDER BY id") == [(0,), (1,)]
                assert (
                    await here.deliver(path="/webhooks/other", secret="whsec_retired_retired_retired")
                ).status == 401

        run(story())

    def test_threat_12_a_list_of_signatures(self, tmp_path: Path) -> None:
        """This gateway sends one signature: a right one in a list, first or last or of ten thousand, is as good as none."""
        wrong = "0" * 64
        forms = ("{r},{r}", "{r} {r}", "{w},{r}", "{r},{w}", "v1,{w} v1,{r}")
        forged(tmp_path, *[lambda right, form=form: form.format(r=right, w=wrong) for form in forms])
        forged(tmp_path, lambda right: ",".join([wrong] * 10_000)[:15_000])

    def test_threat_13_cut_and_lengthened(self, tmp_path: Path) -> None:
        """A digest is compared whole or not at all."""
        lengths = (0, 1, 2, 32, 62, 63, 65, 66, 128)
        forged(tmp_path, *[lambda right, length=length: (right + right)[:length] for length in lengths])

    def test_threat_14_under_a_version(self, tmp_path: Path) -> None:
        """The signature stands bare here. What another scheme puts before it makes it another text."""
        prefixes = ("v1,", "v1=", "v2,", "v0,", "v1a,", "sha256=", "hmac ", "0x", "t=1,v1=")
        forged(tmp_path, *[lambda right, prefix=prefix: prefix + right for prefix in prefixes])

    def test_threat_15_other_ways_to_write_a_digest(self, tmp_path: Path) -> None:
        """Sixty-four hex digits and nothing else; only their case is free."""
        forged(
            tmp_path,
            lambda right: base64.b64encode(bytes.fromhex(right)).decode(),
            lambda right: base64.urlsafe_b64encode(bytes.fromhex(right)).decode().rstrip("="),
            lambda right: right[:32] + " " + right[32:],
            lambda right: right[:32] + "\t" + right[32:],
            lambda right: ":".join(re.findall("..", right)),
            lambda right: f"'{right}'",
            lambda right: right[:-1] + "g",
        )
        assert answers_to(tmp_path, str.upper) == [202]

    def test_threat_16_letters_beyond_ascii(self, tmp_path: Path) -> None:
        """Bytes that are no ASCII are a wrong signature like any other, and no error."""
        letters = "\xe9\xff\xb2\x80\xa0"
        forged(tmp_path, *[lambda right, letter=letter: right[:-1] + letter for letter in letters])
        forged(tmp_path, *[lambda right, letter=letter: letter * 64 for letter in letters])

    def test_threat_16_bytes_that_end_a_field(self, tmp_path: Path) -> None:
        """NUL and line breaks are no part of a field: the whole request is none."""
        letters = "\x00\r\n"
        changes = [lambda right, letter=letter: right[:32] + letter + right[33:] for letter in letters]
        assert answers_to(tmp_path, *changes) == [400, 400, 400]

    def test_threat_17_every_secret_is_compared(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Whichever secret signed, every live one is tried, each by a comparison that takes the same time whatever it finds."""
        compared: list[tuple[int, int]] = []
        compare = hmac.compare_digest

        def counting(one: bytes, other: bytes) -> bool:
            compared.append((len(one), len(other)))
            return compare(one, other)

        async def story() -> None:
            async with house(tmp_path) as here:
                monkeypatch.setattr(hmac, "compare_digest", counting)
                for secret in (OTHER_SECRET, "whsec_the_next_secret_of_that_source", "whsec_of_nobody_of_nobody"):
                    compared.clear()
                    await here.deliver(path="/webhooks/other", secret=secret)
                    assert compared == [(64, 64), (64, 64)]

        run(story())

    def test_threat_18_the_bytes_as_they_came(self, tmp_path: Path) -> None:
        """Blanks, the order of members and escapes are part of what is signed, and of what is kept."""

        async def story() -> None:
            async with house(tmp_path) as here:
                pretty = json.dumps(json.loads(sample()), indent=3, sort_keys=True).encode() + b"\n"
                assert (await here.deliver(pretty)).status == 202
                assert here.rows("SELECT body FROM bodies") == [(pretty,)]
                request = signed(here.clock(), pretty).replace(b"   ", b"  ")
                length = f"content-length: {len(request.partition(b'{')[2]) + 1}".encode()
                old = f"content-length: {len(pretty)}".encode()
                assert (await here.send(request.replace(old, length))).status == 401

        run(story())

    def test_threat_19_one_job_id_at_two_sources(self, tmp_path: Path) -> None:
        """A job belongs to the source whose secret signed for it: the same id at another source is another job."""

        async def story() -> None:
            async with house(tmp_path) as here:
                assert (await here.deliver()).status == 202
                assert (await here.deliver(path="/webhooks/other", secret=OTHER_SECRET)).status == 202
                assert here.rows("SELECT source FROM deliveries ORDER BY source") == [("other",), ("phaseo",)]

        run(story())

    def test_threat_20_the_right_secret_on_the_wrong_path(self, tmp_path: Path) -> None:
        """The path names the source, and no other source's secrets are tried."""

        async def story() -> None:
            async with house(tmp_path) as here:
                await refused(here, signed(here.clock(), path="/webhooks/other"))
                await refused(here, signed(here.clock(), secret=OTHER_SECRET))

        run(story())


class TestSenders:
    @pytest.mark.parametrize(
        ("proxies", "forwarded", "remote"),
        [
            ((), "198.51.100.7", "127.0.0.1"),
            (("192.0.2.1",), "198.51.100.7", "127.0.0.1"),
            (("127.0.0.0/8",), "198.51.100.7", "198.51.100.7"),
            (("127.0.0.0/8",), "1.1.1.1, 198.51.100.7", "198.51.100.7"),
            (("127.0.0.0/8", "198.51.100.0/24"), "1.1.1.1, 198.51.100.7", "1.1.1.1"),
            (("127.0.0.0/8",), "evil<script>", "127.0.0.1"),
        ],
    )
    def test_threat_23_forwarded_for(
        self, tmp_path: Path, proxies: tuple[str, ...], forwarded: str, remote: str
    ) -> None:
        """Who is said to have sent a request is believed only of proxies that were configured."""

        async def story() -> None:
            async with house(tmp_path, trusted_proxies=proxies) as here:
                await here.deliver(secret=OTHER_SECRET, x_forwarded_for=forwarded, forwarded="for=9.9.9.9", host="evil")
                await settled(here)
                assert here.rows("SELECT remote FROM refusals") == [(remote,)]

        run(story())

    def test_threat_22_another_address_every_time(self, tmp_path: Path) -> None:
        """A header made up for every request is no way around the budget of refusals."""

        async def story() -> None:
            async with house(tmp_path, refusals_per_minute=2) as here:
                statuses = [
                    (await here.deliver(secret=OTHER_SECRET, x_forwarded_for=f"10.0.0.{number}")).status
                    for number in range(4)
                ]
                assert statuses == [401, 401, 429, 429]

        run(story())


class TestFields:
    @pytest.mark.parametrize("name", ["x-phaseo-signature", "x-phaseo-timestamp"])
    @pytest.mark.parametrize("is_first", [True, False])
    def test_threat_25_a_field_that_stands_twice(self, tmp_path: Path, name: str, is_first: bool) -> None:
        """Neither the first nor the last of two wins, even if both are right."""

        async def story() -> None:
            async with house(tmp_path) as here:
                request = signed(here.clock())
                head, _, body = request.partition(b"\r\n\r\n")
                lines = head.split(b"\r\n")
                field = next(line for line in lines if line.startswith(name.encode()))
                wrong = name.encode() + b": 1"
                doubled = [field, wrong] if is_first else [wrong, field]
                for pair in (doubled, [field, field]):
                    others = [line for line in lines if line != field]
                    await refused(here, b"\r\n".join(others + pair) + b"\r\n\r\n" + body)

        run(story())

    def test_threat_27_names_with_underscores(self, tmp_path: Path) -> None:
        """`x_phaseo_signature` is another field, and not the signature."""

        async def story() -> None:
            async with house(tmp_path) as here:
                await refused(here, signed(here.clock()).replace(b"x-phaseo-signature", b"x_phaseo_signature"))

        run(story())

    def test_threat_31_an_encoded_bomb(self, tmp_path: Path) -> None:
        """Compressed content is refused unread, whatever it would become."""

        async def story() -> None:
            import gzip

            async with house(tmp_path) as here:
                bomb = gzip.compress(bytes(5_000_000))
                assert (await here.deliver(bomb, content_encoding="gzip")).status == 415
                assert here.count("bodies") == 0

        run(story())

    @pytest.mark.parametrize(
        "kind",
        [None, "text/plain", "multipart/form-data; boundary=x", "application/json; charset=utf-16", "a" * 500, "\xff"],
    )
    def test_threat_32_the_content_type_decides_nothing(self, tmp_path: Path, kind: str | None) -> None:
        """Signed bytes are read as JSON in UTF-8, whatever they are called."""

        async def story() -> None:
            async with house(tmp_path) as here:
                changes: dict[str, Any] = {"without": ["content-type"]} if kind is None else {"content_type": kind}
                assert json.loads((await here.deliver(**changes)).body).get("unreadable") is None
                assert here.rows("SELECT job_id FROM deliveries") == [("batch_1",)]

        run(story())


def test_the_database_is_for_our_eyes_only(tmp_path: Path) -> None:
    """Row 74: neither the ledger nor its lock can be read by anybody else."""

    async def story() -> None:
        async with house(tmp_path) as here:
            await here.deliver()
            for file in tmp_path.iterdir():
                assert file.stat().st_mode & 0o077 == 0, file

    run(story())
