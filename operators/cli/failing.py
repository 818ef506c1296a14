"""What a person is told when a verb fails, and the exit code that goes with it. Never a traceback."""

import traceback
from pathlib import Path

from operators.errors import Problem

NOT_POSSIBLE, USAGE, STORE, INTERRUPTED = 1, 2, 6, 130


def told(error: BaseException) -> tuple[str, int]:
    """The message and the exit code for whatever a verb raised."""
    if isinstance(error, BaseExceptionGroup):
        return told(error.exceptions[0])
    if isinstance(error, Problem):
        return error.for_typing, error.exit_code
    if isinstance(error, KeyboardInterrupt):
        return "interrupted", INTERRUPTED
    if isinstance(error, OSError) and error.strerror:
        return (f"{error.filename}: " if error.filename else "") + error.strerror, NOT_POSSIBLE
    return _of_configuration(error) or _of_store(error) or _unforeseen(error)


def _of_configuration(error: BaseException) -> tuple[str, int] | None:
    from schemas.config import ConfigError  # noqa: PLC0415  (what raised it has loaded it)

    return (str(error), USAGE) if isinstance(error, ConfigError) else None


def _of_store(error: BaseException) -> tuple[str, int] | None:
    # Loaded here, so that a verb without a store, such as `sandbox`, starts without one.
    from sqlalchemy.exc import DBAPIError  # noqa: PLC0415

    from storage.engine import StoreAway  # noqa: PLC0415
    from storage.files import FilesUnusable  # noqa: PLC0415
    from storage.ledger import LedgerInUse  # noqa: PLC0415
    from storage.schema import WrongSchema  # noqa: PLC0415
    from storage.sqlite.file import UnsafeDatabaseFile  # noqa: PLC0415

    if isinstance(error, FilesUnusable):
        return str(error), USAGE
    if isinstance(error, UnsafeDatabaseFile | WrongSchema | LedgerInUse):
        return str(error), STORE
    if isinstance(error, DBAPIError | StoreAway):
        reason = str(error.orig) if isinstance(error, DBAPIError) else str(error)
        return f"the database cannot be used: {reason}; {_way_out(reason)}", STORE
    return None


def _way_out(reason: str) -> str:
    """What to do about a complaint of SQLite's."""
    for word, advice in _WAYS_OUT.items():
        if word in reason:
            return advice
    return "look at what [database] url names; `batchkeeper config check` shows it"


_WAYS_OUT = {
    "password": "export PGPASSWORD, or keep it in ~/.pgpass",
    "role ": "make that user on the server, or name another one in [database] url",
    "does not exist": "make it with createdb, or name another one in [database] url",
    "not known": "is the host in [database] url right?",
    "onnect": "is the server running, and does it listen there? `batchkeeper config check` shows the address",
    "locked": "another process has been writing for long; try again in a moment",
    "not a database": "name another file in [database] url; `batchkeeper config check` shows the present one",
    "malformed": "the file is damaged; restore it from a backup, or name another one in [database] url",
    "disk": "make room on its disk, and look whether that is healthy",
    "readonly": "let this user write the file and its folder",
}


def _unforeseen(error: BaseException) -> tuple[str, int]:
    """An error of ours. Its place goes along, so that whoever reports it need not make it happen again."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if Path(frame.filename).is_relative_to(_HERE)] or frames
    place = f" ({Path(ours[-1].filename).name}, line {ours[-1].lineno})" if ours else ""
    said = f"{type(error).__name__}: {error}"
    return f"something went wrong that should not have{place}: {said}\nPlease report it with these words.", NOT_POSSIBLE


_HERE = Path(__file__).parents[2]
