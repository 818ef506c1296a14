"""What can be wrong with a configuration, said so that it can be put right."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, where it stands and what to do about it."""

    key: str
    """The key's path, such as `receiver.port`; empty when the file as a whole is meant."""
    where: str
    """The file or the environment variable that it came from."""
    what: str
    fix: str

    def __str__(self) -> str:
        head = f"{self.key} ({self.where})" if self.key else self.where
        return f"{head}: {self.what}\n    fix: {self.fix}"


class ConfigError(Exception):
    """The configuration cannot be used. Carries every problem that was found, not only the first."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        count = len(self.problems)
        head = "The configuration has a problem." if count == 1 else f"The configuration has {count} problems."
        return "\n\n".join([head, *(f"  {problem}".replace("\n", "\n  ") for problem in self.problems)])
