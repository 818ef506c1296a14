"""Download links that open without a key, for a while (contract 4.5)."""

import hmac
import secrets
from datetime import datetime
from hashlib import sha256

from sandbox.clock import unix

LIFE = 900  # wall seconds, whatever the speed: the link names the second at which it ends


class DownloadLinks:
    """Makes links and knows its own. How the real gateway signs them is not in the contract."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def query(self, video_id: str, now: datetime) -> tuple[str, int]:
        """The query string, and the unix second at which it ends."""
        expires = unix(now) + LIFE
        return f"expires={expires}&signature={self._signature(video_id, str(expires))}", expires

    def opens(self, video_id: str, expires: str, signature: str, now: datetime) -> bool:
        """Whether this is a link of ours that has not ended."""
        made = self._signature(video_id, expires)
        genuine = hmac.compare_digest(made.encode(), signature.encode("utf-8", "replace"))
        return genuine and expires.isdecimal() and unix(now) <= int(expires)

    def _signature(self, video_id: str, expires: str) -> str:
        return hmac.digest(self._key, f"{video_id}.{expires}".encode("utf-8", "replace"), sha256).hex()
