"""One folder for each provider's wire. A new provider is a new folder and a line here."""

from collections.abc import Mapping
from types import MappingProxyType

from schemas.config import DialectDefaults, Source
from schemas.dialects.anthropic import Anthropic
from schemas.dialects.dialect import Dialect
from schemas.dialects.openai import OpenAI
from schemas.dialects.phaseo import Phaseo
from schemas.dialects.standard import Standard
from schemas.dialects.tagger import Tagger
from schemas.dialects.thunderbit import Thunderbit

DIALECTS: Mapping[str, type[Dialect]] = MappingProxyType(
    {dialect.name: dialect for dialect in (Phaseo, OpenAI, Thunderbit, Tagger, Anthropic, Standard)}
)

DEFAULTS: Mapping[str, DialectDefaults] = MappingProxyType({name: one.defaults for name, one in DIALECTS.items()})
"""What the configuration has to know of each dialect."""


def dialect_of(source: Source) -> Dialect:
    """The wire that a source speaks, as its options have it."""
    return DIALECTS[source.dialect](source.name, source.options)


__all__ = ["DEFAULTS", "DIALECTS", "Dialect", "dialect_of"]
