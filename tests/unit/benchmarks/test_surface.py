"""The benchmark of the operators' surface: what it fills a store with, and what it asks."""

from pathlib import Path

from benchmarks import filled, surface


def test_every_question_is_answered(tmp_path: Path) -> None:
    """On a store with a few hundred jobs each listing, thing and page that it measures is answered with 200."""
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    size = filled.fill_now(url, 400, 2_000)
    runs = surface.measure(url, size, 3, tmp_path)

    assert {name: set(run.statuses) for name, run in runs.items()} == {name: {200} for name in runs}
    assert len(runs) > 60
