"""Identifiers with OpenAI's prefixes, and hex behind them."""

import secrets


def batch_id() -> str:
    return f"batch_{secrets.token_hex(16)}"


def file_id() -> str:
    return f"file-{secrets.token_hex(12)}"


def event_id() -> str:
    return f"evt_{secrets.token_hex(16)}"


def message_id() -> str:
    return f"wh_{secrets.token_hex(16)}"


def request_id() -> str:
    return f"req_{secrets.token_hex(16)}"
