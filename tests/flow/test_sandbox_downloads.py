"""What goes wrong with a file's content, over real sockets."""

import asyncio
import gzip
import json
import time
import tracemalloc
from typing import Any

import httpx
import pytest
from standing_in import Stage, stage

from sandbox import downloads

ALL = ("G1a", "G1b", "G2", "G3")


async def made(on: Stage, scenario: str, **extra: Any) -> tuple[str, str]:
    """The paths of the content of the output file and of the error file of a batch that has both and is over."""
    job = await on.create(f"{scenario},rows_fail", **extra)
    shown = await on.over(job)
    return tuple(f"/v1/files/{shown[name]}/content" for name in ("output_file_id", "error_file_id"))


async def read(on: Stage, path: str) -> tuple[httpx.Response, bytes, type[Exception] | None]:
    """The head of an answer, the bytes that came, not decoded, and what ended them."""
    body, trouble = bytearray(), None
    async with on.client.stream("GET", path) as answer:
        try:
            async for block in answer.aiter_raw():
                body += block
        except httpx.HTTPError as error:
            trouble = type(error)
    return answer, bytes(body), trouble


async def whole(on: Stage, path: str) -> bytes:
    """What stands in the file, once nothing goes wrong any more: every row is JSON, and the length is the file's."""
    answer, body, trouble = await read(on, path)
    shown = await on.get(path.removesuffix("/content"))
    assert (answer.status_code, trouble) == (200, None)
    assert answer.headers["content-length"] == str(len(body)) == str(shown["bytes"])
    assert all(json.loads(row)["custom_id"] for row in body.splitlines())
    return body


def is_cut_in_a_row(part: bytes, body: bytes) -> bool:
    """Whether whole rows and a half came of it."""
    *rows, half = part.split(b"\n")
    return (
        body.startswith(part) and body.split(b"\n")[: len(rows)] == rows and b"" != half != body.split(b"\n")[len(rows)]
    )


@pytest.mark.parametrize("generation", ALL)
class TestEveryGeneration:
    def test_answers_that_end_early(self, generation: str) -> None:
        """
        Three answers bring half of the file: below the length they declared, whole by all signs, and reset. The fourth is whole.
        """

        async def flow() -> None:
            async with stage(generation=generation) as on:
                for path in await made(on, "content_cut"):
                    short, mended, broken = [await read(on, path) for _ in range(3)]
                    body = await whole(on, path)

                    assert [answer.status_code for answer, _, _ in (short, mended, broken)] == [200] * 3
                    assert short[0].headers["content-length"] == broken[0].headers["content-length"] == str(len(body))
                    assert "content-length" not in mended[0].headers
                    assert [trouble for _, _, trouble in (short, mended, broken)] == [
                        httpx.RemoteProtocolError,
                        None,
                        httpx.ReadError,
                    ]
                    assert all(is_cut_in_a_row(part, body) for _, part, _ in (short, mended, broken))

        asyncio.run(flow())

    def test_errors_instead_of_content(self, generation: str) -> None:
        """
        Three answers are the gateway's 404, then three a bare 500, for either file by itself; its object is shown all along.
        """

        async def flow() -> None:
            async with stage(generation=generation) as on:
                for path in await made(on, "content_500,content_404"):
                    file = await on.get(path.removesuffix("/content"))
                    answers = [await on.client.get(path) for _ in range(6)]
                    await whole(on, path)

                    assert [answer.status_code for answer in answers] == [404] * 3 + [500] * 3
                    for denied in answers[:3]:
                        assert (denied.json()["error"], denied.json()["file_id"]) == ("not_found", file["id"])
                        assert denied.json()["reason"] == "file_not_found_or_not_owned"
                    assert {answer.text for answer in answers[3:]} == {"Internal Server Error"}

        asyncio.run(flow())

    def test_encoded_though_nobody_asked(self, generation: str) -> None:
        """
        The first answer is gzip-encoded and does not say how long it is; the second is the file as it stands.
        """

        async def flow() -> None:
            async with stage(generation=generation) as on:
                on.client.headers["accept-encoding"] = "identity"
                for path in await made(on, "content_compressed"):
                    answer, packed, trouble = await read(on, path)

                    assert (answer.headers["content-encoding"], trouble) == ("gzip", None)
                    assert "content-length" not in answer.headers
                    assert gzip.decompress(packed) == await whole(on, path)

        asyncio.run(flow())

    def test_ends_of_line(self, generation: str) -> None:
        """
        Every row but the last ends in CRLF, and the last in nothing; otherwise all end in LF.
        """

        async def flow() -> None:
            async with stage(generation=generation) as on:
                for strange, plain in zip(await made(on, "output_crlf"), await made(on, ""), strict=True):
                    body, usual = await whole(on, strange), await whole(on, plain)

                    assert body.count(b"\r\n") == body.count(b"\n") == len(body.splitlines()) - 1 > 0
                    assert not body.endswith(b"\n")
                    assert (usual.count(b"\r"), usual.count(b"\n")) == (0, len(usual.splitlines()))
                    assert usual.endswith(b"\n")

        asyncio.run(flow())


class TestHuge:
    SIZE = 40_000_000

    @pytest.mark.parametrize("generation", ALL)
    def test_size_and_rows(self, generation: str) -> None:
        """
        The output file has the size that was asked for, says so twice, and is rows like any other; the error file is small.
        """

        async def flow() -> None:
            async with stage(generation=generation, huge_bytes=300_001) as on:
                output, errors = await made(on, "output_huge")

                assert len(await whole(on, output)) == 300_001
                assert len(await whole(on, errors)) < 2_000

        asyncio.run(flow())

    def test_memory_is_flat(self) -> None:
        """
        However large the file, reading it takes a small part of its size on both sides together.
        """

        async def flow() -> tuple[int, int]:
            async with stage(huge_bytes=self.SIZE) as on:
                output, _ = await made(on, "output_huge")
                tracemalloc.start()
                async with on.client.stream("GET", output) as answer:
                    came = sum([len(block) async for block in answer.aiter_raw()])
                peak = tracemalloc.get_traced_memory()[1]
                tracemalloc.stop()
                return came, peak

        came, peak = asyncio.run(flow())
        assert came == self.SIZE
        assert peak < self.SIZE / 4

    def test_two_gib_unless_told_otherwise(self) -> None:
        """
        Without a word about it the file has 2 GiB; whoever turns away in the middle of it holds nobody up.
        """

        async def flow() -> None:
            async with stage() as on:
                output, _ = await made(on, "output_huge")
                async with on.client.stream("GET", output) as answer:
                    first = await anext(answer.aiter_raw())
                shown = await on.get(output.removesuffix("/content"))

                assert answer.headers["content-length"] == str(shown["bytes"]) == str(2 * 1024**3)
                assert first.startswith(b'{"id": "batch_req_')

        asyncio.run(flow())

    def test_what_else_goes_wrong_with_it(self) -> None:
        """
        A huge file is cut in the middle of a row and compressed like any other, and its rows can end in CRLF.
        """

        async def flow() -> None:
            async with stage(huge_bytes=self.SIZE // 10) as on:
                path, _ = await made(on, "output_huge,content_cut,content_compressed,output_crlf")
                _, short, trouble = await read(on, path)
                _, mended, _ = await read(on, path)
                await read(on, path)
                _, packed, _ = await read(on, path)
                body = await whole(on, path)

                assert trouble is httpx.RemoteProtocolError
                assert is_cut_in_a_row(short, body)
                assert mended == short
                assert gzip.decompress(packed) == body
                assert len(body) == self.SIZE // 10 + body.count(b"\r") - 1

        asyncio.run(flow())

    def test_the_stream_of_g3_is_as_large(self) -> None:
        """
        `/results` has the same rows, those of the error file after them.
        """

        async def flow() -> None:
            async with stage(generation="G3", huge_bytes=300_001) as on:
                job = await on.create("output_huge,rows_fail")
                shown = await on.over(job)
                output, errors = [
                    await whole(on, f"/v1/files/{shown[name]}/content") for name in ("output_file_id", "error_file_id")
                ]

                assert (await on.client.get(shown["results_url"])).content == output + errors

        asyncio.run(flow())


class TestStalls:
    def test_the_rest_comes_in_the_end(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """
        The first answer stops in the middle of a row, and then goes on to its end; the next does not stop.
        """
        monkeypatch.setattr(downloads, "STALL", 0.3)

        async def flow() -> None:
            async with stage() as on:
                path, _ = await made(on, "content_stalls")
                parts, began = [], time.monotonic()
                async with on.client.stream("GET", path) as answer:
                    async for block in answer.aiter_raw():
                        parts.append(block)
                waited, body = time.monotonic() - began, await whole(on, path)

                assert b"".join(parts) == body
                assert is_cut_in_a_row(parts[0], body)
                assert waited >= 0.3

        asyncio.run(flow())

    def test_a_stop_does_not_wait_for_it(self) -> None:
        """
        While one answer stands still others get the file, and a sandbox that is stopped cuts it short.
        """

        async def flow() -> None:
            async with stage() as on:
                path, _ = await made(on, "content_stalls")
                async with on.client.stream("GET", path) as answer:
                    blocks = answer.aiter_raw()
                    first = await anext(blocks)
                    body = await whole(on, path)
                    rest = asyncio.create_task(anext(blocks))
                    done, _ = await asyncio.wait([rest], timeout=0.3)
                    on.box.stop()
                    with pytest.raises(httpx.RemoteProtocolError):
                        await rest

                assert not done
                assert is_cut_in_a_row(first, body)

        asyncio.run(flow())


def test_other_files_are_left_alone() -> None:
    """
    The words are about what the batch has written, and not about what it was made of.
    """

    async def flow() -> None:
        async with stage(speed=1) as on:
            job = await on.create("content_cut,content_404,content_500,content_stalls,content_compressed,output_crlf")
            await whole(on, f"/v1/files/{(await on.batch(job))['input_file_id']}/content")

    asyncio.run(flow())


def test_a_reader_who_goes_away_leaves_nothing_behind() -> None:
    """
    Whoever hangs up on an answer that is stalled spoils nothing; the fault counts as played.
    """

    async def flow() -> None:
        async with stage() as on:
            path, _ = await made(on, "content_stalls")
            async with on.client.stream("GET", path) as answer:
                await anext(answer.aiter_raw())
            await whole(on, path)

    asyncio.run(flow())
