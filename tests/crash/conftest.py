"""What tests of the checks share."""

import pytest
from sqlalchemy import create_engine

from schemas.tables import METADATA


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a database with all tables."""
    path = tmp_path_factory.mktemp("empty") / "empty.db"
    engine = create_engine(f"sqlite:///{path}")
    METADATA.create_all(engine)
    engine.dispose()
    return path.read_bytes()
