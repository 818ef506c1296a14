"""What the gateway does with videos: creates them, asks the provider, and tells what changed (contract 4.4).

A video has no bill to wait for. Each change of its stored status is told, and each step of its progress; of G1, only the
step: it knows no `status_changed`.
"""

import asyncio
from random import Random

from sandbox import ids
from sandbox.announcing import Announcer
from sandbox.background import Background
from sandbox.clock import Clock
from sandbox.errors import flat
from sandbox.events import Event, progress_bucket
from sandbox.generations import Generation
from sandbox.scenarios import Scenario
from sandbox.videos import END, Video, VideoOrder, VideoReading, answered_video_reading, video_reading

TICKS = (20.0, 60.0)  # seconds of life between two reconcile visits of one video


class Videos:
    """All videos of the account, by id: that of the create call's request."""

    def __init__(self, clock: Clock, generation: Generation, announcer: Announcer, background: Background) -> None:
        self.known: dict[str, Video] = {}
        self._clock = clock
        self._generation = generation
        self._announcer = announcer
        self._background = background

    def find(self, video_id: str) -> Video:
        """The contract names no reason for an unknown video. This one is made after that of a batch: our guess."""
        video = self.known.get(video_id)
        if video is None or video.is_deleted:
            raise flat("not_found", "video_not_found_or_not_owned", video_id=video_id)
        return video

    def create(self, order: VideoOrder, scenario: Scenario) -> Video:
        request_id = ids.request_id()
        video = Video(
            id=request_id,
            native_id=ids.native_video_id(),
            request_id=request_id,
            order=order,
            scenario=scenario,
            created_at=self._clock.now(),
        )
        self.known[video.id] = video
        self._announcer.tell_creation(video)
        self._background.start(self._watch(video))
        return video

    def ask(self, video: Video) -> VideoReading:
        """Ask the provider, take in what it says, and tell it. In G1 the first end stays."""
        heard = answered_video_reading(video, self._clock, self._clock.now())
        self.notice(video, heard)
        return video.stored if self._generation.keeps_first_end and video.stored.terminal else heard

    def notice(self, video: Video, found: VideoReading) -> None:
        """Take in one word of the provider's, and tell what is new in it."""
        before, now = video.stored, self._clock.now()
        video.store(found)
        video.updated_at = video.polled_at = now
        video.polled_status = found.status
        if video.stored.status != before.status and "status_changed" in self._generation.phases:
            self._announcer.tell(video, Event("video", "status_changed", change=(before.status, video.stored.status)))
        bucket = None if video.stored.terminal else progress_bucket(video.stored.progress)
        if bucket is not None and bucket > video.told_progress:
            video.told_progress = bucket
            self._announcer.tell(video, Event("video", "progress", bucket))
        if found.terminal and video.noticed_at is None:
            video.noticed_at = now
            # G1a has no event for a job that expired, and tells it as failed.
            phase = found.status if found.status in self._generation.phases else "failed"
            self._announcer.tell_end(video, Event("video", phase))

    async def _watch(self, video: Video) -> None:
        """The reconcile tick; with `status_stale` it comes the moment the video ends."""
        pauses = Random(video.id)
        while video.noticed_at is None and not video.is_deleted:
            lived = self._clock.lived(video.created_at, self._clock.now())
            stale = "status_stale" in video.scenario
            pause = max(END - lived, 0.1) if stale else pauses.uniform(*TICKS)
            await asyncio.sleep(self._clock.real(pause))
            if not video.is_deleted:
                self.notice(video, video_reading(video, self._clock, self._clock.now()))
