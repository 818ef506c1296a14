"""The push object of a job of either kind, as webhooks and sockets carry it."""

from typing import Any

from sandbox.batches import Batch
from sandbox.clock import Clock
from sandbox.generations import Generation
from sandbox.jobs import Job
from sandbox.links import DownloadLinks
from sandbox.push_objects import push_object
from sandbox.video_objects import push_video
from sandbox.videos import Video


class Snapshots:
    """Knows on which base the URLs of push objects stand."""

    def __init__(self, clock: Clock, generation: Generation, public_base: str, links: DownloadLinks) -> None:
        self._clock = clock
        self._generation = generation
        self._public_base = public_base
        self._links = links

    def of(self, job: Job, *, bucket: int | None = None, base: str | None = None) -> dict[str, Any]:
        """What the stored row says now; `bucket` is the progress of a progress event, `base` another than the public one.

        Raises:
            TypeError: a kind that has no push object.
        """
        base = base or self._public_base
        match job:
            case Batch():
                return push_object(job, base, self._generation, bucket)
            case Video():
                now = self._clock.now()
                return push_video(job, base, self._generation, self._links, now, bucket)
            case _:
                raise TypeError(f"{type(job).__name__} has no push object")
