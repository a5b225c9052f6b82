"""What one image tells of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_n2n.io.faults import Faults, find_faults, mend
from napari_n2n.particles.coarse import checked_image
from napari_n2n.quality.contaminated_area import contaminated_area
from napari_n2n.quality.ice import crystalline_ice
from napari_n2n.quality.spectra import tile_size, tile_spectra, tile_starts
from napari_n2n.quality.thon import thon_figures
from napari_n2n.quality.working_image import (
    FINE_ANGSTROM,
    on_grid,
    pixels_in_one,
    taken_pixel_size,
    working_image,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_n2n.particles.templates import Contrast

_HAS_A_ZERO = 3.0  # deviations that brightness is above 0, if 0 is no electrons
_MOSTLY = 0.5


def image_figures(
    image: NDArray[np.floating],
    pixel_size_angstrom: float | None,
    denoised: NDArray[np.floating] | None = None,
    *,
    diameter_angstrom: float | None = None,
    voltage_kv: float = 300.0,
    faults: Faults | None = None,
    contrast: Contrast = "dark",
) -> dict[str, float]:
    """Return what one micrograph tells of itself, see `FIGURES`.

    All but crystalline ice and Thon rings is measured at 4 and 8 Å a pixel, where particles show as
    well and a micrograph takes a fraction of a second. Faults of the camera are filled in before.

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
    faults
        Of the camera, of this image; None: they are looked for.
    contrast
        Whether particles are darker or brighter than the ice, or stain. Where they are brighter,
        all but the brightness is measured on the negative.

    Returns
    -------
    ``brightness``; ``brightness_gradient`` where brightness has a zero; ``contaminated_percent``,
    ``blotches``, ``streaks`` of an image that is 256 Å and 32 px wide and high; ``structure`` and
    ``empty_percent`` where its noise can be told as well; ``crystalline_ice`` where pixels are
    smaller than 1.57 Å; and what `thon_figures` returns.

    Raises
    ------
    BadValue
        The image is not 2D, or holds NaN or infinities.
    NotEnoughData
        It is empty or all the same, or smaller than the particles.
    """
    recorded = checked_image(image)
    faults = find_faults(recorded) if faults is None else faults
    sound = mend(recorded, faults)
    coarse = working_image(sound, pixels_in_one(image.shape, pixel_size_angstrom))
    figures = {"brightness": float(np.median(coarse))}
    gradient = _gradient_percent(coarse)
    if gradient is not None:
        figures["brightness_gradient"] = gradient
    # Gold and dirt are no fault of the camera, and are contamination.
    dense = sound if faults.excess is None else sound + faults.excess
    if contrast == "bright":
        sound, dense = -sound, -dense
        denoised = None if denoised is None else -denoised
    figures |= _area_figures(sound, dense, pixel_size_angstrom, denoised, faults, diameter_angstrom)
    if pixel_size_angstrom is None:
        return figures
    ice = crystalline_ice(sound, pixel_size_angstrom)
    if ice is not None:
        figures["crystalline_ice"] = ice
    return figures | thon_figures(sound, pixel_size_angstrom, voltage_kv=voltage_kv)


def _area_figures(
    sound: NDArray[np.float32],
    dense: NDArray[np.float32],
    pixel_size_angstrom: float | None,
    denoised: NDArray[np.floating] | None,
    faults: Faults,
    diameter_angstrom: float | None,
) -> dict[str, float]:
    """Return what the tiles of an image without faults tell, and its contaminated area.

    ``dense`` is that image with what is so dense that it looks like a fault.
    """
    shape = sound.shape
    fine = working_image(sound, pixels_in_one(shape, pixel_size_angstrom, FINE_ANGSTROM))
    size = max(FINE_ANGSTROM, taken_pixel_size(shape, pixel_size_angstrom))
    tile = tile_size(fine.shape, size)
    if tile is None:
        return {}
    factor = pixels_in_one(shape, pixel_size_angstrom)
    recorded = working_image(dense, factor)
    seen = None if denoised is None else _seen(denoised, faults, factor)
    # What the camera did not see is neither clean nor contaminated.
    lost = on_grid(faults.areas, recorded.shape)
    contaminated = contaminated_area(recorded, fine, seen, diameter_angstrom) & ~lost
    spectra = tile_spectra(fine, tile, size)
    known = max(1, int(np.count_nonzero(~lost)))
    figures = {"contaminated_percent": 100 * int(np.count_nonzero(contaminated)) / known}
    return figures | spectra.figures(_mostly(on_grid(contaminated | lost, fine.shape), tile))


def _seen(denoised: NDArray[np.floating], faults: Faults, factor: float) -> NDArray[np.float32]:
    """Return the denoised image at 8 Å a pixel; where the camera saw nothing there is its level."""
    pixels = np.asarray(denoised, np.float32)
    if faults.areas.any() and not faults.areas.all():
        pixels = np.where(faults.areas, np.median(pixels[~faults.areas]), pixels)
    return working_image(pixels, factor)


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
