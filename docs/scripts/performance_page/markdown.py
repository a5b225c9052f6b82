"""What the tables of docs/performance.md are written with."""

from collections.abc import Mapping, Sequence
from typing import Any

from speed.figures import told, values

Results = Mapping[str, dict[str, Any]]
"""What each part of the benchmark kept, by the part's name."""


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def gigabytes(measurements: Sequence[Mapping[str, Any]]) -> str:
    """Say the peak memory of measurements in GB, with its range."""
    return told([value / 1024 for value in values(measurements, "peak_megabytes")])
