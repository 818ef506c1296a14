"""Why requests are refused: what each reason usually comes of, and by which rule many of them are a finding.

One table for whoever looks at one refusal and for the rules about a source. docs/refusals.md says what to do."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from schemas.words import RefusalReason, SourceRule


@dataclass(frozen=True, slots=True)
class Cause:
    """`rule`: None for what any stranger can bring about, and that is no finding, however much of it there is."""

    usually: str
    rule: SourceRule | None = None


CAUSES: Mapping[RefusalReason, Cause] = MappingProxyType(
    {
        RefusalReason.SIGNATURE_WRONG: Cause(
            "the secret was changed at the provider or here, something on the way changes the body, or it is a forgery",
            SourceRule.WRONG_SECRET,
        ),
        RefusalReason.TIMESTAMP_STALE: Cause(
            "our clock is ahead, the request was long on its way, or an old one was sent again", SourceRule.CLOCK_SKEW
        ),
        RefusalReason.TIMESTAMP_FUTURE: Cause("our clock is behind, or the sender's is ahead", SourceRule.CLOCK_SKEW),
        RefusalReason.SIGNATURE_MISSING: Cause(
            "the sender signs nothing, or by another scheme than this source's dialect", SourceRule.OTHER_SCHEME
        ),
        RefusalReason.SIGNATURE_DOUBLED: Cause(
            "something on the way repeats header fields, or somebody tries which of two counts", SourceRule.OTHER_SCHEME
        ),
        RefusalReason.SIGNATURE_MALFORMED: Cause(
            "the sender signs by another scheme or version than this source's dialect", SourceRule.OTHER_SCHEME
        ),
        RefusalReason.TIMESTAMP_MISSING: Cause(
            "the sender signs by another scheme or version than this source's dialect", SourceRule.OTHER_SCHEME
        ),
        RefusalReason.TIMESTAMP_DOUBLED: Cause(
            "something on the way repeats header fields, or somebody tries which of two counts", SourceRule.OTHER_SCHEME
        ),
        RefusalReason.TIMESTAMP_MALFORMED: Cause(
            "the sender writes the time in another way than this source's dialect", SourceRule.OTHER_SCHEME
        ),
        RefusalReason.HEADER_CONTRADICTS: Cause(
            "something on the way changes header fields, or an old request was sent again under another name",
            SourceRule.OTHER_SCHEME,
        ),
        RefusalReason.TOO_LARGE: Cause(
            "the body or the head is larger than [receiver] allows", SourceRule.REQUESTS_REFUSED
        ),
        RefusalReason.ENCODED: Cause(
            "the sender, or something on the way, compresses the body", SourceRule.REQUESTS_REFUSED
        ),
        RefusalReason.NOT_STORED: Cause(
            "the database could not be written, the service was stopping, or the source has no secret",
            SourceRule.REQUESTS_REFUSED,
        ),
        RefusalReason.TOO_SLOW: Cause("the sender or the network is slow, or somebody holds connections open"),
        RefusalReason.FRAMING: Cause("it is no plain HTTP request, or one whose end can be read in two ways"),
        RefusalReason.UNKNOWN_SOURCE: Cause(
            "the provider was given a URL that is none of ours, or somebody looks around"
        ),
        RefusalReason.METHOD: Cause("somebody looks around with a browser, or a check is pointed at the webhook's URL"),
        RefusalReason.FLOOD: Cause("one address had too many refusals in a minute; those before it tell the reason"),
    }
)


def reasons_of(rule: SourceRule) -> tuple[RefusalReason, ...]:
    """The reasons of which a rule makes a finding."""
    return tuple(reason for reason, cause in CAUSES.items() if cause.rule is rule)


REASONS: Mapping[SourceRule, tuple[RefusalReason, ...]] = MappingProxyType(
    {rule: found for rule in SourceRule if (found := reasons_of(rule))}
)
