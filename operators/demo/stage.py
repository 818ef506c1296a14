"""What the demo runs on: a temporary folder with a configuration, the sandbox and the service. Nothing of it stays."""

import contextlib
import json
import secrets
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from operators.demo import plan
from operators.demo.processes import Commands, free_port
from operators.demo.providers import PROVIDERS, make_up
from operators.demo.truths import Truth
from operators.views import View

Tell = Callable[[str], None]
Name = tuple[str, str]  # of a job: its source, and the provider's id


@dataclass(frozen=True)
class Stage:
    """What is running: where it lies, and how it is reached."""

    folder: Path
    commands: Commands
    sandbox_url: str
    operators_url: str
    variables: dict[str, str]

    async def ours(self, client: httpx.AsyncClient, path: str) -> Any:
        """What our own service says, over the operators' port."""
        headers = {"authorization": f"Bearer {self.variables[plan.OPERATORS_TOKEN]}"}
        answer = await client.get(f"{self.operators_url}/api/v1/{path}", headers=headers)
        return answer.raise_for_status().json()

    async def truth(self, client: httpx.AsyncClient) -> dict[Name, Truth]:
        """What the sandbox says is true of every job, at each of its providers."""
        found: dict[Name, Truth] = {}
        for provider in PROVIDERS:
            answer = await client.get(f"{self.sandbox_url}{provider.truth_path}")
            told = provider.read_truth(answer.raise_for_status().json())
            found |= {(provider.source, job_id): true for job_id, true in told.items()}
        return found

    def handed_on(self) -> list[View]:
        """The events that downstream was given."""
        kept = self.folder / plan.HANDED_ON
        return [json.loads(line) for line in kept.read_text().splitlines()] if kept.exists() else []


@contextlib.asynccontextmanager
async def staged(endpoint_id: str, given: Mapping[str, str], tell: Tell) -> AsyncIterator[Stage]:
    """Sandbox and service, running. `given` are the variables with the keys and secrets that the sandbox's providers have."""
    receiver, operators, sandbox = (f"http://127.0.0.1:{free_port()}" for _ in range(3))
    variables = {**given, **make_up(), plan.OPERATORS_TOKEN: secrets.token_urlsafe(24)}
    places = {"sandbox": sandbox, "endpoint": endpoint_id}
    tables = tuple(provider.table for provider in PROVIDERS)
    config = plan.configuration(_port(receiver), _port(operators), tables, places, sys.executable)
    with tempfile.TemporaryDirectory(prefix="batchkeeper-demo-") as name:
        folder = Path(name)
        (folder / "batchkeeper.toml").write_text(config)
        (folder / "downstream.py").write_text(plan.DOWNSTREAM)
        tell(f"the configuration, in {folder}:\n\n{_indented(config)}")
        commands = Commands(folder, variables)
        arguments = _sandbox(_port(sandbox), receiver)
        tell(f"$ batchkeeper {' '.join(arguments)}\n$ batchkeeper up")
        async with (
            commands.running(*arguments, answers_at=f"{sandbox}/sandbox/ready"),
            commands.running("up", answers_at=f"{receiver}/readyz"),
        ):
            yield Stage(folder, commands, sandbox, operators, variables)


def _sandbox(port: int, receiver: str) -> list[str]:
    """The arguments of the command that runs the sandbox: each provider sends its webhooks to its own source."""
    hooks = {one.webhook_option: f"{receiver}/webhooks/{one.source}" for one in PROVIDERS if one.webhook_option}
    options = [word for option, url in hooks.items() for word in (option, url)]
    return ["sandbox", "--port", str(port), "--speed", str(plan.SPEED), *options]


def _port(url: str) -> int:
    return int(url.rpartition(":")[2])


def _indented(text: str) -> str:
    return "".join(f"    {line}\n" for line in text.splitlines())
