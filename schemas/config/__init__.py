"""The configuration: one TOML file, variables that override it, and secrets from elsewhere."""

from schemas.config.load import load
from schemas.config.model import (
    Adopt,
    Config,
    Data,
    Database,
    DialectDefaults,
    Handoff,
    Operators,
    Receiver,
    Reconciler,
    Retention,
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
    "Source",
    "Webhook",
    "find_config",
    "load",
]
