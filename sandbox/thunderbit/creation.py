"""Reading a create call (contract 4.1, 8). Members that are not known are passed over."""

import json
from typing import Any

from sandbox.thunderbit.callbacks import is_callback
from sandbox.thunderbit.errors import Refused, wrong_field
from sandbox.thunderbit.jobs import Order, WebhookChoice
from sandbox.thunderbit.pages import BadUrl, error_of
from sandbox.thunderbit.scenarios import Scenario, UnknownScenario, read_scenario
from sandbox.thunderbit.switches import Switches

DISTILL_LIMIT = 100
TIMEOUTS = {"distill": (5_000, 60_000), "extract": (5_000, 120_000)}
RENDER_MODES = ("none", "basic", "full", "advanced")


def read_document(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
        json.dumps(document, ensure_ascii=False).encode()  # a lone surrogate could not be answered
    except (ValueError, RecursionError):
        raise Refused(400, "MALFORMED_REQUEST_BODY", "The body is not JSON") from None
    if not isinstance(document, dict):
        raise Refused(400, "MALFORMED_REQUEST_BODY", "The body is not a JSON object")
    return document


def read_scenario_of(document: dict[str, Any], default: str) -> Scenario:
    """`metadata.scenario`, else the switch's."""
    metadata = document.get("metadata")
    text = metadata.get("scenario") if isinstance(metadata, dict) else None
    try:
        return read_scenario(text if isinstance(text, str) else default)
    except UnknownScenario as unknown:
        raise wrong_field("metadata.scenario", str(unknown)) from None


def read_order(document: dict[str, Any], kind: str, switches: Switches) -> Order:
    """Raises:
    Refused: 400 with the code of what is wrong; the first that is found, URLs first.
    """
    urls = _urls(document.get("urls"), switches.extract_limit if kind == "extract" else DISTILL_LIMIT)
    schema = _schema(document) if kind == "extract" else {}
    _check_options(document, kind)
    return Order(kind, urls, schema, _webhook(document))


def _urls(written: Any, most: int) -> tuple[str, ...]:
    if not isinstance(written, list) or not written:
        raise wrong_field("urls", "must be a list of one URL or more")
    if len(written) > most:
        raise Refused(400, "BATCH_SIZE_EXCEEDED", f"Too many URLs in one batch: {len(written)}, at most {most}")
    for url in written:
        _check_url(url)
    return tuple(written)


def _check_url(url: Any) -> None:
    try:
        if not isinstance(url, str):
            raise BadUrl(f"Not a URL: {json.dumps(url)}")
        error_of(url)
    except BadUrl as bad:
        raise Refused(400, "INVALID_URL", str(bad)) from None


def _schema(document: dict[str, Any]) -> dict[str, Any]:
    """A schema, or a prompt instead: the codes speak of one, and the pages do not say what it is. Never both."""
    schema, prompt = document.get("schema"), document.get("prompt")
    if schema is not None and prompt is not None:
        raise Refused(400, "SCHEMA_AND_PROMPT_EXCLUSIVE", "Send a schema or a prompt, not both")
    if prompt is not None:
        if not isinstance(prompt, str) or not prompt:
            raise wrong_field("prompt", "must be a text")
        return {"answer": {"type": "TEXT"}}
    if schema is None:
        raise Refused(400, "SCHEMA_OR_PROMPT_REQUIRED", "Send a schema")
    if not isinstance(schema, dict) or not schema:
        raise Refused(400, "INVALID_SCHEMA", "The schema must be an object with one field or more")
    return schema


def _check_options(document: dict[str, Any], kind: str) -> None:
    """They are looked at and change nothing here."""
    least, most = TIMEOUTS[kind]
    timeout = document.get("timeout", least)
    if type(timeout) is not int or not least <= timeout <= most:
        raise wrong_field("timeout", f"must be {least} to {most} milliseconds")
    if document.get("renderMode", "none") not in RENDER_MODES:
        raise wrong_field("renderMode", f"must be one of {', '.join(RENDER_MODES)}")
    for name in ("countryCode", "country_code"):
        code = document.get(name, "US")
        if not isinstance(code, str) or len(code) != 2:
            raise wrong_field(name, "must be a country code of two letters")
    for name in ("includeHtml", "extractLinks", "forceRefresh"):
        if not isinstance(document.get(name, False), bool):
            raise wrong_field(name, "must be true or false")
    for name in ("include", "formats"):
        listed = document.get(name, [])
        if not isinstance(listed, list) or not all(isinstance(each, str) for each in listed):
            raise wrong_field(name, "must be a list of texts")


def _webhook(document: dict[str, Any]) -> WebhookChoice | None:
    """`webhook`, or `callback` by its older name; its `headers` are looked at and never sent."""
    named = [name for name in ("webhook", "callback") if document.get(name) is not None]
    if len(named) > 1:
        raise wrong_field("callback", "is the older name of webhook; send one of them")
    if not named:
        return None
    (name,) = named
    written = document[name]
    if not isinstance(written, dict):
        raise wrong_field(name, "must be an object with a url")
    url, secret, headers = written.get("url"), written.get("secret"), written.get("headers")
    if not isinstance(url, str) or not is_callback(url):
        raise wrong_field(f"{name}.url", "must be an https URL, or http to loopback")
    if secret is not None and (not isinstance(secret, str) or not secret):
        raise wrong_field(f"{name}.secret", "must be a text")
    if headers is not None and not _are_texts(headers):
        raise wrong_field(f"{name}.headers", "must be an object of texts")
    return WebhookChoice(url, secret)


def _are_texts(written: Any) -> bool:
    return isinstance(written, dict) and all(isinstance(value, str) for value in written.values())
