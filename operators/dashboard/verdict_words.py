"""Verdicts in words that alarm nobody: the API's word compares with what we knew when a request came. Pure."""

from collections.abc import Mapping

from schemas.words import Verdict

_WORDS: Mapping[str, str] = {
    Verdict.AGREES: "as we knew",
    Verdict.DISAGREES: "news, so we asked",
    Verdict.STALE: "older than what we knew",
    Verdict.CONFLICT: "another end than the provider's answer",
    Verdict.UNKNOWN_JOB: "of a job that was not known here",
    Verdict.UNREADABLE: "cannot be read",
}


def verdict_words(verdict: str | None) -> str:
    return "not judged yet" if verdict is None else _WORDS[verdict]
