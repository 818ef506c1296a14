"""[sources.NAME.options]: what one dialect alone has to ask."""

from collections.abc import Mapping

from schemas.config.checking import check, found
from schemas.config.credentials import bearer
from schemas.config.dialect import DialectDefaults
from schemas.config.inspection import Inspection, Key
from schemas.config.model import Section
from schemas.config.places import Found, Places


def read_options(key: Key, table: object, defaults: DialectDefaults | None, inspection: Inspection) -> Section:
    """The options as the dialect's own model sees them; as if none were given where that cannot be told."""
    if defaults is None:
        return Section()
    if not isinstance(table, dict):
        what = f"must be a table, and is {found(table)}"
        inspection.problem(key, what, f"write [{'.'.join(key)}] and its keys below")
        table = {}
    if table and not defaults.options.model_fields:
        inspection.problem(key, "this dialect has no options", "remove the table")
        table = {}
    options = check(defaults.options, key, table, inspection)
    wrong = defaults.why_not_options(options) if defaults.why_not_options else None
    if wrong and not any(inspection.is_wrong((*key, word)) for word in defaults.options.model_fields):
        inspection.problem(key, *wrong)
    return options


def further_secrets(
    key: Key, options: Section, defaults: DialectDefaults | None, places: Places, inspection: Inspection
) -> Mapping[str, Found]:
    """The secrets that the options name, as far as they were found. One that is not named is not there."""
    read = {
        name: bearer(key, name, (getattr(options, f"{name}_env"), getattr(options, f"{name}_file")), places, inspection)
        for name in (defaults.secrets if defaults else ())
    }
    return {name: one for name, one in read.items() if one is not None}
