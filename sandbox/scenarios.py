"""The words that ask for trouble, what each does, which exclude each other, and how a seed draws them.

A job names its scenario in `metadata.scenario`: words joined by commas. Words that change different things
combine freely; two words that would decide the same thing differently are refused, because picking one
silently would make a test lie. So is, for a video, a word about rows, files or cancels, which it does not have.
"""

from dataclasses import dataclass
from random import Random

WORDS = {
    "webhook_lost": "the terminal webhook is never attempted, and the account shows nothing",
    "webhook_delayed": "the first attempt goes out 3 minutes late",
    "webhook_repeated": "every attempt is sent three times, two of them at once",
    "webhook_reordered": "batch.created is sent after the terminal webhook, subscribed or not",
    "webhook_badly_signed": "all attempts carry a signature made with another secret",
    "webhook_badly_signed_once": "the first attempt carries a signature made with another secret",
    "webhook_unsigned": "all attempts come without timestamp and signature",
    "webhook_tampered": "all attempts say another status than the one that was signed",
    "webhook_given_up": "four attempts at a closed port, then given up",
    "webhook_timed_out": "four attempts recorded as timed out, none of which reached the receiver",
    "webhook_phantom": "recorded as delivered to something else; nothing reached the receiver",
    "works_long": "is at work for half an hour and not for eight minutes: there is time to cancel it",
    "fails": "ends failed, with errors and no files",
    "expires": "ends expired with half of its rows done; announced as batch.failed",
    "rows_fail": "ends completed with about a third of its rows in the error file",
    "all_rows_fail": "ends completed with an error file only, and is never announced",
    "output_late": "the file ids appear on the object 2 minutes after the end",
    "output_missing": "the output file's id is shown, and the file stays unknown",
    "cancel_late": "a cancel is accepted and takes 5 minutes",
    "cancel_loses": "a cancel is accepted, and the batch ends as if nobody had asked",
    "cancel_refused": "a cancel is refused with 409 while the batch is open",
    "cancel_unheard": "a cancel is carried out, and the connection is cut instead of the first answer",
    "cancel_too_late": "the batch ends in the moment of a cancel, which is refused with 409",
    "cancel_at_once": "a cancel is answered with status cancelled already",
    "cancelled_as_canceled": "once cancelled, a G1 gateway spells it canceled on REST, as the provider does",
    "lifecycle_missing": "lifecycle_status is left out everywhere, as before 2026-05-19",
    "status_slow": "each status answer takes 3 seconds of the wall",
    "status_429": "the first three status answers in progress are the provider's 429 with Retry-After: 1",
    "status_500": "the first three status answers in progress are a plain-text 500",
    "status_malformed": "the first three status answers in progress are cut JSON, HTML and another batch",
    "status_stale": "announced at once; status answers keep saying in_progress for 2 minutes after that",
    "status_429_bare": "the first three status answers in progress are the provider's 429 without Retry-After",
    "status_429_date": "the first three status answers in progress are the provider's 429 with a date in Retry-After",
    "status_provider_401": "the first three status answers in progress are the provider's 401, about the gateway's own key",
    "status_provider_403": "the first three status answers in progress are the provider's 403, about the gateway's own key",
    "status_provider_404": "the first three status answers in progress are the provider's 404",
    "status_denied": "the first three status answers in progress are the gateway's 404 about this very job",
    "status_gateway_502": "the first three status answers in progress are the gateway's 502, which could not store",
    "create_unknown": "create is answered 502 with the batch's id; it lives, for 2 minutes as submission_unknown",
    "create_unstored": "create is answered 502 with the batch's id; it lives, for 2 minutes as submitting",
    "create_refused": "create is answered with the provider's 400; a failed batch stays behind, and nobody is told",
    "create_unavailable": "create is answered 503, and no batch comes of it",
    "create_lost": "create is not answered, its connection is cut; the batch lives, and the caller is not told its id",
    "create_uncaught": "create is answered with a plain-text 500; the batch lives, and the caller is not told its id",
    "metadata_hidden": "metadata is left out of the object that create, get and cancel answer with",
    "content_cut": "the first three answers with a file's content end early: below their length, in mid-row, by a reset",
    "content_404": "the first three answers with a file's content are the gateway's 404 about that file",
    "content_500": "the first three answers with a file's content are a plain-text 500",
    "content_stalls": "the first answer with a file's content stops in the middle for 60 seconds of the wall",
    "content_compressed": "the first answer with a file's content is gzip-encoded, asked for or not",
    "output_crlf": "rows of the output and the error file end in CRLF, and the last has no end of line",
    "output_huge": "the output file has about 2 GiB, or what --huge-bytes says, by filler in each answer",
    "rows_missing": "about a quarter of the answered rows stands in no file; the counts take them for completed",
    "rows_repeated": "about a quarter of the answered rows stands twice in the output file",
    "rows_strange": "the output file has rows besides with a custom_id that nobody asked",
    "counts_wrong": "at the end request_counts has one completed row more and one failed row less than the files hold",
    "counts_missing": "at the end request_counts is null",
    "socket_refused": "the upgrade to a WebSocket is answered with a plain-text 503",
    "socket_drops": "a WebSocket is cut after its first message, without a close",
}

EXCLUSIVE = (
    {
        "webhook_lost",
        "webhook_given_up",
        "webhook_timed_out",
        "webhook_phantom",
        "webhook_badly_signed",
        "webhook_badly_signed_once",
        "webhook_unsigned",
        "webhook_tampered",
    },
    {"fails", "expires", "rows_fail", "all_rows_fail"},
    {"output_late", "output_missing"},
    {"counts_wrong", "counts_missing"},
    {"counts_wrong", "rows_missing"},
    {"socket_refused", "socket_drops"},
    {"cancel_late", "cancel_loses", "cancel_refused", "cancel_too_late", "cancel_at_once"},
    {"cancel_unheard", "cancel_refused", "cancel_too_late"},
    {
        "create_unknown",
        "create_unstored",
        "create_refused",
        "create_unavailable",
        "create_lost",
        "create_uncaught",
    },
)

# One after the other, where a scenario has several.
STATUS_FAULTS = (
    "status_429",
    "status_500",
    "status_malformed",
    "status_provider_404",
    "status_429_bare",
    "status_429_date",
    "status_provider_401",
    "status_provider_403",
    "status_denied",
    "status_gateway_502",
)
# How often each, one after the other, for either file of a batch.
CONTENT_FAULTS = {
    "content_cut": 3,
    "content_404": 3,
    "content_500": 3,
    "content_stalls": 1,
    "content_compressed": 1,
}
CREATE_FAULTS = frozenset(word for word in WORDS if word.startswith("create_"))
NEVER_DRAWN = CREATE_FAULTS | {"output_huge"}
NEED_SUBMISSIONS = frozenset({"create_unknown", "create_unstored", "create_unavailable"})

ABOUT_BATCHES = frozenset(
    {
        "works_long",
        "rows_fail",
        "all_rows_fail",
        "output_late",
        "output_missing",
        "cancel_late",
        "cancel_loses",
        "cancel_refused",
        "cancel_unheard",
        "cancel_too_late",
        "cancel_at_once",
        "cancelled_as_canceled",
        "metadata_hidden",
        "output_crlf",
        "output_huge",
        "rows_missing",
        "rows_repeated",
        "rows_strange",
        "counts_wrong",
        "counts_missing",
        *CONTENT_FAULTS,
        *CREATE_FAULTS,
    }
)

PAIRS = (
    "webhook_lost,fails",
    "webhook_lost,output_late",
    "webhook_delayed,webhook_repeated",
    "webhook_reordered,expires",
    "webhook_badly_signed,rows_fail",
    "webhook_given_up,status_429",
    "status_stale,webhook_repeated",
    "status_500,rows_fail",
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


def read_scenario(text: str, kind: str = "batch") -> Scenario:
    words = frozenset(word.strip() for word in text.split(",") if word.strip())
    unknown = sorted(words - WORDS.keys())
    if unknown:
        raise UnknownScenario(f"Unknown scenario {', '.join(unknown)}. Known words: {', '.join(WORDS)}.")
    if kind == "video" and (strange := sorted(words & ABOUT_BATCHES)):
        raise UnknownScenario(f"{', '.join(strange)} cannot happen to a video; leave it out.")
    for group in EXCLUSIVE:
        if len(words & group) > 1:
            raise UnknownScenario(f"{', '.join(sorted(words & group))} decide the same thing; keep one of them.")
    return Scenario(words, text)


def drawn_scenario(seed: int, ordinal: int, kind: str = "batch") -> Scenario:
    """The scenario of the nth job that named none, the same in every run with this seed. Creates do not fail by chance.

    Nor does a disk fill up by chance.
    """
    barred = ABOUT_BATCHES if kind == "video" else NEVER_DRAWN
    texts = [text for text in (*WORDS, *PAIRS) if barred.isdisjoint(text.split(","))]
    return read_scenario(Random(f"{seed}:{ordinal}").choice(texts), kind)
