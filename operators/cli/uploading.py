"""How a submission gets on, as it is shown: a bar on a terminal, elsewhere a line for each step."""

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from operators.cli import present
from operators.cli.context import complain
from schemas.ids import shown
from schemas.tables import SubmissionRow
from schemas.words import SubmissionState

Tell = Callable[[Sequence[SubmissionRow]], None]


@contextlib.contextmanager
def uploading(size: int, quiet: bool) -> Iterator[Tell]:
    """Show how far `size` bytes have got. `quiet`: not at all."""
    if quiet:
        yield _nothing
    elif not sys.stderr.isatty():
        yield _Lines()
    else:
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        with Progress(*columns, console=Console(stderr=True, color_system=present.colours())) as bar:
            task = bar.add_task("uploading", total=size)

            def tell(rows: Sequence[SubmissionRow]) -> None:
                bar.update(task, completed=sum(row.sent_bytes for row in rows), description=_doing(rows))

            yield tell


def _nothing(_: Sequence[SubmissionRow]) -> None:
    """With --json, standard error is for errors."""


def _doing(rows: Sequence[SubmissionRow]) -> str:
    left = sum(row.state == SubmissionState.STORED for row in rows)
    if not left:
        return "creating" if any(row.state != SubmissionState.CREATED for row in rows) else "created"
    return "uploading" if len(rows) == 1 else f"uploading, {left} of {len(rows)} parts left"


class _Lines:
    """A line for each step of each part."""

    def __init__(self) -> None:
        self._seen: set[tuple[int, str]] = set()

    def __call__(self, rows: Sequence[SubmissionRow]) -> None:
        for row in rows:
            for step, text in _steps(row):
                if (row.id, step) not in self._seen:
                    self._seen.add((row.id, step))
                    complain(f"{shown('sub', row.id)}: {text}")


def _steps(row: SubmissionRow) -> Iterator[tuple[str, str]]:
    if row.input_file_id is not None:
        yield "uploaded", f"uploaded as {row.input_file_id}"
    if row.state == SubmissionState.CREATED:
        yield "created", f"created as {row.job_id}"
    elif row.message is not None:
        yield row.message, f"{row.state}: {row.message}"
