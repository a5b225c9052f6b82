"""How good a tomogram is: how far its halves agree, before and after denoising, and the truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_n2n.denoising.inference.volumes import denoise_volumes_steps
from napari_n2n.denoising.scratch import SlabsInto, scratch_array
from napari_n2n.errors import ShapeMismatch
from napari_n2n.metrics import fourier_shell_correlation
from napari_n2n.progress import Progress, Steps, Stop, never, require_going

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_n2n.denoising.checkpoints import Denoiser
    from napari_n2n.denoising.working_volumes import Sections
    from napari_n2n.io import Volume
    from napari_n2n.metrics import RingCorrelation

HALVES_THRESHOLD, TRUTH_THRESHOLD = 0.143, 0.5
"""Where two halves are usually cut off (Rosenthal and Henderson 2003), and one with the truth."""
CONDITION = "no mask, edges tapered, over the middle of the volume"


@dataclass(frozen=True, eq=False)
class JudgedTomogram:
    """How far halves agree, each denoised for itself as well if there is a model.

    Correlations are of the mean of both halves with the truth; None where it was not given.
    """

    name: str
    voxel_size_angstrom: float | None
    before: RingCorrelation
    after: RingCorrelation | None = None
    raw_correlation: float | None = None
    denoised_correlation: float | None = None

    @property
    def unit(self) -> str:
        """Of resolutions."""
        return "voxels" if self.voxel_size_angstrom is None else "Å"

    def as_json(self) -> dict[str, Any]:
        """Return all of it by name."""
        per = "voxel" if self.voxel_size_angstrom is None else "angstrom"
        told: dict[str, Any] = {"tomogram": self.name, "condition": CONDITION}
        for when, curve in (("before", self.before), ("after", self.after)):
            if curve is not None:
                told[f"fsc_{when}"] = curve_as_json(curve, per)
        told["raw_correlation"] = self.raw_correlation
        told["denoised_correlation"] = self.denoised_correlation
        return told


def curve_as_json(curve: RingCorrelation, per: str) -> dict[str, Any]:
    """Return a curve and its resolutions by name; ``per`` is the unit of length."""
    return {
        f"frequency_per_{per}": curve.frequency.tolist(),
        "correlation": curve.correlation.tolist(),
        f"resolution_0.143_{per}": curve.resolution_angstrom(HALVES_THRESHOLD),
        f"resolution_0.5_{per}": curve.resolution_angstrom(TRUTH_THRESHOLD),
    }


def judge_halves_steps(
    name: str,
    halves: tuple[Volume, Volume],
    *,
    denoiser: Denoiser | None = None,
    truth: Volume | None = None,
    device: str = "auto",
    stop: Stop = never,
) -> Steps[JudgedTomogram]:
    """Compare two halves, and what a denoiser makes of each of them.

    Raises
    ------
    ShapeMismatch
        The truth has another shape.
    N2NError
        The files, the device or the disk do not allow it.
    Interrupted
        ``stop`` became true.
    """
    size = halves[0].voxel_size_angstrom
    if truth is not None:
        require_same_shape(truth, halves[0])
    yield Progress("comparing the halves", 0, 1)
    require_going(stop)
    before = fourier_shell_correlation(*halves, size or 1.0)
    raw = None if truth is None else correlation_of(halves, truth)
    if denoiser is None:
        return JudgedTomogram(name, size, before, None, raw)
    results: list[NDArray[np.float32]] = []
    for half in halves:
        result = scratch_array(half.shape)
        yield from denoise_volumes_steps(
            [half], denoiser, SlabsInto(result), voxel_size_angstrom=size, device=device, stop=stop
        )
        results.append(result)
    yield Progress("comparing the denoised halves", 0, 1)
    after = fourier_shell_correlation(results[0], results[1], size or 1.0)
    denoised = None if truth is None else correlation_of(results, truth)
    return JudgedTomogram(name, size, before, after, raw, denoised)


def require_same_shape(one: Volume, other: Volume) -> None:
    """Make sure that two volumes can be compared.

    Raises
    ------
    ShapeMismatch
        They differ in shape.
    """
    if one.shape != other.shape:
        a, b = (" × ".join(map(str, each.shape[::-1])) for each in (one, other))
        path: Path = one.path
        raise ShapeMismatch(
            path, f"is {a} voxels, and {other.path.name} is {b}", "Give one of the same tomogram."
        )


def correlation_of(parts: Sequence[Sections], truth: Sections) -> float:
    """Pearson correlation of the mean of ``parts`` with ``truth``, section by section."""
    sums = np.zeros(5)
    count = 0
    for z in range(truth.shape[0]):
        a = np.mean([np.asarray(part[z : z + 1], np.float64) for part in parts], axis=0)
        b = np.asarray(truth[z : z + 1], np.float64)
        sums += [a.sum(), b.sum(), (a * a).sum(), (b * b).sum(), (a * b).sum()]
        count += a.size
    a_mean, b_mean, aa, bb, ab = sums / count
    norm = np.sqrt(max(aa - a_mean**2, 0) * max(bb - b_mean**2, 0))
    return float((ab - a_mean * b_mean) / norm) if norm > 0 else 0.0
