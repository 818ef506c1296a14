"""Where input files are kept, and outputs for good."""

from pathlib import Path

from schemas.config import Data
from storage.files.files import Files, NoRoom, Writing
from storage.files.local import LocalFiles

__all__ = ["Files", "LocalFiles", "NoRoom", "Writing", "files_for"]


def files_for(data: Data) -> Files:
    """The place that [data] names."""
    return LocalFiles(Path(data.dir), data.reserve_bytes)
