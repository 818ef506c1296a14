"""How the tables' columns are made: the same few sorts in every table, and the same on both stores."""

from typing import Any

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, Text, text
from sqlmodel import Field

# On SQLite an INTEGER key is the row's own address, which spares a second index.
BIG = BigInteger().with_variant(Integer(), "sqlite")
# Compared as bytes everywhere, as SQLite does by itself.
TEXT = Text().with_variant(Text(collation="C"), "postgresql")


def where(condition: str) -> Any:
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


def primary() -> Any:
    return Field(sa_column=Column(BIG, primary_key=True, autoincrement=False))


def of(target: str, index: bool = False) -> Any:
    return Field(sa_column=Column(BIG, ForeignKey(target), nullable=False, index=index))


def maybe_of(target: str, index: bool = False) -> Any:
    return Field(default=None, sa_column=Column(BIG, ForeignKey(target), nullable=True, index=index))


def big(default: int | None = None) -> Any:
    server = None if default is None else text(str(default))
    return Field(default=default, sa_column=Column(BIG, nullable=False, server_default=server))


def maybe_big() -> Any:
    return Field(default=None, sa_column=Column(BIG, nullable=True))


def words(default: str | None = None, key: bool = False) -> Any:
    server = None if default is None else text(f"'{default}'")
    return Field(default=default, sa_column=Column(TEXT, nullable=False, primary_key=key, server_default=server))


def maybe_words() -> Any:
    return Field(default=None, sa_column=Column(TEXT, nullable=True))
