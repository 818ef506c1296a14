"""The API's acts over a real socket: each once for each Idempotency-Key, by the token that acts, and with a reason."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from described import described
from filled import fill
from operating import LOOKS, Operating, operating

pytestmark = pytest.mark.both_stores

WHY = {"reason": "it costs too much"}


@pytest.fixture
def on(tmp_path: Path, the_store: str | None) -> Iterator[Operating]:
    with operating(tmp_path, the_store, fill) as found:
        yield found


def acts(on: Operating) -> list[tuple[str, str, Any]]:
    """Every act that is possible as things stand: its path by the description, its path, and what is sent."""
    return [
        ("/jobs", "/jobs", {"source": "gateway", "job_id": "batch_new"}),
        ("/jobs/{job}/poll", "/jobs/batch_done/poll", None),
        ("/jobs/{job}/poll", "/jobs/a%2Fb/poll", {}),
        ("/jobs/{job}/pause", "/jobs/gateway%2Fbatch_unasked/pause", WHY),
        ("/jobs/{job}/resume", f"/jobs/{on.ids['batch_unasked']}/resume", WHY),
        ("/jobs/{job}/cancel", "/jobs/a/b/cancel", WHY),
        ("/handoffs/{handoff}/replay", f"/handoffs/{on.ids['down dead']}/replay", None),
        ("/submissions/{submission}/resubmit", f"/submissions/{on.ids['refused']}/resubmit", {"sure": False}),
        ("/submissions/{submission}/cancel", f"/submissions/{on.ids['stored']}/cancel", WHY),
        ("/groups/{group}/cancel", f"/groups/{on.ids['group']}/cancel", WHY),
        ("/sources/{source}/reverify", "/sources/gateway/reverify", {**WHY, "since": "2h", "dry_run": True}),
    ]


def possible(on: Operating) -> list[tuple[str, str, Any]]:
    """Without pause and resume, which the gateway cannot; and with what the acts before have not made impossible."""
    return [one for one in acts(on) if not one[0].endswith(("/pause", "/resume"))]


def test_each_act_is_done_once(on: Operating) -> None:
    """Each is answered as described, and again just so under its key, with nothing done a second time; under another request
    the key is refused."""
    document = on.client.get("/openapi.json").json()
    for number, (described_as, path, body) in enumerate(possible(on)):
        first, again = on.post(path, f"k-{number}", body), on.post(path, f"k-{number}", body)
        other = on.post("/jobs/batch_done/cancel", f"k-{number}", WHY)

        assert first.status_code in (200, 201, 202), (path, first.text)
        assert described(document, "POST", described_as, first) == []
        assert (again.status_code, again.json()) == (first.status_code, first.json())
        assert ("idempotency-replayed" in first.headers, again.headers["idempotency-replayed"]) == (False, "true")
        assert (other.status_code, described(document, "POST", "/jobs/{job}/cancel", other)) == (422, [])

    kept = [(row["verb"], row["job_id"], row["reason"]) for row in on.rows("actions")]
    assert sorted(kept[:4]) == sorted(
        [
            ("replay", "batch_done", None),
            ("cancel", "a/b", WHY["reason"]),
            ("poll", "a/b", None),
            ("poll", "batch_done", None),
        ]
    )
    assert len(kept) == 6
    assert on.get(f"/handoffs/{on.ids['down dead']}").json()["state"] == "waiting"
    assert on.get(f"/submissions/{on.ids['stored']}").json()["drop_asked_at"] is not None


def test_many_at_once_under_one_key(on: Operating) -> None:
    """Of the same request sent many times at once one is done, and all are told the same, or to ask again."""
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: on.post("/jobs/a%2Fb/cancel", "k", WHY), range(16)))

    assert {answer.status_code for answer in answers} <= {202, 409}
    told = {answer.json()["id"] for answer in answers if answer.status_code == 202}
    assert told == {row["id"] for row in on.rows("actions", verb="cancel") if row["job_id"] == "a/b"}
    assert len(told) == 1


REFUSED: list[tuple[str, Any, int, str]] = [
    ("/jobs/a%2Fb/cancel", None, 400, "reason"),
    ("/jobs/a%2Fb/cancel", {}, 400, "reason"),
    ("/jobs/a%2Fb/cancel", {"reason": " "}, 400, "1 to 500"),
    ("/jobs/a%2Fb/cancel", {"reason": "x" * 501}, 400, "1 to 500"),
    ("/jobs/a%2Fb/cancel", {"reason": "a\nb"}, 400, "printable"),
    ("/jobs/a%2Fb/cancel", {"reason": "a\0b"}, 400, "NUL"),
    ("/jobs/a%2Fb/cancel", {"reason": ["x"]}, 400, "reason"),
    ("/jobs/a%2Fb/cancel", {**WHY, "force": True}, 400, "no member 'force'"),
    ("/jobs/a%2Fb/cancel", [WHY], 400, "no JSON object"),
    ("/jobs/a%2Fb/cancel?yes=1", WHY, 400, "no parameter yes"),
    ("/jobs/a%2Fb/cancel", {"reason": "x" * 70_000}, 413, "larger than"),
    ("/jobs/a%2Fb/poll", {"reason": "x"}, 400, "no member 'reason'"),
    ("/jobs/nobody/cancel", WHY, 404, "no job is called nobody"),
    ("/jobs/a%00b/cancel", WHY, 404, "printable ASCII"),
    ("/jobs/batch_done/cancel", WHY, 409, "has ended already"),
    ("/jobs/batch_unasked/pause", WHY, 409, "cannot pause jobs"),
    ("/jobs/batch_unasked/resume", WHY, 409, "cannot resume jobs"),
    ("/handoffs/hnd_0000000000000/replay", None, 404, "no hand-off"),
    ("/handoffs/batch_done/replay", None, 404, "no hand-off"),
    ("/groups/grp_0000000000000/cancel", WHY, 404, "no group"),
    ("/submissions/sub_0000000000000/resubmit", None, 404, "no submission"),
    ("/submissions/sub_0000000000000/cancel", WHY, 404, "no submission"),
    ("/submissions/sub_0000000000000/resubmit", {"sure": "yes"}, 400, "true or false"),
    ("/sources/nobody/reverify", WHY, 404, "no source is called nobody"),
    ("/sources/gateway/reverify", {}, 400, "reason"),
    ("/sources/gateway/reverify", {**WHY, "source": "gateway"}, 400, "no member 'source'"),
    ("/sources/gateway/reverify", {**WHY, "since": "yesterday"}, 400, "how long ago"),
    ("/sources/gateway/reverify", {**WHY, "since": ""}, 400, "how long ago"),
    ("/sources/gateway/reverify", {**WHY, "since": "1h", "until": "2h"}, 400, "nothing is between"),
    ("/sources/gateway/reverify", {**WHY, "clock_ahead_seconds": True}, 400, "is a number"),
    ("/sources/gateway/reverify", {**WHY, "clock_ahead_seconds": 1e300}, 400, "a year at most"),
    ("/sources/gateway/reverify", {**WHY, "dry_run": 1}, 400, "true or false"),
    ("/jobs", {"source": "gateway"}, 400, "a job id is"),
    ("/jobs", {"source": "nobody", "job_id": "b"}, 404, "no source"),
]


def test_what_is_refused_is_not_done(on: Operating) -> None:
    """What cannot be done is a problem that says why; nothing is kept of it, and its key can be used again."""
    before = [row["id"] for row in on.rows("actions")]
    for number, (path, body, status, words) in enumerate(REFUSED):
        refused = on.post(path, f"k-{number}", body)
        said = (refused.status_code, refused.headers["content-type"], words in refused.json()["detail"])
        assert said == (status, "application/problem+json", True), (path, body, refused.text)
        # What to type is for those who type.
        assert "`" not in refused.json()["detail"]
    assert [row["id"] for row in on.rows("actions")] == before
    for number in range(len(REFUSED)):
        assert on.post("/jobs/a%2Fb/poll", f"k-{number}").status_code == 202


def test_a_key_is_needed(on: Operating) -> None:
    """Without a key, or with one that cannot be one, nothing is done."""
    keys: list[str | bytes | None] = [None, "", "x" * 257, "é".encode()]
    for key in keys:
        headers = {} if key is None else {"idempotency-key": key}
        answer = on.client.post("/api/v1/jobs/a%2Fb/cancel", headers=headers, json=WHY)
        assert (answer.status_code, "Idempotency-Key" in answer.json()["detail"]) == (400, True)


def test_two_keys_are_none(on: Operating) -> None:
    """Of two keys none is taken."""
    for path, body in (("/jobs/a%2Fb/cancel", WHY), ("/jobs", {"source": "gateway", "job_id": "batch_new"})):
        keys = [("idempotency-key", "k-1"), ("idempotency-key", "k-2")]
        answer = on.client.post(f"/api/v1{path}", headers=keys, json=body)
        assert (answer.status_code, "more than once" in answer.json()["detail"]) == (400, True)


def test_a_job_by_another_name(on: Operating) -> None:
    """The same act under the same key is the same, whichever name of the job it is asked by."""
    first = on.post("/jobs/a%2Fb/poll", "k-1")
    answers = [on.post(f"/jobs/{name}/poll", "k-1") for name in ("gateway%2Fa%2Fb", "gateway/a/b", first.json()["job"])]
    assert [(one.status_code, one.json()["id"]) for one in answers] == [(202, first.json()["id"])] * 3


def test_a_cancel_that_is_under_way(on: Operating) -> None:
    """Asked for again, under another key and for another reason, it is answered with the action that is under way."""
    first, again = on.post("/jobs/a/b/cancel", "k-1", WHY), on.post("/jobs/a/b/cancel", "k-2", {"reason": "again"})
    assert (first.status_code, again.status_code) == (202, 202)
    assert (again.json()["id"], again.json()["reason"]) == (first.json()["id"], WHY["reason"])
    assert len([row for row in on.rows("actions") if row["verb"] == "cancel" and row["job_id"] == "a/b"]) == 1


def test_a_form_is_not_taken_for_an_act(on: Operating) -> None:
    """What a page of somebody else could have a browser send is refused."""
    for sent in ({"data": {"reason": "x"}}, {"content": b'{"reason": "x"}', "headers": {"content-type": "text/plain"}}):
        headers = {"idempotency-key": "k", **sent.pop("headers", {})}
        assert on.client.post("/api/v1/jobs/a%2Fb/cancel", headers=headers, **sent).status_code == 400


def test_whoever_only_looks_cannot_act(on: Operating) -> None:
    """The second token shows everything and does nothing: every act is a 403, whatever is sent, and whether it could be done."""
    assert on.client.get("/api/v1/jobs", headers=LOOKS).json() == on.get("/jobs").json()
    before = [row["id"] for row in on.rows("actions")]
    for _, path, body in acts(on):
        answer = on.client.post(f"/api/v1{path}", headers={**LOOKS, "idempotency-key": "k"}, json=body)
        assert (answer.status_code, answer.headers["content-type"]) == (403, "application/problem+json")
        assert "only looks" in answer.json()["detail"]
    assert [row["id"] for row in on.rows("actions")] == before
