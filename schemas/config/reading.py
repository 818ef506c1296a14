"""Finding the file and reading it as TOML."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from schemas.config.problems import ConfigError, Problem

VARIABLE = "BATCHKEEPER_CONFIG"
DEFAULT_NAME = "batchkeeper.toml"
LARGEST = 1_048_576

_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


def find_config(flag: str | None, environ: Mapping[str, str]) -> Path:
    """The file to read: the flag's, else the variable's, else `batchkeeper.toml` in the working directory."""
    named_by = "--config" if flag is not None else VARIABLE
    named = flag if flag is not None else environ.get(VARIABLE)
    if named == "" and flag is not None:
        _give_up("--config", "names no file", "give the path of a file, such as --config batchkeeper.toml")
    if named:
        return _existing(Path(named), f"{named} (named by {named_by})", f"correct the path given by {named_by}")
    default = Path(DEFAULT_NAME)
    copy = f"cp config.example.toml {DEFAULT_NAME}, or name another file with --config PATH or {VARIABLE}"
    return _existing(default, f"{DEFAULT_NAME} in {Path.cwd()} (the default)", copy)


def read_document(path: Path) -> dict[str, Any]:
    """The file's tables. What cannot be read at all is an error by itself, because nothing else can be checked."""
    return _parsed(path, _decoded(path, _content(path)))


def _existing(path: Path, looked: str, fix: str) -> Path:
    try:
        missing = not path.exists()
    except OSError:
        missing = False  # It is there in some way; reading it says what stands against it.
    if missing:
        _give_up(looked, "there is no such file", fix)
    return path


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except IsADirectoryError:
        _give_up(str(path), "this is a directory", f"name the file in it, such as {path / DEFAULT_NAME}")
    except FileNotFoundError:
        _give_up(str(path), "there is no such file", f"cp config.example.toml {path}")
    except PermissionError:
        _give_up(
            str(path), "this file may not be read", f"let this user read it: chmod u+r {path}, or change its owner"
        )
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "its path is not one"
        _give_up(str(path), f"this file cannot be read: {reason}", "name a file that can be read")
    if len(content) > LARGEST:
        _give_up(str(path), "this file is larger than 1 MiB", "name the configuration file itself")
    return content


def _decoded(path: Path, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        _give_up(str(path), f"line {line} is not UTF-8", "save the file with the encoding UTF-8")


def _parsed(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        what, place = _syntax(str(error), text)
        _give_up(f"{path}, {place}", f"this is not TOML: {what}", "correct this line; see config.example.toml")
    except RecursionError:
        _give_up(str(path), "this is not a configuration: it is nested too deeply", "see config.example.toml")
    except ValueError:
        _give_up(str(path), "a number has too many digits", "write a smaller number")


def _syntax(message: str, text: str) -> tuple[str, str]:
    """Take the place out of the parser's message. The end of the document is a place like any other."""
    match = _PLACE.search(message)
    what = _PLACE.sub("", message)
    if match and match[1]:
        return what, f"line {match[1]}, column {match[2]}"
    lines = text.split("\n")
    return f"{what}, and the file ends there", f"line {len(lines)}, column {len(lines[-1]) + 1}"


def _give_up(where: str, what: str, fix: str) -> NoReturn:
    raise ConfigError([Problem("", where, what, fix)]) from None
