"""Files of requests, submitted by the command as an operator types it, and how each command ended."""

import json
import signal
from dataclasses import dataclass, field

from .place import GATEWAY, Place
from .plan import SUBMISSION
from .processes import Processes

PARTS, ROWS_A_PART = 2, 2
SCENARIOS = ("", "create_lost", "rows_fail", "webhook_lost", "fails")
STORED_CODES = (0, 7)  # 7: stored, and nobody could tell at the end whether the provider had made its batch
PATIENCE_SECONDS = 150  # the command follows what it stored for as long as there is news of it, and a minute more


@dataclass
class Submitter:
    """Submits to the gateway's source. `stored` holds the names of the files whose command has stored them, so far as it told;
    `complaints` are commands that ended as they should not."""

    place: Place
    processes: Processes
    stored: set[str] = field(default_factory=set)
    complaints: list[str] = field(default_factory=list)
    _made: int = 0

    async def submit(self) -> None:
        """One file, with the command at work for as long as it likes."""
        name = self._file()
        code = await self._run(name)
        if code in STORED_CODES:
            self.stored.add(name)
        else:
            self.complaints.append(f"batchkeeper submit {name} ended with {code}")

    async def submit_and_die(self) -> bool:
        """One file, with a command that is killed as soon as it is stored. Whether it was."""
        name = self._file()
        code = await self._run(name, SUBMISSION)
        if code == -signal.SIGKILL:
            self.stored.add(name)
            return True
        self.complaints.append(f"batchkeeper submit {name}, to be killed at {SUBMISSION}, ended with {code}")
        return False

    async def _run(self, name: str, crash_at: str = "") -> int:
        scenario = SCENARIOS[self._made % len(SCENARIOS)]
        metadata = ("--metadata", f"scenario={scenario}") if scenario else ()
        words = ("--source", GATEWAY, "--shard-rows", str(ROWS_A_PART), *metadata, "--json")
        path = str(self.place.home / name)
        return await self.processes.run("submit", path, *words, crash_at=crash_at, patience=PATIENCE_SECONDS)

    def _file(self) -> str:
        """Write the next file. Its name."""
        self._made += 1
        body = {"model": "gpt-5", "messages": [{"role": "user", "content": "hello"}]}
        row = {"method": "POST", "url": "/v1/chat/completions", "body": body}
        rows = [{"custom_id": f"row-{number}", **row} for number in range(PARTS * ROWS_A_PART)]
        name = f"requests-{self._made:04}.jsonl"
        (self.place.home / name).write_text("".join(json.dumps(row) + "\n" for row in rows))
        return name
