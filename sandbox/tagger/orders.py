"""The body of a start (contract 2)."""

import time
import uuid
from secrets import token_hex
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from sandbox.tagger.switches import Mode

WRONG_KEY = "wrong"
BROKEN_MODEL = "sandbox/broken"


class Config(BaseModel):
    """Any key that is not empty is good, but for `wrong`, with which every row fails.

    With the model `sandbox/broken` the client of the LLM cannot be built, and the whole job fails.
    """

    model_config = ConfigDict(protected_namespaces=())

    api_key: str
    model_name: str = "openai/gpt-4o-mini"
    num_pages: Annotated[int, Field(ge=1, le=10)] = 3
    num_tags: Annotated[int, Field(ge=3, le=15)] = 8
    exclusion_words: list[str] | None = None

    def shown(self) -> dict[str, Any]:
        """Without the key."""
        return self.model_dump(exclude={"api_key"})


class Order(BaseModel):
    """As the tagger takes it. `column_mapping` may be left out, is never null, and is not used."""

    documents: list[dict[str, Any]]
    config: Config
    column_mapping: dict[str, str] = {}
    job_id: str | None = None


class DocumentedOrder(Order):
    """As the page has it: the mapping is optional."""

    column_mapping: dict[str, str] | None = None  # type: ignore[assignment]


def order_model(mode: Mode) -> type[Order]:
    return DocumentedOrder if mode is Mode.AS_DOCUMENTED else Order


def new_job_id(mode: Mode) -> str:
    """For a start that names none."""
    return f"batch-{int(time.time())}-{token_hex(4)}" if mode is Mode.AS_DOCUMENTED else str(uuid.uuid4())
