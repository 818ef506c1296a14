"""One video: what was ordered, what the provider says of it now, and what the gateway has stored so far (contract 3.8).

The life of a video is shorter than a batch's and cannot be cancelled: 20 seconds queued, 160 in progress, and over.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from math import floor

from sandbox.clock import Clock
from sandbox.endpoints import WebhookChoice
from sandbox.jobs import STALE, Job
from sandbox.life import TERMINAL

QUEUED = 20.0
IN_PROGRESS = 160.0
END = QUEUED + IN_PROGRESS
SECONDS = 8  # how long the video itself is
NANOS = 800_000_000


@dataclass(frozen=True)
class VideoOrder:
    """The create call, validated."""

    model: str
    prompt: str
    metadata: dict[str, str]
    webhook: WebhookChoice | None = None


@dataclass(frozen=True)
class VideoReading:
    """The provider's word at one moment: its status, and how many percent are done."""

    status: str
    progress: int = 0

    @property
    def terminal(self) -> bool:
        return self.status in TERMINAL


@dataclass(kw_only=True)
class Video(Job):
    kind = "video"
    plural = "videos"
    begins = QUEUED

    order: VideoOrder
    stored: VideoReading = field(default_factory=lambda: VideoReading("queued"))

    @property
    def webhook(self) -> WebhookChoice | None:
        return self.order.webhook

    @property
    def end(self) -> str:
        return "failed" if "fails" in self.scenario else "expired" if "expires" in self.scenario else "completed"

    def store(self, found: VideoReading) -> None:
        """The first terminal status stays, and nothing goes backwards."""
        if not self.stored.terminal and (found.terminal or found.progress >= self.stored.progress):
            self.stored = found


def video_reading(video: Video, clock: Clock, now: datetime) -> VideoReading:
    """What the provider says about this video at this moment. One that fails or expires stops halfway."""
    lived = clock.lived(video.created_at, now)
    most = 100 if video.end == "completed" else 50
    if lived >= END:
        return VideoReading(video.end, most)
    if lived < QUEUED:
        return VideoReading("queued")
    return VideoReading("in_progress", min(floor(most * (lived - QUEUED) / IN_PROGRESS), 99))


def answered_video_reading(video: Video, clock: Clock, now: datetime) -> VideoReading:
    """What a status call gets to hear: the truth, or with `status_stale` the truth of a while ago."""
    true = video_reading(video, clock, now)
    if "status_stale" not in video.scenario or not true.terminal:
        return true
    if video.told_at and clock.lived(video.told_at, now) >= STALE:
        return true
    return replace(true, status="in_progress", progress=min(true.progress, 99))
