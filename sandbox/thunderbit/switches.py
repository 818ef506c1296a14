"""The whole account's switches: what this deployment does where Thunderbit's pages contradict each other or say nothing.

The defaults are what the newest guides say (contract 13). `POST /thunderbit/sandbox/switches` changes those that it names,
for every request, job and attempt from then on.
"""

import json
import math
from dataclasses import asdict, dataclass, replace
from typing import Any

from sandbox.thunderbit.auth import SPOILED
from sandbox.thunderbit.scenarios import UnknownScenario, read_scenario


@dataclass(frozen=True)
class Switches:
    """As they stand. Seconds are of life: divided by the speed."""

    base_path: str = "/openapi/v1"
    status_words: str = "upper"
    envelope: str = "success"
    id_member: str = "id"
    row_shape: str = "flat"
    row_error: str = "text"
    unfinished_rows: str = "listed"
    completed_means: str = "succeeded"
    shows_failed: bool = True
    shows_total: bool = True
    shows_credits: bool = False
    errors: str = "current"
    created_status: int = 200
    extract_limit: int = 100
    signature: str = "v2"
    payload: str = "current"
    timestamp: str = "renewed"
    retry_scale: float = 1.0
    delete_after_end: int = 409
    rate_limit: int = 10_000
    rate_limit_unit: str = "s"
    retry_after: bool = False
    retention_seconds: float | None = None
    lag_seconds: float = 0.0
    faulty_answers: int = 3
    credits: str = "enough"
    key: str = "live"
    scenario: str = ""


@dataclass(frozen=True)
class OneOf:
    values: tuple[str | int | bool, ...]

    def admits(self, value: Any) -> bool:
        return any(type(value) is type(each) and value == each for each in self.values)

    @property
    def told(self) -> str:
        return " or ".join(json.dumps(each) for each in self.values)


@dataclass(frozen=True)
class Number:
    """Within both bounds; a whole one, where `whole`; or null, where that is allowed."""

    least: float
    most: float
    whole: bool = False
    or_null: bool = False

    def admits(self, value: Any) -> bool:
        if value is None:
            return self.or_null
        kinds = (int,) if self.whole else (int, float)
        return type(value) in kinds and math.isfinite(value) and self.least <= value <= self.most

    @property
    def told(self) -> str:
        number = "a whole number" if self.whole else "a number"
        return f"{number} from {self.least:g} to {self.most:g}" + (" or null" if self.or_null else "")


class Words:
    """Words of a scenario, or nothing."""

    told = "words of a scenario, joined by commas"

    def admits(self, value: Any) -> bool:
        if not isinstance(value, str):
            return False
        read_scenario(value)
        return True


EITHER = OneOf((True, False))
YEAR = 31_536_000
ALLOWED: dict[str, OneOf | Number | Words] = {
    "base_path": OneOf(("/openapi/v1", "/v1")),
    "status_words": OneOf(("upper", "lower", "endpoint_page")),
    "envelope": OneOf(("success", "data", "bare")),
    "id_member": OneOf(("id", "job_id")),
    "row_shape": OneOf(("flat", "nested")),
    "row_error": OneOf(("text", "object", "code")),
    "unfinished_rows": OneOf(("listed", "omitted")),
    "completed_means": OneOf(("succeeded", "finished")),
    "shows_failed": EITHER,
    "shows_total": EITHER,
    "shows_credits": EITHER,
    "errors": OneOf(("current", "swapped", "message", "text", "page")),
    "created_status": OneOf((200, 201, 202)),
    "extract_limit": OneOf((100, 50)),
    "signature": OneOf(("v2", "v1", "none")),
    "payload": OneOf(("current", "old", "with_rows")),
    "timestamp": OneOf(("renewed", "fixed")),
    "retry_scale": Number(0.001, 1_000),
    "delete_after_end": OneOf((409, 400, 200)),
    "rate_limit": Number(1, 1_000_000, whole=True),
    "rate_limit_unit": OneOf(("s", "ms")),
    "retry_after": EITHER,
    "retention_seconds": Number(0, YEAR, or_null=True),
    "lag_seconds": Number(0, YEAR),
    "faulty_answers": Number(1, 1_000, whole=True),
    "credits": OneOf(("enough", "exhausted")),
    "key": OneOf(("live", *SPOILED)),
    "scenario": Words(),
}


def read_switches(body: bytes, known: Switches) -> Switches:
    """JSON with one switch or more; what is not named stays as it was, and one wrong value changes nothing.

    Raises:
        ValueError: anything else; the message says what is wanted.
    """
    try:
        asked: Any = json.loads(body)
        json.dumps(asked, ensure_ascii=False).encode()  # a lone surrogate could not be answered
    except (ValueError, RecursionError):
        raise ValueError("Send a JSON object of switches; this is no JSON.") from None
    if not isinstance(asked, dict) or not asked:
        raise ValueError(f"Send a JSON object that names one switch or more of {', '.join(ALLOWED)}.")
    if strange := sorted(asked.keys() - ALLOWED.keys()):
        raise ValueError(f"There is no switch {', '.join(map(json.dumps, strange))}; there are {', '.join(ALLOWED)}.")
    for name, value in asked.items():
        _check(name, value)
    return replace(known, **asked)


def _check(name: str, value: Any) -> None:
    allowed = ALLOWED[name]
    try:
        if allowed.admits(value):
            return
    except UnknownScenario as unknown:
        raise ValueError(f"{name}: {unknown}") from None
    raise ValueError(f"The switch {name} wants {allowed.told}, not {json.dumps(value)}.")


def shown(switches: Switches) -> dict[str, Any]:
    return asdict(switches)
