"""What the demo plays: which faults, at which speed, with which configuration."""

from dataclasses import dataclass

SPEED = 90  # a nine-minute batch takes six seconds, the gateway's 21 minutes of retries fourteen
WINDOW_SECONDS = 20  # longer than those retries
DEADLINE_SECONDS = 90

KEY, SECRET, TOKEN = "PHASEO_API_KEY", "PHASEO_WEBHOOK_SECRET", "DEMO_OPERATORS_TOKEN"
SOURCE = "gateway"


@dataclass(frozen=True, slots=True)
class Batch:
    """One batch of the demo: the sandbox's scenario words, and what they play, for a person."""

    scenario: str
    story: str
    is_cancelled: bool = False
    shard_rows: int | None = None  # of the twelve rows; fewer make a group


BATCHES = (
    Batch("", "a good day"),
    Batch("webhook_lost", "webhook never sent"),
    Batch("webhook_repeated", "webhook sent three times"),
    Batch("webhook_delayed", "webhook late"),
    Batch("webhook_given_up", "gateway cannot reach us, gives up"),
    Batch("webhook_badly_signed", "webhook signed with a wrong secret"),
    Batch("fails", "batch fails"),
    Batch("expires,webhook_lost", "batch expires, webhook never sent"),
    Batch("rows_fail", "some rows fail"),
    Batch("", "cancelled by us", is_cancelled=True),
    Batch("status_500,webhook_lost", "webhook never sent, gateway answers 500"),
    Batch("", "one of a group of three", shard_rows=4),
)
HANDED_ON = "handed-on.jsonl"
# What stands for whatever a team does with its results: it is given the event on standard input, and keeps it.
DOWNSTREAM = f"""\
import sys

with open({HANDED_ON!r}, "a") as kept:
    kept.write(sys.stdin.read() + "\\n")
"""


def configuration(receiver_port: int, operators_port: int, sandbox_port: int, endpoint_id: str, python: str) -> str:
    """The demo's batchkeeper.toml. Its paces are short, because the sandbox's durations are."""
    return f"""\
[database]
url = "sqlite:///batchkeeper.db"

[receiver]
port = {receiver_port}

[operators]
port = {operators_port}
token_env = "{TOKEN}"

[reconciler]                     # real defaults are minutes; the sandbox runs {SPEED} times as fast
first_poll_seconds = 5
poll_seconds = 2
poll_cap_seconds = 5
output_patience_seconds = 10

[data]
reserve_bytes = 1048576          # a demo needs little

[handoffs.downstream]            # told of each job, once its results are here
type = "command"
command = ["{python}", "downstream.py"]

[handoffs.groups]                # told of each group, once its last job is ready
type = "command"
command = ["{python}", "downstream.py"]
on = "group"

[sources.{SOURCE}]
dialect = "phaseo"
base_url = "http://127.0.0.1:{sandbox_port}/v1"
api_key_env = "{KEY}"
webhook_secrets_env = ["{SECRET}"]
webhook_endpoint_id = "{endpoint_id}"
delivery_window_seconds = {WINDOW_SECONDS}
"""
