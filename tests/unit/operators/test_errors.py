"""What can go wrong, in words for the face that is told."""

import pytest

from operators.errors import NotPossible, nothing_called


@pytest.mark.parametrize(
    ("name", "typing", "asking"),
    [
        (
            "batch_x",
            "no job is called batch_x; `batchkeeper jobs` lists them, `batchkeeper track` adds one",
            "no job is called batch_x; GET /api/v1/jobs lists them",
        ),
        (
            "",
            "the name of a job is missing; `batchkeeper jobs` lists them, `batchkeeper track` adds one",
            "the name of a job is missing; GET /api/v1/jobs lists them",
        ),
    ],
)
def test_each_face_has_its_own_advice(name: str, typing: str, asking: str) -> None:
    """Whoever types is told what to type, whoever asks over HTTP what to ask; the message alone says what is wrong."""
    problem = nothing_called("job", name, "jobs", "`batchkeeper track` adds one")

    assert (problem.for_typing, problem.for_asking) == (typing, asking)
    assert str(problem) == typing.partition(";")[0]


def test_without_advice() -> None:
    """A message that says all is the same for everybody."""
    problem = NotPossible("it has ended already")
    assert problem.for_typing == problem.for_asking == str(problem)
