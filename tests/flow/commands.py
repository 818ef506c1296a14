"""Running the console script in a folder, as a person would in a terminal."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

SCRIPT = Path(sys.executable).with_name("batchkeeper")
START_SECONDS = 60


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def environment(variables: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("BATCHKEEPER_", "PHASEO_"))}
    return {**kept, **variables}


@contextlib.contextmanager
def running(arguments: list[str], folder: Path, variables: Mapping[str, str], answers_at: str) -> Iterator[None]:
    """A command that runs until the end of the block, once its URL answers."""
    log = folder / f"{arguments[0]}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [SCRIPT, *arguments],
            cwd=folder,
            env=environment(variables),
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
        )
    try:
        wait_for(process, answers_at, log)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    """Wait until a URL answers with 200, as long as the process lives."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        with contextlib.suppress(urllib.error.URLError, OSError), urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310  (loopback)
            if answer.status == 200:
                return
        time.sleep(0.05)
    raise AssertionError(f"{url} does not answer: {log.read_text()}")
