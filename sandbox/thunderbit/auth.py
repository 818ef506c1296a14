"""Who may ask: a bearer of the one key, and what can be wrong with a key (contract 2)."""

import re

from sandbox.thunderbit.errors import Refused

KEY_FORM = re.compile(r"tb_[0-9a-f]{32}", re.ASCII)
# What the switch `key` makes of the right key.
SPOILED = {
    "not_found": "API_KEY_NOT_FOUND",
    "revoked": "API_KEY_REVOKED",
    "disabled": "API_KEY_DISABLED",
    "expired": "API_KEY_EXPIRED",
    "invalid": "INVALID_API_KEY",
}


def check_key(header: str | None, api_key: str, state: str) -> None:
    """Passes silently or raises the 401 with its code; `state` is `live` or a word of SPOILED."""
    if header is None or not header.startswith("Bearer ") or not header[7:]:
        raise _unauthorised("API_KEY_MISSING", "Send Authorization: Bearer <key>")
    key = header[7:]
    if not KEY_FORM.fullmatch(key):
        raise _unauthorised("API_KEY_INVALID_FORMAT", "A key is tb_ and 32 hex digits")
    if key != api_key:
        raise _unauthorised("API_KEY_NOT_FOUND", "There is no such key")
    if state != "live":
        raise _unauthorised(SPOILED[state], f"The key is {state.replace('_', ' ')}")


def _unauthorised(code: str, message: str) -> Refused:
    return Refused(401, code, message)
