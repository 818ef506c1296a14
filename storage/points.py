"""The named points of the crash matrix: where a process can be made to die, to show that nothing is lost there.

Free unless switched on: `BATCHKEEPER_CRASH_AT=R5:3` kills this process with SIGKILL the third time that it reaches R5.
"""

import os
import signal

_name, _, _count = os.environ.get("BATCHKEEPER_CRASH_AT", "").partition(":")
_left = int(_count or 1) if _name else 0

POINTS = {
    "R1": "headers read",
    "R2": "body read",
    "R3": "signature verified",
    "R4": "rows written, not committed",
    "R5": "rows committed, not answered",
    "R6": "answered",
    "R7": "reconciler woken",
    "A1": "receipts taken from the inbox",
    "A2": "verdicts written, not committed",
    "A3": "verdicts committed",
    "P1": "job chosen to be asked about",
    "P2": "question sent",
    "P3": "answer read",
    "P4": "answer written, not committed",
    "P5": "answer committed",
    "P6": "job free to be asked about again",
    "C1": "cancel asked for and committed",
    "C2": "cancel sent",
    "C3": "cancel answered",
    "C4": "cancel's answer committed",
    "S1": "submission stored",
    "S2": "upload sent",
    "S3": "file id stored",
    "S4": "create about to be sent, committed",
    "S5": "create sent",
    "S6": "create answered",
    "S7": "job stored",
    "D1": "temporary file opened",
    "D2": "a piece of it written",
    "D3": "all of it written, not synced",
    "D4": "synced",
    "D5": "renamed",
    "D6": "folder synced, not committed",
    "D7": "file committed",
    "H1": "hand-off claimed",
    "H2": "target being told",
    "H3": "target told, not committed",
    "H4": "hand-off committed",
    "V1": "refused requests verified once more",
    "V2": "those found authentic written, not committed",
    "V3": "those found authentic committed",
    "M1": "before a migration",
    "M2": "after a migration, not committed",
}

if _name and _name not in POINTS:
    raise SystemExit(f"BATCHKEEPER_CRASH_AT names no point: {_name}; there are {', '.join(POINTS)}")


def reach(point: str) -> None:
    """Pass a named point, or die there if this is the one."""
    if point == _name:
        _die_when_counted()


def _die_when_counted() -> None:
    global _left  # noqa: PLW0603  (one process has one fate)
    _left -= 1
    if _left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
