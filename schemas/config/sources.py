"""[sources.NAME]: from what is written to a source that is complete, or to what is missing."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlsplit

from schemas.config import addresses
from schemas.config.checking import check, found
from schemas.config.credentials import bearer, refuse_shared, webhook_secrets
from schemas.config.dialect import DialectDefaults
from schemas.config.inspection import Inspection, Key, shown_word
from schemas.config.model import Section, Source, SourceChoices, Webhook
from schemas.config.options import further_secrets, read_options
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
    further: Mapping[str, Found]


@dataclass(frozen=True)
class Told:
    """What is written of one source, and what its dialect makes of what is not."""

    written: WrittenSource
    defaults: DialectDefaults | None
    webhook: Webhook
    options: Section


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
        told = _told(key, table, dialects, inspection)
        credentials = _credentials(key, told, places, inspection)
        secrets.extend(credentials.webhook_secrets)
        source = _complete(key, told, credentials, inspection)
        if source:
            complete[name] = source
    refuse_shared(secrets, inspection)
    return complete


def _no_sources(sources: object, dialects: Dialects) -> tuple[str, str]:
    missing = sources is None or sources == {}
    what = "there is no source" if missing else f"must be tables [sources.NAME], and is {found(sources)}"
    example = (
        "[sources.gateway]",
        f"dialect = {json.dumps(min(dialects, default='phaseo'))}",
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


def _told(key: Key, table: Mapping[str, object], dialects: Dialects, inspection: Inspection) -> Told:
    plain = {word: value for word, value in table.items() if word != "options"}
    written = check(WrittenSource, key, plain, inspection)
    defaults = _dialect(key, written.dialect, dialects, inspection)
    options = read_options((*key, "options"), table.get("options", {}), defaults, inspection)
    return Told(written, defaults, _webhook(key, written, defaults, inspection), options)


def _webhook(key: Key, written: WrittenSource, defaults: DialectDefaults | None, inspection: Inspection) -> Webhook:
    """How the source's webhook is set up. What its provider does not have is refused."""
    ways = defaults.webhooks if defaults else ("endpoint",)
    if written.webhook is None:
        return ways[0]
    if defaults and written.webhook not in ways:
        fix = f"write {' or '.join(f'webhook = {json.dumps(way)}' for way in ways)}, or leave it out"
        inspection.problem((*key, "webhook"), f"{written.dialect} has no webhooks that are {written.webhook}", fix)
        return ways[0]
    return written.webhook


def _credentials(key: Key, told: Told, places: Places, inspection: Inspection) -> Credentials:
    written = told.written
    shown = told.defaults is None or told.defaults.shows_key
    api_key = bearer(key, "api_key", (written.api_key_env, written.api_key_file), places, inspection, in_header=shown)
    if written.api_key_env is None and written.api_key_file is None:
        _require(key, "api_key", f'"{_stem(written)}_API_KEY"', inspection)
    variables, files = written.webhook_secrets_env, written.webhook_secrets_file
    unneeded = told.webhook == "none" or inspection.is_wrong((*key, "webhook"))
    if not variables and not files and not unneeded:
        _require(key, "webhook_secrets", f'["{_stem(written)}_WEBHOOK_SECRET"]', inspection)
    secrets = webhook_secrets(key, variables, files, places, inspection)
    _refuse_other_form(secrets, told, inspection)
    return Credentials(
        api_key, secrets, further_secrets((*key, "options"), told.options, told.defaults, places, inspection)
    )


def _refuse_other_form(secrets: tuple[Found, ...], told: Told, inspection: Inspection) -> None:
    """A secret from which the dialect can make no key would refuse every delivery."""
    if told.defaults is None or told.defaults.why_not_secret is None:
        return
    for one in secrets:
        if why := told.defaults.why_not_secret(one.secret.reveal(), told.options):
            inspection.problem(one.key, f"{one.place} {why}", "copy the whole secret from the provider")


def _stem(written: WrittenSource) -> str:
    """How variables of its provider might be called."""
    return (written.dialect or "phaseo").upper() if is_source(written.dialect or "phaseo") else "PROVIDER"


def _require(key: Key, stem: str, sample: str, inspection: Inspection) -> None:
    """A secret that must be named. Nothing is said if the key that was to name it is wrong already."""
    by_variable, by_file = (*key, f"{stem}_env"), (*key, f"{stem}_file")
    given_itself = ((*key, stem), (*key, stem.removesuffix("s")))
    if not inspection.is_wrong(by_variable, by_file, *given_itself):
        fix = f"name a variable, such as {stem}_env = {sample}, or a file with {stem}_file"
        if stem == "webhook_secrets":
            fix = f'{fix}; or write webhook = "none" if no webhook is to be received'
        inspection.problem(by_variable, "is missing", fix)


def _complete(key: Key, told: Told, credentials: Credentials, inspection: Inspection) -> Source | None:
    """Fill in what the dialect knows, and check what depends on it."""
    written, defaults = told.written, told.defaults
    if defaults is None:
        return None
    base_url = written.base_url or defaults.base_url.rstrip("/")
    if not base_url and not inspection.is_wrong((*key, "base_url")):
        fix = f'write base_url = "https://...": {written.dialect} has no address that is everybody\'s'
        inspection.problem((*key, "base_url"), "is missing", fix)
    elif base_url:
        _refuse_plain_http(key, base_url, written.allow_plain_http, inspection)
        _refuse_elsewhere(key, told.options, base_url, defaults, inspection)
    events = _events(key, told, defaults, inspection)
    if written.dialect is None or credentials.api_key is None:
        return None
    return Source(
        name=key[1],
        dialect=written.dialect,
        base_url=base_url,
        api_key=credentials.api_key.secret,
        webhook=told.webhook,
        webhook_secrets=tuple(found.secret for found in credentials.webhook_secrets),
        tolerance_seconds=_either(written.tolerance_seconds, defaults.tolerance_seconds),
        delivery_window_seconds=_either(written.delivery_window_seconds, defaults.delivery_window_seconds),
        webhook_events=events,
        concurrency=_either(written.concurrency, defaults.concurrency),
        requests_per_minute=_either(written.requests_per_minute, defaults.requests_per_minute),
        request_timeout_seconds=_either(written.request_timeout_seconds, defaults.request_timeout_seconds),
        max_answer_bytes=_either(written.max_answer_bytes, defaults.max_answer_bytes),
        options=told.options,
        secrets={name: found.secret for name, found in credentials.further.items()},
        **{name: getattr(written, name) for name in SourceChoices.model_fields},
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


def _refuse_elsewhere(
    key: Key, options: Section, base_url: str, defaults: DialectDefaults, inspection: Inspection
) -> None:
    """An option that names a place is about the same provider as base_url."""
    at = (*key, "options")
    wrong = defaults.why_not_base_url(options, base_url) if defaults.why_not_base_url else None
    if wrong and not inspection.is_wrong(at, *((*at, word) for word in defaults.options.model_fields)):
        inspection.problem(at, *wrong)


def _events(key: Key, told: Told, defaults: DialectDefaults, inspection: Inspection) -> tuple[str, ...]:
    """The events as written, each once; or the dialect's own."""
    named = defaults.events(told.options) if defaults.events else None
    usual = defaults.webhook_events if named is None else named
    all_known = sorted(defaults.known_events if named is None else named)
    written = told.written.webhook_events
    if written is None:
        return usual
    at = (*key, "webhook_events")
    if not written:
        inspection.problem(at, "is empty", 'remove the key for the dialect\'s own events, or write webhook = "none"')
    for number, event in enumerate(written, 1):
        if event not in all_known:
            guess = nearest(event, all_known)
            known = f"known: {', '.join(all_known)}" if all_known else "remove the key: the options name no events"
            fix = f"did you mean {json.dumps(guess)}?" if guess else known
            inspection.problem(at, f"entry {number} is not an event of this dialect", fix)
    return tuple(dict.fromkeys(written))
