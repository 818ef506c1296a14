"""[sources.NAME.options] of a Thunderbit source.

There is no key for which payload is sent: the older one is the current one without some members (contract 9.1), and nothing is
decided on those.
"""

from typing import Literal

from pydantic import Field

from schemas.config.model import Section

Scheme = Literal["v2", "v1", "v2+v1"]


class ThunderbitOptions(Section):
    """What is Thunderbit's alone."""

    signature: Scheme = Field(
        default="v2",
        description="How its webhooks are signed: v2 is today's way; v1 signs no time, so take it only for an account that still "
        "sends it; v2+v1 takes either while an account moves.",
    )
    extract_urls: int = Field(
        default=50,
        ge=1,
        le=100,
        description="Most URLs in one extract job; the provider's own pages say 50 and 100.",
        json_schema_extra={"unit": "URLs"},
    )
    page_size: int = Field(
        default=100,
        ge=1,
        le=100,
        description="How many rows one answer about a job brings; 100 is a whole job.",
        json_schema_extra={"unit": "rows"},
    )
    poll_small_below: int = Field(
        default=10,
        ge=0,
        le=101,
        description="Jobs with fewer URLs are asked about every 5 to 10 seconds even where a webhook is expected; 0 for none.",
        json_schema_extra={"unit": "URLs"},
    )
