"""The provider's own id of a question, as each provider tells it."""

import pytest

from reconciler.correlation import LARGEST, request_id_of
from schemas.readings import Response

REFUSED = b'{"error":"not_found","request_id":"G-01K2XYZ3ABCDEFGHJKMNPQRSTV"}'


@pytest.mark.parametrize(
    ("status", "headers", "body", "found"),
    [
        (200, {"x-request-id": "req_1"}, b"{}", "req_1"),
        (500, {"request-id": "req_2"}, b"", "req_2"),
        (404, {}, REFUSED, "G-01K2XYZ3ABCDEFGHJKMNPQRSTV"),
        (404, {"x-request-id": "req_3"}, REFUSED, "req_3"),
        (200, {}, b'{"id":"batch_1","request_id":"of the create"}', None),
        (500, {}, b"Internal Server Error", None),
        (500, {}, b'{"request_id":5}', None),
        (500, {}, b'{"request_id":"' + b"a" * LARGEST + b'"}', None),
        (500, {"x-request-id": ""}, b"{}", None),
        (502, {"x-request-id": "a\x1b[31mb"}, b"{}", "a\\x1b[31mb"),
        (502, {"x-request-id": "a" * 500}, b"{}", "a" * 128),
    ],
)
def test_request_ids(status: int, headers: dict[str, str], body: bytes, found: str | None) -> None:
    """By a header, else by the body of a refusal; an answer's own `request_id` is another question's. Bounded, and printable."""
    assert request_id_of(Response(status, headers, body)) == found
