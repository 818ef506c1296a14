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
)


def configuration(receiver_port: int, operators_port: int, sandbox_port: int, endpoint_id: str) -> str:
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

[sources.{SOURCE}]
dialect = "phaseo"
base_url = "http://127.0.0.1:{sandbox_port}/v1"
api_key_env = "{KEY}"
webhook_secrets_env = ["{SECRET}"]
webhook_endpoint_id = "{endpoint_id}"
delivery_window_seconds = {WINDOW_SECONDS}
"""
