"""What a dialect says about the configuration of its sources."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from schemas.config.model import Section, Webhook


@dataclass(frozen=True)
class DialectDefaults:
    """What a source's keys become when the file leaves them out, which of them there are, and which event names it may list.

    The functions are given options of the class that `options` names.
    """

    base_url: str  # "": everybody has their own, so the file has to name it
    tolerance_seconds: int
    delivery_window_seconds: int
    webhook_events: tuple[str, ...]
    known_events: frozenset[str]
    requests_per_minute: int | None = None  # None: the provider's contract names no limit
    # How its webhooks can be set up, the usual one first.
    webhooks: tuple[Webhook, ...] = ("endpoint", "inline", "none")
    names_endpoint: bool = True  # a new job names its webhook endpoint by id
    concurrency: int | None = None  # None: as in [reconciler]
    request_timeout_seconds: float | None = None
    max_answer_bytes: int | None = None
    options: type[Section] = Section  # the keys of [sources.NAME.options]
    # What the options name secrets for: "llm_key" has the keys llm_key_env and llm_key_file.
    secrets: tuple[str, ...] = ()
    shows_key: bool = True  # False: the key goes into a body, as a password does, and may hold what no header can
    # Why a text cannot be one of its webhook secrets, with these options.
    why_not_secret: Callable[[str, Any], str | None] | None = None
    why_not_options: Callable[[Any], tuple[str, str] | None] | None = (
        None  # what is wrong between options, and the mending
    )
    # What is wrong between the options and base_url, and the mending.
    why_not_base_url: Callable[[Any, str], tuple[str, str] | None] | None = None
    # The event names that the options tell, where they are not known before; then these two count in place of those above.
    events: Callable[[Any], tuple[str, ...]] | None = None
