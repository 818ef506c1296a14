"""The configuration: one TOML file, variables that override it, and secrets from elsewhere."""

from schemas.config.dialect import DialectDefaults
from schemas.config.load import load
from schemas.config.model import (
    Adopt,
    Config,
    Data,
    Database,
    Handoff,
    Operators,
    Receiver,
    Reconciler,
    Retention,
    Section,
    Source,
    Webhook,
)
from schemas.config.problems import ConfigError, Problem
from schemas.config.reading import find_config
from schemas.config.secret import Secret

__all__ = [
    "Adopt",
    "Config",
    "ConfigError",
    "Data",
    "Database",
    "DialectDefaults",
    "Handoff",
    "Operators",
    "Problem",
    "Receiver",
    "Reconciler",
    "Retention",
    "Secret",
    "Section",
    "Source",
    "Webhook",
    "find_config",
    "load",
]
