"""Rows and counts that do not match each other, over real sockets."""

import asyncio
import json
from collections import Counter
from typing import Any

import pytest
from standing_in import Stage, stage

ALL = ("G1a", "G1b", "G2", "G3")
ASKED = {f"row-{n}" for n in range(6)}

FOUND = {
    # words: rows that were asked in the output file and in the error file, repeated, strange; the counts that are shown
    "": ((6, 0), 0, 0, (6, 0)),
    "rows_missing": ((5, 0), 0, 0, (6, 0)),
    "rows_repeated": ((6, 0), 1, 0, (6, 0)),
    "rows_strange": ((6, 0), 0, 1, (6, 0)),
    "counts_wrong": ((6, 0), 0, 0, (7, 0)),
    "counts_missing": ((6, 0), 0, 0, None),
    "rows_fail": ((4, 2), 0, 0, (4, 2)),
    "rows_fail,rows_missing": ((3, 2), 0, 0, (4, 2)),
    "rows_fail,counts_wrong": ((4, 2), 0, 0, (5, 1)),
    "expires,rows_missing,rows_repeated,rows_strange,counts_missing": ((2, 3), 1, 1, None),
    "all_rows_fail,counts_wrong": ((0, 6), 0, 0, (1, 5)),
    "all_rows_fail,rows_missing": ((0, 6), 0, 0, (0, 6)),
    "fails,rows_missing": ((0, 0), 0, 0, (0, 0)),
}


async def lines(on: Stage, file_id: str | None) -> list[str]:
    """The custom ids in a file, as they stand there."""
    if file_id is None:
        return []
    answer = await on.client.get(f"/v1/files/{file_id}/content")
    assert answer.status_code == 200, answer.text
    return [json.loads(line)["custom_id"] for line in answer.text.splitlines()]


def shown_counts(batch: dict[str, Any]) -> tuple[int, int] | None:
    counts = batch["request_counts"]
    return None if counts is None else (counts["completed"], counts["failed"])


@pytest.mark.parametrize("generation", ALL)
def test_files_and_counts(generation: str) -> None:
    """
    Each word changes what it says and nothing else; the account of the sandbox has what stands in the files.
    """

    async def flow() -> None:
        async with stage(generation=generation) as on:
            jobs = {await on.create(words): words for words in FOUND}
            for job, words in jobs.items():
                batch = await on.over(job)
                good, bad = [await lines(on, batch[name]) for name in ("output_file_id", "error_file_id")]
                known = [name for name in good if name in ASKED]
                repeated = sum(times - 1 for times in Counter(known).values())
                (answered, failed), *rest = FOUND[words]

                assert [(len(set(known)), len(bad)), repeated, len(good) - len(known), shown_counts(batch)] == [
                    (answered, failed), *rest,
                ], words  # fmt: skip
                assert (await on.truth(job))["rows"] == {
                    "asked": 6,
                    "answered": answered,
                    "failed": failed,
                    "missing": 6 - answered - failed,
                }
                assert set(bad) <= ASKED - set(known)

    asyncio.run(flow())


@pytest.mark.parametrize("generation", ["G1b", "G2"])
@pytest.mark.parametrize(("word", "expected"), [("counts_wrong,rows_fail", (5, 1)), ("counts_missing", None)])
def test_counts_wherever_they_are_shown(generation: str, word: str, expected: tuple[int, int] | None) -> None:
    """
    Get, list and webhook tell the same counts at the end, and true ones before.
    """

    async def flow() -> None:
        async with stage(generation=generation) as on:
            created = (await on.client.post("/v1/batches", json=on.order(word))).json()
            job = created["id"]
            await on.settled(job)
            (listed,) = (await on.get("/v1/batches"))["data"]
            pushed = on.receipts(job, "batch.completed")[0].event["data"]

            assert shown_counts(created) == (0, 0)
            assert [shown_counts(each) for each in (await on.batch(job), listed, pushed)] == [expected] * 3

    asyncio.run(flow())


def test_nothing_is_known_of_rows_before_the_end() -> None:
    """
    Only of a batch that is done does the account count rows.
    """

    async def flow() -> None:
        async with stage(speed=1) as on:
            assert (await on.truth(await on.create("rows_missing")))["rows"] is None

    asyncio.run(flow())


def test_the_output_file_that_is_missing_has_no_rows() -> None:
    """
    Rows of a file that nobody ever finds are missing.
    """

    async def flow() -> None:
        async with stage() as on:
            job = await on.create("output_missing,rows_fail")
            await on.over(job)

            assert (await on.truth(job))["rows"] == {"asked": 6, "answered": 0, "failed": 2, "missing": 4}

    asyncio.run(flow())


def test_the_stream_of_g3_and_the_request_rows_agree_with_the_files() -> None:
    """
    `/results` has the rows of both files, one after the other; a request row's index is its last place in the output file.
    """

    async def flow() -> None:
        async with stage(generation="G3") as on:
            job = await on.create("rows_missing,rows_repeated,rows_strange,rows_fail")
            batch = await on.over(job)
            await on.settled(job)
            good, bad = [await lines(on, batch[name]) for name in ("output_file_id", "error_file_id")]
            streamed = (await on.client.get(batch["results_url"])).text.splitlines()
            places = {name: place for place, name in enumerate(good) if name in ASKED}
            listed = (await on.get(f"/v1/batches/{job}/requests"))["data"]

            assert [json.loads(line)["custom_id"] for line in streamed] == good + bad
            assert {row["custom_id"]: row["request_index"] for row in listed} == places

    asyncio.run(flow())
