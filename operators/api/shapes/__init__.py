"""Shapes: the JSON Schema of everything that the API answers with. A member that is missing, new or renamed does not fit."""

from operators.api.shapes.jobs import JOBS
from operators.api.shapes.standing import STANDING
from operators.api.shapes.told import TOLD
from operators.api.shapes.words import Schema
from operators.api.shapes.work import WORK

SHAPES: dict[str, Schema] = {**JOBS, **TOLD, **WORK, **STANDING}

__all__ = ["SHAPES", "Schema"]
