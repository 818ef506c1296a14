"""The rows of inputs and outputs as the gateway has them (contract 2.5)."""

from schemas.dialects import batch_rows
from schemas.dialects.batch_rows import any_custom_id, read_custom_id
from schemas.readings import NoRow, ResultRow

__all__ = ["read_custom_id", "read_row"]


def read_row(line: bytes) -> ResultRow | NoRow:
    """A row of an output or error file, under any of the three names that the gateway itself tolerates."""
    return batch_rows.read_row(line, any_custom_id)
