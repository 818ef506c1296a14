"""[sources.NAME]: from what is written to a source that is complete, or to what is missing."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlsplit

from schemas.config import addresses
from schemas.config.checking import check, found
from schemas.config.credentials import bearer, refuse_shared, webhook_secrets
from schemas.config.inspection import Inspection, Key, shown_word
from schemas.config.model import DialectDefaults, Source
from schemas.config.places import Found, Places
from schemas.config.suggest import nearest
from schemas.config.written import WrittenSource
from schemas.identity import is_source

Dialects = Mapping[str, DialectDefaults]


@dataclass(frozen=True)
class Credentials:
    """The secrets of one source, as far as they were found."""

    api_key: Found | None
    webhook_secrets: tuple[Found, ...]


def read_sources(sources: object, dialects: Dialects, places: Places, inspection: Inspection) -> dict[str, Source]:
    """Every source that is right. What is wrong with the others is reported."""
    if not isinstance(sources, dict) or not sources:
        inspection.problem(("sources",), *_no_sources(sources, dialects))
        return {}
    complete: dict[str, Source] = {}
    secrets: list[Found] = []
    for name, table in sources.items():
        if not _is_table(name, table, inspection):
            continue
        _check_name(name, inspection)
        key = ("sources", name)
        written = check(WrittenSource, key, table, inspection)
        credentials = _credentials(key, written, places, inspection)
        secrets.extend(credentials.webhook_secrets)
        source = _complete(key, written, credentials, dialects, inspection)
        if source:
            complete[name] = source
    refuse_shared(secrets, inspection)
    return complete


def _no_sources(sources: object, dialects: Dialects) -> tuple[str, str]:
    missing = sources is None or sources == {}
    what = "there is no source" if missing else f"must be tables [sources.NAME], and is {found(sources)}"
    example = (
        "[sources.gateway]",
        f"dialect = {json.dumps(next(iter(dialects), 'phaseo'))}",
        'api_key_env = "PHASEO_API_KEY"',
        'webhook_secrets_env = ["PHASEO_WEBHOOK_SECRET"]',
    )
    return what, "\n        ".join(("add one, such as", *example))


def _is_table(name: str, table: object, inspection: Inspection) -> bool:
    if isinstance(table, dict):
        return True
    if name in WrittenSource.model_fields:
        what, fix = "there is no such key in [sources]", "write it below the name of a source: [sources.gateway]"
    else:
        what, fix = f"must be a table, and is {found(table)}", f"write [sources.{shown_word(name)}] and its keys below"
    inspection.problem(("sources", name), what, fix)
    return False


def _check_name(name: str, inspection: Inspection) -> None:
    if not is_source(name):
        inspection.problem(
            ("sources", name),
            "this cannot be the name of a source: it stands in URLs and in variables",
            "use a to z, 0 to 9 and _, beginning with a letter, at most 63 in all",
        )


def _credentials(key: Key, written: WrittenSource, places: Places, inspection: Inspection) -> Credentials:
    api_key = bearer(key, "api_key", (written.api_key_env, written.api_key_file), places, inspection)
    if written.api_key_env is None and written.api_key_file is None:
        _require(key, "api_key", '"PHASEO_API_KEY"', inspection)
    variables, files = written.webhook_secrets_env, written.webhook_secrets_file
    unneeded = written.webhook == "none" or inspection.is_wrong((*key, "webhook"))
    if not variables and not files and not unneeded:
        _require(key, "webhook_secrets", '["PHASEO_WEBHOOK_SECRET"]', inspection)
    return Credentials(api_key, webhook_secrets(key, variables, files, places, inspection))


def _require(key: Key, stem: str, sample: str, inspection: Inspection) -> None:
    """A secret that must be named. Nothing is said if the key that was to name it is wrong already."""
    by_variable, by_file = (*key, f"{stem}_env"), (*key, f"{stem}_file")
    given_itself = ((*key, stem), (*key, stem.removesuffix("s")))
    if not inspection.is_wrong(by_variable, by_file, *given_itself):
        fix = f"name a variable, such as {stem}_env = {sample}, or a file with {stem}_file"
        if stem == "webhook_secrets":
            fix = f'{fix}; or write webhook = "none" if no webhook is to be received'
        inspection.problem(by_variable, "is missing", fix)


def _complete(
    key: Key, written: WrittenSource, credentials: Credentials, dialects: Dialects, inspection: Inspection
) -> Source | None:
    """Fill in what the dialect knows, and check what depends on it."""
    defaults = _dialect(key, written.dialect, dialects, inspection)
    if defaults is None:
        return None
    base_url = written.base_url or defaults.base_url.rstrip("/")
    _refuse_plain_http(key, base_url, written.allow_plain_http, inspection)
    _refuse_webhook(key, written, defaults, inspection)
    _refuse_secrets(credentials, defaults, inspection)
    events = _events(key, written.webhook_events, defaults, inspection)
    if written.dialect is None or credentials.api_key is None:
        return None
    return Source(
        name=key[1],
        dialect=written.dialect,
        base_url=base_url,
        api_key=credentials.api_key.secret,
        webhook_secrets=tuple(found.secret for found in credentials.webhook_secrets),
        tolerance_seconds=_either(written.tolerance_seconds, defaults.tolerance_seconds),
        delivery_window_seconds=_either(written.delivery_window_seconds, defaults.delivery_window_seconds),
        webhook=written.webhook,
        webhook_endpoint_id=written.webhook_endpoint_id,
        webhook_events=events,
        adopt=written.adopt,
        adopt_limit=written.adopt_limit,
        concurrency=written.concurrency,
        requests_per_minute=_either(written.requests_per_minute, defaults.requests_per_minute),
        fetch_adopted=written.fetch_adopted,
        cancel_after_seconds=written.cancel_after_seconds,
        list_trust_seconds=written.list_trust_seconds,
        sweep_seconds=written.sweep_seconds,
        allow_plain_http=written.allow_plain_http,
    )


Value = TypeVar("Value")


def _either(written: Value | None, default: Value) -> Value:
    return default if written is None else written


def _dialect(key: Key, name: str | None, dialects: Dialects, inspection: Inspection) -> DialectDefaults | None:
    at = (*key, "dialect")
    known = ", ".join(json.dumps(dialect) for dialect in sorted(dialects))
    if name is None:
        if not inspection.is_wrong(at):
            inspection.problem(at, "is missing", f"write which provider's wire this is; known: {known}")
        return None
    if name not in dialects:
        guess = nearest(name, dialects)
        meant = f"did you mean {json.dumps(guess)}? " if guess else ""
        inspection.problem(at, "there is no such dialect", f"{meant}Known: {known}")
    return dialects.get(name)


def _refuse_plain_http(key: Key, base_url: str, allowed: bool, inspection: Inspection) -> None:
    parts = urlsplit(base_url)
    allowed = allowed or inspection.is_wrong((*key, "allow_plain_http"))
    if parts.scheme == "https" or allowed or addresses.is_loopback(parts.hostname or ""):
        return
    inspection.problem(
        (*key, "base_url"),
        "http:// beyond this machine would send the API key in the clear",
        "write https://, or allow_plain_http = true if the network between is trusted",
    )


def _refuse_webhook(key: Key, written: WrittenSource, defaults: DialectDefaults, inspection: Inspection) -> None:
    if written.webhook not in defaults.webhooks:
        there_are = " or ".join(f"webhook = {json.dumps(one)}" for one in defaults.webhooks)
        inspection.problem(
            (*key, "webhook"),
            f"this dialect's provider has no webhooks that are {written.webhook}",
            f"write {there_are}",
        )


def _refuse_secrets(credentials: Credentials, defaults: DialectDefaults, inspection: Inspection) -> None:
    """With a secret that makes no key every delivery would be refused, and nobody would see why."""
    for one in credentials.webhook_secrets:
        if why := defaults.why_bad_secret(one.secret.reveal()):
            inspection.problem(one.key, f"the secret in {one.place} {why}", "copy it again from the provider, whole")


def _events(
    key: Key, written: tuple[str, ...] | None, defaults: DialectDefaults, inspection: Inspection
) -> tuple[str, ...]:
    """The events as written, each once; or the dialect's own."""
    if written is None:
        return defaults.webhook_events
    at = (*key, "webhook_events")
    if not written:
        inspection.problem(at, "is empty", 'remove the key for the dialect\'s own events, or write webhook = "none"')
    for number, event in enumerate(written, 1):
        if event not in defaults.known_events:
            guess = nearest(event, sorted(defaults.known_events))
            known = f"known: {', '.join(sorted(defaults.known_events))}"
            fix = f"did you mean {json.dumps(guess)}?" if guess else known
            inspection.problem(at, f"entry {number} is not an event of this dialect", fix)
    return tuple(dict.fromkeys(written))
