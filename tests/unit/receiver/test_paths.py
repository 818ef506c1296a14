"""Which paths are ours."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.paths import Target, read_path
from schemas.identity import is_source


class TestReadPath:
    @pytest.mark.parametrize(
        ("path", "target"),
        [
            (b"/webhooks/a", Target("a", None)),
            (b"/webhooks/a/", Target("a", None)),
            (b"/webhooks/my_source_2/sub_1", Target("my_source_2", "sub_1")),
            (b"/webhooks/a/.well-known/", Target("a", ".well-known")),
            (b"/webhooks/a/...", Target("a", "...")),
            (b"/webhooks/a/..", None),
            (b"/webhooks/a/.", None),
            (b"/webhooks/a//", None),
            (b"/webhooks/a/b/c", None),
            (b"/webhooks/a\n", None),
            (b"/webhooks/a/%41", None),
            (b"/Webhooks/a", None),
            (b"", None),
        ],
    )
    def test_exactly_ours(self, path: bytes, target: Target | None) -> None:
        """A source, perhaps one further part, perhaps a slash; anything else is not ours."""
        assert read_path(path) == target

    @given(st.binary(max_size=80))
    def test_any_bytes(self, path: bytes) -> None:
        """Whatever comes, what is read is the grammar of a source and nothing that could climb or be decoded."""
        target = read_path(b"/webhooks/" + path)
        if target:
            assert is_source(target.source)
            assert target.submission is None or not set(target.submission) & set("/%# ")
