"""The providers of the demo: for each a source, its secrets, and the jobs that are played there. A new provider is one entry."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from operators.demo import truths
from operators.demo.plan import WINDOW_SECONDS, Job
from operators.demo.truths import Truth


def _secret() -> str:
    return f"whsec_{secrets.token_urlsafe(32)}"


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider.

    `table` configures its source; `$sandbox` in it is the sandbox's own URL. `made_up` are the variables whose values are ours to
    choose; the sandbox tells the others. `webhook_option` is the option of `batchkeeper sandbox` that says where its webhooks
    go, if each job does not say so. `truth_path` is where the stand-in says what became of its jobs, and `read_truth` reads that.
    `create_path` is where another program makes a job, with the key that the variable `api_key` holds.
    """

    source: str
    name: str
    table: str
    jobs: tuple[Job, ...]
    truth_path: str
    read_truth: Callable[[Any], dict[str, Truth]]
    made_up: Mapping[str, Callable[[], str]]
    webhook_option: str | None = None
    create_path: str = ""
    api_key: str = ""


GATEWAY = Provider(
    source="gateway",
    name="the gateway",
    table=f"""\
[sources.gateway]
dialect = "phaseo"
base_url = "$sandbox/v1"
api_key_env = "PHASEO_API_KEY"
webhook_secrets_env = ["PHASEO_WEBHOOK_SECRET"]
webhook_endpoint_id = "$endpoint"
delivery_window_seconds = {WINDOW_SECONDS}
""",
    jobs=(
        Job("a good day"),
        Job("webhook never sent", "webhook_lost", is_slow=True),
        Job("webhook never sent, gateway answers 500", "status_500,webhook_lost", is_slow=True),
        Job("webhook sent three times", "webhook_repeated"),
        Job("webhook late", "webhook_delayed"),
        Job("gateway cannot reach us, gives up", "webhook_given_up", is_slow=True),
        Job("webhook signed with a wrong secret", "webhook_badly_signed", is_slow=True),
        Job("batch fails", "fails"),
        Job("batch expires, webhook never sent", "expires,webhook_lost", is_slow=True),
        Job("some rows fail", "rows_fail"),
        Job("cancelled by us", "works_long", is_cancelled=True),
        Job("one of a group of three", options=("--shard-rows", "4")),
    ),
    truth_path="/sandbox/truth",
    read_truth=truths.of_gateway,
    made_up={
        "PHASEO_API_KEY": lambda: f"phaseo_v1_sk_demo0000_{secrets.token_hex(16)}",
        "PHASEO_WEBHOOK_SECRET": _secret,
    },
    webhook_option="--webhook-url",
)
OPENAI = Provider(
    source="openai",
    name="OpenAI",
    table=f"""\
[sources.openai]
dialect = "openai"
base_url = "$sandbox/openai/v1"
api_key_env = "OPENAI_API_KEY"
webhook_secrets_env = ["OPENAI_WEBHOOK_SECRET"]
delivery_window_seconds = {WINDOW_SECONDS}
""",
    jobs=(Job("first webhook badly signed, rows fail", "webhook_badly_signed_once,rows_fail"),),
    truth_path="/openai/sandbox/truth",
    read_truth=truths.of_openai,
    made_up={},
    webhook_option="--openai-webhook-url",
)
THUNDERBIT = Provider(
    source="thunderbit",
    name="Thunderbit",
    table=f"""\
[sources.thunderbit]
dialect = "thunderbit"
base_url = "$sandbox/thunderbit/openapi/v1"
api_key_env = "THUNDERBIT_API_KEY"
webhook = "inline"
webhook_secrets_env = ["THUNDERBIT_WEBHOOK_SECRET"]
requests_per_minute = 600        # its free plan has 10
delivery_window_seconds = {WINDOW_SECONDS}
""",
    jobs=(Job("pages as CSV, two fail", file="pages.csv", options=("--endpoint", "/batch/distill")),),
    truth_path="/thunderbit/sandbox/truth",
    read_truth=truths.of_thunderbit,
    made_up={"THUNDERBIT_WEBHOOK_SECRET": _secret},
)
TAGGER = Provider(
    source="tagger",
    name="the document tagger",
    table="""\
[sources.tagger]                 # it sends no webhooks
dialect = "tagger"
base_url = "$sandbox/tagger"
api_key_env = "TAGGER_PASSWORD"

[sources.tagger.options]
email = "daemon@tagger.example"
llm_key_env = "OPENROUTER_API_KEY"
""",
    jobs=(Job("documents as CSV, two fail", file="documents.csv"),),
    truth_path="/tagger/sandbox/truth",
    read_truth=truths.of_tagger,
    made_up={"OPENROUTER_API_KEY": lambda: f"sk-or-{secrets.token_hex(16)}"},
)
ANTHROPIC = Provider(
    source="anthropic",
    name="Anthropic",
    table="""\
[sources.anthropic]              # it sends no webhooks
dialect = "anthropic"
base_url = "$sandbox/anthropic/v1"
api_key_env = "ANTHROPIC_API_KEY"
""",
    jobs=(Job("messages, one fails", file="messages.jsonl"),),
    truth_path="/anthropic/sandbox/truth",
    read_truth=truths.of_anthropic,
    made_up={},
)
STANDARD = Provider(
    source="standard",
    name="a provider by configuration",
    table=f"""\
[sources.standard]               # a provider of Standard Webhooks, whose jobs are made by others and adopted
dialect = "standard"
base_url = "$sandbox/standard"
api_key_env = "STANDARD_API_KEY"
webhook_secrets_env = ["STANDARD_SECRET"]
delivery_window_seconds = {WINDOW_SECONDS}
fetch_adopted = true             # to be told downstream, too

[sources.standard.options]
kind = "task"
status_url = "/standard/v1/tasks/{{job}}"
status = "data.status"
words = {{ queued = "pending", running = "running", completed = "completed", failed = "failed" }}
expected_events = {{ "task.completed" = "completed", "task.failed" = "failed" }}
""",
    jobs=(Job("made by another program", order={"seconds": 60}),),
    truth_path="/standard/sandbox/truth",
    read_truth=truths.of_standard,
    made_up={},
    webhook_option="--standard-webhook-url",
    create_path="/standard/v1/tasks",
    api_key="STANDARD_API_KEY",
)
PROVIDERS = (GATEWAY, OPENAI, THUNDERBIT, TAGGER, ANTHROPIC, STANDARD)
OTHERS = PROVIDERS[1:]


def make_up() -> dict[str, str]:
    """The variables whose values are ours to choose, chosen."""
    return {name: make() for provider in PROVIDERS for name, make in provider.made_up.items()}
