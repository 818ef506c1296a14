"""The one strict JSON parser: for webhook bodies that are judged and for every answer of a provider.

Readers of JSON disagree about duplicate keys, NaN, huge numbers, lone surrogates and deep nesting, and a store may
refuse later what a parser let pass. This one refuses all of that at once, so that the same bytes mean the same thing everywhere.
"""

import json
import math
import re
from typing import Any, NoReturn

MAX_DEPTH = 64
MAX_DIGITS = 20
# An unterminated string runs to the end, so that the scan stays linear whatever the bytes.
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]|-?\d[\d.eE+-]*+', re.DOTALL)


class NotStrictJson(ValueError):
    """The bytes are not JSON that every reader reads alike. The message says which rule they break."""


def parse_object(body: bytes, any_text: bool = False) -> dict[str, Any]:
    """Read one JSON object from UTF-8 bytes. With `any_text`, whoever takes texts from it has to clean them.

    Raises:
        NotStrictJson: for anything else: another encoding, a byte order mark, another top level, trailing text,
            nesting beyond 64, a key twice in one object, NaN or Infinity, numbers of more than 20 significant digits or
            beyond a float, lone surrogates or NUL characters.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise NotStrictJson("not UTF-8") from None
    _check_tokens(body)
    try:
        value = json.loads(
            text,
            object_pairs_hook=_unique_keys if any_text else _unique,
            parse_constant=_refuse_constant,
            parse_float=_finite,
        )
    except NotStrictJson:
        raise
    except (ValueError, RecursionError):
        raise NotStrictJson("not JSON") from None
    if not isinstance(value, dict):
        raise NotStrictJson("not an object")
    return value


def _check_tokens(body: bytes) -> None:
    depth = 0
    for token in _TOKEN.finditer(body):
        mark = token.group()
        if mark in (b"{", b"["):
            depth += 1
            if depth > MAX_DEPTH:
                raise NotStrictJson(f"nested deeper than {MAX_DEPTH}")
        elif mark in (b"}", b"]"):
            depth -= 1
        elif len(mark) > MAX_DIGITS and not mark.startswith(b'"') and _digits(mark) > MAX_DIGITS:
            raise NotStrictJson(f"a number of more than {MAX_DIGITS} digits")


def _digits(number: bytes) -> int:
    """How many digits a reader has to keep: small fractions begin with zeros that only place the point."""
    return sum(digit in b"0123456789" for digit in number.lstrip(b"-0."))


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise NotStrictJson("a key stands twice in one object")
    return members


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = _unique_keys(pairs)
    for key, value in pairs:
        _check_text(key)
        _check_texts(value)
    return members


def _check_texts(value: Any) -> None:
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, list):
        for item in value:
            _check_texts(item)


def _check_text(text: str) -> None:
    if "\x00" in text:
        raise NotStrictJson("a NUL character in a text")
    if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
        raise NotStrictJson("a lone surrogate in a text")


def _refuse_constant(word: str) -> NoReturn:
    raise NotStrictJson(f"{word} is not a JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise NotStrictJson("a number beyond a float")
    return number
