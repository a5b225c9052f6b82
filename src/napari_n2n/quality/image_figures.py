"""What one image tells of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_n2n.quality.contaminated_area import contaminated_area
from napari_n2n.quality.ice import crystalline_ice
from napari_n2n.quality.spectra import tile_size, tile_spectra, tile_starts
from napari_n2n.quality.thon import thon_figures
from napari_n2n.quality.working_image import pixels_in_one, working_image

if TYPE_CHECKING:
    from numpy.typing import NDArray

_HAS_A_ZERO = 3.0  # deviations that brightness is above 0, if 0 is no electrons
_MOSTLY = 0.5


def image_figures(
    image: NDArray[np.floating],
    pixel_size_angstrom: float | None,
    denoised: NDArray[np.floating] | None = None,
    *,
    diameter_angstrom: float | None = None,
    voltage_kv: float = 300.0,
) -> dict[str, float]:
    """Return what one micrograph tells of itself, see `FIGURES`.

    All but crystalline ice and Thon rings is measured at 8 Å a pixel, where particles show as well
    and a micrograph takes a fraction of a second.

    Parameters
    ----------
    image
        (y, x) as recorded.
    pixel_size_angstrom
        Of the image. None: its longer side is taken for 4096 Å, which is usual, and there is no
        ``crystalline_ice``.
    denoised
        (y, x) of the same shape; contamination shows best on it.
    diameter_angstrom
        Of the particles; what is larger and solid is contamination. None: 160 Å.
    voltage_kv
        Of the microscope; the Thon rings are fitted with it.

    Returns
    -------
    ``brightness``; ``brightness_gradient`` where brightness has a zero; ``contaminated_percent``,
    ``structure``, ``blotches``, ``streaks``, ``empty_percent`` of an image that is 256 Å and 32 px
    wide and high; ``crystalline_ice`` where pixels are smaller than 1.57 Å; and what
    `thon_figures` returns.

    Raises
    ------
    BadValue
        The image is not 2D, or holds NaN or infinities.
    NotEnoughData
        It is empty or all the same, or smaller than the particles.
    """
    factor = pixels_in_one(image.shape, pixel_size_angstrom)
    coarse = working_image(image, factor)
    figures = {"brightness": float(np.median(coarse))}
    gradient = _gradient_percent(coarse)
    if gradient is not None:
        figures["brightness_gradient"] = gradient
    tile = tile_size(coarse.shape)
    if tile is not None:
        seen = None if denoised is None else working_image(denoised, factor)
        contaminated = contaminated_area(coarse, seen, diameter_angstrom)
        figures["contaminated_percent"] = 100 * float(contaminated.mean())
        figures |= tile_spectra(coarse, tile).figures(_mostly(contaminated, tile))
    if pixel_size_angstrom is not None:
        ice = crystalline_ice(image, pixel_size_angstrom)
        if ice is not None:
            figures["crystalline_ice"] = ice
    return figures | thon_figures(image, pixel_size_angstrom, voltage_kv=voltage_kv)


def _gradient_percent(coarse: NDArray[np.float32]) -> float | None:
    """Rise of the plane fitted to ``coarse`` from its lowest to its highest corner, in %."""
    level = float(np.median(coarse))
    if level <= _HAS_A_ZERO * float(coarse.std()):
        return None
    # On a full grid the two directions are orthogonal: each slope by itself.
    slopes = []
    for axis in (0, 1):
        profile = coarse.mean(axis=1 - axis, dtype=np.float64)
        place = np.linspace(-0.5, 0.5, len(profile))
        slopes.append(abs(float(place @ profile / max(place @ place, 1e-12))))
    return 100 * sum(slopes) / level


def _mostly(mask: NDArray[np.bool_], tile: int) -> NDArray[np.bool_]:
    """Tell which tiles are for the most part in ``mask`` (y, x)."""
    rows, columns = (tile_starts(side, tile) for side in mask.shape)
    windows = np.lib.stride_tricks.sliding_window_view(mask, (tile, tile))
    mostly: NDArray[np.bool_] = windows[np.ix_(rows, columns)].mean(axis=(2, 3)) > _MOSTLY
    return mostly
