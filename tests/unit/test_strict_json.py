"""The one strict parser: what it refuses, and that it otherwise reads as everybody does."""

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.strict_json import MAX_DEPTH, MAX_DIGITS, NotStrictJson, parse_object

MEBIBYTE = 1 << 20

TEXTS = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]))
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**20) + 1, 10**20 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
)
VALUES = st.recursive(
    SCALARS | TEXTS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(TEXTS, inner, max_size=5),
    max_leaves=20,
)


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        (b"\xff", "not UTF-8"),
        (b'{"a":"\xed\xa0\x80"}', "not UTF-8"),
        ('{"a":1}'.encode("utf-16"), "not UTF-8"),
        ('{"a":1}'.encode("utf-16-le"), "not JSON"),
        ('{"a":1}'.encode("utf-32-be"), "not JSON"),
        (b'\xef\xbb\xbf{"a":1}', "not JSON"),
        (b"", "not JSON"),
        (b" ", "not JSON"),
        (b"{", "not JSON"),
        (b'{"a":1}}', "not JSON"),
        (b'{"a":1} x', "not JSON"),
        (b'{"a":1}{"a":1}', "not JSON"),
        (b'{"a":1,}', "not JSON"),
        (b"{'a':1}", "not JSON"),
        (b'{"a":01}', "not JSON"),
        (b'{"a":+1}', "not JSON"),
        (b'{"a":.5}', "not JSON"),
        (b'{"a":0x10}', "not JSON"),
        (b'{"a":1}//', "not JSON"),
        (b'{"a":"\n"}', "not JSON"),
        (b'{"a":"\\x41"}', "not JSON"),
        (b'\xc2\xa0{"a":1}', "not JSON"),
        (b"[]", "not an object"),
        (b"null", "not an object"),
        (b'"text"', "not an object"),
        (b"1", "not an object"),
        (b'{"a":1,"a":1}', "a key stands twice in one object"),
        (b'{"a":1,"\\u0061":2}', "a key stands twice in one object"),
        (b'{"a":[{"b":{"c":1,"c":2}}]}', "a key stands twice in one object"),
        (b'{"a":NaN}', "NaN is not a JSON number"),
        (b'{"a":[Infinity]}', "Infinity is not a JSON number"),
        (b'{"a":-Infinity}', "-Infinity is not a JSON number"),
        (b'{"a":1e999}', "a number beyond a float"),
        (b'{"a":-1E+999}', "a number beyond a float"),
        (b'{"a":"\\u0000"}', "a NUL character in a text"),
        (b'{"\\u0000":1}', "a NUL character in a text"),
        (b'{"a":[["\\u0000"]]}', "a NUL character in a text"),
        (b'{"a":"\\ud800"}', "a lone surrogate in a text"),
        (b'{"a":"\\udea6\\ud83d"}', "a lone surrogate in a text"),
        (b'{"\\ud83d\\ud83d\\udea6":1}', "a lone surrogate in a text"),
    ],
)
def test_refused(body: bytes, rule: str) -> None:
    """What readers of JSON would read differently, or not at all, is refused with the rule that it breaks."""
    with pytest.raises(NotStrictJson) as refusal:
        parse_object(body)

    assert str(refusal.value) == rule


def test_surrogate_pairs() -> None:
    """Two escapes that make one character are that character."""
    assert parse_object(b'{"a":"\\ud83d\\udea6"}') == {"a": "🚦"}


@pytest.mark.parametrize("space", [b" ", b"\t", b"\r\n", b"\n\n"])
def test_white_space(space: bytes) -> None:
    """The four kinds of white space may stand around every token."""
    body = space.join([b"", b"{", b'"a"', b":", b"[", b"1", b"]", b"}", b""])

    assert parse_object(body) == {"a": [1]}


@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_depth(opening: bytes, closing: bytes) -> None:
    """Nesting is read to a depth of 64, the object itself counted, and no deeper."""
    inner = MAX_DEPTH - 1
    assert parse_object(b'{"a":' + opening * inner + b"0" + closing * inner + b"}")

    with pytest.raises(NotStrictJson, match="nested deeper than 64"):
        parse_object(b'{"a":' + opening * (inner + 1) + b"0" + closing * (inner + 1) + b"}")


def test_brackets_in_texts() -> None:
    """Brackets within a text, beside escaped quotes too, nest nothing."""
    text = '[{"\\' * 1000

    assert parse_object(json.dumps({"a": text}).encode()) == {"a": text}


@pytest.mark.parametrize(
    "number",
    [
        "99999999999999999999",
        "-99999999999999999999",
        "9223372036854775808",
        "1.7976931348623157e+308",
        "5e-324",
        "0.00012345678901234567",
        "0.0000012345678901234567",
        "-0.0",
        "0",
    ],
)
def test_digits_within(number: str) -> None:
    """Twenty digits are read; the zeros before a small fraction, as other languages write them, are not counted."""
    assert parse_object(f'{{"a":{number}}}'.encode()) == {"a": json.loads(number)}


@pytest.mark.parametrize(
    "number",
    ["1" * (MAX_DIGITS + 1), "-" + "1" * 21, "9" * 5000, "0." + "1" * 21, "1e" + "0" * 20, "1.5E-" + "9" * 5000],
)
def test_digits_beyond(number: str) -> None:
    """A number of more digits is refused, wherever in it they stand, before anybody converts it."""
    with pytest.raises(NotStrictJson, match="a number of more than 20 digits"):
        parse_object(f'{{"a":{number}}}'.encode())


def test_digits_in_texts() -> None:
    """A text may hold any number of digits."""
    assert parse_object(b'{"' + b"1" * 5000 + b'":"' + b"2" * 5000 + b'"}') == {"1" * 5000: "2" * 5000}


@settings(deadline=None)
@given(st.dictionaries(TEXTS, VALUES, max_size=5), st.booleans())
def test_sane_values(document: dict[str, object], ascii_only: bool) -> None:
    """Whatever the standard library writes of sane values is read, exactly as the standard library reads it."""
    body = json.dumps(document, ensure_ascii=ascii_only, allow_nan=False)

    assert parse_object(body.encode()) == json.loads(body)


@settings(deadline=None, max_examples=300)
@given(
    st.binary()
    | st.text().map(lambda text: text.encode("utf-8", "surrogatepass"))
    | st.text(alphabet='{}[]":,\\u0dDeE1-+.naN ', max_size=40).map(str.encode)
)
def test_random_bytes(body: bytes) -> None:
    """Bytes of any kind are read as an object or refused; nothing else is ever raised."""
    try:
        document = parse_object(body)
    except NotStrictJson:
        return

    assert document == json.loads(body)
    assert all(math.isfinite(value) for value in document.values() if isinstance(value, float))


@pytest.mark.parametrize(
    "body",
    [
        b"[" * MEBIBYTE,
        b"]" * MEBIBYTE,
        b'{"a":' * (MEBIBYTE // 5),
        b'"' * MEBIBYTE,
        b'"' + b"\\" * MEBIBYTE,
        b'"\\' * (MEBIBYTE // 2),
        b"-" * MEBIBYTE,
        b'{"a":' + b"1" * MEBIBYTE + b"}",
        b'{"a":' + b"1." * (MEBIBYTE // 2) + b"}",
        b'{"a":1e' + b"9" * MEBIBYTE + b"}",
        b'{"a":' + b" " * MEBIBYTE,
        b'{"a":"' + b"a" * MEBIBYTE,
        b'{"a":{' + b'"k":1,' * (MEBIBYTE // 6) + b'"k":1}}',
        b'{"a":"' + b"\\ud800" * (MEBIBYTE // 6) + b'"}',
        b'{"a":"' + b"\\u0000" * (MEBIBYTE // 6) + b'"}',
    ],
    ids=lambda body: repr(body[:12]),
)
def test_hostile_mebibyte(body: bytes) -> None:
    """A mebibyte of what costs careless parsers the square of its length is refused, and soon."""
    with pytest.raises(NotStrictJson):
        parse_object(body)


@pytest.mark.parametrize(
    ("body", "members"),
    [
        (b'{"a":0.' + b"0" * MEBIBYTE + b"1}", 1),
        (b"{" + b",".join(b'"%d":1' % number for number in range(100_000)) + b"}", 100_000),
        (b'{"a":[' + b"1," * (MEBIBYTE // 2) + b"1]}", 1),
        (b'{"a":"' + b"\\u0041" * (MEBIBYTE // 6) + b'"}', 1),
        (f'{{"a":"{"é" * (MEBIBYTE // 2)}"}}'.encode(), 1),
    ],
    ids=["zeros", "members", "items", "escapes", "letters"],
)
def test_large_mebibyte(body: bytes, members: int) -> None:
    """A mebibyte that is merely large is read."""
    assert len(parse_object(body)) == members
