"""What we ask the Phaseo gateway, and that we ask it nowhere else."""

import pytest

from schemas.dialects.orders import NewJob, Webhook
from schemas.dialects.phaseo import Phaseo
from schemas.readings import Question
from schemas.words import ActionVerb

BASE = "https://api.phaseo.app/v1"
JOB = "batch_01K2XYZ3ABCDEFGHJKMNPQRSTV"
OWN = f"{BASE}/batches/{JOB}"


@pytest.mark.parametrize("offered", [None, OWN, f"https://api.phaseo.app:443/v1/batches/{JOB}"])
def test_poll(offered: str | None) -> None:
    """A batch is asked for at its polling URL, and without any query: the gateway would take one for a part of the id."""
    assert Phaseo().poll(BASE, "batch", JOB, offered) == (Question("GET", OWN),)


def test_poll_under_the_alias() -> None:
    """A job that was made under `/v1/batch` is asked for there."""
    assert Phaseo().poll(BASE, "batch", JOB, f"{BASE}/batch/{JOB}") == (Question("GET", f"{BASE}/batch/{JOB}"),)


@pytest.mark.parametrize(
    "offered",
    [
        "",
        f"https://evil.example/v1/batches/{JOB}",
        f"http://api.phaseo.app/v1/batches/{JOB}",
        f"https://api.phaseo.app:8443/v1/batches/{JOB}",
        f"https://key@api.phaseo.app/v1/batches/{JOB}",
        f"https://api.phaseo.app./v1/batches/{JOB}",
        f"https://eu.api.phaseo.app/v1/batches/{JOB}",
        f"//api.phaseo.app/v1/batches/{JOB}",
        f"{OWN}?inline=true",
        f"{OWN}#x",
        f"{OWN}/",
        f"{OWN}/requests",
        f"{OWN}/cancel",
        f"{OWN}\r\nx: y",
        f"{BASE}/batches/batch_another",
        f"{BASE}/batches/%2e%2e/files/file-1",
        f"{BASE}/files/{JOB}",
        f"{BASE}/async/batch/{JOB}/ws",
        f"https://api.phaseo.app/v2/batches/{JOB}",
    ],
)
def test_poll_elsewhere(offered: str) -> None:
    """A polling URL that leads elsewhere, or to something else, is recorded; the batch is asked for at its own place."""
    assert Phaseo().poll(BASE, "batch", JOB, offered) == (Question("GET", OWN, mismatch=offered),)


@pytest.mark.parametrize(
    ("offered", "url"),
    [
        (None, f"{OWN}/cancel"),
        (f"{OWN}/cancel", f"{OWN}/cancel"),
        (f"{BASE}/batch/{JOB}/cancel", f"{BASE}/batch/{JOB}/cancel"),
    ],
)
def test_cancel(offered: str | None, url: str) -> None:
    """A cancel is posted to the cancel URL; one that is null, as while finalizing, prevents nothing."""
    assert Phaseo().act(BASE, ActionVerb.CANCEL, "batch", JOB, offered) == Question("POST", url)


@pytest.mark.parametrize(
    "offered", [OWN, f"{BASE}/batch/{JOB}", f"{BASE}/batches/batch_another/cancel", f"{OWN}/cancel?force=1"]
)
def test_cancel_elsewhere(offered: str) -> None:
    """A cancel URL that names no cancel of this very job is recorded and not followed."""
    assert Phaseo().act(BASE, ActionVerb.CANCEL, "batch", JOB, offered) == Question(
        "POST", f"{OWN}/cancel", mismatch=offered
    )


@pytest.mark.parametrize(
    ("job_id", "segment"),
    [
        ("a/b", "a%2Fb"),
        ("../files", "..%2Ffiles"),
        ("a?x=", "a%3Fx%3D"),
        ("a#b", "a%23b"),
        ("%2e%2e", "%252e%252e"),
        ("a\\b", "a%5Cb"),
        ("a;b@c:d", "a%3Bb%40c%3Ad"),
        ("...", "..."),
    ],
)
def test_hostile_ids(job_id: str, segment: str) -> None:
    """An id is one segment of the path, whatever stands in it."""
    assert Phaseo().poll(BASE, "batch", job_id, None)[0].url == f"{BASE}/batches/{segment}"
    assert Phaseo().act(BASE, ActionVerb.CANCEL, "batch", job_id, None).url == f"{BASE}/batches/{segment}/cancel"
    assert Phaseo().file(BASE, job_id).url == f"{BASE}/files/{segment}"


@pytest.mark.parametrize(
    "base", ["http://127.0.0.1:9000/v1", "http://[::1]:9000", "https://gateway.example/proxy/phaseo/v1"]
)
def test_other_bases(base: str) -> None:
    """All questions go to the configured base, with its port and its path."""
    phaseo = Phaseo()

    assert phaseo.poll(base, "batch", JOB, OWN) == (Question("GET", f"{base}/batches/{JOB}", mismatch=OWN),)
    assert phaseo.poll(base, "batch", JOB, f"{base}/batch/{JOB}") == (Question("GET", f"{base}/batch/{JOB}"),)
    assert phaseo.act(base, ActionVerb.CANCEL, "batch", JOB, None) == Question("POST", f"{base}/batches/{JOB}/cancel")
    assert phaseo.file(base, "file-1") == Question("GET", f"{base}/files/file-1")
    assert phaseo.upload(base) == Question("POST", f"{base}/files")
    assert phaseo.create(base, NewJob("file-1")).url == f"{base}/batches"


@pytest.mark.parametrize(
    ("new", "body"),
    [
        (NewJob("file-1"), {"input_file_id": "file-1", "metadata": {}}),
        (
            NewJob("file-1", "/v1/responses", "24h", {"job": "nightly"}),
            {
                "input_file_id": "file-1",
                "metadata": {"job": "nightly"},
                "endpoint": "/v1/responses",
                "completion_window": "24h",
            },
        ),
        (
            NewJob("file-1", webhook=Webhook(("batch.completed",), endpoint_id="5f0c")),
            {
                "input_file_id": "file-1",
                "metadata": {},
                "webhook": {"events": ["batch.completed"], "endpoint_id": "5f0c"},
            },
        ),
        (
            NewJob(
                "file-1",
                webhook=Webhook(("batch.completed",), url="https://hooks.example/webhooks/x", secret="whsec_x"),
            ),
            {
                "input_file_id": "file-1",
                "metadata": {},
                "webhook": {
                    "events": ["batch.completed"],
                    "url": "https://hooks.example/webhooks/x",
                    "secret": "whsec_x",
                },
            },
        ),
    ],
)
def test_create(new: NewJob, body: dict[str, object]) -> None:
    """A create holds one source of input, and of the rest only what was asked for, with the webhook's events written out."""
    assert Phaseo().create(BASE, new) == Question("POST", f"{BASE}/batches", body)
