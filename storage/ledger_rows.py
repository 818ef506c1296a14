"""What the ledger takes and gives back, and what of it becomes columns."""

import hashlib
from typing import NamedTuple

from schemas.readings import Verified

UNREADABLE_KIND = "unreadable"
_UNLOCKED = 2_047  # more at a time, and hashlib lets go of the interpreter's lock and has to queue up for it again


class Accepted(NamedTuple):
    """An authentic request, as it is to be recorded."""

    source: str
    verified: Verified
    body: bytes
    received_at: int
    submission: str | None = None

    @property
    def identity(self) -> tuple[str, str, str, str]:
        """Source, kind, job id and delivery key. What cannot be read belongs to no job, and is known by its bytes alone."""
        identity = self.verified.identity
        if identity is None:
            return self.source, UNREADABLE_KIND, "", f"sha256:{hashlib.sha256(self.body).hexdigest()}"
        return self.source, identity.kind, identity.job_id, identity.delivery_key


class Kept(NamedTuple):
    """What became of an accepted request: it is on disk."""

    receipt: int
    delivery: int
    duplicate: bool


def digest_of(body: bytes) -> int:
    """The first 63 bits of the SHA-256, which fit a column."""
    digest = hashlib.sha256()
    for start in range(0, len(body), _UNLOCKED):
        digest.update(body[start : start + _UNLOCKED])
    return int.from_bytes(digest.digest()[:8]) >> 1
