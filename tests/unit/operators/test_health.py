"""Health: when refusals mean that everything is refused."""

import pytest

from operators.health import MANY, everything_is_refused

SOURCES = ("acme", "other")


@pytest.mark.parametrize(
    ("lately", "is_refused"),
    [
        ({}, False),
        ({("acme", "refused.signature_wrong"): MANY}, True),
        ({("acme", "refused.signature_wrong"): MANY - 1}, False),
        ({("acme", "refused.signature_wrong"): 6, ("other", "refused.timestamp_stale"): 4}, True),
        ({("acme", "refused.not_stored"): MANY}, True),
        ({("acme", "refused.signature_wrong"): 500, ("other", "accepted"): 1}, False),
        ({("acme", "refused.flood"): 500, ("acme", "refused.method"): 500, ("acme", "refused.framing"): 500}, False),
        ({("", "refused.unknown_source"): 500, ("gone", "refused.signature_wrong"): 500}, False),
        ({("acme", "refused.signature_wrong"): MANY, ("gone", "accepted"): 5, ("", "probe"): 9}, True),
    ],
)
def test_everything_is_refused(lately: dict[tuple[str, str], int], is_refused: bool) -> None:
    """Many requests for sources of ours that a provider could have sent, and not one that was taken, by any of them."""
    assert everything_is_refused(lately, SOURCES) is is_refused
