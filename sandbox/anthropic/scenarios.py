"""The words that ask for trouble with batches, by the switch `scenario`: a batch itself can carry none."""

from sandbox.scenarios import Scenario, UnknownScenario

WORDS = {
    "fails": "every request is errored",
    "rows_fail": "every third request is errored, the first one too",
    "expires": "every request is expired",
    "rows_expire": "every second request is expired",
    "counts_missing": "at the end request_counts is null",
    "results_elsewhere": "results_url stands on another origin",
    "results_missing": "the results are a 404",
    "cancel_late": "a cancel is accepted and takes 100 seconds",
    "cancel_loses": "a cancel is accepted, and the batch ends as if nobody had asked",
    "cancel_refused": "a cancel is refused with 400 while the batch is open",
    "cancel_unheard": "a cancel is carried out, and the connection is cut instead of the first answer",
    "cancel_too_late": "the batch ends in the moment of a cancel, with every request done",
    "status_429": "the first three status answers are 429 with Retry-After: 1",
    "status_500": "the first three status answers are 500",
    "status_529": "the first three status answers are 529",
    "status_denied": "the first three status answers are a 404 about this very batch",
    "status_malformed": "the first three status answers are cut JSON, HTML and another batch",
    "create_refused": "create is answered with 400, and no batch comes of it",
    "create_unavailable": "create is answered with 429 and Retry-After: 1, and no batch comes of it",
    "create_lost": "create is not answered, its connection is cut; the batch lives, and the caller is not told its id",
    "create_uncaught": "create is answered with 500; the batch lives, and the caller is not told its id",
}
EXCLUSIVE = (
    {"fails", "rows_fail", "expires", "rows_expire"},
    {"cancel_late", "cancel_loses", "cancel_refused", "cancel_too_late"},
    {"cancel_unheard", "cancel_refused"},
    {word for word in WORDS if word.startswith("create_")},
)
STATUS_FAULTS = tuple(word for word in WORDS if word.startswith("status_"))  # one after the other


def read_scenario(text: str) -> Scenario:
    """Raises UnknownScenario, which says which words there are, or which of them exclude each other."""
    words = frozenset(word.strip() for word in text.split(",") if word.strip())
    if unknown := sorted(words - WORDS.keys()):
        raise UnknownScenario(f"Unknown scenario {', '.join(unknown)}. Known words: {', '.join(WORDS)}.")
    for group in EXCLUSIVE:
        if len(words & group) > 1:
            raise UnknownScenario(f"{', '.join(sorted(words & group))} decide the same thing; keep one of them.")
    return Scenario(words, text)
