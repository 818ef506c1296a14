"""From a file and an environment to a configuration, or to everything that is wrong with them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from schemas.config import addresses
from schemas.config.checking import check, found
from schemas.config.credentials import bearer, long_enough
from schemas.config.dialect import DialectDefaults
from schemas.config.handoffs import read_handoffs
from schemas.config.inspection import Inspection, Key
from schemas.config.model import (
    Config,
    Data,
    Database,
    Operators,
    Receiver,
    Reconciler,
    Retention,
    Section,
    Source,
)
from schemas.config.overrides import apply_overrides, variables_named
from schemas.config.places import Found, Places
from schemas.config.problems import ConfigError
from schemas.config.reading import read_document
from schemas.config.sources import read_sources
from schemas.config.strays import unknown_table
from schemas.config.written import NAMED, SECTIONS, WrittenOperators

T = TypeVar("T", bound=Section)


def load(path: Path, environ: Mapping[str, str], dialects: Mapping[str, DialectDefaults]) -> Config:
    """
    Read the file, let variables override it, fetch the secrets and check it all.

    Raises:
        ConfigError: with every problem that was found.
    """
    environ = dict(environ)
    document = read_document(path)
    inspection = Inspection(path)
    apply_overrides(document, environ, inspection)
    config = _assemble(document, dialects, Places(environ, inspection), inspection)
    if inspection.problems:
        raise ConfigError(inspection.problems)
    return config


def _assemble(
    document: Mapping[str, Any], dialects: Mapping[str, DialectDefaults], places: Places, inspection: Inspection
) -> Config:
    _refuse_unknown_tables(document, inspection)
    receiver = _section(Receiver, "receiver", document, inspection)
    operators = _operators(document, places, inspection)
    reconciler = _section(Reconciler, "reconciler", document, inspection)
    _refuse_one_address(receiver, operators, inspection)
    _refuse_low_cap(reconciler, inspection)
    database = _section(Database, "database", document, inspection)
    _refuse_password_in_file(database, inspection)
    sources = read_sources(document.get("sources"), dialects, places, inspection)
    _refuse_no_way_back(receiver, sources, inspection)
    handoffs = read_handoffs(document, sources, places, inspection)
    data = _section(Data, "data", document, inspection)
    _refuse_two_places(data, inspection)
    return Config(
        path=inspection.path,
        database=database,
        receiver=receiver,
        operators=operators,
        reconciler=reconciler,
        data=data,
        retention=_section(Retention, "retention", document, inspection),
        sources=sources,
        handoffs=handoffs,
        secret_variables=frozenset(variables_named(document)),
        warnings=tuple(inspection.warnings),
    )


def _refuse_password_in_file(database: Database, inspection: Inspection) -> None:
    key = ("database", "url")
    if addresses.password_in(database.url) and key not in inspection.variables:
        inspection.problem(
            key,
            "a password does not belong in the file",
            "take it out and export PGPASSWORD or keep it in ~/.pgpass; or give the whole URL in BATCHKEEPER_DATABASE__URL",
        )


def _refuse_two_places(data: Data, inspection: Inspection) -> None:
    if data.url is not None and "dir" in data.model_fields_set:
        inspection.problem(("data", "url"), "dir and url are both given", "remove one of the two")


def _refuse_no_way_back(receiver: Receiver, sources: Mapping[str, Source], inspection: Inspection) -> None:
    """A webhook that is sent along with each job says where to: this machine's own address is nobody else's."""
    key = ("receiver", "public_url")
    for name, source in sorted(sources.items()):
        far = not addresses.is_loopback(urlsplit(source.base_url).hostname or "")
        wrong = inspection.is_wrong(key, ("sources", name, "webhook"))
        if source.webhook == "inline" and far and receiver.public_url is None and not wrong:
            inspection.problem(
                key,
                f"is missing, and sources.{name} tells its provider with each job where to send its news",
                'write public_url = "https://..." under [receiver], or webhook = "endpoint" or "none" for that source',
            )


def _refuse_unknown_tables(document: Mapping[str, Any], inspection: Inspection) -> None:
    for word in document:
        if word not in SECTIONS and word not in NAMED:
            inspection.problem((word,), *unknown_table(word))


def _section(model: type[T], name: str, document: Mapping[str, Any], inspection: Inspection) -> T:
    table = document.get(name, {})
    if not isinstance(table, dict):
        inspection.problem((name,), f"must be a table, and is {found(table)}", f"write [{name}] and its keys below")
        table = {}
    return check(model, (name,), table, inspection)


def _operators(document: Mapping[str, Any], places: Places, inspection: Inspection) -> Operators:
    key = ("operators",)
    written = _section(WrittenOperators, "operators", document, inspection)
    named = {
        "token": (written.token_env, written.token_file),
        "read_token": (written.read_token_env, written.read_token_file),
    }
    tokens = {stem: _token(key, stem, one, places, inspection) for stem, one in named.items()}
    _refuse_one_token(tokens["token"], tokens["read_token"], inspection)
    wrong = inspection.is_wrong(*((*key, f"{stem}{end}") for stem in named for end in ("", "_env", "_file")))
    is_meant = wrong or any(one != (None, None) for one in named.values())
    if not is_meant and not addresses.is_loopback(written.host):
        inspection.problem(
            (*key, "host"),
            "beyond this machine the operators' surface needs a token",
            'write token_env = "BATCHKEEPER_TOKEN" and export it, or host = "127.0.0.1"',
        )
    return Operators(
        host=written.host,
        port=written.port,
        max_upload_bytes=written.max_upload_bytes,
        **{stem: found.secret for stem, found in tokens.items() if found},
    )


def _token(
    table: Key, stem: str, named: tuple[str | None, str | None], places: Places, inspection: Inspection
) -> Found | None:
    found = bearer(table, stem, named, places, inspection)
    return found if found and long_enough(found, inspection) else None


def _refuse_one_token(acts: Found | None, looks: Found | None, inspection: Inspection) -> None:
    """Who is given a token that only looks must not be able to act with it."""
    if acts and looks and acts.secret == looks.secret:
        inspection.problem(
            looks.key,
            f"{acts.place} and {looks.place} hold the same token, so whoever looks could act",
            "make another one for looking, such as by: openssl rand -hex 32",
        )


def _refuse_one_address(receiver: Receiver, operators: Operators, inspection: Inspection) -> None:
    keys = [(table, word) for table in ("receiver", "operators") for word in ("host", "port")]
    if receiver.port == operators.port != 0 and receiver.host == operators.host and not inspection.is_wrong(*keys):
        inspection.problem(
            ("operators", "port"),
            f"the receiver listens on {receiver.host} port {receiver.port} already",
            "give the two different ports",
        )


def _refuse_low_cap(reconciler: Reconciler, inspection: Inspection) -> None:
    cap, first = ("reconciler", "poll_cap_seconds"), ("reconciler", "poll_seconds")
    if reconciler.poll_cap_seconds < reconciler.poll_seconds and not inspection.is_wrong(cap, first):
        inspection.problem(
            cap,
            f"is below poll_seconds, which is {reconciler.poll_seconds:g}",
            "raise the one or lower the other",
        )
