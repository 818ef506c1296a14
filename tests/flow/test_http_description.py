"""/openapi.json is true: schemathesis asks for whatever it says, and more, and holds each answer against it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from filled import fill
from hypothesis import HealthCheck, Phase, given, settings
from operating import READ_TOKEN, TOKEN, Operating, configured, operating
from schemathesis import GenerationMode, checks
from starlette.routing import Route
from stores import migrate

from operators import api
from operators.clock import now
from operators.filters import NOUNS
from storage.store import Store, engine_for

EACH = 6  # examples of each operation
# Their only parameter is a name, and any text is one.
NOTHING_WRONG = {"show_job", "explain_job", "show_source", "list_sources", "list_findings", "status"}
BEARER = {
    "Authorization": f"Bearer {TOKEN}"
}  # written so, or schemathesis cannot leave it out to see what happens then
CHECKS = [
    checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.response_headers_conformance,
    checks.negative_data_rejection,
    checks.unsupported_method,
    checks.allow_header_conformance,
    checks.ignored_auth,
]
bounded = settings(
    max_examples=EACH,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],
)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def on(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Operating]:
    if request.param == "sqlite":
        with operating(tmp_path, fill=fill) as found:
            yield found
        return
    server = request.getfixturevalue("postgresql")
    with server.database(template=server.template(migrate)) as url, operating(tmp_path, url, fill) as found:
        yield found


def asked(on: Operating, document: dict[str, Any], mode: GenerationMode, **known: str) -> dict[str, set[int]]:
    """Ask by every operation of a description, and check each answer; which statuses each was answered with."""
    found: dict[str, set[int]] = {}
    with requests.Session() as session:
        session.trust_env = False
        for one in schemathesis.openapi.from_dict(document).get_all_operations():
            operation = one.ok()
            name = operation.definition.raw["operationId"]
            if mode is GenerationMode.POSITIVE or name not in NOTHING_WRONG:
                found[name] = _by_operation(on, session, operation, mode, known)
    return found


def _by_operation(
    on: Operating, session: requests.Session, operation: Any, mode: GenerationMode, known: dict[str, str]
) -> set[int]:
    variable, statuses = re.search(r"{(\w+)}", operation.path), set[int]()
    named = {variable[1]: known[variable[1]]} if variable and known else None
    # Else the first that come to mind are those of another operation.
    key = {"Idempotency-Key": operation.label} if known and operation.method == "post" else None

    @bounded
    @given(case=operation.as_strategy(generation_mode=mode, path_parameters=named, headers=key))
    def ask(case: Any) -> None:
        answer = case.call_and_validate(base_url=on.url, session=session, headers=BEARER, checks=CHECKS)
        statuses.add(answer.status_code)

    ask()
    return statuses


def test_whatever_may_be_asked_is_answered_as_described(on: Operating) -> None:
    """Requests as the description has them: every answer is one that it names, in its form; no question is an error of ours."""
    document = on.client.get("/openapi.json").json()
    found = asked(on, document, GenerationMode.POSITIVE)

    assert len(found) == len([1 for methods in document["paths"].values() for _ in methods])
    assert {"list_sources", "status"} <= {name for name, statuses in found.items() if statuses == {200}}


def test_what_is_there_is_answered_as_described(on: Operating) -> None:
    """The same about things that are there: what can be looked at is shown, what can be done is done."""
    ids = on.ids
    known = {
        "job": ids["batch_unasked"], "delivery": ids["delivery"], "receipt": ids["receipt"], "failure": ids["failed"],
        "refusal": ids["refusal"], "group": ids["group"], "submission": ids["refused"], "handoff": ids["down dead"],
        "action": ids["action"], "source": "gateway", "finding": ids["wrong_secret"],
    }  # fmt: skip
    found = asked(on, on.client.get("/openapi.json").json(), GenerationMode.POSITIVE, **known)

    found["show_group"] -= {400}  # for a cursor that is none of its parts
    assert {name for name, statuses in found.items() if name.startswith("show_") and statuses != {200}} == set()
    assert {name for name, statuses in found.items() if 202 in statuses} >= {
        "poll_job",
        "cancel_job",
        "replay",
        "resubmit",
    }
    assert 200 in found["reverify"]


def test_whatever_may_not_be_asked_is_refused(tmp_path: Path) -> None:
    """Requests that differ from the description in some way are refused with what it names, and change nothing."""
    with operating(tmp_path, fill=fill) as on:
        refused(on)


def refused(on: Operating) -> None:
    document = on.client.get("/openapi.json").json()
    # A missing token is what it would mostly get wrong otherwise.
    del document["security"], document["components"]["securitySchemes"]
    before = on.rows("actions")
    found = asked(on, document, GenerationMode.NEGATIVE)

    assert {status for statuses in found.values() for status in statuses} <= {400, 404, 405, 413}
    assert on.rows("actions") == before


def test_it_needs_no_token_and_tells_no_secret(on: Operating) -> None:
    """Whoever can reach the port may read what could be asked; of what is kept or configured there is not a word."""
    answer = on.client.get("/openapi.json", headers={"authorization": ""})

    assert (answer.status_code, answer.json()["openapi"]) == (200, "3.1.0")
    secrets = [
        secret.reveal() for source in on.config.sources.values() for secret in (source.api_key, *source.webhook_secrets)
    ]
    for word in (*on.ids.values(), *secrets, TOKEN, READ_TOKEN, "batch_done", str(on.config.path.parent)):
        assert word not in answer.text


def test_every_route_is_described(tmp_path: Path) -> None:
    """There is no path of the API, and no method of one, that the description does not have; and no filter."""
    store = Store(engine_for(f"sqlite:///{tmp_path / 'any.db'}"), now)
    config = configured(tmp_path)
    routes = [route for route in api.routes(lambda: config, store, now) if isinstance(route, Route)]
    telling = next(route for route in routes if route.path == "/openapi.json")
    document = json.loads(bytes(telling.endpoint(None).body))
    paths = {route.path.replace(":path", "") for route in routes} - {"/openapi.json", "/api/v1{anything}"}

    assert paths == set(document["paths"])
    for noun in NOUNS.values():
        taken = {one["name"] for one in document["paths"][f"/api/v1/{noun.name}"]["get"]["parameters"]}
        more = {"limit", "cursor"} | ({"statuses"} if noun.name == "jobs" else set())
        assert taken == set(noun.filters) | more
