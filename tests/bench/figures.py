"""What a benchmark says in one number, and what is demanded of it.

A module that measures something of its own has a function `figures(bench)` that yields these; run.py lists the modules.
"""

import statistics
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from engines import Session


@dataclass(frozen=True)
class Figure:
    """`group` is the heading that it stands under. Without `at_most` and `at_least` it is for information."""

    group: str
    name: str
    value: float
    # "" is a ratio
    unit: str = ""
    at_most: float | None = None
    at_least: float | None = None

    @property
    def is_reached(self) -> bool:
        return (self.at_most is None or self.value <= self.at_most) and (self.at_least is None or self.value >= self.at_least)

    @property
    def demand(self) -> str:
        bounds = (("at most", self.at_most), ("at least", self.at_least))
        return ", ".join(f"{word} {bound:,g}" for word, bound in bounds if bound is not None)

    @property
    def shown(self) -> str:
        value = f"{self.value:,.0f}" if abs(self.value) >= 100 else f"{self.value:.2f}"
        return f"{value} {self.unit}".rstrip()


@dataclass(frozen=True)
class Bench:
    """What there is to measure with. The database holds what contacts.sql, audiences.sql and indexes.sql make; a module
    leaves their rows as they were, and takes away what it adds. Autovacuum and fsync are off."""

    url: str
    # How many contacts
    size: int
    # How often each thing is measured
    rounds: int
    # For files
    folder: Path

    def session(self, **settings: str) -> Session:
        """A backend of its own; settings are Postgres's, say `work_mem="64MB"`."""
        return Session(self.url, **settings)

    def medians(self, ways: dict[str, Callable[[], float]]) -> dict[str, float]:
        """The median of what each way returns (seconds, say), taking turns, after one turn that does not count."""
        kept: dict[str, list[float]] = {name: [] for name in ways}
        for number in range(self.rounds + 1):
            for name, way in ways.items():
                value = way()
                if number:
                    kept[name].append(value)
        return {name: statistics.median(values) for name, values in kept.items()}


Module = Callable[[Bench], Iterable[Figure]]
