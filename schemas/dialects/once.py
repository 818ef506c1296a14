"""Header fields that have to stand in a request exactly once. Of two, others on the way decide which counts: so neither does."""

from collections.abc import Mapping

from schemas.dialects.dialect import Headers
from schemas.readings import Refused
from schemas.words import RefusalReason


def once(
    headers: Headers, values: Mapping[bytes, bytes], name: bytes, missing: RefusalReason, doubled: RefusalReason
) -> bytes | Refused:
    """The value of the one field of this name. `values` is what `dict(headers)` makes of them."""
    value = values.get(name)
    if value is None:
        return Refused(missing)
    is_doubled = len(values) < len(headers) and [header for header, _ in headers].count(name) > 1
    return Refused(doubled) if is_doubled else value
