"""What may be a source's name, a kind, a job id or a delivery key. Compared as bytes, never normalised."""

import re

_SOURCE = re.compile(r"[a-z][a-z0-9_]{0,62}", re.ASCII)
_KIND = re.compile(r"[\x21-\x7e]{1,32}", re.ASCII)
_ID = re.compile(r"[\x21-\x7e]{1,256}", re.ASCII)
# The name in a job's metadata under which a submission of ours leaves its own id, to be recognised by when the answer is lost.
SUBMISSION_TOKEN = "batchkeeper_submission"  # noqa: S105
_DOTS = frozenset({".", ".."})  # as a path segment they would climb, however they are encoded


def is_source(text: str) -> bool:
    return _SOURCE.fullmatch(text) is not None


def is_kind(text: str) -> bool:
    return _KIND.fullmatch(text) is not None


def is_job_id(text: str) -> bool:
    return _ID.fullmatch(text) is not None and text not in _DOTS


def is_delivery_key(text: str) -> bool:
    return _ID.fullmatch(text) is not None
