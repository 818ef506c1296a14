"""Inputs as CSV become lines of JSON by the columns of their dialect; what does not fit is refused in words."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from operators.csv_rows import rows_from_csv
from operators.errors import BadInput
from operators.rows_file import read_rows
from schemas.dialects.orders import Column
from schemas.dialects.phaseo import Phaseo


class Tabular(Phaseo):
    """A dialect with columns."""

    columns = (
        Column("custom_id", "your name for the row"),
        Column("url", "the page", is_needed=True),
        Column("title", "words"),
    )

    def row_of(self, cells: Mapping[str, str]) -> Mapping[str, Any]:
        return dict(cells)


def rows(tmp_path: Path, content: bytes, headers: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
    path, into = tmp_path / "in.csv", tmp_path / "out.jsonl"
    path.write_bytes(content)
    rows_from_csv(path, Tabular(), headers or {}, into)
    return [json.loads(line) for line in into.read_bytes().splitlines()]


def test_columns_by_their_names(tmp_path: Path) -> None:
    """Columns stand in any order beside others; rows are numbered, unless they say who they are; blank lines are no rows."""
    content = '﻿title,other,url\n"a, b",x,https://a.example\n\n,y,https://b.example\n'.encode()

    assert rows(tmp_path, content) == [
        {"custom_id": "row-1", "url": "https://a.example", "title": "a, b"},
        {"custom_id": "row-2", "url": "https://b.example"},
    ]
    assert rows(tmp_path, b"custom_id,url\nmine,u\n") == [{"custom_id": "mine", "url": "u"}]


def test_columns_under_other_headers(tmp_path: Path) -> None:
    """A column is found under the header that is named for it."""
    assert rows(tmp_path, b"Link;x,Id\nu,7\n", {"url": "Link;x", "custom_id": "Id"}) == [{"custom_id": "7", "url": "u"}]


@pytest.mark.parametrize(
    ("content", "headers", "words"),
    [
        (b"title\nx\n", {}, "--column url=HEADER"),
        (b"", {}, "nothing"),
        (b"url,url\n1,2\n", {}, "twice in the header"),
        (b"url\n1,2\n", {}, "row 1 has 2 cells"),
        (b"url\n\xff\n", {}, "not UTF-8"),
        (b'url\n"open\n', {}, "not readable as CSV"),
        (b"url\nu\n", {"link": "url"}, "the columns of phaseo are custom_id, url, title"),
        (b"url\nu\n", {"title": "Titel"}, "no column Titel"),
    ],
)
def test_what_does_not_fit(tmp_path: Path, content: bytes, headers: Mapping[str, str], words: str) -> None:
    """The refusal says where, and what to do."""
    with pytest.raises(BadInput, match=words):
        rows(tmp_path, content, headers)


def test_faults_are_told_in_rows(tmp_path: Path) -> None:
    """What is wrong with a row that came as CSV is told by its row below the header, and not by a line of our own making."""
    path, into = tmp_path / "in.csv", tmp_path / "out.jsonl"
    path.write_bytes(b"custom_id,url\nsame,u\nsame,v\n")
    rows_from_csv(path, Tabular(), {}, into)

    with pytest.raises(BadInput, match="row 2: custom_id same stands in row 1 already"):
        read_rows(into, Tabular(), unit="row")


def test_who_takes_no_csv(tmp_path: Path) -> None:
    """A dialect without columns wants JSONL."""
    with pytest.raises(BadInput, match="takes JSONL"):
        rows_from_csv(tmp_path / "x.csv", Phaseo(), {}, tmp_path / "y")
