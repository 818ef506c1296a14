"""Where input files are kept until they are sent, and outputs for good."""

from storage.files.files import Files, NoRoom, Writing
from storage.files.local import LocalFiles

__all__ = ["Files", "LocalFiles", "NoRoom", "Writing"]
