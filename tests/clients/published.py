"""Two clients that others published, brought to one form: each does what it can of a batch's life, by its own calls."""

import urllib.error
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import httpx
import openai
import phaseo

PATIENCE = 20.0


class Client(Protocol):
    """What either of them is asked to do. A refusal is raised as the client's own error."""

    def upload(self, name: str, content: bytes) -> str: ...
    def create(self, file_id: str, more: Mapping[str, Any]) -> dict[str, Any]: ...
    def retrieve(self, batch_id: str) -> dict[str, Any]: ...
    def list(self, limit: int) -> list[dict[str, Any]]: ...
    def cancel(self, batch_id: str) -> dict[str, Any]: ...
    def content(self, file_id: str) -> bytes: ...
    def close(self) -> None: ...


class OpenAI:
    """The `openai` SDK. What the gateway takes beyond OpenAI's own parameters goes along as an extra body."""

    def __init__(self, base_url: str, api_key: str) -> None:
        http = openai.DefaultHttpxClient(trust_env=False)
        self.sdk = openai.OpenAI(api_key=api_key, base_url=base_url, http_client=http, max_retries=0, timeout=PATIENCE)

    def upload(self, name: str, content: bytes) -> str:
        return self.sdk.files.create(file=(name, content), purpose="batch").id

    def create(self, file_id: str, more: Mapping[str, Any]) -> dict[str, Any]:
        return self.sdk.batches.create(
            input_file_id=file_id, endpoint="/v1/chat/completions", completion_window="24h", extra_body=dict(more)
        ).to_dict()

    def retrieve(self, batch_id: str) -> dict[str, Any]:
        return self.sdk.batches.retrieve(batch_id).to_dict()

    def list(self, limit: int) -> list[dict[str, Any]]:
        # The list's times are texts, and the SDK has declared integers (contract 3.10).
        return [batch.to_dict(warnings=False) for batch in self.sdk.batches.list(limit=limit)]

    def cancel(self, batch_id: str) -> dict[str, Any]:
        return self.sdk.batches.cancel(batch_id).to_dict()

    def content(self, file_id: str) -> bytes:
        return self.sdk.files.content(file_id).read()

    def close(self) -> None:
        self.sdk.close()


class Phaseo:
    """The gateway's own SDK, which cannot upload: that is done here by hand."""

    def __init__(self, base_url: str, api_key: str) -> None:
        self.base_url, self.api_key = base_url, api_key
        self.sdk = phaseo.Phaseo(api_key=api_key, base_url=base_url, timeout=PATIENCE)

    def upload(self, name: str, content: bytes) -> str:
        headers = {"Authorization": f"Bearer {self.api_key}"}
        with httpx.Client(trust_env=False, timeout=PATIENCE) as by_hand:
            form = {"file": (name, content)}
            answer = by_hand.post(f"{self.base_url}/files", files=form, data={"purpose": "batch"}, headers=headers)
        return str(answer.raise_for_status().json()["id"])

    def create(self, file_id: str, more: Mapping[str, Any]) -> dict[str, Any]:
        return self.sdk.batches.create({"input_file_id": file_id, "endpoint": "/v1/chat/completions", **more})

    def retrieve(self, batch_id: str) -> dict[str, Any]:
        return self.sdk.batches.retrieve(batch_id)

    def list(self, limit: int) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = self.sdk.batches.list({"limit": limit})["data"]
        return entries

    def cancel(self, batch_id: str) -> dict[str, Any]:
        return self.sdk.batches.cancel(batch_id)

    def content(self, file_id: str) -> bytes:
        return self.sdk.files.content(file_id)

    def close(self) -> None:
        """It keeps no connection."""


CLIENTS: dict[str, Callable[[str, str], Client]] = {"openai": OpenAI, "phaseo": Phaseo}


def refusal(call: Callable[[], object]) -> int:
    """The HTTP status that a call was refused with, as the client itself tells it."""
    try:
        made = call()
    except openai.APIStatusError as error:
        return error.status_code
    except urllib.error.HTTPError as error:
        with error:
            return int(error.code)
    except httpx.HTTPStatusError as error:
        return error.response.status_code
    raise AssertionError(f"not refused: {made}")
