"""Medians, spreads and ratios of what was measured round by round."""

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

Measurement = dict[str, Any]
Rounds = dict[str, list[Measurement]]


def interleave(
    contenders: Mapping[str, Callable[[], Measurement]], rounds: int
) -> Iterator[Rounds]:
    """Run A, B, C, A, B, C ...; yields all measurements so far, by name, after every round.

    What slows the machine down for a minute then meets all contenders, and the ratios within a
    round mean something where the seconds alone do not.
    """
    measured: Rounds = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, contender in contenders.items():
            measured[name].append(contender())
        yield measured


def values(measurements: Sequence[Measurement], key: str) -> list[float]:
    """Return ``key`` of every measurement that has it."""
    return [one[key] for one in measurements if one.get(key) is not None]


def median(numbers: Sequence[float]) -> float:
    """Return the median; NaN of nothing."""
    return statistics.median(numbers) if numbers else float("nan")


def ratios(
    slow: Sequence[Measurement], fast: Sequence[Measurement], key: str = "seconds"
) -> list[float]:
    """Return slow / fast of every round."""
    return [a / b for a, b in zip(values(slow, key), values(fast, key), strict=False)]


def told(numbers: Sequence[float], digits: int = 2) -> str:
    """Say a median with the range of all rounds: ``5.1 (4.9-5.6)``."""
    if not numbers:
        return "–"
    middle = number(median(numbers), digits)
    low, high = (number(value, digits) for value in (min(numbers), max(numbers)))
    return middle if low == high else f"{middle} ({low}-{high})"


def number(value: float, digits: int = 2) -> str:
    """Say a number with ``digits`` significant digits, never less than its whole part."""
    if value == 0 or value != value:
        return "0" if value == 0 else "–"
    places = max(0, digits - 1 - _exponent(value))
    return f"{value:,.{places}f}"


def _exponent(value: float) -> int:
    return int(f"{value:e}".split("e")[1])
