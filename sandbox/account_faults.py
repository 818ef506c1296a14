"""What can be wrong with the whole account, switched on and off by the control surface (contract 1.2, 1.3, 2.2, 3.1).

The contract gives no reason word for a key over its limit: the code stands for it.
"""

from enum import StrEnum
from typing import Any

from sandbox.errors import flat, nested
from sandbox.generations import Generation


class AccountFault(StrEnum):
    """One at a time."""

    NONE = "none"
    KEY_REFUSED = "key_refused"
    KEY_LIMIT = "key_limit"
    FEATURE_DISABLED = "feature_disabled"
    UPLOAD_QUOTA = "upload_quota"
    INSUFFICIENT_FUNDS = "insufficient_funds"


def read_account_fault(word: object, generation: Generation) -> AccountFault:
    """By its word.

    Raises:
        ValueError: there is no such fault, or not in this generation; the message says what there is.
    """
    known = [fault for fault in AccountFault if fault != AccountFault.UPLOAD_QUOTA or generation.has_upload_limits]
    for fault in known:
        if fault == word:
            return fault
    raise ValueError(f"The fault must be one of {', '.join(known)}.")


def check_key(fault: AccountFault) -> None:
    """On every route that an inference key opens."""
    if fault is AccountFault.KEY_REFUSED:
        raise flat("unauthorised", "key_not_found_or_revoked", workspace=False)
    if fault is AccountFault.KEY_LIMIT:
        raise flat("key_limit_exceeded", "key_limit_exceeded")


def check_preview(fault: AccountFault, generation: Generation) -> None:
    """On every route for batches and files."""
    if fault is not AccountFault.FEATURE_DISABLED:
        return
    code, reason = generation.switched_off
    gate: dict[str, Any] = {"feature_gate": "gateway_batch_api"} if code == "forbidden" else {}
    raise flat(code, reason, message="The batch API is not switched on here.", origin="gateway", **gate)


def check_upload(fault: AccountFault, generation: Generation) -> None:
    if not generation.has_upload_limits:
        return
    if fault is AccountFault.UPLOAD_QUOTA:
        raise nested(429, "rate_limit_error", "batch_file_hourly_quota_exceeded")
    if fault is AccountFault.INSUFFICIENT_FUNDS:
        raise nested(402, "insufficient_funds", "insufficient_funds")


def check_batch_funds(fault: AccountFault) -> None:
    if fault is AccountFault.INSUFFICIENT_FUNDS:
        message = "The workspace has too little balance to reserve for this batch."
        raise nested(402, "insufficient_funds", "insufficient_funds", message, reserved_nanos=0)


def check_video_funds(fault: AccountFault) -> None:
    """Videos go the way of every other model call, which refuses in the flat envelope."""
    if fault is AccountFault.INSUFFICIENT_FUNDS:
        raise flat("insufficient_funds", "insufficient_funds")
