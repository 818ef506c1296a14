"""Where the tagger answers: everything stands below `/api`, whether or not the base URL names that (contract 0)."""

import re
from urllib.parse import urlsplit, urlunsplit

from schemas.dialects.urls import segment

START = "/api/batch/start"  # the one endpoint that rows are for, as it is named to people

_SCHEMES = {"https": "wss", "http": "ws"}
HISTORY_ID = "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_UUID = re.compile(HISTORY_ID)
_HISTORY = re.compile(rf"/api/history/jobs/({HISTORY_ID})\Z")


def root(base_url: str) -> str:
    """The base URL up to and with `/api`, without a slash at the end."""
    parts = urlsplit(base_url)
    path = parts.path.rstrip("/")
    return urlunsplit((parts.scheme, parts.netloc, path if path.endswith("/api") else f"{path}/api", "", ""))


def login(base_url: str) -> str:
    return f"{root(base_url)}/auth/login"


def refresh(base_url: str) -> str:
    return f"{root(base_url)}/auth/refresh"


def account(base_url: str) -> str:
    return f"{root(base_url)}/auth/me"


def start(base_url: str) -> str:
    return f"{root(base_url)}/batch/start"


def active(base_url: str) -> str:
    return f"{root(base_url)}/batch/active"


def job(base_url: str, job_id: str, what: str) -> str:
    """`what` is `status` or a command. There is no route without one."""
    return f"{root(base_url)}/batch/jobs/{segment(job_id)}/{what}"


def socket(base_url: str, job_id: str) -> str:
    parts = urlsplit(root(base_url))
    path = f"{parts.path}/batch/ws/{segment(job_id)}"
    return urlunsplit((_SCHEMES[parts.scheme], parts.netloc, path, "", ""))


def history(base_url: str, db_job_id: str) -> str:
    return f"{root(base_url)}/history/jobs/{segment(db_job_id)}"


def history_place(db_job_id: object) -> str | None:
    """The place of a job's history, whatever the base URL: what is kept as its polling URL. None: that is no id of history's,
    which are UUIDs."""
    is_id = isinstance(db_job_id, str) and _UUID.fullmatch(db_job_id)
    return f"/api/history/jobs/{db_job_id}" if is_id else None


def history_id(base_url: str, offered: str | None) -> str | None:
    """The id in a polling URL that is such a place, by itself or at this base URL; None: it is neither."""
    db_job_id = history_id_asked(offered or "")
    if db_job_id is None or offered not in (history_place(db_job_id), history(base_url, db_job_id)):
        return None
    return db_job_id


def history_id_asked(url: str) -> str | None:
    """The id in a question about a job's history; None: the question is another one."""
    found = _HISTORY.search(url)
    return found[1] if found else None
