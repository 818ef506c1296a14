"""Rows of pages get the custom ids of the requests that they answer."""

from hypothesis import given
from hypothesis import strategies as st

from reconciler.naming import Naming

KEYS = st.sampled_from(["https://a.example", "https://b.example", "https://c.example"])


def test_rows_of_one_key_answer_in_order() -> None:
    """The same URL asked for twice is answered twice: the first row is the first request's, however the others stand between."""
    naming = Naming([("u", "first"), ("v", "other"), ("u", "second")])

    assert [naming.name(key) for key in ("v", "u", "u")] == ["other", "first", "second"]


def test_what_nobody_asked_for_is_called_by_its_key() -> None:
    """Without an input, or beyond it, rows are told apart by key and number."""
    naming = Naming([("u", "first")])

    assert [naming.name(key) for key in ("u", "u", "u", "v")] == ["first", "u", "u#2", "v"]


@given(st.lists(KEYS), st.data())
def test_every_request_is_answered_once(keys: list[str], data: st.DataObject) -> None:
    """In whatever order as many rows come as were asked for, each custom id is given once."""
    naming = Naming([(key, str(number)) for number, key in enumerate(keys)])
    came = data.draw(st.permutations(keys))

    assert sorted(naming.name(key) for key in came) == sorted(map(str, range(len(keys))))
