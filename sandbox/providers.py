"""The providers that the sandbox stands in for beside the Phaseo gateway. A new one is a new folder and a line here."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from sandbox.anthropic.provider import Anthropic
from sandbox.clock import Clock
from sandbox.openai.provider import OpenAI
from sandbox.provider import Provider
from sandbox.standard.provider import Standard
from sandbox.tagger.provider import Tagger
from sandbox.thunderbit.provider import Thunderbit

if TYPE_CHECKING:
    from sandbox.server import SandboxSettings

MAKERS: tuple[Callable[["SandboxSettings", Clock], Provider], ...] = (OpenAI, Anthropic, Standard, Tagger, Thunderbit)


def make_providers(settings: "SandboxSettings", clock: Clock) -> Sequence[Provider]:
    return [make(settings, clock) for make in MAKERS]
