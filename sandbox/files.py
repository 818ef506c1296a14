"""Files of the workspace: the upload form, the real limits, and who is registered as owner (contract 2)."""

from collections import deque
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from email.message import Message
from email.parser import BytesHeaderParser
from typing import Any

from sandbox import ids
from sandbox.clock import Clock, unix
from sandbox.content import Content
from sandbox.errors import flat, native, nested
from sandbox.quotas import Uploads

DECLARED_CEILING = 200 * 1024 * 1024
EFFECTIVE_CEILING = 20_971_520


@dataclass(frozen=True)
class File:
    """`faults` are the answers with its content that are still to go wrong."""

    id: str
    filename: str
    purpose: str
    content: Content
    created_at: datetime
    faults: deque[str] = field(default_factory=deque)

    def shown(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "object": "file",
            "bytes": self.content.size,
            "created_at": unix(self.created_at),
            "filename": self.filename,
            "purpose": self.purpose,
            "status": "processed",
            "expires_at": None,
            "status_details": None,
        }


class FileStore:
    """What the workspace owns. A result file is unknown until the gateway has seen it on a batch.

    Not `limited`, uploads have no quotas, as in G1.
    """

    def __init__(self, clock: Clock, *, limited: bool = True) -> None:
        self.uploads = Uploads(clock)
        self._clock = clock
        self._limited = limited
        self._files: dict[str, File] = {}

    def register(self, file: File) -> None:
        self._files.setdefault(file.id, file)

    def __iter__(self) -> Iterator[File]:
        return iter(self._files.values())

    def __contains__(self, file_id: str | None) -> bool:
        return file_id in self._files

    def find(self, file_id: str) -> File | None:
        return self._files.get(file_id)

    def owned(self, file_id: str) -> File:
        file = self._files.get(file_id)
        if file is None:
            raise flat("not_found", "file_not_found_or_not_owned", file_id=file_id)
        return file

    def upload(self, content_type: str, body: bytes) -> File:
        """The quotas first, then the provider's own checks of the form."""
        now = self._clock.now()
        if self._limited:
            self._check_limits(len(body), now)
        form = read_form(content_type, body)
        filename, content = form.get("file", (None, b""))
        if filename is None:
            raise native(400, "'file' is a required property")
        purpose = form.get("purpose", (None, b""))[1].decode("utf-8", "replace")
        if purpose != "batch":
            raise native(400, f"'{purpose}' is not one of ['batch'] - 'purpose'")
        file = File(ids.native_file_id(), filename, purpose, Content((content,)), now)
        self.uploads.take(len(body), now)
        self.register(file)
        return file

    def _check_limits(self, size: int, now: datetime) -> None:
        if size == 0:
            raise nested(400, "validation_error", "batch_file_empty")
        if size > EFFECTIVE_CEILING:
            raise nested(413, "rate_limit_error", "batch_file_too_large")
        self.uploads.check(size, now)


async def body_within(chunks: AsyncIterator[bytes], declared: str | None, reason: str) -> bytes:
    """The whole body, or E2 413 once it is declared or found to be over the ceiling."""
    size = int(declared) if declared and declared.isdecimal() else 0
    body = bytearray()
    if size <= DECLARED_CEILING:
        async for chunk in chunks:
            body += chunk
            if len(body) > DECLARED_CEILING:
                break
    if max(size, len(body)) > DECLARED_CEILING:
        raise nested(413, "validation_error", reason)
    return bytes(body)


def read_form(content_type: str, body: bytes) -> dict[str, tuple[str | None, bytes]]:
    """The parts of a multipart form by name: file name (None for a plain field) and exact bytes."""
    typed = Message()
    typed["content-type"] = content_type
    boundary = typed.get_param("boundary")
    if typed.get_content_type() != "multipart/form-data" or not isinstance(boundary, str):
        raise native(400, "The upload must be multipart/form-data with a boundary.")
    form: dict[str, tuple[str | None, bytes]] = {}
    for part in (b"\r\n" + body).split(b"\r\n--" + boundary.encode())[1:]:
        head, _, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        named = BytesHeaderParser().parsebytes(head)
        name = named.get_param("name", header="content-disposition")
        if isinstance(name, str):
            form[name] = (named.get_filename(), content)
    return form
