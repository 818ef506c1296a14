"""What a request presents so that it may be believed, apart from the bytes of its body: as much as a second look needs.

No digest stands in it in clear, but only the SHA-256 of each. That is enough to check it, and nobody who reads it can send the
request again.
"""

import hmac
import json
from collections.abc import Iterable
from hashlib import sha256
from typing import NamedTuple


class Presented(NamedTuple):
    """Read from one request's headers. Not believed yet: `Dialect.check` tells.

    `scheme` is the way of signing that it speaks, `signed_at` (microseconds) the time that it says it was signed at; None: its
    scheme signs none. `before` is what stands before the body in what was signed.
    """

    scheme: str
    signed_at: int | None
    before: bytes
    digests: tuple[str, ...]  # the SHA-256 of each, as its scheme writes it, in lower-case hex
    fields: tuple[tuple[bytes, bytes], ...] = ()  # other header fields that have a say once the signature is right

    @property
    def message_id(self) -> str | None:
        """The id that is signed in front of the time, where the scheme signs one. It can hold no full stop."""
        named, _, rest = self.before.partition(b".")
        return named.decode("latin-1") if rest else None


def hashed(digest: bytes) -> str:
    """What is kept of a digest that a request presents."""
    return sha256(digest).hexdigest()


def which_signed(presented: Presented, right: Iterable[bytes | None]) -> int | None:
    """Which secret signed this, by the `right` digest of each, in the order of the secrets; None for one that makes none.

    Every one is compared with every digest that was presented, whichever matches, so that time tells nothing.
    """
    found = None
    for index, digest in enumerate(right):
        if digest is None:
            continue
        kept = sha256(digest).hexdigest()
        for one in presented.digests:
            if hmac.compare_digest(kept, one) and found is None:
                found = index
    return found


def written(presented: Presented) -> str:
    """As JSON in ASCII."""
    return json.dumps(
        {
            "scheme": presented.scheme,
            "signed_at": presented.signed_at,
            "before": presented.before.decode("latin-1"),
            "digests_sha256": presented.digests,
            "fields": [[name.decode("latin-1"), value.decode("latin-1")] for name, value in presented.fields],
        },
        separators=(",", ":"),
    )


def read(text: str) -> Presented:
    """What `written` wrote.

    Raises:
        ValueError, KeyError: it is something else.
    """
    said = json.loads(text)
    return Presented(
        said["scheme"],
        said["signed_at"],
        said["before"].encode("latin-1"),
        tuple(said["digests_sha256"]),
        tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in said["fields"]),
    )
