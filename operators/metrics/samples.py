"""Samples: the values of the metrics at one moment, as they are gathered. A value for the same labels is added."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from operators.metrics.catalogue import METRICS

Labels = tuple[str, ...]


@dataclass
class Lags:
    """One histogram: how many took at most so many seconds, how many there are, and their sum in seconds."""

    within: dict[float, float] = field(default_factory=dict)
    count: float = 0
    sum: float = 0


@dataclass
class Samples:
    """By metric, then by the values of its labels."""

    values: defaultdict[str, dict[Labels, float]] = field(default_factory=lambda: defaultdict(dict))
    lags: dict[Labels, Lags] = field(default_factory=dict)

    def add(self, metric: str, labels: Sequence[str], value: float) -> None:
        """Add to a value. Raises ValueError for labels that the catalogue does not have."""
        if len(labels) != len(METRICS[metric].labels):
            raise ValueError(f"{metric} has the labels {METRICS[metric].labels}, and not {tuple(labels)}")
        values = self.values[metric]
        values[tuple(labels)] = values.get(tuple(labels), 0) + value

    def latest(self, metric: str, labels: Sequence[str], value: float) -> None:
        """Take the larger one: the later of two times."""
        values = self.values[metric]
        values[tuple(labels)] = max(values.get(tuple(labels), 0), value)

    def state(self, metric: str, labels: Sequence[str], words: Iterable[str], holds: str | None) -> None:
        """1 for the word that holds, and 0 for the others."""
        for word in words:
            self.add(metric, (*labels, word), word == holds)

    def of(self, metric: str) -> Mapping[Labels, float]:
        return self.values.get(metric, {})
