"""A service that is told to stop stops, whatever the store does at that moment."""

import contextlib
import signal
import sqlite3
import subprocess
from pathlib import Path

import pytest
from commands import SCRIPT, environment, free_port, wait_for

pytestmark = pytest.mark.processes

ROOT = Path(__file__).parents[2]


def test_sigterm_while_somebody_else_writes_for_long(tmp_path: Path) -> None:
    """
    SIGTERM ends `up` although its leases cannot be given back, because another process holds the database for longer than
    anybody waits for it.
    """
    receiver = free_port()
    variables = environment(
        {
            "PHASEO_API_KEY": "phaseo_v1_sk_stopping_0123456789abcdef",
            "PHASEO_WEBHOOK_SECRET": "whsec_stopping_0123456789abcdef",
            "BATCHKEEPER_CONFIG": str(ROOT / "config.example.toml"),
            "BATCHKEEPER_RECEIVER__PORT": str(receiver),
            "BATCHKEEPER_OPERATORS__PORT": "0",
            "BATCHKEEPER_RECONCILER__LEASE_SECONDS": "3",
        }
    )
    log = tmp_path / "up.log"
    with log.open("wb") as output:
        process = subprocess.Popen([SCRIPT, "up"], cwd=tmp_path, env=variables, stdout=output, stderr=output)
    try:
        wait_for(process, f"http://127.0.0.1:{receiver}/readyz", log)
        with contextlib.closing(sqlite3.connect(tmp_path / "batchkeeper.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            process.send_signal(signal.SIGTERM)

            assert process.wait(30) == 0, log.read_text()
            other.execute("ROLLBACK")
        assert "stopped" in log.read_text()
    finally:
        process.kill()
        process.wait()
