"""The HTTP API of operators, below /api/v1: the same queries and acts as the other faces, as JSON."""

from operators.api.routes import routes

__all__ = ["routes"]
