"""What the demo plays: at which speed, for how long, which jobs, and with which configuration."""

from collections.abc import Mapping
from dataclasses import dataclass
from string import Template
from typing import Any

SPEED = 90  # a nine-minute batch takes six seconds, the gateway's 21 minutes of retries fourteen
WINDOW_SECONDS = 20  # longer than those retries
DEADLINE_SECONDS = 90

OPERATORS_TOKEN = "DEMO_OPERATORS_TOKEN"  # noqa: S105 - the variable that holds it
EXAMPLES = "sandbox/examples"


@dataclass(frozen=True, slots=True)
class Job:
    """One job of the demo: what it plays, for a person, and in the sandbox's words; which example is submitted, and how."""

    story: str
    scenario: str = ""
    file: str = "requests.jsonl"
    options: tuple[str, ...] = ()  # of `batchkeeper submit`
    order: Mapping[str, Any] | None = None  # made by another program: what the provider's create call is sent
    is_cancelled: bool = False
    is_slow: bool = False  # it takes a delivery window or more, so it begins first

    def submit(self, examples: str, source: str) -> list[str]:
        """The arguments of the command that submits it, from this folder of examples."""
        metadata = ["--metadata", f"scenario={self.scenario}"] if self.scenario else []
        return ["submit", f"{examples}/{self.file}", "--source", source, *metadata, *self.options]


HANDED_ON = "handed-on.jsonl"
# What stands for whatever a team does with its results: it is given the event on standard input, and keeps it.
DOWNSTREAM = f"""\
import sys

with open({HANDED_ON!r}, "a") as kept:
    kept.write(sys.stdin.read() + "\\n")
"""


def configuration(
    receiver_port: int, operators_port: int, tables: tuple[str, ...], places: dict[str, str], python: str
) -> str:
    """The demo's batchkeeper.toml. Its paces are short, because the sandbox's durations are. `tables` are those of the sources,
    and `places` what stands for the names with a dollar sign in them."""
    sources = "\n".join(Template(table).substitute(places) for table in tables)
    return f"""\
[database]
url = "sqlite:///batchkeeper.db"

[receiver]
port = {receiver_port}

[operators]
port = {operators_port}
token_env = "{OPERATORS_TOKEN}"

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

{sources}"""
