"""The API's listings and things over a real socket: every noun, every combination of its filters, page by page."""

import re
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from described import described
from filled import fill, many_jobs
from operating import Operating, operating
from stores import migrate

from operators.filters import NOUNS, Noun
from schemas.ids import pattern

Row = dict[str, Any]
NAMES = {
    "/jobs/{job}": ("batch_done", "a/b", "batch_unasked", "video_1"),
    "/jobs/{job}/explain": ("batch_done", "a/b", "batch_unasked"),
    "/deliveries/{delivery}": ("delivery", "odd"),
    "/receipts/{receipt}": ("receipt",),
    "/failures/{failure}": ("rejected", "rows_failed", "failed"),
    "/refusals/{refusal}": ("refusal", "flood", "kept"),
    "/findings/{finding}": ("wrong_secret", "webhooks_silent"),
    "/groups/{group}": ("group",),
    "/submissions/{submission}": ("stored", "refused"),
    "/handoffs/{handoff}": ("down waiting", "down dead", "gone waiting"),
    "/actions/{action}": ("action", "poll"),
    "/sources/{source}": ("gateway", "other"),
}


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def on(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operating]:
    """One for all tests that only read."""
    folder = tmp_path_factory.mktemp("operators")
    if request.param == "sqlite":
        with operating(folder, fill=fill) as found:
            yield found
        return
    server = request.getfixturevalue("postgresql")
    with server.database(template=server.template(migrate)) as url, operating(folder, url, fill) as found:
        yield found


def holds(noun: Noun, name: str, value: str, row: Row) -> bool:
    """Whether a row is what a filter asks for: told from the row alone, but for what only the row's id tells."""
    known: dict[str, Callable[[], bool]] = {
        "category": lambda: value in categories(row),
        "code": lambda: value in codes(row),
        "trouble": lambda: row["trouble"] is not None,
        "label": lambda: value == "team=search" and (noun.name == "groups" or row["job_id"] == "batch_done"),
        "group": lambda: row["job_id"] == "batch_done",
        "job": lambda: row.get("job_id", row.get("subject")) == value,
        "job_id_prefix": lambda: row["job_id"].startswith(value),
    }
    return known.get(name, lambda: row[name] == value)()


def categories(row: Row) -> set[str]:
    return {failure["category"] for failure in row.get("failures", [row])}


def codes(row: Row) -> set[str]:
    return {failure["code"] for failure in row.get("failures", [row])}


def values(noun: Noun, name: str, rows: list[Row], ids: dict[str, str]) -> list[str]:
    """Some that are there, and one that is nowhere."""
    match name:
        case "label":
            return ["team=search", "team=nobody"]
        case "group":
            return [ids["group"]]
        case "job":
            return ["batch_done", "a/b"]
        case "job_id_prefix":
            return ["batch_", "vid", "zzz"]
        case "trouble":
            return ["true"]
        case "category":
            return ["execution", "delivery", "cancellation"]
        case "code":
            return ["rejected", "failed", "stuck"]
        case "delivery":
            return [ids["delivery"], ids["odd"]]
    words = noun.words(name)
    there = sorted({str(row[name]) for row in rows if row[name] is not None and (not words or row[name] in words)})
    return [*there, *([] if words or name == "status" else ["nobody"])]


def every(on: Operating, noun: Noun) -> list[Row]:
    return on.rows(noun.name, **({"cleared": "true"} if noun.name == "failures" else {}))


@pytest.mark.parametrize("noun", NOUNS.values(), ids=lambda noun: noun.name)
def test_every_combination_of_filters(on: Operating, noun: Noun) -> None:
    """Each shows just those rows that are what was asked for, in the order of the listing, whatever the values."""
    rows, asked = every(on, noun), 0
    assert rows
    standing = [row for row in rows if noun.name != "failures" or row["cleared_at"] is None]
    for names in noun.combinations:
        for chosen in product(*(values(noun, name, rows, on.ids) for name in sorted(names))):
            query = dict(zip(sorted(names), chosen, strict=True))
            if query.get("source") == "nobody":
                assert on.get(f"/{noun.name}", **query).status_code == 404
                continue
            found = on.rows(noun.name, **query)
            expected = [row for row in standing if all(holds(noun, *pair, row) for pair in query.items())]
            if "job_id_prefix" in names:
                expected.sort(key=lambda row: (row["job_id"], row["id"]))
            assert [row["id"] for row in found] == [row["id"] for row in expected], query
            asked += 1
    assert asked >= len(noun.combinations)


@pytest.mark.parametrize("noun", NOUNS.values(), ids=lambda noun: noun.name)
def test_times(on: Operating, noun: Noun) -> None:
    """`since` and `until` bound a listing by when its rows were made here, alone and beside another filter."""
    everyone = [row["id"] for row in on.rows(noun.name)]

    assert [row["id"] for row in on.rows(noun.name, since="1h")] == everyone
    assert on.rows(noun.name, until="1h") == []
    assert on.rows(noun.name, since="2999-01-01T00:00:00Z") == []
    assert [
        row["id"] for row in on.rows(noun.name, since="2026-01-01T00:00:00Z", until="2999-01-01T00:00:00+01:00")
    ] == everyone
    if "source" in noun.filters:
        assert on.rows(noun.name, source="gateway", until="1h") == []


def test_every_answer_is_as_described(on: Operating) -> None:
    """Each listing and each thing has the members that /openapi.json names, no more and no fewer."""
    document = on.client.get("/openapi.json").json()
    paths = [path.removeprefix("/api/v1") for path, methods in document["paths"].items() if "get" in methods]
    assert set(NAMES) <= set(paths)
    for path in paths:
        for name in NAMES.get(path, ("",)):
            head, _, tail = path.partition("{")
            shown = on.ids.get(name, name)
            answer = on.get(path if not tail else f"{head}{shown}{tail.partition('}')[2]}")
            assert answer.status_code == 200, (path, answer.text)
            assert described(document, "GET", path, answer) == [], path


def test_a_thing_is_what_its_row_says(on: Operating) -> None:
    """Whatever a listing shows can be asked for by its id, and shows at least the same."""
    for noun in NOUNS.values():
        for row in every(on, noun):
            whole = on.get(f"/{noun.name}/{row['id']}").json()
            assert {name: whole[name] for name in row} == row


def test_a_delivery_has_its_receipts_and_its_job(on: Operating) -> None:
    """A delivery names the job that it is about, if there is one here; its receipts stand with it."""
    known, odd = (on.get(f"/deliveries/{on.ids[name]}").json() for name in ("delivery", "odd"))

    assert (known["job"], len(known["receipts"])) == (on.ids["batch_done"], 2)
    assert (odd["job"], len(odd["receipts"])) == (None, 1)
    assert on.get(f"/receipts/{on.ids['receipt']}").json()["job_id"] == "batch_done"


def test_how_things_stand(on: Operating) -> None:
    """Status tells what there is now, what came lately, and where something waits or is wrong."""
    found = on.get("/status").json()

    assert {word: count for word, count in found["jobs"].items() if count} == {
        "completed": 1, "running": 1, "unknown": 1, "failed": 1,
    }  # fmt: skip
    assert found["failures"] == {"execution": {"failed": 1}, "cancellation": {}, "delivery": {"rejected": 1}}
    assert (
        [row["name"] for row in found["trouble"]["sources"]],
        [row["job_id"] for row in found["trouble"]["jobs"]],
    ) == (
        ["other"],
        ["a/b"],
    )
    assert found["deliveries"]["last_hour"] == {
        "accepted": 2,
        "duplicate": 1,
        "unreadable": 0,
        "refused": 4,
        "taken_in": 0,
        "mostly_refused_for": "signature_wrong",
    }
    assert found["deliveries"]["last_day"] == {
        "accepted": 2,
        "duplicate": 1,
        "unreadable": 1,
        "refused": 5,
        "taken_in": 0,
        "mostly_refused_for": "signature_wrong",
    }
    targets = {row["target"]: row for row in found["handoffs"]}
    assert (targets["down"]["waiting"], targets["down"]["dead"], targets["gone"]["waiting"]) == (1, 1, 1)
    assert (targets["down"]["target_configured"], targets["gone"]["target_configured"]) == (True, False)
    health = {row["name"]: row for row in found["sources"]}
    assert (health["other"]["circuit"], health["other"]["clock_ahead_seconds"]) == ("open", -2.5)
    assert health["gateway"]["last_hour"]["refused"] == health["gateway"]["last_day"]["refused"] == 4
    assert [(row["source"], row["axis"], row["rule"]) for row in found["findings"]] == [
        ("gateway", "delivery", "wrong_secret")
    ]


def test_findings(on: Operating) -> None:
    """Those that stand are listed, of all sources or of one; one that was closed is still there by its id."""
    every, other = on.get("/findings").json(), on.get("/findings", source="other").json()

    assert [row["rule"] for row in every["findings"]] == ["wrong_secret"]
    assert (
        every["findings"]
        == on.get("/findings", source="gateway").json()["findings"]
        == on.get("/status").json()["findings"]
    )
    assert other == {"findings": [], "next": None}
    assert on.get(f"/findings/{on.ids['webhooks_silent']}").json()["state"] == "closed"
    assert on.get("/findings", source="nobody").status_code == 404
    assert on.get("/findings", source=["gateway", "other"]).status_code == 400


def test_the_audit(on: Operating) -> None:
    """Each difference of the two ledgers with its page, and what stands against sources; a row at a time it is the same."""
    whole = on.get("/audit").json()
    seen, page = [], on.get("/audit", limit=1).json()
    while True:
        seen += page["differences"]
        if page["next"] is None:
            break
        page = on.get("/audit", limit=1, cursor=page["next"]).json()

    assert [(row["difference"], row["job_id"], row["page"]) for row in whole["differences"]] == [
        ("rejected", "batch_done", "docs/failures.md#rejected"),
        ("conflict", "batch_done", "docs/failures.md#conflict"),
    ]
    assert seen == whole["differences"]
    assert whole["findings"] == on.get("/findings").json()["findings"]
    assert on.get("/audit", source="other").json() == {"differences": [], "findings": [], "next": None}
    assert on.get("/audit", since="2999-01-01T00:00:00Z").json()["differences"] == []
    asked = [{"source": "nobody"}, {"cursor": "x"}, {"limit": 0}, {"since": "soon"}, {"code": "missing"}]
    assert [on.get("/audit", **one).status_code for one in asked] == [404, 400, 400, 400, 400]


def test_a_refusal_has_what_its_request_presented(on: Operating) -> None:
    """Where something of it is kept; and what it usually comes of, anyhow."""
    kept, bare = (on.get(f"/refusals/{on.ids[name]}").json() for name in ("kept", "refusal"))

    assert (kept["request"]["scheme"], kept["request"]["fields"]) == ("v1", {"webhook-id": "msg_1"})
    assert (kept["request"]["signed_seconds_before_arrival"], kept["taken_in"], bare["request"]) == (0, None, None)
    assert "secret was changed" in bare["likely_cause"]
    assert bare["page"] == "docs/refusals.md#reasons-and-what-to-do"


@pytest.mark.parametrize("query", [{}, {"source": "gateway", "status": "unknown"}, {"job_id_prefix": "many_"}])
@pytest.mark.both_stores
def test_a_walk_misses_nothing_and_repeats_nothing(
    tmp_path: Path, the_store: str | None, query: dict[str, str]
) -> None:
    """Page by page every row that was there at the start is shown once, in order, although new ones arrive all the while."""
    with operating(tmp_path, the_store) as on:
        walk(on, query)


def walk(on: Operating, query: dict[str, str]) -> None:
    there = on.run(many_jobs(on.store, "many", 2_000))
    shown: list[str] = []
    cursor: dict[str, str] = {}
    while not shown or cursor:
        on.run(many_jobs(on.store, f"many_late_{len(shown)}", 3))
        page = on.get("/jobs", **query, limit=301, **cursor).json()
        shown += [row["id"] for row in page["jobs"]]
        cursor = {"cursor": page["next"]} if page["next"] else {}

    assert len(set(shown)) == len(shown)
    walked = [one for one in shown if one in there]
    assert walked == sorted(there, reverse="job_id_prefix" not in query)


@pytest.mark.parametrize("noun", NOUNS.values(), ids=lambda noun: noun.name)
def test_pages_make_up_the_listing(on: Operating, noun: Noun) -> None:
    """One row at a time, by each cursor, a listing is what it is at once; the last page says that it is the last."""
    whole = [row["id"] for row in on.rows(noun.name)]
    seen: list[str] = []
    page = on.get(f"/{noun.name}", limit=1).json()
    while True:
        seen += [row["id"] for row in page[noun.name]]
        if page["next"] is None:
            break
        page = on.get(f"/{noun.name}", limit=1, cursor=page["next"]).json()

    assert seen == whole
    assert all(re.fullmatch(pattern(noun.prefix), one) for one in seen)


def test_a_cursor_by_the_providers_id_must_be_known(on: Operating) -> None:
    """A listing by the provider's id that cannot go on where it was says so, and does not begin anew."""
    for noun, query in (("jobs", {}), ("deliveries", {"source": "gateway", "kind": "batch"})):
        cursor = f"{NOUNS[noun].prefix}_0000000000001"
        answer = on.get(f"/{noun}", job_id_prefix="batch_", cursor=cursor, **query)
        assert (answer.status_code, "from the start" in answer.json()["detail"]) == (400, True)
