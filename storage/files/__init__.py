"""Where input files are kept, and outputs for good."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from schemas.config import Data
from storage.files.files import Files, FilesUnusable, NoRoom, Writing
from storage.files.local import LocalFiles

__all__ = ["Files", "FilesUnusable", "LocalFiles", "NoRoom", "Writing", "files_for"]


def files_for(data: Data) -> Files:
    """The place that [data] names: a folder, or a URL that fsspec knows. Raises FilesUnusable."""
    if data.url is None:
        return LocalFiles(Path(data.dir), data.reserve_bytes)
    if data.url.startswith("file://"):
        return LocalFiles(Path(unquote(urlsplit(data.url).path)), data.reserve_bytes)
    # Loaded here, so that whoever keeps files in a folder needs none of it.
    from storage.files.remote import RemoteFiles  # noqa: PLC0415

    return RemoteFiles(data.url)
