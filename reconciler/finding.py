"""Findings: conclusions that deserve a person's eye, each with the rule that it was drawn by and the facts that it rests on."""

from dataclasses import dataclass
from typing import Any, Literal

Axis = Literal["execution", "cancellation", "delivery", "asking"]
Tone = Literal["good", "note", "trouble", "failure"]

# Where a fact was read.
ANSWER, ACCOUNT, ACTION = "an answer of the provider", "the provider's account of its attempts", "what was asked for"
LEDGER, STORE = "our ledger of deliveries", "our own store"
WINDOW = "the source's delivery window, from when we knew of the end"
ROWS, QUESTIONS, WEBHOOK = "the rows that we fetched", "our own questions", "a webhook"
REFUSALS, TALLIES, DATES = "our record of refusals", "our counters per minute", "the Date of the provider's answers"


@dataclass(frozen=True, slots=True)
class Fact:
    """One value, where it was read, and when (microseconds)."""

    name: str
    value: Any
    read_from: str
    at: int | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One conclusion about a job. `rule` names what it was concluded by."""

    axis: Axis
    rule: str
    tone: Tone
    message: str
    facts: tuple[Fact, ...] = ()
