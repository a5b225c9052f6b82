"""What a cryo-EM experiment found, and how a report tells single figures and curves of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_n2n.experiments.cryo.judging import RAW, WHAT
from napari_n2n.experiments.cryo.networks import NETWORKS
from napari_n2n.experiments.curves import COLOURS, Curve, frequency_axis, line_plot
from napari_n2n.export.pages import page
from napari_n2n.export.pages.axes import Axis, numbered

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_n2n.experiments.cryo.fields import TestField
    from napari_n2n.experiments.cryo.settings import CryoSettings
    from napari_n2n.experiments.protocol import Figures

_FINEST_PLOTTED_ANGSTROM = 5.0
_MOST_POINTS = 150  # single rings of a large image are noise
# A low-pass changes no ring's correlation: its curve is that of the raw image.
_CURVES = dict(zip((RAW, *NETWORKS), (COLOURS[0], *COLOURS[2:5]), strict=True))


@dataclass(frozen=True)
class CryoResults:
    """What an experiment found.

    Attributes
    ----------
    settings
        What decided it.
    trained_on, judged
        The fields; none is in both.
    found
        The figures of every stage, by its name.
    seconds
        The time that all stages took.
    folder
        Where pictures lie.
    """

    settings: CryoSettings
    trained_on: Sequence[TestField]
    judged: Sequence[TestField]
    found: Mapping[str, Figures]
    seconds: float
    folder: Path

    def judgement(self, field: TestField) -> Figures:
        """Return what was found of a field that was judged."""
        return self.found[f"judge-{field.name}"]

    def values(self, kind: str, what: str, figure: str) -> list[float]:
        """Return the known values of a figure, one of each field judged."""
        told = [self.judgement(field)[kind][what].get(figure) for field in self.judged]
        return [float(value) for value in told if value is not None]


def plot(results: CryoResults, kind: str, title: str, level: tuple[float, str] | None) -> str:
    """Draw the FRC curves of a kind of figures, means over fields and neighbours, with a legend.

    With a ``level`` to compare with, up to 1; else as far up as they go.
    """
    known = [results.judgement(field)[kind] for field in results.judged]
    lengths = {len(figures["frequency_per_angstrom"]) for figures in known}
    if len(lengths) > 1:  # fields of several sizes have no rings in common
        known = known[:1]
    frequency = np.array(known[0]["frequency_per_angstrom"])
    highest = min(float(frequency[-1]), 1 / _FINEST_PLOTTED_ANGSTROM)
    curves = []
    for what, colour in _CURVES.items():
        frc = np.mean([figures[what]["frc"] for figures in known], axis=0)
        x, y = _averaged(np.stack([frequency, frc])[:, frequency <= highest])
        curves.append(Curve(WHAT[what], x, y, colour))
    up = _up_to(curves) if level is None else numbered(0.0, 1.0)
    drawing = line_plot(
        title,
        curves,
        across_title="spatial frequency (1/Å)",
        across=frequency_axis(highest),
        up=up,
        level=level,
    )
    legend = page.legend((), [(WHAT[what], colour) for what, colour in _CURVES.items()])
    return legend + page.plots([drawing])


def _averaged(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Average neighbours of (2, n) points, so that about `_MOST_POINTS` are left."""
    width = -(-points.shape[1] // _MOST_POINTS)
    whole = points.shape[1] // width * width
    averaged: NDArray[np.float64] = points[:, :whole].reshape(2, -1, width).mean(axis=2)
    return averaged


def _up_to(curves: Sequence[Curve]) -> Axis:
    highest = max(float(curve.y[2:].max(initial=0.05)) for curve in curves)
    return numbered(0.0, min(1.0, highest))


def counted(fields: Sequence[TestField]) -> str:
    """Return how many there are: ``2 micrographs``."""
    return f"{len(fields)} micrograph" + ("" if len(fields) == 1 else "s")


def mean(values: Sequence[float], form: str) -> str:
    """Return the mean of ``values`` in this format, a dash where there are none."""
    return format(float(np.mean(values)), form) if values else "–"


def resolution(results: CryoResults, kind: str, what: str) -> str:
    """Return the mean resolution, and of how many fields there is none."""
    values = results.values(kind, what, "resolution_angstrom")
    if not values:
        return "nowhere above"
    missing = len(results.judged) - len(values)
    return f"{np.mean(values):.1f} Å" + (f" ({missing} nowhere above)" if missing else "")


def sigmas(results: CryoResults, kind: str) -> str:
    """Return the standard deviations of the best low-passes: ``(σ 4, 6 Å)``."""
    known = {results.judgement(field)[kind]["sigma_angstrom"] for field in results.judged}
    return "(σ " + ", ".join(f"{sigma:g}" for sigma in sorted(known)) + " Å)"
