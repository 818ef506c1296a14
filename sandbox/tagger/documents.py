"""One row: what the caller's document says, and what becomes of it (contract 2, 6).

The host of `file_path` decides: `https://fails.example/a.pdf` fails, and so does `s3://fails.example/a.pdf`.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

TROUBLES = {
    "fails.example": "Download failed: 404 Client Error: Not Found for url: {path}",
    "unreadable.example": "Text extraction failed: cannot open broken document {path}",
    "empty.example": "Insufficient text extracted from document",
    "limited.example": "Tag generation failed: RATE_LIMITED: Error code: 429 - Rate limit exceeded",
    "crashes.example": "Processing error: list index out of range",
    "stalls.example": "Processing timed out (5 minutes)",
}
WRONG_KEY_TROUBLE = "Tag generation failed: Error code: 401 - No auth credentials found"
STALLED = 300.0  # seconds of life
SPACING, LIMITED_SPACING = 0.5, 60.0
LONGEST_TITLE, LONGEST_PATH = 500, 1000  # characters; the database's columns have no more
NAMES = ("title", "file_path", "file_source_type", "description")


@dataclass(frozen=True)
class Document:
    """`is_broken`: the row fails before it is processed. `fits`: the database takes it."""

    title: str
    file_path: str
    file_source_type: str
    is_broken: bool
    fits: bool
    trouble: str | None
    seconds: float | None
    spacing: float


def read_document(row: dict[str, Any], is_key_good: bool) -> Document:
    """A row without `file_path` is broken, and so is one with a null or anything else that is no text.

    `seconds` is what it takes if that is its own; `spacing` is the pause after it.
    """
    values = {name: row.get(name, "") for name in NAMES}
    told = {name: value if isinstance(value, str) else "" for name, value in values.items()}
    host = host_of(told["file_path"])
    trouble = TROUBLES.get(host, None if is_key_good else WRONG_KEY_TROUBLE)
    return Document(
        title=told["title"],
        file_path=told["file_path"],
        file_source_type=told["file_source_type"] or "url",
        is_broken=not told["file_path"] or values != told,
        fits=bool(told["file_path"]) and len(told["title"]) <= LONGEST_TITLE and len(told["file_path"]) <= LONGEST_PATH,
        trouble=trouble and trouble.format(path=told["file_path"]),
        seconds=STALLED if host == "stalls.example" else None,
        spacing=LIMITED_SPACING if host == "limited.example" else SPACING,
    )


def host_of(file_path: str) -> str:
    """Empty where there is none."""
    try:
        return urlsplit(file_path).hostname or ""
    except ValueError:
        return ""


def result(document: Document, row_id: int, tags: int) -> dict[str, Any]:
    """The entry of one row that was processed, with at most so many tags."""
    worked = document.trouble is None
    return {
        "row_id": row_id,
        "row_number": row_id + 1,
        "title": document.title,
        "success": worked,
        "tags": [f"tag {number}" for number in range(1, tags + 1)] if worked else [],
        "error": document.trouble,
        "metadata": METADATA if worked else {},
    }


METADATA = {
    "is_scanned": False,
    "extraction_method": "pymupdf",
    "ocr_confidence": None,
    "page_count": 1,
    "text_length": 1829,
    "tokens_used": 2,
}
