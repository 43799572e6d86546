"""Figures, and how they are told: a Markdown table to paste into `docs/benchmarks.md`, or JSON."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import psutil
import psycopg

GIB = 2**30


@dataclass(frozen=True, slots=True)
class Target:
    """What a figure is held to."""

    name: str
    figure: float
    limit: float
    unit: str = ""
    at_least: bool = False
    """Whether the figure must reach the limit; otherwise it must stay below."""

    @property
    def is_met(self) -> bool:
        """Whether the figure is where it should be."""
        return self.figure >= self.limit if self.at_least else self.figure < self.limit

    def __str__(self) -> str:
        sign = "at least" if self.at_least else "under"
        met = "met" if self.is_met else "**missed**"
        return f"{self.name}: {self.figure:.3g}{self.unit}, target {sign} {self.limit:g}{self.unit}: {met}"


@dataclass(frozen=True, slots=True)
class Result:
    """What a benchmark found: one row for each thing that was measured, with the same columns in each."""

    name: str
    how: str
    """What was measured under which numbers, in a sentence or two."""
    rows: tuple[dict[str, str | float], ...]
    targets: tuple[Target, ...]

    def markdown(self, command: str) -> str:
        """A heading, the command that measures it again, the table, and the targets."""
        head = list(self.rows[0])
        cells = [head, ["---"] * len(head), *([_cell(row[name]) for name in head] for row in self.rows)]
        table = "\n".join(f"| {' | '.join(line)} |" for line in cells)
        return "\n".join(
            [
                f"### {self.name}",
                "",
                f"    {command}",
                "",
                self.how,
                "",
                table,
                "",
                *(f"- {target}" for target in self.targets),
            ]
        )


def _cell(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def spread(values: Sequence[float]) -> str:
    """From the least to the most."""
    return f"{_cell(min(values))} to {_cell(max(values))}"


def percentile(values: Sequence[float], percent: int) -> float:
    """The value that so many of a hundred do not exceed."""
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def machine(database: str) -> str:
    """Where and when the figures were taken, and how busy the machine was before."""
    with psycopg.connect(database) as connection:
        server = connection.info.server_version // 10000
    return (
        f"{datetime.now(UTC):%Y-%m-%d}: {os.cpu_count()} cores, {psutil.virtual_memory().total / GIB:.0f} GiB,"
        f" {platform.system()}, Python {platform.python_version()}, PostgreSQL {server};"
        f" load before: {os.getloadavg()[0]:.1f}"
    )
