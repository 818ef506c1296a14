"""Which statuses a listing is narrowed to, by our words and the gateway's."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operators.errors import BadInput
from operators.statuses import ALIASES, HELP, KNOWN, NATIVE, read_statuses
from sandbox.listing import FILTERS
from schemas.dialects.phaseo.status import WORDS
from schemas.words import Status


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ([], []),
        (["completed"], ["completed"]),
        (["queued"], ["pending"]),
        (["pending"], ["pending"]),
        (["in_progress"], ["running"]),
        (["processing"], ["running"]),
        (["running"], ["running"]),
        (["canceled"], ["cancelled"]),
        (["unknown", "paused", "expired"], ["unknown", "paused", "expired"]),
        (["failed", "completed"], ["failed", "completed"]),
        (["failed,completed"], ["failed", "completed"]),
        (["failed,completed", "expired"], ["failed", "completed", "expired"]),
        ([" Failed , COMPLETED "], ["failed", "completed"]),
        (["cancelled", "canceled,CANCELED"], ["cancelled"]),
        (["in_progress,running", "queued,pending"], ["running", "pending"]),
    ],
)
def test_what_is_meant(written: list[str], meant: list[str]) -> None:
    """Our words and the gateway's, in any case, repeated or with commas; each status is named once, in its first place."""
    assert list(read_statuses(written, "status")) == meant


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ([""], "a word is missing"),
        ([","], "a word is missing"),
        ([" "], "a word is missing"),
        (["failed,"], "a word is missing"),
        (["failed", ""], "a word is missing"),
        (["failed;completed"], "there is no status failed;completed"),
        (["complete"], "there is no status complete; did you mean completed?"),
        (["RUNING"], "there is no status RUNING; did you mean running?"),
        (["done"], "there is no status done. Known are unknown, pending, running, paused, completed"),
        (["completed,done"], "there is no status done."),
        (["validating"], "validating is a native status, which filters nothing; such jobs are pending here."),
        (["Finalizing"], "Finalizing is a native status, which filters nothing; such jobs are running here."),
        (["\x1b[31m" + "x" * 500], "\\x1b[31mxxx"),
    ],
)
def test_what_is_refused(written: list[str], said: str) -> None:
    """A word that is empty or unknown is refused with the known ones, what was meant perhaps, and how the filter is called."""
    with pytest.raises(BadInput) as refused:
        read_statuses(written, "--status")

    assert str(refused.value).startswith("--status: ")
    assert said in str(refused.value)
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 300


@given(st.lists(st.text() | st.sampled_from([*KNOWN, *NATIVE, ","])))
def test_no_filter_switches_itself_off(written: list[str]) -> None:
    """Whatever is written: it is refused, or something is left to narrow the listing to. Only who writes nothing is shown all."""
    try:
        meant = read_statuses(written, "status")
    except BadInput:
        return
    assert bool(meant) == bool(written)


def test_every_filter_word_of_the_gateway() -> None:
    """Each word that the gateway's list takes is taken here, and means the status that its native words have."""
    for word, native in FILTERS.items():
        assert {WORDS[each] for each in native} == set(read_statuses([word], "status"))
    assert set(KNOWN) == {*FILTERS, *Status}
    assert FILTERS.keys() >= ALIASES.keys()


def test_native_words_are_no_filters() -> None:
    """The native words that filter nothing are all the others, and each is said to be what it is here."""
    assert {word: status for word, status in WORDS.items() if word not in KNOWN} == NATIVE


def test_the_help_tells_every_word() -> None:
    """The help names each word that may be written."""
    assert set(KNOWN) <= set(re.findall(r"\w+", HELP))
