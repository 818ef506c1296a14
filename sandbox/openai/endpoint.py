"""The one webhook endpoint of the project."""

from dataclasses import dataclass
from datetime import datetime

ENDPOINT_ID = "we_5f0c3f7e00004000800000000000000a"
EVENTS = ("batch.completed", "batch.failed", "batch.cancelled", "batch.expired")


@dataclass
class Endpoint:
    """Where the news of every batch goes, whoever made it."""

    url: str
    secret: str
    created_at: datetime
    updated_at: datetime
    id: str = ENDPOINT_ID
    name: str = "sandbox"
    event_types: tuple[str, ...] = EVENTS
