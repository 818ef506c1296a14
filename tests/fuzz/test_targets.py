"""Every fuzzing target, on real inputs, on mutations of them, and on what `make fuzz` once found."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fuzz.mutations import in_bytes, mutated, one_changed
from fuzz.targets import TARGETS

# A file here is called TARGET-anything, and broke its target once.
FOUND = Path(__file__).parent / "found"
each_target = pytest.mark.parametrize("name", TARGETS)


@each_target
def test_real_inputs(name: str) -> None:
    """Inputs as the gateway sends them pass, and so does what once did not."""
    found = [path.read_bytes() for path in sorted(FOUND.glob(f"{name}-*"))]
    for seed in [*TARGETS[name].seeds, *found]:
        TARGETS[name].check(seed)


@pytest.mark.parametrize("name", ["webhook_body", "poll_answer", "page_answer", "file_answer", "error_envelope"])
def test_every_member_replaced(name: str) -> None:
    """With any one member missing, or of any hostile value, a reading says no more than it may."""
    target = TARGETS[name]
    for document in target.documents:
        for changed in one_changed(document):
            target.check(target.prefixes[0] + in_bytes(changed))


@each_target
@settings(deadline=None, max_examples=100)
@given(data=st.data())
def test_mutations(name: str, data: st.DataObject) -> None:
    """With members replaced, moved or missing and bytes torn out, no reading raises, and none says more than it may."""
    TARGETS[name].check(data.draw(mutated(TARGETS[name])))
