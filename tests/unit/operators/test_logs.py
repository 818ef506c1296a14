"""The log: one event a line, cut and printable, in JSON or for a terminal."""

import io
import json

import pytest
import structlog
from given import HOSTILE

from operators import logs
from operators.errors import BadInput


@pytest.fixture
def logged(monkeypatch):
    """What standard error holds, as a terminal or as a pipe, after some logging."""

    def log(write, is_terminal: bool) -> str:
        stream = io.StringIO()
        stream.isatty = lambda: is_terminal  # type: ignore[method-assign]
        monkeypatch.setattr("sys.stderr", stream)
        logs.configure()
        write(structlog.get_logger())
        return stream.getvalue()

    yield log
    structlog.reset_defaults()


def fail(log: structlog.BoundLogger) -> None:
    """Log an exception of a function that has a secret in a variable."""
    secret = "whsec_" + "do-not-print" * 2  # noqa: F841
    try:
        raise ValueError(HOSTILE)
    except ValueError:
        log.exception("poison", job_id="a")


def test_a_pipe_gets_json_with_the_time_first(logged):
    """
    Without a terminal an event is one line of JSON: time, level, event, then the rest.
    """
    line = logged(lambda log: log.info("job_moved", source="gateway"), False)

    assert list(json.loads(line)) == ["timestamp", "level", "event", "source"]
    assert line.count("\n") == 1


@pytest.mark.parametrize("is_terminal", [True, False])
def test_long_values_are_cut(logged, is_terminal):
    """
    A value is cut, and says so.
    """
    text = logged(lambda log: log.info("x", message="y" * 10_000), is_terminal)

    assert "y" * logs.LONGEST_VALUE in text
    assert "y" * (logs.LONGEST_VALUE + 1) not in text


def test_hostile_values_are_escaped_on_a_terminal(logged, monkeypatch):
    """
    What a provider says cannot command the terminal, in a value or in an exception.
    """
    monkeypatch.setenv("NO_COLOR", "1")
    text = logged(lambda log: log.info("x", message=HOSTILE), True) + logged(fail, True)

    assert all(line.isprintable() for line in text.splitlines())


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_traceback_shows_no_variables(logged, is_terminal):
    """
    An error of ours is logged with its place, and without the values that variables had.
    """
    text = logged(fail, is_terminal)

    assert "test_logs.py" in text
    assert "do-not-print" * 2 not in text


def test_colours_can_be_turned_off(logged, monkeypatch):
    """
    NO_COLOR leaves a terminal's log without escape sequences.
    """
    monkeypatch.setenv("NO_COLOR", "1")

    assert "\x1b" not in logged(lambda log: log.info("x", source="gateway"), True)


@pytest.mark.parametrize(
    ("word", "written"),
    [(None, ["b", "c"]), ("debug", ["a", "b", "c"]), (" WARNING ", ["c"]), ("error", [])],
)
def test_the_environment_names_the_least_level(logged, monkeypatch, word, written):
    """
    BATCHKEEPER_LOG says what is written; without it, what is debug is not.
    """
    if word is not None:
        monkeypatch.setenv(logs.VARIABLE, word)

    text = logged(lambda log: (log.debug("a"), log.info("b"), log.warning("c")), False)

    assert [json.loads(line)["event"] for line in text.splitlines()] == written


def test_an_unknown_level_is_refused(monkeypatch):
    """
    A level that there is none of is an error that names those that there are.
    """
    monkeypatch.setenv(logs.VARIABLE, "loud")

    with pytest.raises(BadInput, match="debug, info, warning, error"):
        logs.configure()
