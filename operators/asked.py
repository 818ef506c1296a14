"""What the log says when somebody asks for an action over HTTP. The command line has no log: its listing of actions tells."""

from typing import Any

import structlog

from schemas.texts import clean

log = structlog.get_logger()

LONGEST = 500
_NAMES = ("source", "kind", "job_id", "target")


def tell(face: str, verb: str, reason: str | None, about: dict[str, Any]) -> None:
    """Once it is stored. `face`: through which it was asked for. `about`: what names the thing, empty values left out."""
    named = {name: clean(str(value), LONGEST) for name, value in about.items() if value not in (None, "")}
    log.info("action_asked", face=face, verb=verb, **named, reason=None if reason is None else clean(reason, LONGEST))


def names_of(view: dict[str, Any]) -> dict[str, Any]:
    """What names a thing, of its view."""
    return {name: view[name] for name in _NAMES if name in view}
