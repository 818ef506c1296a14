"""What a file holds, and how it is read in blocks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.content import BLOCK, Content

ROWS = st.lists(st.binary(min_size=1, max_size=20), max_size=12).map(lambda rows: Content(tuple(rows)))


@given(ROWS, st.integers(0, 300), st.integers(0, 300))
def test_any_part_of_it(content: Content, begin: int, end: int) -> None:
    """
    Blocks from one byte up to another are those bytes of the whole.
    """
    assert b"".join(content.blocks()) == content.whole()
    assert b"".join(content.blocks(begin)) == content.whole()[begin:]
    assert b"".join(content.blocks(begin, end)) == content.whole()[begin:end]
    assert content.size == len(content.whole())


@pytest.mark.parametrize(
    ("rows", "middle"),
    [((), 0), ((b"",), 0), ((b"abcd",), 2), ((b"ab\n", b"cdef\n"), 5), ((b"ab\n", b"cd\n", b"ef\n"), 4)],
)
def test_the_middle(rows: tuple[bytes, ...], middle: int) -> None:
    """
    The middle of a file lies within its middle row.
    """
    assert Content(rows).middle == middle


def test_small_rows_share_a_block() -> None:
    """
    A block has a quarter of a MiB, and at most one row more.
    """
    row = b"x" * 1000 + b"\n"
    lengths = [len(block) for block in Content((row,) * 1000).blocks()]

    assert all(BLOCK <= length < BLOCK + len(row) for length in lengths[:-1])
    assert sum(lengths) == 1000 * len(row)
