"""Phaseo's live updates: a WebSocket that tells the stored row of one job (contract 6). Marked experimental by the vendor."""

from urllib.parse import urlsplit, urlunsplit

from schemas.dialects.phaseo.objects import read_object
from schemas.dialects.urls import segment
from schemas.readings import Deleted, Ignored, Observed, Question, SocketMessage
from schemas.strict_json import NotStrictJson, parse_object

PING = "ping"  # a bare string; the JSON object of the published description is not understood
_SCHEMES = {"https": "wss", "http": "ws"}


def socket(base_url: str, kind: str, job_id: str) -> Question:
    """Where to listen. Nothing is asked for in a query: the defaults are every 2.5 s, and closed once the job has ended."""
    base = urlsplit(base_url)
    path = f"{base.path.rstrip('/')}/async/{segment(kind)}/{segment(job_id)}/ws"
    return Question("GET", urlunsplit((_SCHEMES[base.scheme], base.netloc, path, "", "")))


def read_socket(kind: str, job_id: str, message: str) -> SocketMessage:
    """One message of the gateway. About another job it says nothing."""
    try:
        document = parse_object(message.encode("utf-8", "replace"), any_text=True)
    except NotStrictJson as error:
        return Ignored(f"not readable: {error}")
    data = document.get("data")
    match document.get("type"):
        case "pong":
            return Ignored()
        case "job.snapshot" | "job.updated" if isinstance(data, dict):
            read = read_object(data, kind)
            if isinstance(read, str):
                return Ignored(read)
            return Observed(read) if read.job_id == job_id else Ignored(f"about {read.job_id}, another job")
        case "job.deleted" if isinstance(data, dict) and data.get("id") == job_id:
            return Deleted()
    return Ignored("a message of a sort that is not known")
