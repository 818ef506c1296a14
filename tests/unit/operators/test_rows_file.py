"""The file of requests: everything that is wrong with it, at once, with line numbers."""

import hashlib
import json

import pytest
from given import HOSTILE

from operators.rows_file import MOST_PROBLEMS_SHOWN, BadInput, read_rows
from schemas.dialects.phaseo import Phaseo

ROW = {"custom_id": "a", "method": "POST", "url": "/v1/chat/completions", "body": {"model": "m"}}


def line(**changes: object) -> bytes:
    return json.dumps({**ROW, **changes}).encode() + b"\n"


@pytest.fixture
def refused(tmp_path):
    """What is said about a file of these bytes."""

    def read(content: bytes) -> list[str]:
        path = tmp_path / "requests.jsonl"
        path.write_bytes(content)
        with pytest.raises(BadInput) as refusal:
            read_rows(path, Phaseo())
        return str(refusal.value).splitlines()[1:]

    return read


def test_a_good_file_is_described(tmp_path):
    """
    Rows, size, digest and endpoint of a file; blank lines, CRLF and a missing last line end are no rows and no fault.
    """
    path = tmp_path / "requests.jsonl"
    content = line() + b"\n  \r\n" + line(custom_id="b").replace(b"\n", b"\r\n") + line(custom_id="c").rstrip()
    path.write_bytes(content)

    found = read_rows(path, Phaseo())

    assert (found.rows, found.size, found.endpoint) == (3, len(content), "/v1/chat/completions")
    assert found.sha256 == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff\n", "line 1: not UTF-8"),
        (b'{"custom_id": \n', "line 1: not JSON: Expecting value in column 15"),
        (b"[1]\n", "line 1: not a JSON object; each line is one request"),
        (b"\xef\xbb\xbf" + line(), "line 1: begins with a byte order mark; save the file as UTF-8 without one"),
        (line().replace(b'"m"', b"NaN"), "line 1: NaN is not JSON"),
        (line().replace(b'"url"', b'"custom_id": "z", "url"'), "line 1: custom_id stands twice in one object"),
        (b"[" * 100_000 + b"\n", "line 1: not JSON: nested too deeply"),
        (line(custom_id=""), "line 1: custom_id is missing or empty; it tells the results apart"),
        (line() + line(), "line 2: custom_id a stands in line 1 already"),
        (
            line().replace(b'"a"', b'"a\\ud83d"'),
            "line 1: custom_id a\\ud83d holds what cannot be written; results could not be told apart by it",
        ),
        (line(url=None), "line 1: url is missing; it names the endpoint, such as /v1/chat/completions"),
        (line(method="GET"), "line 1: method has to be POST"),
        (line(body=[]), "line 1: body is missing or not an object; it holds the request itself"),
        (b"", "the file has no rows; each line is one request, as JSON"),
    ],
)
def test_each_fault_has_its_words(refused, content, said):
    """
    Each kind of fault is told in a line of its own, with the line that it stands in.
    """
    assert refused(content) == [f"  {said}"]


def test_all_faults_are_told_at_once(refused):
    """
    A file with faults in several lines is refused with all of them, and with the endpoints that differ.
    """
    told = refused(line(method="GET") + b"x\n" + line(custom_id="b", url="/v1/embeddings"))

    assert [text.strip().partition(":")[0] for text in told[:2]] == ["line 1", "line 2"]
    assert "/v1/chat/completions (first in line 1), /v1/embeddings (first in line 3)" in told[2]


def test_many_faults_are_cut_and_counted(refused):
    """
    Of a thousand faults the first ones are shown, and how many there are more.
    """
    told = refused(b"x\n" * 1000)

    assert len(told) == MOST_PROBLEMS_SHOWN + 1
    assert told[-1] == f"  ... and {1001 - 1 - MOST_PROBLEMS_SHOWN} more"


def test_hostile_names_are_shown_escaped(refused):
    """
    What a file puts into its ids and endpoints reaches the terminal in printable characters only.
    """
    told = refused(line(custom_id=HOSTILE) * 2 + line(custom_id="b", url=HOSTILE))

    assert all(text.isprintable() for text in told)


@pytest.mark.parametrize("name", ["nothing.jsonl", ".", "/dev/zero"])
def test_what_is_no_file_is_refused(tmp_path, name):
    """
    A missing file, a folder and a device are refused at once, by name.
    """
    with pytest.raises(BadInput, match="cannot read"):
        read_rows(tmp_path / name, Phaseo())
