"""Logging: one event a line, as text on a terminal and as JSON otherwise, on standard error. Never a body, never a secret."""

import logging
import os
import sys
from collections.abc import Mapping
from typing import Any

import structlog

from operators.errors import BadInput
from schemas.texts import clean

LONGEST_VALUE = 256
_FIRST = ("timestamp", "level", "event")


VARIABLE = "BATCHKEEPER_LOG"
LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def wanted(environ: Mapping[str, str]) -> int:
    """The least level that is written, as the environment names it.

    Raises:
        BadInput: there is no such level.
    """
    word = environ.get(VARIABLE, "info").strip().lower()
    if word not in LEVELS:
        raise BadInput(f"{VARIABLE} is one of {', '.join(LEVELS)}")
    return LEVELS[word]


def configure(least: int | None = None) -> None:
    """Set up structlog for this process. What is below `least` is not written; None: as the environment says."""
    least = wanted(os.environ) if least is None else least
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            tidied,
            _renderer(sys.stderr.isatty()),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )


def tidied(_logger: Any, _method: str, event: Any) -> Any:
    """Time, level and event first; every text cut, and nothing in it that a terminal would obey."""
    ordered = {name: event[name] for name in _FIRST if name in event} | dict(event)
    return {name: _traceback(value) if name == "exception" else _tidy(value) for name, value in ordered.items()}


def _tidy(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return clean(value, LONGEST_VALUE) + ("…" if len(value) > LONGEST_VALUE else "")


def _traceback(text: str) -> str:
    return "\n".join(clean(line, LONGEST_VALUE) for line in text.splitlines())


def _renderer(is_terminal: bool) -> Any:
    if not is_terminal:
        return structlog.processors.JSONRenderer()
    # The decorated traceback would print the values of variables, and secrets among them.
    coloured, plain = not os.environ.get("NO_COLOR"), structlog.dev.plain_traceback
    return structlog.dev.ConsoleRenderer(colors=coloured, exception_formatter=plain)
