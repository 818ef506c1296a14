"""What can go wrong for an operator, and the exit code that tells a script.

Problem
├── NotPossible        1  it cannot be done as things stand
├── BadInput           2  what was given cannot be used; nothing was done
│                      3  an audit that found something: no problem of its own, see operators/auditing.py
├── NoSuchThing        4  nothing here has that name
├── AmbiguousName      5  several things have that name
├── NoDatabase         6  there is no database yet
├── ProviderProblem    7  the provider refused, or could not be asked
├── Conflict           1  another request is at it just now
└── KeyReused          1  the key of a request was used for another one
"""

from typing import ClassVar

from schemas.texts import clean


class Problem(Exception):
    """The message says what is wrong and what to do, in words for every face. What to type is for those alone who type, and
    what to ask for those who ask over HTTP: `listing` is the noun whose listing, or else `typed` the words that help."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, listing: str | None = None, typed: str | None = None) -> None:
        super().__init__(message)
        self._listing, self._typed = listing, typed

    @property
    def for_typing(self) -> str:
        advice = [self._listing and f"`batchkeeper {self._listing}` lists them", self._typed]
        told = ", ".join(one for one in advice if one)
        return f"{self}; {told}" if told else str(self)

    @property
    def for_asking(self) -> str:
        return f"{self}; GET /api/v1/{self._listing} lists them" if self._listing else str(self)


class NotPossible(Problem):
    exit_code = 1


class BadInput(Problem):
    exit_code = 2


class NoSuchThing(Problem):
    exit_code = 4


def nothing_called(noun: str, name: str, listing: str, typed: str | None = None) -> NoSuchThing:
    """That no thing of a noun has a name."""
    said = f"no {noun} is called {clean(name, 80)}" if name else f"the name of a {noun} is missing"
    return NoSuchThing(said, listing=listing, typed=typed)


class AmbiguousName(Problem):
    exit_code = 5


class NoDatabase(Problem):
    exit_code = 6


class ProviderProblem(Problem):
    exit_code = 7


class Conflict(Problem):
    exit_code = 1


class KeyReused(Problem):
    exit_code = 1
