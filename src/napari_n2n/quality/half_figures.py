"""What the halves of a movie tell, and the path its specimen took."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_n2n.metrics import frc

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_COARSEST_ANGSTROM, _FINEST_ANGSTROM = 200.0, 20.0
_EARLY_DOSE = 4.0  # e/Å², RELION's border between early and late
_EARLY_SHARE = 0.1  # of the frames: 4 of the usual 40 e/Å²


def half_figures(
    odd: NDArray[np.floating], even: NDArray[np.floating], pixel_size_angstrom: float | None
) -> dict[str, float]:
    """Return ``resolution_angstrom`` and ``snr`` of two halves (y, x), see `FIGURES`.

    Nothing without a pixel size. Halves that have nothing in common have no resolution; it is
    left out then.

    Raises
    ------
    ValueError
        The shapes differ.
    """
    if pixel_size_angstrom is None:
        return {}
    curve = frc(odd, even, pixel_size_angstrom)
    figures = {}
    resolution = curve.resolution_angstrom()
    if resolution is not None:
        figures["resolution_angstrom"] = resolution
    frequency = curve.frequency
    band = (frequency >= 1 / _COARSEST_ANGSTROM) & (frequency <= 1 / _FINEST_ANGSTROM)
    if band.any():
        # Rings weigh by their number of pixels. A correlation below 0 is chance.
        r = float(np.average(curve.correlation[band], weights=frequency[band]))
        figures["snr"] = 2 * max(r, 0.0) / max(1 - r, 1e-6)
    return figures


def drift_figures(
    shifts_angstrom: ArrayLike, dose_per_frame: float | None = None
) -> dict[str, float]:
    """Return ``drift_total_angstrom``, ``_early_`` and ``_late_``, see `FIGURES`.

    Parameters
    ----------
    shifts_angstrom
        (frame, 2) y, x displacement of every frame. With fewer than two nothing can be said.
    dose_per_frame
        e/Å²; where it is given, what is early is decided by dose.
    """
    shifts = np.asarray(shifts_angstrom, np.float64).reshape(-1, 2)
    steps = np.linalg.norm(np.diff(shifts, axis=0), axis=1)
    if not len(steps):
        return {}
    early = _EARLY_DOSE / dose_per_frame if dose_per_frame else _EARLY_SHARE * len(shifts)
    border = min(max(1, round(early)), len(steps))
    return {
        "drift_total_angstrom": float(steps.sum()),
        "drift_early_angstrom": float(steps[:border].sum()),
        "drift_late_angstrom": float(steps[border:].sum()),
    }
