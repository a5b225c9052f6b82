"""Scales of plots: limits that outliers do not set, round ticks, hours of a night."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FAR_OUT = 3.0
_HOURS = (1 / 60, 1 / 30, 1 / 12, 1 / 6, 1 / 4, 1 / 2, 1, 2, 3, 6, 12, 24, 48, 168)


@dataclass(frozen=True)
class Axis:
    """A scale from ``low`` to ``high``, with ticks: their values and what is written there."""

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]

    def share(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where values lie on the scale, 0 to 1; what is beyond lies at its end."""
        return np.clip((values - self.low) / (self.high - self.low), 0.0, 1.0)

    def beyond(self, values: NDArray[np.float64]) -> int:
        """Return how many values lie off the scale."""
        return int(np.count_nonzero((values < self.low) | (values > self.high)))


def axis_of(values: NDArray[np.float64], *, count: int = 5, cut: bool = True) -> Axis:
    """Return a scale for (n,) values, at least one of them finite.

    Unless ``cut`` is false, values that are "far out" lie beyond it: more than three times the
    distance of the quartiles outside these (Tukey 1977, Exploratory Data Analysis, 2D).
    """
    known = values[np.isfinite(values)]
    low, high = float(known.min()), float(known.max())
    first, third = (float(value) for value in np.percentile(known, (25, 75)))
    if cut and third > first:
        reach = _FAR_OUT * (third - first)
        low, high = max(low, first - reach), min(high, third + reach)
    if known.min() >= 0 and low < (high - low):
        low = 0.0  # quantities that begin at nothing are shown from there
    if high <= low:
        low, high = low - 0.5, high + 0.5
    return numbered(low, high, count=count)


def span(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the least and the greatest of (n,) values, one apart if they are the same."""
    low, high = float(values.min()), float(values.max())
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def numbered(low: float, high: float, *, count: int = 5, whole: bool = False) -> Axis:
    """Return a scale that begins and ends on round numbers, with about ``count`` ticks."""
    step = _round_step((high - low) / count)
    if whole:
        step = max(1.0, step)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    ticks = tuple((i * step, f"{i * step:,.{digits}f}") for i in range(first, last + 1))
    return Axis(first * step, last * step, ticks)


def _round_step(step: float) -> float:
    """Return the next 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(m * power for m in (1.0, 2.0, 5.0, 10.0) if m * power >= step * (1 - 1e-9))


def clock(seconds: NDArray[np.float64], *, count: int = 6) -> Axis:
    """Return a scale of local time for (n,) seconds since the epoch, all finite."""
    low, high = float(seconds.min()), float(seconds.max())
    if high - low < 60:
        low, high = low - 30, high + 30
    hours = (high - low) / 3600
    step = next((h for h in _HOURS if hours / h <= count), _HOURS[-1] * math.ceil(hours / 1008))
    midnight = datetime.fromtimestamp(low).replace(hour=0, minute=0, second=0, microsecond=0)
    ticks = []
    number = math.ceil((low - midnight.timestamp()) / 3600 / step)
    while (at := midnight + timedelta(hours=number * step)).timestamp() <= high:
        is_day = step >= 24 or (hours > 24 and at.hour == at.minute == 0)
        ticks.append((at.timestamp(), f"{at.day} {at:%b}" if is_day else f"{at:%H:%M}"))
        number += 1
    return Axis(low, high, tuple(ticks))
