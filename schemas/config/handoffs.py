"""[handoffs.NAME]: from what is written to a target that is complete, or to what is missing."""

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from schemas.config import addresses
from schemas.config.checking import check, found
from schemas.config.credentials import PREFIX, bearer
from schemas.config.inspection import Inspection, Key, shown_word
from schemas.config.model import Handoff, HandoffChoices, Source, TargetType
from schemas.config.places import Found, Places
from schemas.config.suggest import nearest
from schemas.config.written import WrittenHandoff
from schemas.identity import is_source
from schemas.words import TERMINAL, Status

TYPES: tuple[TargetType, ...] = ("http", "command")
SHORTEST_KEY, LONGEST_KEY = 24, 64  # bytes, as Standard Webhooks has it

_NEW_SECRET = f'make one: echo "{PREFIX}$(openssl rand -base64 32)"'
_ONLY = {"http": ("url", "secret_env", "secret_file", "allow_plain_http"), "command": ("command",)}


def read_handoffs(
    document: Mapping[str, Any], sources: Mapping[str, Source], places: Places, inspection: Inspection
) -> dict[str, Handoff]:
    """Every target that is right. What is wrong with the others is reported. None at all is fine."""
    tables = document.get("handoffs", {})
    if not isinstance(tables, dict):
        what = f"must be tables [handoffs.NAME], and is {found(tables)}"
        inspection.problem(("handoffs",), what, "write [handoffs.NAME] and its keys below")
        return {}
    configured = document.get("sources")
    known = [name for name in configured if is_source(name)] if isinstance(configured, dict) else []
    complete: dict[str, Handoff] = {}
    for name, table in tables.items():
        target = _target(name, table, known, sources, places, inspection)
        if target is not None:
            complete[name] = target
    return complete


def _target(
    name: str,
    table: object,
    known: list[str],
    sources: Mapping[str, Source],
    places: Places,
    inspection: Inspection,
) -> Handoff | None:
    key: Key = ("handoffs", name)
    if not isinstance(table, dict):
        _no_table(key, table, inspection)
        return None
    if not is_source(name):
        what = "this cannot be the name of a target: it stands in listings and in variables"
        inspection.problem(key, what, "use a to z, 0 to 9 and _, beginning with a letter, at most 63 in all")
    written = check(WrittenHandoff, key, table, inspection)
    _refuse_low_cap(key, written, inspection)
    _check_filters(key, written, known, inspection)
    kind = _type(key, written.type, inspection)
    if kind is None:
        return None
    for word in _strange(written, kind):
        what = f"a target of type {kind} has no {word}"
        inspection.problem((*key, word), what, f"remove it, or change the type of {shown_word(name)}")
    secret = _http(key, written, sources, places, inspection) if kind == "http" else None
    if kind == "command":
        _check_command(key, written, places, inspection)
    elif secret is None:
        return None
    choices = {word: getattr(written, word) for word in HandoffChoices.model_fields}
    return Handoff(name=name, type=kind, secret=secret.secret if secret else None, **choices)


def _no_table(key: Key, table: object, inspection: Inspection) -> None:
    name = key[-1]
    if name in WrittenHandoff.model_fields:
        what, fix = "there is no such key in [handoffs]", "write it below the name of a target: [handoffs.downstream]"
    else:
        what, fix = f"must be a table, and is {found(table)}", f"write [handoffs.{shown_word(name)}] and its keys below"
    inspection.problem(key, what, fix)


def _type(key: Key, written: str | None, inspection: Inspection) -> TargetType | None:
    at, known = (*key, "type"), " or ".join(json.dumps(word) for word in TYPES)
    if written is None and not inspection.is_wrong(at):
        inspection.problem(at, "is missing", f"write how the target is told: {known}")
    if written is not None and written not in TYPES:
        guess = nearest(written, TYPES)
        meant = f"did you mean {json.dumps(guess)}? " if guess else ""
        inspection.problem(at, "there is no such type of target", f"{meant}Known: {known}")
    return next((word for word in TYPES if word == written), None)


def _strange(written: WrittenHandoff, kind: TargetType) -> Iterator[str]:
    """The keys that only a target of the other type has."""
    for word in _ONLY["command" if kind == "http" else "http"]:
        if getattr(written, word) not in (None, (), False):
            yield word


def _refuse_low_cap(key: Key, written: WrittenHandoff, inspection: Inspection) -> None:
    cap, first = (*key, "retry_cap_seconds"), (*key, "retry_seconds")
    if written.retry_cap_seconds < written.retry_seconds and not inspection.is_wrong(cap, first):
        what = f"is below retry_seconds, which is {written.retry_seconds:g}"
        inspection.problem(cap, what, "raise the one or lower the other")


def _check_filters(key: Key, written: WrittenHandoff, known: list[str], inspection: Inspection) -> None:
    statuses = sorted(Status) if written.on == "finding" else sorted(TERMINAL)
    if written.on == "group" and written.statuses:
        inspection.problem((*key, "statuses"), "a group has no status", "remove it, or tell of its jobs instead")
    else:
        _each_of(written.statuses, statuses, (*key, "statuses"), "a status that is told", inspection)
    _each_of(written.sources, known, (*key, "sources"), "a configured source", inspection)


def _each_of(given: tuple[str, ...], known: list[Any], key: Key, what: str, inspection: Inspection) -> None:
    for number, word in enumerate(given, 1):
        if word not in known:
            guess = nearest(word, known)
            fix = f"did you mean {json.dumps(guess)}?" if guess else f"known: {', '.join(known)}"
            inspection.problem(key, f"entry {number} is not {what}", fix)


def _http(
    key: Key, written: WrittenHandoff, sources: Mapping[str, Source], places: Places, inspection: Inspection
) -> Found | None:
    """Check where an http target is, and find what it is told with."""
    at = (*key, "url")
    if written.url is None and not inspection.is_wrong(at):
        inspection.problem(at, "is missing", 'write where the target is, such as url = "https://jobs.example.com/done"')
    _refuse_plain_http(key, written, inspection)
    by_variable, by_file = (*key, "secret_env"), (*key, "secret_file")
    if written.secret_env is None and written.secret_file is None:
        if not inspection.is_wrong(by_variable, by_file, (*key, "secret")):
            fix = f"name a variable with secret_env, or a file with secret_file; {_NEW_SECRET}"
            inspection.problem(by_variable, "is missing", fix)
        return None
    secret = bearer(key, "secret", (written.secret_env, written.secret_file), places, inspection)
    if secret is None or not _is_key(secret, inspection) or written.url is None:
        return None
    for name, source in sorted(sources.items()):
        if secret.secret in source.webhook_secrets:
            what = f"{secret.place} holds a webhook secret of sources.{name}"
            inspection.problem(secret.key, what, f"whoever is told could speak for the provider; {_NEW_SECRET}")
    return secret


def _refuse_plain_http(key: Key, written: WrittenHandoff, inspection: Inspection) -> None:
    parts = urlsplit(written.url or "https:")
    allowed = written.allow_plain_http or inspection.is_wrong((*key, "allow_plain_http"))
    if parts.scheme == "https" or allowed or addresses.is_loopback(parts.hostname or ""):
        return
    inspection.problem(
        (*key, "url"),
        "http:// beyond this machine would send events in the clear",
        "write https://, or allow_plain_http = true if the network between is trusted",
    )


def _is_key(secret: Found, inspection: Inspection) -> bool:
    """Is this a secret as Standard Webhooks has it: the prefix, and the base64 of 24 to 64 bytes?"""
    text = secret.secret.reveal()
    try:
        raw = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        raw = b""
    if text.startswith(PREFIX) and SHORTEST_KEY <= len(raw) <= LONGEST_KEY:
        return True
    what = f"{secret.place} holds no secret of Standard Webhooks: {PREFIX} and {SHORTEST_KEY} to {LONGEST_KEY} bytes in base64"
    inspection.problem(secret.key, what, _NEW_SECRET)
    return False


def _check_command(key: Key, written: WrittenHandoff, places: Places, inspection: Inspection) -> None:
    at = (*key, "command")
    if inspection.is_wrong(at):
        return
    if not written.command:
        inspection.problem(
            at, "is missing", 'write the program and its arguments, such as command = ["/opt/told", "-v"]'
        )
        return
    program = written.command[0]
    if "/" in program and not program.startswith("/"):
        inspection.problem(at, "the program is a relative path", "write an absolute path, or a name that is on PATH")
    elif places.program(program) is None:
        where = "there is no program at this path that may be run" if "/" in program else "no such program is on PATH"
        inspection.problem(at, where, "correct the path, install the program, or let this user run it: chmod +x")
