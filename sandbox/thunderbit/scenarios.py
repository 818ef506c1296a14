"""The words that ask for trouble with one job, what each does, and which exclude each other.

A job names its scenario in `metadata.scenario` of the create call, as at the Phaseo stand-in: words joined by commas. Thunderbit
itself knows no `metadata`. A word that both stand-ins have means the same at both.
"""

import json
from dataclasses import dataclass

WORDS = {
    "webhook_lost": "the webhook is never attempted",
    "webhook_delayed": "the first attempt goes out a minute late",
    "webhook_repeated": "every attempt is sent three times, two of them at once",
    "webhook_early": "the job is over at once, and the first attempt comes before create is answered",
    "webhook_conflicting": "the webhook is followed by another about the same job with another end, well signed",
    "webhook_wrong": "the webhook says another end than the true one, well signed",
    "webhook_badly_signed": "all attempts carry a signature made with another secret",
    "webhook_badly_signed_once": "the first attempt carries a signature made with another secret",
    "webhook_unsigned": "all attempts come without a signature",
    "webhook_tampered": "all attempts say another status than the one that was signed",
    "webhook_given_up": "six attempts at a closed port, then given up",
    "fails": "ends FAILED after three quarters of its life, with an error; pages that were not read by then have failed",
    "all_rows_fail": "ends COMPLETED, and every row has failed",
    "cancel_late": "a cancel is accepted and takes 20 seconds, in which the job may end",
    "cancel_loses": "a cancel is accepted, and the job ends as if nobody had asked",
    "cancel_refused": "a cancel is answered while the job is open as if it were over",
    "cancel_unheard": "a cancel is carried out, and the connection is cut instead of the first answer",
    "cancel_too_late": "the job ends in the moment of a cancel, which is answered as one that is over",
    "cancelled_as_canceled": "once cancelled, status answers and the webhook spell it with one L",
    "status_strange": "while in work, the status is a word that nobody knows",
    "status_stale": "announced at once; for 20 seconds after that status answers are those of the moment before the end",
    "status_404": "the first status answers are 404 JOB_NOT_FOUND",
    "status_429": "the first status answers are 429 RATE_LIMIT_EXCEEDED",
    "status_target_429": "the first status answers are 429 SCRAPE_TARGET_RATE_LIMITED, about the scraped site",
    "status_402": "the first status answers are 402 INSUFFICIENT_CREDITS",
    "status_408": "the first status answers are 408 REQUEST_TIMEOUT",
    "status_500": "the first status answers are 500 INTERNAL_ERROR",
    "status_502": "the first status answers are a proxy's page with 502",
    "status_page_404": "the first status answers are a proxy's page with 404",
    "status_malformed": "the first status answers are cut JSON, a page with 200 and another job, in turn",
    "status_cut": "the first status answers do not come, the connection is cut",
    "status_silent": "the first status answers do not come, and the caller is kept waiting for 60 seconds of the wall",
    "create_lost": "create is not answered, its connection is cut; the job lives, and the caller is not told its id",
    "create_uncaught": "create is answered 500 INTERNAL_ERROR; the job lives, and the caller is not told its id",
    "create_malformed": "create is answered 200 with cut JSON; the job lives, and the caller is not told its id",
    "create_unavailable": "create is answered 503, and no job comes of it",
}

EXCLUSIVE = (
    {"webhook_lost", "webhook_given_up", "webhook_early"},
    {"webhook_early", "webhook_delayed"},
    {
        "webhook_lost",
        "webhook_given_up",
        "webhook_badly_signed",
        "webhook_badly_signed_once",
        "webhook_unsigned",
        "webhook_tampered",
    },
    {"webhook_lost", "webhook_conflicting", "webhook_wrong"},
    {"fails", "all_rows_fail"},
    {"cancel_late", "cancel_loses", "cancel_refused", "cancel_too_late"},
    {"cancel_unheard", "cancel_refused", "cancel_too_late"},
    {word for word in WORDS if word.startswith("create_")},
)

# One after the other, where a scenario has several.
STATUS_FAULTS = tuple(
    word for word in WORDS if word.startswith("status_") and word not in {"status_strange", "status_stale"}
)


class UnknownScenario(ValueError):
    """The message says which words exist."""


@dataclass(frozen=True)
class Scenario:
    """A set of words; empty is a good day."""

    words: frozenset[str] = frozenset()
    text: str = ""

    def __contains__(self, word: str) -> bool:
        return word in self.words


def read_scenario(text: str) -> Scenario:
    words = frozenset(word.strip() for word in text.split(",") if word.strip())
    if unknown := sorted(words - WORDS.keys()):
        raise UnknownScenario(
            f"Unknown scenario {', '.join(map(json.dumps, unknown))}. Known words: {', '.join(WORDS)}."
        )
    for group in EXCLUSIVE:
        if len(words & group) > 1:
            raise UnknownScenario(f"{', '.join(sorted(words & group))} decide the same thing; keep one of them.")
    return Scenario(words, text)
