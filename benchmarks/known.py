"""What a contender of the simulation came to know."""

from dataclasses import dataclass, field


@dataclass
class Known:
    """When it knew of each job that it had ended (seconds since the simulation began), and as what."""

    at: dict[str, float] = field(default_factory=dict)
    ends: dict[str, str] = field(default_factory=dict)
