"""One folder for each provider's wire. A new provider is a new folder and a line here."""

from collections.abc import Mapping
from types import MappingProxyType

from schemas.dialects.dialect import Dialect
from schemas.dialects.openai import OpenAI
from schemas.dialects.phaseo import Phaseo

DIALECTS: Mapping[str, Dialect] = MappingProxyType({dialect.name: dialect for dialect in (Phaseo(), OpenAI())})

__all__ = ["DIALECTS", "Dialect"]
