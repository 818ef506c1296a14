"""What the query of a socket asks for."""

import pytest

from sandbox.sockets import read_wishes


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        (None, 2.5),
        ("", 2.5),
        ("soon", 2.5),
        ("1e3", 2.5),
        ("nan", 2.5),
        ("0", 1),
        ("-5", 1),
        ("1500", 1.5),
        (" 2000.5 ", 2.0005),
        ("99999", 10),
    ],
)
def test_interval(written: str | None, seconds: float) -> None:
    """
    Two and a half seconds unless a number is given, and never under one or over ten.
    """
    assert read_wishes(written, None).interval == seconds


@pytest.mark.parametrize(
    ("written", "closes"),
    [
        (None, True),
        ("", True),
        ("1", True),
        ("never", True),
        ("0", False),
        ("FALSE", False),
        ("no", False),
        ("off", False),
    ],
)
def test_closing(written: str | None, closes: bool) -> None:
    """
    Four words keep a socket open after the end.
    """
    assert read_wishes(None, written).close_on_terminal is closes
