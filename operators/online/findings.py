"""What the answers of a provider say about the configuration of its source, and what they come to. Pure."""

from collections.abc import Iterable, Iterator

from operators.online.asking import Heard
from operators.online.clocks import is_too_far
from operators.online.finding import Finding, troubled
from operators.online.webhooks import of_webhook
from schemas.config import Config, Source
from schemas.readings import KeyFails, KeyWorks
from schemas.times import in_words
from schemas.words import Trouble

WRONG, AWAY = 1, 7


def findings(config: Config, source: Source, heard: Heard, has_management_key: bool) -> list[Finding]:
    """Everything that can be said, the key first; little is to be said when nobody could be asked."""
    found = [_key(heard.key), *_clocks(source, heard)]
    return found if heard.is_away else [*found, *of_webhook(config, source, heard, has_management_key)]


def exit_code(found: Iterable[Finding]) -> int:
    """0 when nothing is wrong; 1 when something is; 7 when nothing is known to be, and somebody could not be asked."""
    tones = {finding.tone for finding in found}
    return WRONG if "failure" in tones else AWAY if "trouble" in tones else 0


def _key(key: KeyWorks | KeyFails) -> Finding:
    match key:
        case KeyWorks(note=None):
            return Finding("key", "good", "works")
        case KeyWorks(note=note):
            return Finding("key", "note", f"works; {note}")
        case KeyFails(trouble, advice):
            is_about_key = trouble.trouble is Trouble.KEY_REFUSED
            return troubled("key" if is_about_key else "provider", trouble, advice)


def _clocks(source: Source, heard: Heard) -> Iterator[Finding]:
    if heard.clock is None:
        if not heard.is_away:
            yield Finding("clocks", "note", "the provider's answer bears no date to compare our clock with")
    elif not is_too_far(heard.clock, source):
        yield Finding("clocks", "good", "ours and the provider's agree")
    else:
        way = "ahead of" if heard.clock > 0 else "behind"
        yield Finding(
            "clocks",
            "failure",
            f"ours is {in_words(abs(heard.clock))} {way} the provider's; deliveries that were signed more than "
            f"{source.tolerance_seconds} s from our time are refused as stale: set this machine's clock",
        )
