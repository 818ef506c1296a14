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
from schemas.config.written import FIRST_KEYS, NAMED, SECTIONS, kind_of
from schemas.identity import is_source

PREFIX = "BATCHKEEPER_"


def apply_overrides(document: dict[str, Any], environ: Mapping[str, str], inspection: Inspection) -> None:
    """Write into the document what variables say, and report those that say nothing we know."""
    named = set(variables_named(document))
    ours = sorted(name for name in environ if is_override(name) and name not in named)
    strays = [name for name in ours if not _claim(name, inspection)]
    _drop_partial_tables(document, inspection)
    for key, name in inspection.variables.items():
        _put(document, key, environ[name])

    named |= set(variables_named(document))
    for name in strays:
        if name not in named:
            inspection.stray_variable(
                name, *advice(name, _rest(name), {word: _names(document, word) for word in NAMED})
            )


def is_override(name: str) -> bool:
    """Does this variable carry our prefix, and is it not one of those with a meaning of their own?"""
    upper = name.upper()
    reserved = upper in ("BATCHKEEPER_CONFIG", "BATCHKEEPER_LOG", "BATCHKEEPER_CRASH_AT") or upper.startswith(
        "BATCHKEEPER_TEST_"
    )
    return upper.startswith(PREFIX) and not reserved


def variables_named(document: Mapping[str, Any]) -> Iterator[str]:
    """The variables that the configuration itself names as holding secrets. They override nothing."""
    yield from _texts(_table(document, "operators").get("token_env"))
    for source in _table(document, "sources").values():
        if isinstance(source, dict):
            yield from _texts(source.get("api_key_env"))
            yield from _texts(source.get("webhook_secrets_env"))
            options = _table(source, "options")
            yield from (text for key in options if key.endswith("_env") for text in _texts(options[key]))
    for handoff in _table(document, "handoffs").values():
        if isinstance(handoff, dict):
            yield from _texts(handoff.get("secret_env"))


def key_of(rest: str) -> Key | None:
    """The key that a variable means, given what follows the prefix in lower case."""
    section, _, field = rest.partition("__")
    if section in NAMED:
        return _named_key(section, field)
    known = section in SECTIONS and field in SECTIONS[section].model_fields
    return (section, field) if known else None


def _named_key(section: str, rest: str) -> Key | None:
    """A name may itself hold two underscores, so the key is looked for at the end."""
    for field in NAMED[section].model_fields:
        name = rest.removesuffix(f"__{field}")
        if name != rest and is_source(name):
            return (section, name, field)
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


def _drop_partial_tables(document: Mapping[str, Any], inspection: Inspection) -> None:
    """A source or a target may come from variables alone, but a key for one that is nowhere described is a slip."""
    described = {key[:2] for key in inspection.variables if key[0] in NAMED and key[2] == FIRST_KEYS[key[0]]}
    for key, name in list(inspection.variables.items()):
        if key[0] not in NAMED or key[1] in _table(document, key[0]) or key[:2] in described:
            continue
        del inspection.variables[key]
        section, what = key[0].upper(), key[0].removesuffix("s")
        guess = nearest(key[1], _names(document, key[0]))
        meant = f"{PREFIX}{section}__{guess.upper()}__{key[2].upper()}" if guess else None
        first = f"{PREFIX}{section}__{key[1].upper()}__{FIRST_KEYS[key[0]].upper()}"
        whole = f"describe the {what} whole, beginning with {first}"
        fix = f"did you mean {meant}? Else {whole}" if meant else f"{whole}, or unset {name}"
        inspection.stray_variable(name, f"there is no {what} {key[1]}", fix)


def _put(document: dict[str, Any], key: Key, text: str) -> None:
    """Set the key, unless what should be a table on the way to it is none: that is reported elsewhere."""
    table: Any = document
    for word in key[:-1]:
        table = table.setdefault(word, {})
        if not isinstance(table, dict):
            return
    model = NAMED[key[0]] if key[0] in NAMED else SECTIONS[key[0]]
    table[key[-1]] = from_text(kind_of(model.model_fields[key[-1]]), text)


def _rest(name: str) -> str:
    return name[len(PREFIX) :].lower()


def _table(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    table = document.get(name)
    return table if isinstance(table, dict) else {}


def _names(document: Mapping[str, Any], section: str) -> list[str]:
    """The names of such tables that could be suggested; what is no name is not repeated."""
    return [name for name in _table(document, section) if is_source(name)]


def _texts(value: object) -> Iterator[str]:
    items = value if isinstance(value, list | tuple) else [value]
    yield from (item for item in items if isinstance(item, str))
