"""What may be ordered of Thunderbit, and why the rest is refused before anything is sent."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.dialects.orders import CheckedRequest, InputLimits
from schemas.dialects.thunderbit import Thunderbit
from schemas.dialects.thunderbit.options import ThunderbitOptions

DISTILL, EXTRACT = "/batch/distill", "/batch/extract"
DIALECT = Thunderbit("tb")
WHICH = "say which endpoint the rows are for: /batch/distill or /batch/extract"
SCHEMA = {"price": {"type": "NUMBER", "instruction": "the price"}}


@pytest.mark.parametrize("endpoint", [DISTILL, EXTRACT])
@pytest.mark.parametrize(
    "url",
    [
        "https://shop.example/p/1",
        "http://shop.example:8080/?q=a&b=%20#x",
        "HTTPS://SHOP.EXAMPLE",
        "https://münchen.example/straße",
        "https://[2001:db8::1]/",
    ],
)
def test_rows(url: str, endpoint: str) -> None:
    """A row is a URL and what it is called."""
    assert DIALECT.check_request({"custom_id": "a", "url": url}, endpoint) == CheckedRequest(endpoint)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        (None, "url is missing or no text; it names the page to read"),
        ("", "url is missing or no text; it names the page to read"),
        (["https://a.example"], "url is missing or no text; it names the page to read"),
        ("https://a.example/a b", "url https://a.example/a b holds a space or what cannot be written; write it as %XX"),
        ("https://a.example/\n", r"url https://a.example/\n holds a space or what cannot be written; write it as %XX"),
        (
            "https://a.example/\ud800",
            r"url https://a.example/\ud800 holds a space or what cannot be written; write it as %XX",
        ),
        ("ftp://a.example", "url ftp://a.example is not an http:// or https:// URL with a host"),
        ("a.example", "url a.example is not an http:// or https:// URL with a host"),
        ("https://", "url https:// is not an http:// or https:// URL with a host"),
        ("https:///path", "url https:///path is not an http:// or https:// URL with a host"),
        ("https://[::1", "url https://[::1 is not an http:// or https:// URL with a host"),
        ("https://a.example:99999", "url https://a.example:99999 is not an http:// or https:// URL with a host"),
        ("https://a.example:0", "url https://a.example:0 is not an http:// or https:// URL with a host"),
    ],
)
def test_urls_that_are_none(url: Any, why: str) -> None:
    """What is not the URL of a page is refused in words that say what to do."""
    assert DIALECT.check_request({"url": url}, DISTILL).problems == (why,)


def test_rows_hold_nothing_else() -> None:
    """Everything that is wrong with a row is told at once."""
    row = {"custom_id": "a", "url": "https://a.example", "schema": {}, "method": "POST"}

    assert DIALECT.check_request(row, DISTILL).problems == (
        "method cannot stand in a row; what holds for all URLs of a job is given as params",
        "schema cannot stand in a row; what holds for all URLs of a job is given as params",
    )


@pytest.mark.parametrize(
    ("endpoint", "why"),
    [
        (None, WHICH),
        ("distill", f"distill is no endpoint; {WHICH}"),
        ("/batch/distill/", f"/batch/distill/ is no endpoint; {WHICH}"),
        ("/v1/responses", f"/v1/responses is no endpoint; {WHICH}"),
    ],
)
def test_endpoints(endpoint: str | None, why: str) -> None:
    """Which of the two it is has to be said, by its whole name."""
    assert DIALECT.default_endpoint is None
    assert DIALECT.check_request({"url": "https://a.example"}, endpoint) == CheckedRequest(None, (why,))
    assert endpoint is None or DIALECT.why_not_order(endpoint, {}, ()) == why


@pytest.mark.parametrize(
    ("endpoint", "params"),
    [
        (DISTILL, {}),
        (
            DISTILL,
            {"timeout": 5_000, "renderMode": "none", "countryCode": "DE", "includeHtml": True, "extractLinks": False},
        ),
        (DISTILL, {"timeout": 60_000, "renderMode": "advanced", "include": ["metadata"], "formats": ["markdown"]}),
        (EXTRACT, {"schema": SCHEMA}),
        (EXTRACT, {"schema": SCHEMA, "timeout": 120_000, "renderMode": "full", "forceRefresh": True}),
    ],
)
def test_params(endpoint: str, params: dict[str, Any]) -> None:
    """What the contract's table names may be ordered."""
    assert DIALECT.why_not_order(endpoint, params, ()) is None


@pytest.mark.parametrize(
    ("endpoint", "params", "why"),
    [
        (DISTILL, {"timeout": 4_999}, "the param timeout has to be a whole number from 5000 to 60000"),
        (DISTILL, {"timeout": 60_001}, "the param timeout has to be a whole number from 5000 to 60000"),
        (DISTILL, {"timeout": True}, "the param timeout has to be a whole number from 5000 to 60000"),
        (DISTILL, {"timeout": 30_000.0}, "the param timeout has to be a whole number from 5000 to 60000"),
        (
            EXTRACT,
            {"schema": SCHEMA, "timeout": 120_001},
            "the param timeout has to be a whole number from 5000 to 120000",
        ),
        (DISTILL, {"renderMode": "quick"}, "the param renderMode has to be one of none, basic, full, advanced"),
        (DISTILL, {"renderMode": ["none"]}, "the param renderMode has to be one of none, basic, full, advanced"),
        (
            DISTILL,
            {"countryCode": "USA"},
            'the param countryCode has to be a country\'s code in two letters, such as "US"',
        ),
        (DISTILL, {"includeHtml": "yes"}, "the param includeHtml has to be true or false"),
        (DISTILL, {"include": "metadata"}, "the param include has to be a list of words"),
        (DISTILL, {"include": []}, "the param include has to be a list of words"),
        (EXTRACT, {"schema": {}}, "the param schema has to be an object that names what to extract"),
        (EXTRACT, {"schema": "price"}, "the param schema has to be an object that names what to extract"),
        (EXTRACT, {}, "the param schema is missing; /batch/extract needs it to know what to extract"),
    ],
)
def test_params_that_do_not_fit(endpoint: str, params: dict[str, Any], why: str) -> None:
    """A value that the contract does not allow is refused, and so is an extraction of nothing."""
    assert DIALECT.why_not_order(endpoint, params, ()) == why


@pytest.mark.parametrize(
    ("endpoint", "name", "why"),
    [
        (DISTILL, "schema", "the param schema is not one of /batch/distill"),
        (EXTRACT, "countryCode", "the param countryCode is not one of /batch/extract"),
        (DISTILL, "urls", "the param urls cannot be given: the URLs are those of the rows"),
        (DISTILL, "webhook", "the param webhook cannot be given: where the news goes is configured for the source"),
        (DISTILL, "callback", "the param callback cannot be given: where the news goes is configured for the source"),
        (DISTILL, "country_code", "the param country_code is written countryCode here"),
        (DISTILL, "renderMod\x1be", r"the param renderMod\x1be is not one of /batch/distill"),
    ],
)
def test_params_that_are_none(endpoint: str, name: str, why: str) -> None:
    """What cannot be given is refused, and what can be is listed."""
    given = {name: {"price": "NUMBER"}} | ({"schema": SCHEMA} if endpoint == EXTRACT else {})
    said = DIALECT.why_not_order(endpoint, given, ())

    assert said is not None
    assert said.startswith(f"{why}; params of {endpoint}: ")
    assert "renderMode, timeout" in said or "renderMode, schema, timeout" in said


def test_all_is_told_at_once() -> None:
    """Several things that are wrong are one refusal."""
    said = DIALECT.why_not_order(EXTRACT, {"timeout": 0, "forceRefresh": 1}, ())

    assert said == (
        "the param timeout has to be a whole number from 5000 to 120000; the param forceRefresh has to be true or false; "
        "the param schema is missing; /batch/extract needs it to know what to extract"
    )


def test_how_much_a_job_takes() -> None:
    """A distill job has at most 100 URLs, an extract job as many as the source's options say, by default 50."""
    more = Thunderbit("tb", ThunderbitOptions(extract_urls=100))

    assert DIALECT.input_limits(DISTILL) == InputLimits(1_048_576, 100)
    assert DIALECT.input_limits(EXTRACT) == InputLimits(1_048_576, 50)
    assert more.input_limits(EXTRACT) == InputLimits(1_048_576, 100)


def test_a_rows_cells() -> None:
    """As CSV an input has a URL in each row, and what it is called."""
    row = DIALECT.row_of({"custom_id": "a", "url": "https://a.example"})

    assert [(column.name, column.is_needed) for column in DIALECT.columns] == [("url", True), ("custom_id", False)]
    assert DIALECT.check_request(row, DISTILL) == CheckedRequest(DISTILL)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(["url", "timeout", "schema", "include", "renderMode", "countryCode", "webhook"]) | st.text()


@given(st.dictionaries(NAMES, JSON, max_size=4), st.sampled_from([DISTILL, EXTRACT]) | st.text())
def test_any_order(members: dict[str, Any], endpoint: str) -> None:
    """Whatever is ordered, each problem is a sentence that can be shown, and nothing raises."""
    said = [*DIALECT.check_request(members, endpoint).problems, DIALECT.why_not_order(endpoint, members, ())]

    assert all(why is None or (why and why.isprintable()) for why in said)
