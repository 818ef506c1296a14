"""Identifiers with Anthropic's prefixes, and hex behind them."""

import secrets


def batch_id() -> str:
    return f"msgbatch_{secrets.token_hex(12)}"


def request_id() -> str:
    return f"req_{secrets.token_hex(12)}"
