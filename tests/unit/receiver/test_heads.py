"""What a head must be like."""

import pytest

from receiver.heads import has_body, has_one_end, is_small

LENGTH, CHUNKED = (b"content-length", b"3"), (b"transfer-encoding", b"chunked")


class TestHasOneEnd:
    @pytest.mark.parametrize("fields", [[], [LENGTH], [CHUNKED], [(b"transfer-encoding", b"Chunked")], [(b"te", b"x")]])
    def test_one_way_to_tell(self, fields: list[tuple[bytes, bytes]]) -> None:
        """A length, or chunks, or no body at all."""
        assert has_one_end(fields, "1.1")

    @pytest.mark.parametrize(
        "fields",
        [
            [LENGTH, CHUNKED],
            [CHUNKED, LENGTH],
            [LENGTH, LENGTH],
            [CHUNKED, CHUNKED],
            [(b"transfer-encoding", b"gzip, chunked")],
            [(b"transfer-encoding", b"")],
            [(b"trailer", b"x")],
        ],
    )
    def test_two_ways(self, fields: list[tuple[bytes, bytes]]) -> None:
        """Two of them, a coding under the chunks, or something announced for after them."""
        assert not has_one_end(fields, "1.1")

    def test_chunks_came_with_1_1(self) -> None:
        """In HTTP/1.0 nobody knows chunks, so a reader before us may have taken them for the body."""
        assert not has_one_end([CHUNKED], "1.0")


class TestIsSmall:
    def test_the_caps_are_inclusive(self) -> None:
        """Just as much as may be, in bytes and in fields."""
        fields = [(b"ab", b"cd")] * 10
        assert is_small(fields, 5, 45, 10)
        assert not is_small(fields, 6, 45, 10)
        assert not is_small(fields, 5, 45, 9)


class TestHasBody:
    def test_what_announces_one(self) -> None:
        """A length above nothing, or chunks."""
        assert has_body([LENGTH])
        assert has_body([CHUNKED])
        assert not has_body([(b"content-length", b"00")])
        assert not has_body([])
