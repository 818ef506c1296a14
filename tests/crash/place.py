"""A folder with a configuration: where the processes of one life run, on which ports, with which secrets."""

import base64
import os
import socket
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from sandbox.server import DEFAULT_API_KEY, DEFAULT_ENDPOINT_ID, DEFAULT_WEBHOOK_SECRET

GATEWAY, ELSEWHERE = "gateway", "elsewhere"
SECRETS = {GATEWAY: DEFAULT_WEBHOOK_SECRET, ELSEWHERE: f"{DEFAULT_WEBHOOK_SECRET}-of-elsewhere"}
TOLD_SECRET = "whsec_" + base64.b64encode(b"what downstream verifies us with").decode()
SPEED = 90  # a nine-minute batch takes six seconds
POLL_CAP_SECONDS = 1.0
RESERVE_BYTES = 1_000_000  # the files are small, and the disk is everybody's
LONGEST_WAIT_SECONDS = (
    5  # until an open job is asked about again: the cap with its jitter, or a Retry-After of the sandbox
)


@dataclass(frozen=True)
class Place:
    """One life's folder and ports."""

    home: Path
    database_url: str
    receivers: tuple[int, ...]
    sandbox: int
    downstream: int

    @property
    def config(self) -> Path:
        return self.home / "batchkeeper.toml"

    @property
    def data(self) -> Path:
        return self.home / "data"

    def environment(self, **more: str) -> dict[str, str]:
        """Ours, without what would change the configuration."""
        kept = {name: value for name, value in os.environ.items() if not name.upper().startswith("BATCHKEEPER_")}
        secrets = {f"SECRET_{name.upper()}": secret for name, secret in SECRETS.items()}
        return {**kept, **secrets, "KEY": DEFAULT_API_KEY, "TOLD": TOLD_SECRET, **more}

    def prepare(self) -> None:
        """Write the configuration. Paces are short, because the sandbox's durations are."""
        sources = "".join(self._source(name, adopt) for name, adopt in ((GATEWAY, "signed"), (ELSEWHERE, "none")))
        self.config.write_text(f"""\
[database]
url = "{self.database_url}"
[data]
dir = "{self.data}"
reserve_bytes = {RESERVE_BYTES}
[receiver]
port = {self.receivers[0]}
refusals_per_minute = 1000000
[operators]
port = 0
[reconciler]
lease_seconds = 3
first_poll_seconds = 0.5
poll_seconds = 0.3
poll_cap_seconds = {POLL_CAP_SECONDS}
request_timeout_seconds = 10
output_patience_seconds = 3
stuck_cancel_seconds = 2
submit_patience_seconds = 5
quota_retry_seconds = 1
[handoffs.downstream]
type = "http"
url = "http://127.0.0.1:{self.downstream}/told"
secret_env = "TOLD"
retry_seconds = 0.2
retry_cap_seconds = 1
most_attempts = 1000
{sources}""")

    def _source(self, name: str, adopt: str) -> str:
        return f"""\
[sources.{name}]
dialect = "phaseo"
base_url = "http://127.0.0.1:{self.sandbox}/v1"
api_key_env = "KEY"
webhook_secrets_env = ["SECRET_{name.upper()}"]
webhook_endpoint_id = "{DEFAULT_ENDPOINT_ID}"
delivery_window_seconds = 15
adopt = "{adopt}"
fetch_adopted = true
"""


def free_ports(count: int) -> list[int]:
    """Ports that nobody has. All are held until all are known, so that they differ."""
    with ExitStack() as stack:
        listeners = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [int(listener.getsockname()[1]) for listener in listeners]
