"""The pure parts of the dashboard: sums, charts, health, seals, where a request comes from, how values are written."""

from pathlib import Path

import pytest
from given import HOSTILE, NOW
from hypothesis import given, strategies

from operators.access import Right
from operators.dashboard import writing
from operators.dashboard.charts import HEIGHT, SPANS, WIDTH, chart
from operators.dashboard.failure_words import slug
from operators.dashboard.numbers import failures_held
from operators.dashboard.origin import is_from_here, is_local
from operators.dashboard.sealing import LASTS, Purpose, form_seal, is_of, open_sealed, seal
from operators.dashboard.unknown_paths import is_for_a_person
from operators.dashboard.verdict_words import verdict_words
from schemas.config import Config, Operators, Secret, Source
from schemas.times import HOUR, rfc3339
from schemas.words import Verdict

ACTING, LOOKING = Secret("a" * 32), Secret("b" * 32)


def config(token: Secret | None = ACTING, read_token: Secret | None = LOOKING) -> Config:
    return Config(path=Path("batchkeeper.toml"), operators=Operators(token=token, read_token=read_token), sources={})


def source(**more):
    return Source(
        name="acme",
        dialect="phaseo",
        base_url="https://api.example",
        api_key=Secret("k" * 20),
        tolerance_seconds=300,
        delivery_window_seconds=60,
        webhook_events=("batch.completed",),
        **more,
    )


# Sums


def test_failures_that_hold():
    """
    The most frequent first; what was cancelled as asked stands apart.
    """
    counted = {
        "execution": {"expired": 4, "failed": 3, "rows_failed": 4},
        "cancellation": {"cancelled_by_operator": 2},
        "delivery": {},
    }

    execution, cancellation, delivery = failures_held(counted)

    assert list(execution.codes.items()) == [("expired", 4), ("rows_failed", 4), ("failed", 3)]
    assert (cancellation.count, cancellation.as_asked) == (0, 2)
    assert (delivery.count, delivery.as_asked) == (0, 0)


@pytest.mark.parametrize(
    ("seconds", "words"), [(None, "not told yet"), (0.4, "in step"), (90.2, "90 s ahead"), (-2400.0, "40 min behind")]
)
def test_how_clocks_are_apart(seconds, words):
    """
    In words, and by which way; below a second nobody need look.
    """
    assert writing.apart(seconds) == words


@pytest.mark.parametrize(
    ("heading", "name"),
    [
        ("failed", "failed"),
        ("trouble: key_refused", "trouble-key_refused"),
        ("Differences of the two ledgers", "differences-of-the-two-ledgers"),
        ("Reasons, and what to do", "reasons-and-what-to-do"),
    ],
)
def test_how_a_heading_is_linked_to(heading, name):
    """
    By its words in lower case, with hyphens between them, as wherever such a document is shown.
    """
    assert slug(heading) == name


# Charts

SERIES = {"good": ("good ones", lambda what: what == "g"), "bad": ("bad ones", lambda what: what.startswith("b."))}


@pytest.mark.parametrize(("name", "columns"), [("hour", 60), ("day", 24), ("week", 28)])
def test_a_chart_covers_its_time(name, columns):
    """
    As many columns as fit, the last of them the present one; what lies outside, or belongs to no series, is left out.
    """
    span = SPANS[name]
    present = NOW - NOW % span.width
    spread = [(present - span.length, {"g": 9}), (present, {"g": 4, "other": 7, "b.x": 1})]

    made = chart("Things", SERIES, spread, span, NOW)

    assert len(made.columns) == columns
    assert made.columns[-1].at == rfc3339(present)
    assert made.columns[-1].told == "4 good ones, 1 bad ones"
    assert (made.peak, made.total) == (5, 5)
    assert "4 good ones, 1 bad ones; most at " in made.summary


def test_an_empty_chart():
    """
    Nothing happened: no bar, and words that say so.
    """
    made = chart("Things", SERIES, [], SPANS["day"], NOW)

    assert made.summary == "Things, the last day, by hour: nothing"
    assert not any(column.bars for column in made.columns)


@given(
    strategies.dictionaries(
        strategies.integers(0, 23),
        strategies.dictionaries(strategies.sampled_from(["g", "b.x"]), strategies.integers(1, 10**9)),
    )
)
def test_bars_stay_in_their_box(counts):
    """
    Whatever is counted, each bar can be seen and lies within the chart, and those of a column do not overlap by much.
    """
    span = SPANS["day"]
    present = NOW - NOW % span.width
    spread = [(present - hours * HOUR, words) for hours, words in counts.items()]

    for column in chart("Things", SERIES, spread, span, NOW).columns:
        for bar in column.bars:
            assert bar.height > 1
            assert bar.y >= 0
            assert bar.y + bar.height <= HEIGHT + 2
            assert 0 <= bar.x <= WIDTH - bar.width


# Seals


@pytest.mark.parametrize("right", list(Right))
@pytest.mark.parametrize("purpose", list(LASTS))
def test_a_seal_opens_until_it_lapses(purpose, right):
    """
    With the configuration that it was made with, for its purpose, up to its end and not at it.
    """
    text = seal(config(), purpose, right, "nonce", NOW)
    found = open_sealed(config(), purpose, text, NOW + LASTS[purpose] - 1)

    assert found is not None
    assert (found.right, found.until) == (right, NOW + LASTS[purpose])
    assert open_sealed(config(), purpose, text, NOW + LASTS[purpose]) is None
    assert all(open_sealed(config(), other, text, NOW) is None for other in Purpose if other is not purpose)


def test_a_right_is_sealed_by_a_token_that_gives_it():
    """
    The token that only looks cannot vouch for acting; the one that acts can let somebody look; without either nothing is made.
    """
    looks = seal(config(read_token=None), Purpose.LINK, Right.READ, "n", NOW)

    assert open_sealed(config(), Purpose.LINK, looks, NOW) is not None
    assert open_sealed(config(token=None), Purpose.LINK, looks, NOW) is None
    with pytest.raises(LookupError):
        seal(config(token=None), Purpose.LINK, Right.ACT, "n", NOW)
    read = seal(config(), Purpose.SESSION, Right.READ, "n", NOW)
    assert open_sealed(config(), Purpose.SESSION, read.replace("read.", "act.", 1), NOW) is None


@given(strategies.text(max_size=400))
def test_no_other_text_opens(text):
    """
    Whatever a cookie or a link may hold, nothing is raised, and nothing opens.
    """
    assert open_sealed(config(), Purpose.SESSION, text, NOW) is None


@given(strategies.integers(0, 200), strategies.characters(min_codepoint=33, max_codepoint=126))
def test_no_letter_may_differ(place, letter):
    """
    A sealed text with one letter changed does not open.
    """
    text = seal(config(), Purpose.SESSION, Right.ACT, "nonce", NOW)
    place %= len(text)
    spoilt = text[:place] + letter + text[place + 1 :]

    assert (open_sealed(config(), Purpose.SESSION, spoilt, NOW) is None) is (spoilt != text)


def test_a_form_is_of_one_session_and_for_one_thing():
    """
    One that was made for something else is not taken, another session's form is not taken, nor one of a token that is gone.
    """
    ours, other = (
        open_sealed(config(), Purpose.SESSION, seal(config(), Purpose.SESSION, Right.ACT, name, NOW), NOW)
        for name in "ab"
    )

    assert is_of(config(), ours, "/act/a", form_seal(config(), ours, "/act/a"))
    assert not is_of(config(), ours, "/act/b", form_seal(config(), ours, "/act/a"))
    assert not is_of(config(), ours, "/act/a", form_seal(config(), other, "/act/a"))
    assert not is_of(config(None, None), ours, "/act/a", "")
    assert not is_of(config(), ours, "/act/a", "\u00e9")


# Where a request comes from


@pytest.mark.parametrize(
    ("headers", "ours"),
    [
        ({}, True),
        ({"host": "a:1", "origin": "http://a:1"}, True),
        ({"host": "A:1", "origin": "https://a:1"}, True),
        ({"host": "a:1", "origin": "http://a:2"}, False),
        ({"host": "a:1", "origin": "http://[broken"}, False),
        ({"host": "a:1", "origin": "null"}, True),
        ({"host": "a:1", "origin": "http://a:1", "sec-fetch-site": "cross-site"}, False),
        ({"host": "a:1", "origin": "http://b", "sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "none"}, True),
        ({"sec-fetch-site": ""}, False),
    ],
)
def test_where_a_request_comes_from(headers, ours):
    """
    What the browser itself says goes first; then its origin; one that says nothing is left to the seal of the form.
    """
    assert is_from_here(headers) is ours


@pytest.mark.parametrize(
    ("path", "ours"),
    [
        ("/", True),
        ("/jobs?a=b#c", True),
        ("//x", False),
        ("/\\x", False),
        ("x", False),
        ("", False),
        ("/\r\nx", False),
        ("/é", False),
    ],
)
def test_paths_of_ours(path, ours):
    """
    A path that a browser could take for another host's address is none of ours.
    """
    assert is_local(path) is ours


# Values


@pytest.mark.parametrize("verdict", [None, *Verdict])
def test_a_verdict_in_words(verdict):
    """
    Each has its words, and none that would alarm anybody about news.
    """
    words = verdict_words(verdict)

    assert words
    assert "disagree" not in words


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, "–"),
        ([], "–"),
        (["batch.completed"], "batch.completed"),
        (["a", 1, None], "a, 1, –"),
        ([{"a": 1}], '[{"a": 1}]'),
        (0, "0"),
        (True, "yes"),
        ("2026-11-22T06:00:00.123456Z", "2026-11-22 06:00:00 UTC"),
        ({"b": 1, "a": "é"}, '{"a": "é", "b": 1}'),
    ],
)
def test_values_in_one_line(value, written):
    """
    Nothing is a dash, a time is without fractions, a list of words has commas, what else has members is JSON.
    """
    assert writing.plain(value) == written


def test_hostile_values_are_shown_as_escapes():
    """
    No control character and no turned direction is left, wherever a value stands.
    """
    for shown in (
        writing.plain(HOSTILE),
        writing.plain({HOSTILE: [HOSTILE]}),
        *writing.json_lines({HOSTILE: HOSTILE}),
        writing.cut(HOSTILE),
    ):
        assert shown.isprintable()


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("start `batchkeeper up` now", "start <code>batchkeeper up</code> now"),
        ("<b>`<i>`", "&lt;b&gt;<code>&lt;i&gt;</code>"),
        ("one ` alone", "one ` alone"),
        ("``", "``"),
    ],
)
def test_what_is_to_be_typed(text, written):
    """
    What stands between back-ticks is set as code, and everything is escaped.
    """
    assert writing.with_code(text) == written


@pytest.mark.parametrize(
    ("method", "path", "accept", "is_person"),
    [
        ("GET", "/nothing", "text/html,application/xhtml+xml,*/*;q=0.8", True),
        ("GET", "/nothing", "application/json;q=0.5, text/html", True),
        ("GET", "/apiary", "text/html", True),
        ("GET", "/nothing", "application/json, text/html", False),
        ("GET", "/nothing", "text/html;q=0.1, application/json", False),
        ("GET", "/nothing", "text/html;q=odd, */*", False),
        ("GET", "/nothing", "*/*", False),
        ("GET", "/nothing", "", False),
        ("POST", "/nothing", "text/html", False),
        *(
            ("GET", path, "text/html", False)
            for path in ("/api/v9", "/api", "/metrics/x", "/healthz/", "/static/x/y/z")
        ),
    ],
)
def test_who_is_shown_a_page_where_there_is_nothing(method, path, accept, is_person):
    """
    Whoever would rather have HTML than anything else, and looks where pages are.
    """
    assert is_for_a_person(method, path, accept) is is_person


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (writing.number(1234567), "1&#8239;234&#8239;567"),
        (writing.number(None), "–"),
        (writing.size(999), "999 B"),
        (writing.size(1_250_000), "1.2 MB"),
        (writing.size(None), "–"),
        (writing.percent(0, 0), "–"),
        (writing.percent(99_999, 100_000), "99.9 %"),
        (writing.percent(5, 5), "100 %"),
        (writing.cut("x" * 26), "x" * 26),
        (writing.cut("a" * 20 + "b" * 20), "a" * 15 + "…" + "b" * 8),
        (writing.ago(rfc3339(NOW - 3 * HOUR), NOW), "3 h ago"),
        (writing.ago(rfc3339(NOW + 3 * HOUR), NOW), "in 3 h"),
        (writing.ago(None, NOW), ""),
    ],
)
def test_numbers_and_times(shown, expected):
    """
    Thousands stand apart, a share is never rounded up to all, a long id keeps both ends.
    """
    assert shown == expected
