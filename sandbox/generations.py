"""What differs between the generations of the gateway's contract, as data (contract 3, 4, 5, 9 and 10).

G1 are the seed documents ("AI Stats"): G1a the webhook recipe, G1b the list page. G2 is what the rest of this folder
is written for, and G3 adds to it. Code asks a generation what it does and never which one it is.

Where the contract says "G1" and not which of the two, both do it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

REST_LIFECYCLES = {
    "in_progress": "running",
    "processing": "running",
    "completed": "completed",
    "failed": "failed",
    "expired": "expired",
    "cancelled": "cancelled",
    "canceled": "cancelled",
}
PUSH_STATUSES = {
    "in_progress": "in_progress",
    "finalizing": "in_progress",
    "cancelling": "in_progress",
    "completed": "completed",
    "failed": "failed",
    "expired": "expired",
    "cancelled": "cancelled",
    "canceled": "cancelled",
}
ENDS = {"completed": "completed", "failed": "failed", "expired": "expired", "cancelled": "cancelled"}


def _table(*tables: Mapping[str, str]) -> Mapping[str, str]:
    return MappingProxyType({word: meaning for table in tables for word, meaning in table.items()})


@dataclass(frozen=True)
class Generation:
    """One generation. What is left out is as in G2."""

    name: str

    # How a delivery looks and how it is sent (contract 4.1, 4.5, 4.7).
    header_prefix: str = "x-phaseo-"
    user_agent: str = "Phaseo-Async-Webhook/1.0"
    identifies_deliveries: bool = True  # `id` and `delivery` in the body, and the unsigned headers that repeat them
    follows_redirects: bool = False
    delivery_seconds: float | None = 30.0  # how long an attempt waits for the receiver's answer; None: for ever

    # What is announced, and to whom (contract 4.2, 4.4).
    phases: frozenset[str] = frozenset(
        {"created", "status_changed", "progress", "completed", "failed", "cancelled", "expired"}
    )
    default_events: tuple[str, ...] = (
        "job.status_changed",
        "job.completed",
        "job.failed",
        "job.cancelled",
        "job.expired",
    )
    announced_as: Mapping[str, str] = field(default_factory=lambda: _table(ENDS, {"expired": "failed"}))
    announces_progress: bool = False  # of batches
    tells_progress_in_steps: bool = True  # of videos; else as the provider said it
    waits_for_bill: bool = True  # with the terminal webhook

    # How a job's webhook is configured (contract 3.1).
    has_endpoints: bool = True  # managed ones, by id; without them a webhook is written into the create call
    takes_private_hosts: bool = False  # as callback URLs written into the create call
    mends_events: bool = False  # a list without a known name counts as none, instead of being refused
    names_every_event: bool = False  # a name that is not among all kinds and phases is refused, not dropped

    # Objects and ids (contract 3.1, 3.8, 3.9, 5).
    has_ids_of_its_own: bool = True
    rest_lifecycles: Mapping[str, str] = field(default_factory=lambda: _table(REST_LIFECYCLES))
    push_statuses: Mapping[str, str] = field(default_factory=lambda: _table(PUSH_STATUSES))
    rest_folds_case: bool = True
    respells_canceled: bool = True
    pushes_progress: bool = True  # of batches
    rest_is_wide: bool = False
    names_outcomes: bool = True  # `last_attempt_status`, and the `status` of each attempt shown
    attempts_shown: int = 10
    keeps_first_end: bool = False  # a get shows the stored terminal status, whatever the provider says later

    # Routes and what they check (contract 2.2, 3.3 to 3.7).
    has_list: bool = True
    splits_status: bool = False
    has_alias: bool = True  # `/v1/batch`, and with it capabilities and request rows
    checks_before_cancel: bool = False
    has_upload_limits: bool = True
    stores_submissions: bool = True  # before the provider has answered; else nothing is known of a create that failed
    switched_off: tuple[str, str] = ("forbidden", "batch_api_feature_flag_disabled")  # code and reason
    has_results: bool = False
    tests_endpoints: bool = False


G2 = Generation("G2")

G3 = Generation("G3", names_every_event=True, has_results=True, tests_endpoints=True)

G1B = Generation(
    "G1b",
    header_prefix="x-ai-stats-",
    user_agent="AI-Stats-Async-Webhook/1.0",
    follows_redirects=True,
    phases=G2.phases - {"status_changed"},
    default_events=("job.completed", "job.failed", "job.cancelled", "job.expired"),
    announced_as=_table(ENDS),
    announces_progress=True,
    waits_for_bill=False,
    has_endpoints=False,
    has_ids_of_its_own=False,
    respells_canceled=False,
    rest_is_wide=True,
    names_outcomes=False,
    keeps_first_end=True,
    splits_status=True,
    has_alias=False,
    stores_submissions=False,
    switched_off=("not_implemented_yet", "batch_api_temporarily_disabled"),
    checks_before_cancel=True,
    has_upload_limits=False,
)

G1A = replace(
    G1B,
    name="G1a",
    identifies_deliveries=False,
    delivery_seconds=None,
    phases=G1B.phases - {"expired"},
    default_events=("job.completed", "job.failed", "job.cancelled"),
    announced_as=G2.announced_as,
    announces_progress=False,
    tells_progress_in_steps=False,
    takes_private_hosts=True,
    mends_events=True,
    rest_lifecycles=_table(
        {word: means for word, means in REST_LIFECYCLES.items() if word != "canceled"}, {"expired": "failed"}
    ),
    push_statuses=_table(PUSH_STATUSES, {"expired": "failed"}),
    rest_folds_case=False,
    pushes_progress=False,
    rest_is_wide=False,
    attempts_shown=50,
    has_list=False,
)

GENERATIONS = (G1A, G1B, G2, G3)


def generation_named(word: str) -> Generation:
    """By name, in capitals or not.

    Raises:
        ValueError: there is no such generation; the message names those that there are.
    """
    for generation in GENERATIONS:
        if generation.name.lower() == word.strip().lower():
            return generation
    raise ValueError(f"There is no generation {word}: use {', '.join(each.name for each in GENERATIONS)}.")
