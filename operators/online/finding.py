"""A finding about a source, and how trouble with asking becomes one. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from operators.online.asking import AWAY
from schemas.readings import Troubled
from schemas.words import Trouble

About = Literal["key", "provider", "clocks", "webhook"]
Tone = Literal["good", "note", "trouble", "failure"]  # trouble: it could not be asked; failure: it is wrong

LATER, PLACE, WAY = "try again later", "is base_url right?", "is base_url right, and can this machine reach it?"
ADVICE: Mapping[Trouble, str] = {
    Trouble.KEY_REFUSED: "see to it that api_key_env or api_key_file names a key that works",
    Trouble.RATE_LIMITED: LATER,
    Trouble.GATEWAY: f"the provider has trouble of its own; {LATER}",
    Trouble.UPSTREAM: f"the provider has trouble with somebody behind it; {LATER}",
    Trouble.REDIRECTED: "the key is not taken along; write the right address into base_url",
    Trouble.UNREADABLE: f"something else seems to answer there; {PLACE}",
    Trouble.TIMED_OUT: WAY,
    Trouble.UNREACHABLE: WAY,
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One conclusion about a source."""

    about: About
    tone: Tone
    message: str


def troubled(about: About, trouble: Troubled, advice: str | None = None) -> Finding:
    """Trouble with a question of ours: what it is, and what to do about it."""
    what = f"{trouble.trouble}: {trouble.message}; {advice or ADVICE.get(trouble.trouble, PLACE)}"
    return Finding(about, "trouble" if trouble.trouble in AWAY else "failure", what)
