"""Whether an account is good for asking about jobs (contract 1.2, 1.3). Whoever gets here has logged in."""

from schemas.dialects.members import text
from schemas.dialects.tagger import routes
from schemas.dialects.tagger.errors import DISABLED, HEADER_LOST, STALE_TOKEN, read_detail, read_document, unreadable
from schemas.readings import KeyFails, KeyWorks, Question, Response, Troubled

_ADVICE = {
    DISABLED: "ask whoever runs the tagger to enable the account",
    "User not found": "the account was deleted: register it again, or configure another one",
    STALE_TOKEN: "the tagger refuses the token that it has just given: see whether its clock is right, and ask whoever runs it",
    **dict.fromkeys(HEADER_LOST, "see what stands between us and the tagger and takes the Authorization header away"),
    "Not Found": "nothing stands there: base_url is the tagger's own address, with or without /api",
}


def check_key(base_url: str) -> tuple[Question, ...]:
    return (Question("GET", routes.account(base_url)),)


def read_key(response: Response) -> KeyWorks | KeyFails:
    """The account as the tagger shows it to itself."""
    document = read_document(response)
    if isinstance(document, Troubled):
        return KeyFails(document, _ADVICE.get(read_detail(response) or ""))
    if text(document.get("email")) is None or text(document.get("id")) is None:
        return KeyFails(unreadable(response, "the answer shows no account"))
    return KeyWorks()
