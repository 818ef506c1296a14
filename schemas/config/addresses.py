"""
Rules for the strings of the file that say where something is.

Each takes a value and gives it back tidied, or refuses it with what is wrong and what to do. No text here repeats
the value: a URL may carry a password.
"""

import ipaddress
import re
from typing import NoReturn
from urllib.parse import SplitResult, parse_qsl, urlsplit, urlunsplit

from pydantic_core import PydanticCustomError

SQLITE = "sqlite:///"
POSTGRESQL = "postgresql://"
_SERVER_FIX = "write postgresql://USER@HOST/NAME, such as postgresql://batchkeeper@db.internal/batchkeeper"

_SSL_MODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_SERVER_PARAMETERS = frozenset({"host", "port", "user", "password", "passfile", "target_session_attrs"}) | {
    f"ssl{name}"
    for name in ("mode", "cert", "key", "rootcert", "crl", "password", "_min_protocol_version", "_max_protocol_version")
}

_PRINTABLE = re.compile(r"[!-~]+")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*")
_HOST = re.compile(r"[A-Za-z0-9._-]+")
_NEVER_A_WORD = re.compile(r"[\x00\ud800-\udfff]")  # a line break may well be part of an argument
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def refuse(what: str, fix: str) -> NoReturn:
    """Refuse a value from inside a model's validator; the loader turns it into a problem."""
    # Braces would be read as placeholders of a template, so the texts go in as context.
    raise PydanticCustomError("refused", "{what}; {fix}", {"what": what, "fix": fix})


def database_url(url: str) -> str:
    """A SQLite file on disk, or a database on a PostgreSQL server."""
    if url.startswith(POSTGRESQL):
        return _server(url)
    if url.startswith(("postgres:", "postgresql")):
        refuse("this is not the URL of a PostgreSQL database", _SERVER_FIX)
    fix = "write sqlite:///FILE, such as sqlite:///batchkeeper.db, or sqlite:////var/lib/batchkeeper.db"
    if not url.startswith("sqlite:"):
        refuse("the ledger is kept in SQLite or PostgreSQL", f"{fix}; or {_SERVER_FIX}")
    path = url.removeprefix(SQLITE)
    if path == url:
        refuse("this is not the URL of a SQLite file", fix)
    if not path.strip("/ ") or path.endswith("/"):
        refuse("the URL names no file", fix)
    if ":memory:" in path or path.startswith("file:"):
        refuse("a ledger in memory would be lost with the process", fix)
    if "?" in path or _CONTROL.search(path):
        refuse("the URL holds more than the path of a file", fix)
    return url


def _server(url: str) -> str:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        refuse("this is not the URL of a PostgreSQL database", _SERVER_FIX)
    if not parts.path.strip("/") or "/" in parts.path.strip("/"):
        refuse("the URL names no database", _SERVER_FIX)
    for key, value in parse_qsl(parts.query, keep_blank_values=True):
        if key not in _SERVER_PARAMETERS:
            refuse("the URL holds a parameter that is not known", f"known: {', '.join(sorted(_SERVER_PARAMETERS))}")
        if key == "sslmode" and value not in _SSL_MODES:
            refuse("its sslmode is not known", f"write one of {', '.join(_SSL_MODES)}")
    if parts.fragment or _CONTROL.search(url) or " " in url:
        refuse("the URL holds characters that have to be written as %XX", _SERVER_FIX)
    return url


def password_in(url: str) -> bool:
    """Whether a database's URL carries a password."""
    if not url.startswith(POSTGRESQL):
        return False
    parts = urlsplit(url)
    return bool(parts.password) or any(key == "password" for key, _ in parse_qsl(parts.query))


def without_password(url: str) -> str:
    """A database's URL as it may be shown."""
    if not password_in(url):
        return url
    parts = urlsplit(url)
    user = f"{parts.username}@" if parts.username else ""
    query = "&".join(part for part in parts.query.split("&") if not part.startswith("password="))
    return urlunsplit(parts._replace(netloc=user + parts.netloc.rpartition("@")[2], query=query))


def folder(path: str) -> str:
    """The path of a folder."""
    if not path.strip() or _CONTROL.search(path):
        refuse("this is not the path of a folder", 'write a path, such as "batchkeeper-data"')
    return path


def files_url(url: str | None) -> str | None:
    """Where files are kept that is no plain folder. Who may write there is said elsewhere, as its library has it."""
    if url is None:
        return None
    fix = "write a scheme and a place, such as s3://bucket/batchkeeper or file:///srv/batchkeeper"
    scheme, separator, place = url.partition("://")
    if not separator or not _SCHEME.fullmatch(scheme) or not place.strip("/") or not _PRINTABLE.fullmatch(url):
        refuse("this is not the URL of a place for files", fix)
    if "::" in url or "?" in url or "#" in url:
        refuse("the URL holds more than a scheme and a place", fix)
    if "@" in place.partition("/")[0]:
        refuse("the URL holds a user name or a password", f"{fix}, and give secrets as the library for it takes them")
    if scheme == "file" and not place.startswith("/"):
        refuse("the URL names a host", fix)
    return url


def file(path: str | None) -> str | None:
    """The path of a file that holds a secret."""
    if path is not None and (not path.strip() or _CONTROL.search(path)):
        refuse("this is not the path of a file", 'write a path, such as "/run/secrets/gateway_key"')
    return path


def files(paths: tuple[str, ...]) -> tuple[str, ...]:
    """Several such paths."""
    for path in paths:
        file(path)
    return paths


def not_empty(name: str | None) -> str | None:
    """The name of a variable; whether it is one shows when it is read."""
    if name == "":
        refuse("it names no variable", "name the variable that holds the secret, or remove the key")
    return name


def printable(text: str | None) -> str | None:
    """A short word of printable ASCII, as ids are."""
    if text is not None and (len(text) > 256 or not _PRINTABLE.fullmatch(text)):
        refuse("this is not an id", "write up to 256 printable ASCII characters without a space, or remove the key")
    return text


def host(name: str) -> str:
    """An address or a host name to listen on."""
    if not (_is_address(name) or (_HOST.fullmatch(name) and len(name) <= 253)):
        refuse("this is not an address to listen on", 'write an address without a port, such as "127.0.0.1" or "::1"')
    return name


def networks(entries: tuple[str, ...]) -> tuple[str, ...]:
    """Addresses and networks of proxies."""
    for number, entry in enumerate(entries, 1):
        try:
            ipaddress.ip_network(entry)
        except ValueError:
            refuse(
                f"entry {number} is neither an address nor a network",
                'write entries such as "10.0.0.7" or "10.0.0.0/8", host bits zero',
            )
    return entries


def public_url(url: str | None) -> str | None:
    """An origin: scheme, host and perhaps a port."""
    if url is None:
        return None
    fix = 'write only scheme, host and port, such as "https://hooks.example.com"'
    parts = _split_web(url, fix)
    if parts.path not in ("", "/"):
        refuse("the URL has a path", fix)
    return url.rstrip("/")


def base_url(url: str | None) -> str | None:
    """The address under which a provider's API stands."""
    if url is None:
        return None
    fix = 'write an address such as "https://api.example.com/v1"'
    parts = _split_web(url, fix)
    if {".", ".."} & set(parts.path.split("/")):
        refuse("the URL's path has steps of . or ..", fix)
    return url.rstrip("/")


def target_url(url: str | None) -> str | None:
    """Where downstream is told. It may have a query; what it names is the operator's own choice."""
    if url is None:
        return None
    path, _, query = url.partition("?")
    fix = 'write an address such as "https://jobs.example.com/batchkeeper"'
    _split_web(path, fix)
    if "#" in query or not _PRINTABLE.fullmatch(url):
        refuse("this is not a URL", fix)
    return url


def words(command: tuple[str, ...]) -> tuple[str, ...]:
    """A program and its arguments."""
    for number, word in enumerate(command, 1):
        if _NEVER_A_WORD.search(word) or (number == 1 and (_CONTROL.search(word) or not word.strip())):
            refuse(
                f"entry {number} is not a word of a command",
                'write the program and each argument as a text: ["p", "-a"]',
            )
    return command


def labels(entries: tuple[str, ...]) -> tuple[str, ...]:
    """Labels that have to be there, as `key=value`."""
    for number, entry in enumerate(entries, 1):
        key, equals, _ = entry.partition("=")
        if not key.strip() or not equals or _CONTROL.search(entry):
            refuse(f"entry {number} is not a label", 'write entries such as "team=search"')
    return entries


def is_loopback(name: str) -> bool:
    """Is this host the machine itself and nothing beyond it?"""
    if name.lower() == "localhost":
        return True
    return _is_address(name) and ipaddress.ip_address(name).is_loopback


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _split_web(url: str, fix: str) -> SplitResult:
    if not _PRINTABLE.fullmatch(url) or "\\" in url:
        refuse("this is not a URL", fix)
    try:
        parts = urlsplit(url)
        port_is_right = parts.port != 0
    except ValueError:
        refuse("this is not a URL", fix)
    if parts.scheme not in ("http", "https"):
        refuse("the URL does not begin with http:// or https://", fix)
    if "@" in parts.netloc:
        refuse("the URL holds a user name or a password", f"{fix}, and give secrets by their own keys")
    if not parts.hostname or not port_is_right:
        refuse("the URL names no host, or no port that exists", fix)
    if "?" in url or "#" in url:
        refuse("the URL has a query or a fragment", fix)
    return parts
