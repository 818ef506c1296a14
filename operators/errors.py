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


class Problem(Exception):
    """The message says what is wrong and what to do."""

    exit_code: ClassVar[int] = 1


class NotPossible(Problem):
    exit_code = 1


class BadInput(Problem):
    exit_code = 2


class NoSuchThing(Problem):
    exit_code = 4


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
