"""[sources.NAME.options] of the tagger: whose account it is, with which key of an LLM it works, and what it usually does.

The source's own key is the account's password.
"""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, Field

from schemas.config.addresses import refuse
from schemas.config.model import Section
from schemas.config.written import FileName, VariableName

LLM_KEY = "llm_key"

_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")


def _words(words: tuple[str, ...]) -> tuple[str, ...]:
    for number, word in enumerate(words, 1):
        if not word.strip() or not word.isprintable():
            refuse(f"entry {number} is empty, or holds what cannot be written", 'write words such as "annual"')
    return words


class TaggerOptions(Section):
    """What is left out, the tagger decides (contract 2)."""

    model_config = ConfigDict(protected_namespaces=())

    email: str = Field(default="", description="The account's address, with which we log in; required.")
    llm_key_env: VariableName = Field(
        default=None,
        description="Variable that holds the key of the LLM that the tagger is to use; this or llm_key_file, to submit.",
    )
    llm_key_file: FileName = Field(
        default=None, description="File that holds the key of the LLM, in place of llm_key_env."
    )
    model_name: str | None = Field(
        default=None, min_length=1, description="The LLM to be used, as its provider names it."
    )
    num_pages: int | None = Field(
        default=None, ge=1, le=10, description="Pages read of each document.", json_schema_extra={"unit": "pages"}
    )
    num_tags: int | None = Field(
        default=None, ge=3, le=15, description="Tags made for each document.", json_schema_extra={"unit": "tags"}
    )
    exclusion_words: Annotated[tuple[str, ...], AfterValidator(_words)] = Field(
        default=(), description="Words that are no tags."
    )


def why_not_options(options: Section) -> tuple[str, str] | None:
    """Nobody can log in without an address."""
    email = options.email if isinstance(options, TaggerOptions) else ""
    if _ADDRESS.fullmatch(email) and email.isprintable():
        return None
    wrong = "email is not an address" if email else "email is missing"
    return wrong, 'write email = "batch@example.com", the address of the account at the tagger'


def usual(options: Section) -> dict[str, Any]:
    """What orders are made with where they say nothing else."""
    if not isinstance(options, TaggerOptions):
        return {}
    told = options.model_dump(include={"model_name", "num_pages", "num_tags", "exclusion_words"})
    return {name: list(value) if isinstance(value, tuple) else value for name, value in told.items() if value}
