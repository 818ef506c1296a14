"""Where the documents explain what an operator is shown: each code, each rule about a source, each word of trouble."""

from schemas.words import Code, SourceRule, Trouble

PAGE = "docs/failures.md"
REFUSALS = "docs/refusals.md#reasons-and-what-to-do"


def failure(code: str) -> str:
    return f"{PAGE}#{Code(code)}"


def source_rule(rule: str) -> str:
    return f"{PAGE}#{SourceRule(rule)}"


def difference(word: str) -> str:
    """Of the two ledgers: the code of a failure, or a word of the audit's own."""
    return f"{PAGE}#{word}"


def trouble(word: str) -> str:
    """Some words of trouble are codes of failures too, so they stand under another heading."""
    return f"{PAGE}#trouble-{Trouble(word)}"


def finding(axis: str, rule: str) -> str | None:
    """Of a finding of `explain`; None for one that needs no explanation."""
    if rule in set(SourceRule):
        return source_rule(rule)
    if axis == "asking":
        return trouble(rule) if rule in set(Trouble) else None
    return failure(rule) if rule in set(Code) else None
