"""How many sources each of several reconcilers keeps."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.sharing import share, surplus


@pytest.mark.parametrize(
    ("sources", "reconcilers", "most"),
    [(4, 1, 4), (4, 2, 2), (4, 3, 2), (4, 4, 1), (4, 8, 1), (1, 3, 1), (0, 2, 0), (5, 0, 5)],
)
def test_share(sources: int, reconcilers: int, most: int) -> None:
    """Each keeps as many as the others, one more where it does not come out even; one that sees nobody keeps all."""
    assert share(sources, reconcilers) == most


@given(st.integers(0, 1000), st.integers(1, 50))
def test_every_source_has_a_place(sources: int, reconcilers: int) -> None:
    """All together have a place for each source, and nobody has more than one place too many."""
    assert sources <= share(sources, reconcilers) * reconcilers < sources + reconcilers


@given(st.sets(st.text(max_size=3)), st.integers(0, 5))
def test_what_is_over_is_handed_over(kept: set[str], most: int) -> None:
    """Just what is over the share goes, and it is the same whenever it is asked."""
    over = surplus(kept, most)

    assert len(over) == max(0, len(kept) - most)
    assert set(over) <= kept
    assert over == surplus(kept, most)
