"""How near to the truth a denoised tomogram comes, beside what a Gaussian makes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from napari_n2n import metrics
from napari_n2n.experiments.panels import write_panels
from napari_n2n.io import open_volume
from napari_n2n.progress import Progress, Steps, Stop, require_going
from napari_n2n.workflow.judge_volumes import curve_as_json, judge_halves_steps

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_n2n.denoising.checkpoints import Denoiser
    from napari_n2n.experiments.protocol import ExperimentFolder, Figures
    from napari_n2n.io import VolumePair
    from napari_n2n.simulation.tomograms import SimulatedTomogramFiles

_SIGMAS_VOXEL = (0.6, 0.8, 1.0, 1.2, 1.5, 2.0)
IMAGES = {
    "raw": "Raw: sum of both halves",
    "gaussian": "Best Gaussian low-pass",
    "light": "Denoised",
    "clean": "Without noise",
}
"""What is shown and judged, and how it is called."""


def picture_names(image: str) -> tuple[str, str, str]:
    """Return the pictures of an image: the middle section, a part of it, and the middle along y."""
    return f"{image}-xy", f"{image}-detail", f"{image}-xz"


def judged_steps(
    records: ExperimentFolder,
    pair: VolumePair,
    files: SimulatedTomogramFiles,
    denoised: Path,
    denoiser: Denoiser,
    device: str,
    stop: Stop,
) -> Steps[Figures]:
    """Measure correlations and Fourier shells with the truth and of halves, and make pictures.

    Raises
    ------
    N2NError, Interrupted
        As `judge_halves_steps` does.
    """
    halves = pair.opened()
    size = halves[0].voxel_size_angstrom or 1.0
    judged = yield from judge_halves_steps(
        pair.name, halves, denoiser=denoiser, device=device, stop=stop
    )
    raw, clean = halves[0][:] + halves[1][:], open_volume(files.clean, kind="volume")[:]
    gaussian, sigma = metrics.best_gaussian_correlation(raw, clean, _SIGMAS_VOXEL)
    volumes = {
        "raw": raw,
        "gaussian": ndimage.gaussian_filter(raw, sigma),
        "light": open_volume(denoised, kind="volume")[:],
        "clean": clean,
    }
    figures: Figures = {"sigma_angstrom": sigma * size, "gaussian_best": gaussian, "images": {}}
    for number, (name, volume) in enumerate(volumes.items()):
        yield Progress("comparing with the truth", number, len(volumes))
        require_going(stop)
        curve = metrics.fourier_shell_correlation(volume, clean, size)
        figures["images"][name] = {
            "correlation": metrics.correlation(volume, clean),
            "fsc": curve_as_json(curve, "angstrom"),
        }
        _write_pictures(records, name, volume, size)
    figures["halves"] = judged.as_json()
    return figures


def _write_pictures(
    records: ExperimentFolder, name: str, volume: NDArray[np.float32], size: float
) -> None:
    xy, detail, xz = (records.picture_path(one) for one in picture_names(name))
    middle = volume.shape[0] // 2
    write_panels(xy, detail, np.ascontiguousarray(volume[middle]), size)
    across = np.ascontiguousarray(volume[:, volume.shape[1] // 2])
    write_panels(xz, records.picture_path(f"{name}-xz-detail"), across, size)
