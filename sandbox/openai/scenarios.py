"""The words that ask this stand-in for trouble, in a batch's `metadata.scenario`. They are the gateway's, as far as they make
sense here, with what they do at OpenAI.
"""

from random import Random

from sandbox import scenarios
from sandbox.scenarios import CREATE_FAULTS, Scenario, UnknownScenario

WORDS = {
    "webhook_lost": "the webhook is never attempted",
    "webhook_delayed": "the first attempt goes out 3 minutes late",
    "webhook_repeated": "every attempt is sent three times, two of them at once",
    "webhook_badly_signed": "all attempts carry a signature made with another secret",
    "webhook_badly_signed_once": "the first attempt carries a signature made with another secret",
    "webhook_unsigned": "all attempts come without the three headers",
    "webhook_tampered": "all attempts are about another batch than the one that was signed",
    "fails": "the input does not pass validation: ends failed, with errors and no files",
    "expires": "ends expired with half of its rows done, which its output file holds",
    "rows_fail": "ends completed with about a third of its rows in the error file",
    "all_rows_fail": "ends completed with an error file only",
    "output_missing": "the output file's id is shown, and the file is not there",
    "cancel_late": "a cancel is accepted and takes 5 minutes",
    "cancel_loses": "a cancel is accepted, and the batch ends as if nobody had asked",
    "cancel_refused": "a cancel is refused with 409 while the batch is open",
    "cancel_unheard": "a cancel is carried out, and the connection is cut instead of the first answer",
    "cancel_too_late": "the batch ends in the moment of a cancel, which is refused with 409",
    "cancel_at_once": "a cancel is answered with status cancelled already",
    "status_slow": "each status answer takes 3 seconds of the wall",
    "status_429": "the first three status answers in progress are 429 with Retry-After: 1",
    "status_500": "the first three status answers in progress are 500",
    "status_malformed": "the first three status answers in progress are cut JSON, HTML and another batch",
    "status_denied": "the first three status answers in progress are a 404 about this very batch",
    "create_refused": "create is answered with 400, and no batch comes of it",
    "create_unavailable": "create is answered with 429, and no batch comes of it",
    "create_lost": "create is not answered, its connection is cut; the batch lives, and the caller is not told its id",
    "create_uncaught": "create is answered with 500; the batch lives, and the caller is not told its id",
    "counts_missing": "at the end request_counts is null",
}
STATUS_FAULTS = ("status_429", "status_500", "status_malformed", "status_denied")  # one after the other


def read_scenario(text: str) -> Scenario:
    """Raises UnknownScenario, which says which words there are, or which of them exclude each other."""
    unknown = sorted({word.strip() for word in text.split(",") if word.strip()} - WORDS.keys())
    if unknown:
        raise UnknownScenario(f"Unknown scenario {', '.join(unknown)}. Known words: {', '.join(WORDS)}.")
    return scenarios.read_scenario(text)


def drawn_scenario(seed: int, ordinal: int) -> Scenario:
    """The scenario of the nth batch that named none, the same in every run with this seed. Creates do not fail by chance."""
    return read_scenario(
        Random(f"openai:{seed}:{ordinal}").choice([word for word in WORDS if word not in CREATE_FAULTS])
    )
