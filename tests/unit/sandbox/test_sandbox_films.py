"""The life of a video, second by second, and the links to what it shows."""

from datetime import UTC, datetime, timedelta

import pytest

from sandbox.clock import Clock
from sandbox.links import LIFE, DownloadLinks
from sandbox.scenarios import read_scenario
from sandbox.videos import Video, VideoOrder, VideoReading, answered_video_reading, video_reading

NOON = datetime(2026, 8, 12, 12, tzinfo=UTC)


def video(words: str = "") -> Video:
    return Video(
        id="G-1",
        native_id="video_1",
        request_id="G-1",
        order=VideoOrder("sora-2", "a goat", {}),
        scenario=read_scenario(words, "video"),
        created_at=NOON,
    )


@pytest.mark.parametrize(
    ("words", "lived", "status", "progress"),
    [
        ("", -1, "queued", 0),
        ("", 19.9, "queued", 0),
        ("", 20, "in_progress", 0),
        ("", 100, "in_progress", 50),
        ("", 179.9, "in_progress", 99),
        ("", 180, "completed", 100),
        ("", 9999, "completed", 100),
        ("fails", 100, "in_progress", 25),
        ("fails", 180, "failed", 50),
        ("expires", 180, "expired", 50),
    ],
)
def test_life(words: str, lived: float, status: str, progress: int) -> None:
    """
    Twenty seconds in the queue, 160 of work, and over; what is to fail or to expire comes half as far.
    """
    now = NOON + timedelta(seconds=lived)

    assert video_reading(video(words), Clock(), now) == VideoReading(status, progress)


def test_what_is_stored_goes_forward_only() -> None:
    """
    The first end stays, and less progress does not replace more.
    """
    stored = video()
    found = []
    for reading in (
        VideoReading("in_progress", 40),
        VideoReading("queued", 0),
        VideoReading("failed", 30),
        VideoReading("completed", 100),
    ):
        stored.store(reading)
        found.append(stored.stored)

    assert found == [
        VideoReading("in_progress", 40),
        VideoReading("in_progress", 40),
        VideoReading("failed", 30),
        VideoReading("failed", 30),
    ]


def test_stale() -> None:
    """
    What was told of is denied for two minutes; what nobody told of yet, for as long as that lasts.
    """
    stale, late = video("status_stale"), NOON + timedelta(seconds=500)
    before = answered_video_reading(stale, Clock(), late)
    stale.told_at = late - timedelta(seconds=119)
    within = answered_video_reading(stale, Clock(), late)
    stale.told_at = late - timedelta(seconds=120)

    assert before == within == VideoReading("in_progress", 99)
    assert answered_video_reading(stale, Clock(), late).status == "completed"


def test_links_end() -> None:
    """
    A link opens until its second is over, for its video and with its signature alone.
    """
    links = DownloadLinks()
    query, expires = links.query("G-1", NOON)
    asked = dict(part.split("=") for part in query.split("&"))
    end = NOON + timedelta(seconds=LIFE)

    assert asked["expires"] == str(expires) == str(int(end.timestamp()))
    assert links.opens("G-1", asked["expires"], asked["signature"], end)
    assert not links.opens("G-1", asked["expires"], asked["signature"], end + timedelta(seconds=1))
    assert not links.opens("G-2", asked["expires"], asked["signature"], NOON)
    assert not links.opens("G-1", "١", asked["signature"], NOON)
    assert not links.opens("G-1", asked["expires"], "\ud800", NOON)
    assert not DownloadLinks().opens("G-1", asked["expires"], asked["signature"], NOON)
