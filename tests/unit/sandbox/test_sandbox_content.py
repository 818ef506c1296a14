"""What a file holds, and how it is read in blocks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.content import BLOCK, Content, Padded

PLAIN = st.binary(min_size=1, max_size=20)
PADDED = st.builds(Padded, st.binary(max_size=9), st.integers(0, 20), st.binary(max_size=9))
ROWS = st.lists(PLAIN | PADDED, max_size=12).map(lambda rows: Content(tuple(rows)))


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


def test_filler_is_made_when_it_is_read() -> None:
    """
    A row of a hundred GiB has its size, its middle and its last bytes, and takes a block of memory to read.
    """
    content = Content((Padded(b"head", 100 * 1024**3, b"tail\n"),))

    assert content.size == 100 * 1024**3 + 9
    assert content.middle == content.size // 2
    assert b"".join(content.blocks(content.size - 8)) == b"...tail\n"
    assert len(next(content.blocks())) < 2 * BLOCK
