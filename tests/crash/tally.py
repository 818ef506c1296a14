"""What a run counted."""

from collections import defaultdict
from dataclasses import dataclass, field

from .checks import Found
from .load import Memory


@dataclass
class Row:
    """One line of the table: what the kills at one point led to."""

    kills: int = 0
    restarts: int = 0
    acknowledged: int = 0
    lost: int = 0
    twice: int = 0
    duplicates: int = 0
    kept: int = 0  # stored, and the answer died
    breaches: int = 0

    def __iadd__(self, other: "Row") -> "Row":
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)
        return self


@dataclass
class Tally:
    """All of it, for one store."""

    store: str
    rows: dict[str, Row] = field(default_factory=lambda: defaultdict(Row))
    found: Found = field(default_factory=Found)
    missed: list[str] = field(default_factory=list)  # kills that were planned at a point that was not reached in time
    kept: list[str] = field(default_factory=list)  # folders of lives that failed
    seconds: float = 0.0

    @property
    def kills(self) -> int:
        return sum(row.kills for row in self.rows.values())

    @property
    def breaches(self) -> dict[str, list[str]]:
        return {name: what for name, what in sorted(self.found.breaches.items()) if what}

    def note(self, found: Found, point: str) -> None:
        """Take in what was found after a kill at this point."""
        row = self.rows[point]
        row.lost += found.counts["lost"]
        row.twice += found.counts["twice"]
        row.kept += found.counts["kept"]
        row.breaches += sum(map(len, found.breaches.values()))
        self.found += found

    def take(self, other: "Tally") -> None:
        """Add what another counted."""
        for point, row in other.rows.items():
            self.rows[point] += row
        self.found += other.found
        self.missed += other.missed


@dataclass
class Watermark:
    """How far a memory has been counted, so that each kill gets what came since the last."""

    acknowledged: int = 0
    duplicates: int = 0

    def since(self, memory: Memory) -> Row:
        now = Watermark(len(memory.acknowledged), memory.duplicates)
        row = Row(acknowledged=now.acknowledged - self.acknowledged, duplicates=now.duplicates - self.duplicates)
        self.acknowledged, self.duplicates = now.acknowledged, now.duplicates
        return row
