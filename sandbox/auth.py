"""Who may ask: inference keys on batches and files, management keys on webhook endpoints (contract 1.2)."""

import re

from sandbox.errors import Refused, flat

KEY = re.compile(r"(phaseo|aistats)_v1_(sk|mk)_([A-Za-z0-9]{6,64})_(.+)", re.ASCII | re.DOTALL)


def check_inference_key(header: str | None, api_key: str) -> None:
    """Passes silently or raises the E1 401 with the reason that the gateway would give."""
    key = _bearer(header)
    if key == api_key:
        return
    shape, known = KEY.fullmatch(key), KEY.fullmatch(api_key)
    if shape is None:
        raise _unauthorised("invalid_key_format")
    _, kind, name, secret = shape.groups()
    if kind == "mk":
        raise _unauthorised("management_key_not_valid_for_gateway")
    if known is None or name != known[3]:
        raise _unauthorised("key_not_found_or_revoked")
    if secret != known[4]:
        raise _unauthorised("invalid_secret")


def check_management_key(header: str | None) -> None:
    """Any well-formed management key will do here."""
    shape = KEY.fullmatch(_bearer(header))
    if shape is None:
        raise _unauthorised("invalid_key_format")
    if shape[2] != "mk":
        raise _unauthorised("management_key_required")


def _bearer(header: str | None) -> str:
    """`Bearer`, exactly so written, one space, and a key without spaces."""
    if header is None or not header.startswith("Bearer ") or not header[7:] or " " in header[7:]:
        raise _unauthorised("missing_or_invalid_authorization_header")
    return header[7:]


def _unauthorised(reason: str) -> Refused:
    return flat("unauthorised", reason, workspace=False)
