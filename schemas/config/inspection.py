"""What has been found so far while a configuration is read."""

import json
import re
from pathlib import Path

from schemas.config.problems import Problem

Key = tuple[str, ...]
"""A key's path: `("receiver", "port")`, `("sources", "gateway", "dialect")`."""

_BARE = re.compile(r"[A-Za-z0-9_-]{1,80}")
_LONGEST = 80


def shown(key: Key) -> str:
    """The path as one would write it in TOML."""
    return ".".join(map(shown_word, key))


def shown_word(word: str) -> str:
    """One word of a path. Quoted where TOML would quote it, so that nothing in it reaches the terminal raw."""
    return word if _BARE.fullmatch(word) else json.dumps(word[:_LONGEST])


class Inspection:
    """Collects problems and warnings, and knows for each key whether the file or a variable gave it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self.variables: dict[Key, str] = {}
        self._wrong: set[Key] = set()

    def where(self, key: Key) -> str:
        """The file, or the variable that overrides it for this key."""
        return f"variable {self.variables[key]}" if key in self.variables else str(self.path)

    def problem(self, key: Key, what: str, fix: str) -> None:
        """This key cannot be used."""
        self._wrong.add(key)
        self.problems.append(Problem(shown(key), self.where(key), what, fix))

    def warning(self, key: Key, what: str, fix: str) -> None:
        """This key can be used, and should not be left as it is."""
        self.warnings.append(Problem(shown(key), self.where(key), what, fix))

    def stray_variable(self, name: str, what: str, fix: str) -> None:
        """This variable belongs to no key."""
        self.problems.append(Problem("", f"variable {shown_word(name)}", what, fix))

    def is_wrong(self, *keys: Key) -> bool:
        """Has one of these been reported? Then what follows from it is not reported again."""
        return any(key in self._wrong for key in keys)

    def assignment(self, key: Key, value: str) -> str:
        """How to give this key a value in the place where it was given one."""
        if key in self.variables:
            plain = value.strip("[]").replace('"', "")
            return f"export {self.variables[key]}={plain}"
        return f"write {shown_word(key[-1])} = {value}"
