"""What a request's head must be like before anything else is done about it. Names are in lower case."""

from collections.abc import Sequence

Fields = Sequence[tuple[bytes, bytes]]


def is_small(fields: Fields, url_bytes: int, most_bytes: int, most_fields: int) -> bool:
    """Few enough fields, and not too much of everything together?"""
    if len(fields) > most_fields:
        return False
    return url_bytes + sum([len(name) + len(value) for name, value in fields]) <= most_bytes


def has_one_end(fields: Fields, version: str) -> bool:
    """
    Is there one way only to tell where the body ends?

    The parser refuses most of this already. Two readers of one request that disagree about its end are how a second
    request is smuggled past the first reader, so it is not left to the parser alone.
    """
    ends = 0
    for name, value in fields:
        if name == b"content-length":
            ends += 1
        elif name == b"transfer-encoding":
            ends += 1 if value.lower() == b"chunked" and version == "1.1" else 2
        elif name == b"trailer":
            return False
    return ends <= 1


def has_body(fields: Fields) -> bool:
    """Does a body follow?"""
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value.strip(b"0") != b"")
        for name, value in fields
    )
