"""The README's commands, as they stand there, in a folder of their own."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest
from commands import SCRIPT, environment, free_port, running

pytestmark = pytest.mark.processes

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
SECRETS = {
    "PHASEO_API_KEY": "phaseo_v1_sk_readme00_0123456789abcdef0123456789abcdef",
    "PHASEO_WEBHOOK_SECRET": "whsec_readme_0123456789abcdef0123456789abcdef",
    "BATCHKEEPER_TOKEN": "readme_0123456789abcdef0123456789abcdef",
}


def test_the_seven_steps(tmp_path):
    """
    Each command of the seven steps, and of those for who is on call, ends with 0, in their order, against the sandbox with the
    example's configuration.
    """
    steps = README.partition("## The seven steps")[2]
    started = re.search(r"```\n(cp .*?)```", steps, re.DOTALL)
    blocks = re.findall(r"```sh\n(.*?)```", steps, re.DOTALL)
    assert started and len(blocks) == 2
    receiver, operators, gateway = free_port(), free_port(), free_port()
    variables = {
        **SECRETS,
        "BATCHKEEPER_RECEIVER__PORT": str(receiver),
        "BATCHKEEPER_OPERATORS__PORT": str(operators),
        "BATCHKEEPER_SOURCES__GATEWAY__BASE_URL": f"http://127.0.0.1:{gateway}/v1",
    }
    copy, sandbox, up = (shlex.split(line) for line in started[1].strip().splitlines())
    (tmp_path / copy[2]).write_text((ROOT / copy[1]).read_text())
    (tmp_path / "sandbox").symlink_to(ROOT / "sandbox")
    sandbox = [str(gateway) if word == "8090" else word for word in sandbox[1:]]
    sandbox += ["--webhook-url", f"http://127.0.0.1:{receiver}/webhooks/gateway"]

    with (
        running(sandbox, tmp_path, SECRETS, f"http://127.0.0.1:{gateway}/sandbox/ready"),
        running(up[1:], tmp_path, variables, f"http://127.0.0.1:{receiver}/readyz"),
    ):
        job = ""
        for line in "".join(blocks).splitlines():
            if line.startswith("batchkeeper "):
                arguments = [job if word == "JOB" else word for word in shlex.split(line, comments=True)[1:]]
                done = subprocess.run(
                    [SCRIPT, *arguments],
                    cwd=tmp_path,
                    env=environment(variables),
                    capture_output=True,
                    text=True,
                    check=False,
                )
                found = {3} if arguments[0] == "audit" else set()  # the delivery that was sent by hand
                assert done.returncode in {0, *found}, (line, done.stdout, done.stderr)
                if arguments[0] == "submit":
                    job = done.stdout.split()[0].rstrip(":")


def test_every_verb_is_shown_or_named():
    """
    The README, or the text it leads to first, names every verb that the command line has.
    """
    told = subprocess.run(
        [SCRIPT, "--help"], capture_output=True, text=True, check=True, env=environment({"COLUMNS": "100"})
    )
    verbs = re.findall(r"^  ([a-z]+)  ", told.stdout, re.MULTILINE)

    assert len(verbs) >= 18
    assert [verb for verb in verbs if not re.search(rf"(batchkeeper|`){verb}\b| {verb}\b", README)] == []
