"""Where secrets and programs are: variables and files. No text here ever shows what was read."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from shutil import which

from schemas.config.inspection import Inspection, Key
from schemas.config.secret import Secret

LARGEST = 65_536

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_KEY_PREFIX = re.compile(r"whsec_|(?:^|_)[sm]k[-_]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True)
class Found:
    """A secret that was read, with the key that named its place."""

    key: Key
    place: str
    secret: Secret


class Places:
    """Reads what the configuration's `*_env` and `*_file` keys name, and reports what cannot be read."""

    def __init__(self, environ: Mapping[str, str], inspection: Inspection) -> None:
        self._environ = environ
        self._inspection = inspection

    def program(self, name: str) -> str | None:
        """Where a program is: an absolute path itself, a mere name on PATH; None where there is none."""
        return which(name, path=self._environ.get("PATH", ""))

    def variable(self, key: Key, name: str) -> Found | None:
        """The secret in a variable."""
        value = self._environ.get(name, "")
        if value.strip():
            return self._sound(key, f"the variable {name}", value)
        if not _NAME.fullmatch(name) or _looks_secret(name):
            self._secret_itself(key, "the name of a variable")
            return None
        state = "is empty" if name in self._environ else "is not set"
        self._inspection.problem(key, f"the variable {name} {state}", f"export {name}=...")
        return None

    def file(self, key: Key, path: str) -> Found | None:
        """The secret in a file, without the newline that editors leave at its end."""
        place = f"the file {path}"
        try:
            content = _content(Path(path))
        except OSError as error:
            if _looks_secret(path):
                self._secret_itself(key, "the path of a file")
                return None
            reason = error.strerror or "it is not a plain file"
            self._inspection.problem(key, f"{place} cannot be read: {reason}", "correct the path, or mount the secret")
            return None
        if len(content) > LARGEST:
            self._inspection.problem(
                key, f"{place} is too large for a secret", "name the file that holds the secret alone"
            )
            return None
        try:
            text = content.decode()
        except UnicodeDecodeError:
            self._inspection.problem(key, f"{place} is not UTF-8", "write the secret into it as plain text")
            return None
        return self._sound(key, place, text.removesuffix("\n").removesuffix("\r"))

    def _sound(self, key: Key, place: str, text: str) -> Found | None:
        """Is this one secret and nothing else?"""
        if not text.strip():
            wrong, fix = "is empty", "put the secret into it"
        elif text != text.strip():
            wrong, fix = "begins or ends with white space", "remove the white space, which is easily copied along"
        elif _CONTROL.search(text):
            wrong, fix = "holds line breaks or control characters", "put the secret alone into it"
        else:
            return Found(key, place, Secret(text))
        self._inspection.problem(key, f"{place} {wrong}", fix)
        return None

    def _secret_itself(self, key: Key, wanted: str) -> None:
        self._inspection.problem(
            key,
            f"this is not {wanted}; if it is the secret itself, it must not stand here",
            f"put the secret into a variable or a file, and write {wanted} here",
        )


def _content(path: Path) -> bytes:
    """A pipe or a device might never end, so only plain files are opened."""
    if path.exists() and not path.is_file():
        raise OSError
    with path.open("rb") as file:
        return file.read(LARGEST + 1)


def _looks_secret(text: str) -> bool:
    """Would it be rash to repeat this in a message?"""
    if text.startswith(("/", "./", "../")):
        return False
    random = (word for word in text.split("_") if len(word) >= 16 and re.search("[a-z]", word))
    return _KEY_PREFIX.search(text) is not None or any(re.search("[0-9]", word) for word in random)
