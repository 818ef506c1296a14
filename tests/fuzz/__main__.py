"""Looks for bytes that break the dialect or the receiver: every target for a while, guided by what code it reaches.

Ends with 1 if something broke. The input is then left in tests/fuzz/found, where the suite fails on it until it is mended.
"""

import argparse
import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from fuzz import receiver, seeds, targets
from fuzz.mutations import HOSTILE

FOUND = Path(__file__).parent / "found"
TARGETS = {**targets.TARGETS, **receiver.TARGETS}
GRACE = 60  # seconds more than asked for, until a run counts as stuck


def main() -> int:
    chosen = _arguments()
    if importlib.util.find_spec("atheris") is None:
        print(
            "NOTHING WAS FUZZED: atheris cannot be imported; it has wheels for Python 3.11 to 3.13 on x86-64 Linux only"
        )
        return 0
    broken = [name for name in chosen.targets or TARGETS if not _is_sound(name, chosen.seconds)]
    print(f"broken: {', '.join(broken)}; their inputs are in {FOUND}" if broken else "nothing broke")
    return 1 if broken else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make fuzz FUZZ='...'", description=__doc__)
    parser.add_argument("--seconds", type=int, default=30, help="for each target (30)")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"some of {', '.join(TARGETS)} (all)")
    chosen = parser.parse_args()
    for unknown in set(chosen.targets) - TARGETS.keys():
        parser.error(f"there is no target {unknown}; there are {', '.join(TARGETS)}")
    return chosen


def _is_sound(name: str, seconds: int) -> bool:
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        command = [sys.executable, "-m", "fuzz.one", name, *_options(name, seconds, Path(folder))]
        environ = {**os.environ, "TMPDIR": folder}  # what the target leaves behind goes with it
        done = subprocess.run(
            command, env=environ, timeout=seconds + GRACE, check=False, capture_output=True, text=True, errors="replace"
        )
    tried, reached = (_last(pattern, done.stderr) for pattern in (r"executed_units: (\d+)", r"cov: (\d+)"))
    verdict = "BROKEN" if done.returncode else "sound"
    print(f"{name:18} {tried:>9} inputs, {reached:>5} edges  {verdict}", flush=True)
    if done.returncode:
        print(done.stdout[-3_000:], done.stderr[-3_000:], sep="\n")
    return not done.returncode


def _options(name: str, seconds: int, folder: Path) -> list[str]:
    """What libFuzzer is to begin at, and for how long. The corpus grows in the folder, and is forgotten with it."""
    FOUND.mkdir(exist_ok=True)
    corpus, words = folder / "corpus", folder / "words"
    corpus.mkdir()
    for number, seed in enumerate(TARGETS[name].seeds):
        (corpus / str(number)).write_bytes(seed)
    words.write_text("".join(f'"{_quoted(word)}"\n' for word in _words()))
    limits = (f"-max_total_time={seconds}", "-timeout=10", "-max_len=8192", "-print_final_stats=1")
    return [str(corpus), *limits, f"-dict={words}", f"-artifact_prefix={FOUND / name}-"]


def _words() -> list[str]:
    """The words of the gateway's bodies, and hostile ones: what a mutation would hardly hit upon by itself."""
    text = "".join(map(repr, (seeds.BATCH, seeds.LIST, seeds.FILE_RECORD, seeds.ENVELOPES, seeds.PUSHES)))
    headers = ("x-phaseo-signature", "x-phaseo-timestamp", "x-ai-stats-signature", "x-phaseo-delivery-key")
    hostile = [json.dumps(value) for value in HOSTILE]
    return sorted({*re.findall(r"'([\w.]{2,40})'", text), *headers, *(word for word in hostile if len(word) < 60)})


def _quoted(word: str) -> str:
    """As libFuzzer's dictionaries want it."""
    return word.replace("\\", "\\\\").replace('"', '\\"')


def _last(pattern: str, text: str) -> str:
    return (re.findall(pattern, text) or ["?"])[-1]


if __name__ == "__main__":
    sys.exit(main())
