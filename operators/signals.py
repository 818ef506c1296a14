"""What the process does about signals: SIGTERM and SIGINT end it, SIGHUP has it read its configuration anew."""

import asyncio
import contextlib
import os
import signal
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import structlog

log = structlog.get_logger()

STOP_SECONDS = 9.5  # whoever stops services kills what is not gone within ten, as often as not


@dataclass
class Asked:
    """What the process has been asked for. `to_reload` is cleared by whoever does it."""

    to_stop: asyncio.Event = field(default_factory=asyncio.Event)
    to_reload: asyncio.Event = field(default_factory=asyncio.Event)


@contextlib.asynccontextmanager
async def heard() -> AsyncIterator[Asked]:
    """
    The first SIGTERM or SIGINT sets `to_stop`, the second ends the process at once; SIGHUP sets `to_reload`.

    A process that has been told to stop is gone within STOP_SECONDS, whatever it waits for.
    """
    loop, asked, had_terminal = asyncio.get_running_loop(), Asked(), _has_terminal()

    def stop(number: int) -> None:
        if asked.to_stop.is_set():
            os._exit(128 + number)
        asked.to_stop.set()
        _bound()
        log.info("stopping", signal=signal.Signals(number).name)

    def hang_up() -> None:
        if had_terminal and not _has_terminal():
            os._exit(128 + signal.SIGHUP)  # nobody asks for anything: the window was closed, as of any other program
        if asked.to_stop.is_set():
            return
        asked.to_reload.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop, number)
    loop.add_signal_handler(signal.SIGHUP, hang_up)
    try:
        yield asked
    finally:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.remove_signal_handler(number)


def _bound() -> None:
    """A thread, because the loop is over before the process is: a store that hangs can hold up threads that both wait for."""
    timer = threading.Timer(STOP_SECONDS, _give_up)
    timer.daemon = True
    timer.start()


def _give_up() -> None:
    """Nothing is lost by it that was acknowledged: a process of ours can be killed at any time."""
    log.warning("stopped", unfinished=True, advice="leases that were not given back lapse by themselves")
    os._exit(0)


def _has_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC))
    except OSError:
        return False
    return True
