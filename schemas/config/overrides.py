"""
Environment variables that override keys of the file.

`BATCHKEEPER_RECEIVER__PORT` is the key `port` of the table `receiver`. A variable with our prefix that is no key is
an error: it was meant to do something and would do nothing.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from schemas.config.inspection import Inspection, Key
from schemas.config.strays import advice
from schemas.config.suggest import nearest
from schemas.config.values import from_text
from schemas.config.written import SECTIONS, WrittenSource, kind_of
from schemas.identity import is_source

PREFIX = "BATCHKEEPER_"


def apply_overrides(document: dict[str, Any], environ: Mapping[str, str], inspection: Inspection) -> None:
    """Write into the document what variables say, and report those that say nothing we know."""
    named = set(variables_named(document))
    ours = sorted(name for name in environ if is_override(name) and name not in named)
    strays = [name for name in ours if not _claim(name, inspection)]
    _drop_partial_sources(document, inspection)
    for key, name in inspection.variables.items():
        _put(document, key, environ[name])

    named |= set(variables_named(document))
    for name in strays:
        if name not in named:
            inspection.stray_variable(name, *advice(name, _rest(name), _names(document)))


def is_override(name: str) -> bool:
    """Does this variable carry our prefix, and is it not one of those with a meaning of their own?"""
    upper = name.upper()
    reserved = upper in ("BATCHKEEPER_CONFIG", "BATCHKEEPER_CRASH_AT") or upper.startswith("BATCHKEEPER_TEST_")
    return upper.startswith(PREFIX) and not reserved


def variables_named(document: Mapping[str, Any]) -> Iterator[str]:
    """The variables that the configuration itself names as holding secrets. They override nothing."""
    yield from _texts(_table(document, "operators").get("token_env"))
    for source in _sources(document).values():
        if isinstance(source, dict):
            yield from _texts(source.get("api_key_env"))
            yield from _texts(source.get("webhook_secrets_env"))


def key_of(rest: str) -> Key | None:
    """The key that a variable means, given what follows the prefix in lower case."""
    section, _, field = rest.partition("__")
    if section == "sources":
        return _source_key(field)
    known = section in SECTIONS and field in SECTIONS[section].model_fields
    return (section, field) if known else None


def _source_key(rest: str) -> Key | None:
    """A source's name may itself hold two underscores, so the key is looked for at the end."""
    for field in WrittenSource.model_fields:
        name = rest.removesuffix(f"__{field}")
        if name != rest and is_source(name):
            return ("sources", name, field)
    return None


def _claim(name: str, inspection: Inspection) -> bool:
    """Note which key this variable overrides. Says no if there is no such key."""
    key = key_of(_rest(name))
    if key is None:
        return False
    first = inspection.variables.setdefault(key, name)
    if first != name:
        inspection.stray_variable(name, f"it means the same key as {first}", f"unset one of the two: unset {name}")
    return True


def _drop_partial_sources(document: Mapping[str, Any], inspection: Inspection) -> None:
    """A source may come from variables alone, but a key for a source that is nowhere described is a slip."""
    known = _sources(document)
    described = {key[1] for key in inspection.variables if key[0] == "sources" and key[2] == "dialect"}
    for key, name in list(inspection.variables.items()):
        if key[0] != "sources" or key[1] in known or key[1] in described:
            continue
        del inspection.variables[key]
        guess = nearest(key[1], _names(document))
        meant = f"{PREFIX}SOURCES__{guess.upper()}__{key[2].upper()}" if guess else None
        whole = f"describe the source whole, beginning with {PREFIX}SOURCES__{key[1].upper()}__DIALECT"
        fix = f"did you mean {meant}? Else {whole}" if meant else f"{whole}, or unset {name}"
        inspection.stray_variable(name, f"there is no source {key[1]}", fix)


def _put(document: dict[str, Any], key: Key, text: str) -> None:
    """Set the key, unless what should be a table on the way to it is none: that is reported elsewhere."""
    table: Any = document
    for word in key[:-1]:
        table = table.setdefault(word, {})
        if not isinstance(table, dict):
            return
    model = WrittenSource if key[0] == "sources" else SECTIONS[key[0]]
    table[key[-1]] = from_text(kind_of(model.model_fields[key[-1]]), text)


def _rest(name: str) -> str:
    return name[len(PREFIX) :].lower()


def _table(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    table = document.get(name)
    return table if isinstance(table, dict) else {}


def _sources(document: Mapping[str, Any]) -> Mapping[str, Any]:
    return _table(document, "sources")


def _names(document: Mapping[str, Any]) -> list[str]:
    """The names of sources that could be suggested; what is no name is not repeated."""
    return [name for name in _sources(document) if is_source(name)]


def _texts(value: object) -> Iterator[str]:
    items = value if isinstance(value, list | tuple) else [value]
    yield from (item for item in items if isinstance(item, str))
