"""From the text of a variable to the value of a key."""

import json
import re
import tomllib
from typing import Any

from schemas.config.written import Kind

_WHOLE = re.compile(r"[+-]?[0-9]{1,100}")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_TRUTH = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


def from_text(kind: Kind, text: str) -> Any:
    """The value that this text means for a key of this kind. Text that means none stays text, and is refused as such."""
    plain = text.strip()
    match kind:
        case "whole" if _WHOLE.fullmatch(plain):
            return int(plain)
        case "number" if _WHOLE.fullmatch(plain):
            return int(plain)
        case "number" if len(plain) <= 100 and _NUMBER.fullmatch(plain):
            return float(plain)
        case "truth":
            return _TRUTH.get(plain.lower(), text)
        case "list":
            return _array(plain)
    return text


def _array(text: str) -> Any:
    if not text.startswith("["):
        return tuple(item for part in text.split(",") if (item := part.strip()))
    for read in (_toml_array, json.loads):
        try:
            found = read(text)
        except (ValueError, RecursionError):
            continue
        return tuple(found) if isinstance(found, list) else text
    return text


def _toml_array(text: str) -> Any:
    document = tomllib.loads(f"value = {text}")
    return document["value"] if len(document) == 1 else text
