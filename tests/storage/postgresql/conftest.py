"""What is true of PostgreSQL alone."""

import pytest


@pytest.fixture
def engine() -> str:
    return "postgresql"
