"""Thon rings: how far they reach, and the defocus they tell of."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import fft

from napari_n2n.quality.spectra import without_lines

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TILE_PX = 512
_COARSEST_ANGSTROM, _FINEST_ANGSTROM = 30.0, 5.0  # as CTFFIND fits by default
_LARGEST_PIXEL_ANGSTROM = 4.0
_DEFOCUS_MICROMETRE = (0.3, 6.0)
_AGREEING = 0.5  # correlation of spectrum and fit over one ring, as CTFFIND has it
_LEAST_FIT = 0.25  # correlation over the whole range; noise is fitted with 0.2
_PACKAGE = "torch_ctf_estimation"


def can_fit() -> bool:
    """Tell whether torch-ctf-estimation, which is optional, can be used."""
    try:
        import_module(_PACKAGE)
    except (ImportError, OSError, RuntimeError):  # a torchvision for another torch raises any
        return False
    return True


def thon_figures(
    image: NDArray[np.floating],
    pixel_size_angstrom: float | None,
    *,
    voltage_kv: float = 300.0,
    spherical_aberration_mm: float = 2.7,
    amplitude_contrast: float = 0.07,
) -> dict[str, float]:
    """Return ``thon_resolution_angstrom`` and ``defocus_micrometre`` of a micrograph (y, x).

    torch-ctf-estimation fits the contrast transfer to the mean spectrum of 512 px tiles, averaged
    over directions; rings are believed out to where spectrum and fit, compared over one ring,
    correlate by less than 0.5 (Rohou and Grigorieff 2015, J. Struct. Biol. 192:216). Astigmatism is
    not fitted: where it is large, rings end early.

    Nothing is returned where torch-ctf-estimation is not installed, the pixel size is unknown or
    above 4 Å, the image smaller than 512 px, or where nothing is fitted better than noise is. A
    fit that fails is an unknown figure, no reason to stop a night's screening.
    """
    if pixel_size_angstrom is None or pixel_size_angstrom > _LARGEST_PIXEL_ANGSTROM:
        return {}
    if min(image.shape) < _TILE_PX or not can_fit():
        return {}
    import torch

    fitting: Any = import_module(f"{_PACKAGE}.estimate_ctf_1d")
    optics = {
        "voltage_kev": voltage_kv,
        "spherical_aberration_mm": spherical_aberration_mm,
        "amplitude_contrast": amplitude_contrast,
        "pixel_spacing_angstroms": pixel_size_angstrom,
    }
    finest = max(_FINEST_ANGSTROM, 2.1 * pixel_size_angstrom)
    try:
        with torch.enable_grad():  # whoever calls may have switched it off
            fit = fitting.estimate_ctf_1d(
                torch.from_numpy(_mean_power(image)),
                image_sidelength=_TILE_PX,
                frequency_fit_range_angstroms=(_COARSEST_ANGSTROM, finest),
                defocus_range_microns=_DEFOCUS_MICROMETRE,
                b_step=10.0,
                **optics,
            )
    except (RuntimeError, ValueError):
        return {}
    defocus, agreement = float(fit.ctf_model.defocus_um), fit.cross_correlation_final
    if not (np.isfinite(defocus) and agreement is not None and agreement >= _LEAST_FIT):
        return {}
    with torch.no_grad():
        band = (fit.frequencies_1d >= 1 / _COARSEST_ANGSTROM) & (fit.frequencies_1d <= 1 / finest)
        along = torch.linspace(0, 1, int(band.sum()))  # the background's own coordinate
        rings = fit.powerspectrum_1d[band] - torch.exp(fit.background_model(along).squeeze())
        gof: Any = import_module(f"{_PACKAGE}.estimate_ctf_1d.estimate_gof_resolution_1d")
        expected = gof.simulate_thin_power_1d(
            n_samples=_TILE_PX // 2 + 1, defocus_um=defocus, **optics
        ).reshape(-1)
        reach = gof.estimate_gof_resolution_1d(
            rings,
            fit.frequencies_1d[band],
            expected[band],
            defocus_um=defocus,
            voltage_kev=voltage_kv,
            cc_threshold=_AGREEING,
        ).fit_res_A
    if not np.isfinite(reach):
        return {}
    return {"thon_resolution_angstrom": float(reach), "defocus_micrometre": defocus}


def _mean_power(image: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return the power of 512 px tiles, (512, 257), scaled to a median of one."""
    window = np.hanning(_TILE_PX).astype(np.float32)
    total = np.zeros((_TILE_PX, _TILE_PX // 2 + 1))
    for y in range(0, image.shape[0] - _TILE_PX + 1, _TILE_PX):
        for x in range(0, image.shape[1] - _TILE_PX + 1, _TILE_PX):
            tile = image[y : y + _TILE_PX, x : x + _TILE_PX].astype(np.float32)
            tile = without_lines(tile, window) * window[:, None] * window
            total += np.abs(fft.rfft2(tile)) ** 2
    # Both axes, where the lines of a detector would lie, get what is beside the next line.
    total[:, :2] = total[:, 2:3]
    total[[0, 1, -1]] = total[[2, 2, -2]]
    # Background and envelope are fitted on the scale of one.
    middle = float(np.median(total))
    return (total / (middle if middle > 0 else 1.0)).astype(np.float32)
