"""How good the denoised micrographs of an experiment are: against the truth, and without it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import scipy.ndimage

from napari_n2n import metrics
from napari_n2n.background import background_steps
from napari_n2n.experiments.cryo.networks import NETWORKS, TITLES, denoised_paths, denoising_name
from napari_n2n.experiments.panels import write_panels
from napari_n2n.experiments.protocol import ExperimentStage
from napari_n2n.io import read_micrograph
from napari_n2n.progress import Steps, Stopwatch

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_n2n.experiments.cryo.fields import TestField
    from napari_n2n.experiments.cryo.networks import TrainingContext
    from napari_n2n.experiments.protocol import Figures

    Image = NDArray[np.float32]

RAW, GAUSSIAN, TRUTH, REST = "raw", "gaussian", "truth", "rest"
JUDGED = (RAW, GAUSSIAN, *NETWORKS)
"""What is judged, in the order of tables and pictures."""

WHAT = {
    RAW: "raw",
    GAUSSIAN: "best Gaussian low-pass",
    **TITLES,
    TRUTH: "truth",
    REST: "mean of the other frames",
}

BAND_ANGSTROM = (500.0, 15.0)
"""Without truth, correlations are of what lies between these resolutions: neither ice nor noise."""

TRUTH_THRESHOLD, HALVES_THRESHOLD = 0.5, 1 / 7

FINEST_ANGSTROM = 10.0
"""Down to this resolution, FRC curves are averaged."""

_UNKNOWN = "The pixel size is unknown: every Å here is a pixel. Give it with --pixel-size."
_SIGMAS_ANGSTROM = (2.0, 3.0, 4.0, 6.0, 8.0, 11.0, 15.0, 20.0)


@dataclass(frozen=True, eq=False)
class FieldImages:
    """What there is of a field, (y, x) each.

    Attributes
    ----------
    raw
        The micrograph, or the single frame.
    clean
        None where nobody knows.
    first, second
        The noisy images, of independent noise.
    denoised
        By network: the results of the first image and, where there are two halves, of the second.
    pixel_size_angstrom
        1 where it is unknown, and every Å is a pixel.
    notes
        Sentences for the user.
    """

    raw: Image
    clean: Image | None
    first: Image
    second: Image
    denoised: dict[str, tuple[Image, ...]]
    pixel_size_angstrom: float
    notes: tuple[str, ...] = ()

    def result(self, network: str) -> Image:
        """Return the denoised micrograph: the mean of the denoised halves."""
        halves = self.denoised[network]
        return halves[0] if len(halves) == 1 else (halves[0] + halves[1]) * np.float32(0.5)


def judging_stage(context: TrainingContext, field: TestField) -> ExperimentStage:
    """Return the judging of a field that was not trained on, its pictures included."""
    records = context.records
    paths = {what: panel_paths(records.folder, field, what) for what in shown(field)}

    def make() -> Steps[Figures]:
        given = context.settings.recording.pixel_size_angstrom
        images = yield from background_steps(
            partial(_read, records.folder, field, given), "reading"
        )
        figures: Figures = {
            "pixel_size_angstrom": images.pixel_size_angstrom,
            "notes": list(images.notes),
        }
        size = images.pixel_size_angstrom
        results = {name: images.result(name) for name in NETWORKS}
        figures["independent"] = yield from _against_independent(images)
        sigma = figures["independent"]["sigma_angstrom"]
        if images.clean is not None:
            figures["truth"] = yield from _against_truth(images, images.clean, results)
            sigma = figures["truth"]["sigma_angstrom"]
            results[TRUTH] = images.clean
        if field.equally_noisy:
            figures["halves"] = yield from _halves(images)
        else:
            results[REST] = images.second
        watch = Stopwatch()
        for number, (what, (whole, detail)) in enumerate(paths.items()):
            yield watch.progress("drawing pictures", number, len(paths))
            write_panels(whole, detail, _treated(what, images.raw, results, sigma / size), size)
        return figures

    files = tuple(path for pair in paths.values() for path in pair)
    needs = tuple(denoising_name(network, field) for network in NETWORKS)
    return ExperimentStage(f"judge-{field.name}", f"judging {field.name}", make, files, needs)


def panel_paths(folder: Path, field: TestField, what: str) -> tuple[Path, Path]:
    """Where the pictures of the whole field and of a detail belong."""
    pictures = folder / "pictures"
    return pictures / f"{field.name}-{what}.png", pictures / f"{field.name}-{what}-detail.png"


def shown(field: TestField) -> tuple[str, ...]:
    """Return what there are pictures of: what is judged, and what is nearest to the truth."""
    if field.clean is not None:
        return (*JUDGED, TRUTH)
    return JUDGED if field.equally_noisy else (*JUDGED, REST)


def _read(folder: Path, field: TestField, pixel_size_angstrom: float | None) -> FieldImages:
    first, second = (
        read_micrograph(path, pixel_size_angstrom=pixel_size_angstrom)
        for path in (field.first, field.second)
    )
    denoised = {
        name: tuple(read_micrograph(path).pixels for path in denoised_paths(folder, name, field))
        for name in NETWORKS
    }
    return FieldImages(
        raw=first.pixels + second.pixels if field.equally_noisy else first.pixels,
        clean=None if field.clean is None else read_micrograph(field.clean).pixels,
        first=first.pixels,
        second=second.pixels,
        denoised=denoised,
        pixel_size_angstrom=first.pixel_size_angstrom or 1.0,
        notes=(_UNKNOWN,) if first.pixel_size_angstrom is None else (),
    )


def _against_truth(
    images: FieldImages, clean: Image, results: Mapping[str, Image]
) -> Steps[Figures]:
    """Correlation, PSNR and FRC with the clean image, of the whole micrograph."""
    size = images.pixel_size_angstrom
    sigma = yield from _best_sigma(images.raw, clean, size)
    found: Figures = {"sigma_angstrom": sigma}
    for what in JUDGED:
        image = _treated(what, images.raw, results, sigma / size)
        # A low-pass changes no ring's correlation, but for rounding where it leaves nothing.
        whole = images.raw if what == GAUSSIAN else image
        curve = yield from background_steps(
            partial(metrics.frc, whole, clean, size), f"comparing {what}"
        )
        found[what] = {
            "correlation": metrics.correlation(image, clean),
            "psnr_db": fitted_psnr(image, clean),
            "resolution_angstrom": curve.resolution_angstrom(TRUTH_THRESHOLD),
            "mean_frc": mean_frc(curve),
            "frc": _rounded(curve.correlation),
        }
        found["frequency_per_angstrom"] = _rounded(curve.frequency)
    return found


def _against_independent(images: FieldImages) -> Steps[Figures]:
    """Band-limited correlation and FRC of what was made of the first image with the second."""
    size = images.pixel_size_angstrom
    band = band_cycles_per_px(size)
    second = yield from background_steps(
        partial(metrics.band_limited, images.second, *band), "comparing"
    )
    sigma = yield from _best_sigma(metrics.band_limited(images.first, *band), second, size)
    found: Figures = {"sigma_angstrom": sigma}
    results = {name: denoised[0] for name, denoised in images.denoised.items()}
    for what in JUDGED:
        image = _treated(what, images.first, results, sigma / size)
        limited = yield from background_steps(
            partial(metrics.band_limited, image, *band), f"comparing {what}"
        )
        whole = images.first if what == GAUSSIAN else image
        curve = yield from background_steps(
            partial(metrics.frc, whole, images.second, size), f"comparing {what}"
        )
        found[what] = {
            "correlation": metrics.correlation(limited, second),
            "frc": _rounded(curve.correlation),
        }
        found["frequency_per_angstrom"] = _rounded(curve.frequency)
    return found


def _halves(images: FieldImages) -> Steps[Figures]:
    """FRC between the two halves, raw and denoised."""
    size = images.pixel_size_angstrom
    found: Figures = {}
    for what in (RAW, *NETWORKS):
        odd, even = images.denoised.get(what, (images.first, images.second))
        curve = yield from background_steps(
            partial(metrics.frc, odd, even, size), f"comparing halves, {what}"
        )
        found[what] = {
            "resolution_angstrom": curve.resolution_angstrom(HALVES_THRESHOLD),
            "frc": _rounded(curve.correlation),
        }
        found["frequency_per_angstrom"] = _rounded(curve.frequency)
    return found


def _treated(what: str, raw: Image, results: Mapping[str, Image], sigma_px: float) -> Image:
    """Return ``raw`` as it is, low-passed, or as a network's result."""
    if what == GAUSSIAN:
        filtered: Image = scipy.ndimage.gaussian_filter(raw, sigma_px)
        return filtered
    return results.get(what, raw)


def _best_sigma(image: Image, reference: Image, size: float) -> Steps[float]:
    """Return the standard deviation (Å) of the Gaussian after which the two correlate best."""
    best = (-2.0, _SIGMAS_ANGSTROM[0])
    for sigma in _SIGMAS_ANGSTROM:
        work = partial(metrics.best_gaussian_correlation, image, reference, (sigma / size,))
        reached, _ = yield from background_steps(work, "looking for the best low-pass")
        best = max(best, (reached, sigma))
    return best[1]


def band_cycles_per_px(pixel_size_angstrom: float) -> tuple[float, float]:
    """Return `BAND_ANGSTROM` in cycles/px, at most the Nyquist frequency."""
    low, high = (pixel_size_angstrom / resolution for resolution in BAND_ANGSTROM)
    return min(low, 0.1), min(high, 0.5)


def mean_frc(curve: metrics.RingCorrelation) -> float:
    """Return the mean correlation of all rings down to `FINEST_ANGSTROM`, the origin left out.

    Between the zeros of the contrast transfer there is signal beyond the first of them, where a
    curve falls to nothing whatever was done to the image.
    """
    rings = (curve.frequency > 0) & (curve.frequency <= 1 / FINEST_ANGSTROM)
    return float(curve.correlation[rings].mean()) if rings.any() else 0.0


def fitted_psnr(image: Image, clean: Image) -> float:
    """Return the PSNR (dB) after the scale and offset of ``image`` that suit ``clean`` best.

    A sum of frames and a network's result have no scale in common with counts per frame. With
    the fit, the mean squared error is var(clean) (1 - r²), r the correlation; the peak is the
    range of ``clean``.
    """
    centred = image - image.mean(dtype=np.float64)
    power = float(np.mean(centred**2))
    mean = clean.mean(dtype=np.float64)
    scale = float(np.mean(centred * (clean - mean))) / power if power > 0 else 0.0
    return metrics.psnr(scale * centred + mean, clean)


def _rounded(values: NDArray[np.float64]) -> list[float]:
    return [round(float(value), 5) for value in values]
