"""Areas to avoid: carbon, ice crystals, gold, dirt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from napari_n2n.particles.coarse import (
    checked_diameter_px,
    checked_image,
    checked_pixel_size,
    coarsened,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from napari_n2n.particles.templates import Contrast

_PIXELS_ACROSS = 12
_LARGER = 1.3  # diameters that are solidly dark: what no particle is
_STANDING_OUT = 3.0  # deviations of the particle-sized ripples
_SOLID = 0.3  # of the highest within half a diameter, that is left where something is solid
_STEP = 3.0  # deviations, that what is large must differ from what is around it by
_BAND = 0.5  # diameters, within which that step must happen
_DARKER = 2.5  # times the typical particle
_OBJECT = 4.0  # deviations of the ice, from which a minimum is an object
_AREAS = (0.4, 1.6)  # of a particle's, within which an object counts as one
_FEW = 3  # fewer such objects than these are no particles
# Where what stands out is so many times as dark as what stands out when it is covered, and half of
# that is as large as particles, some and so many times as many as bright ones, these are them.
_FAR_DARKER, _SOME, _MORE = 5.0, 5, 3
_MARGIN = 0.15  # diameters that are added around


def find_contamination(
    image: ArrayLike,
    pixel_size_angstrom: float | None,
    *,
    diameter_angstrom: float,
    contrast: Contrast = "dark",
) -> NDArray[np.bool_]:
    """Return where no particle should be picked, (y, x), True to avoid.

    What is avoided is darker than the ice (brighter where particles are) and either solid over
    more than a particle's size - a grey opening with a disc of 1.3 diameters leaves it, and takes
    particles away, even those that touch - or much darker than the particles are.

    Parameters
    ----------
    image
        (y, x), best denoised.
    pixel_size_angstrom
        Of the image.
    diameter_angstrom
        Of the particle.
    contrast
        Whether particles are darker or brighter than the ice.

    Raises
    ------
    BadValue, NotEnoughData
        The image, the pixel size or the diameter cannot be used.
    """
    pixels = checked_image(image)
    size = checked_pixel_size(pixel_size_angstrom)
    diameter_px = checked_diameter_px(pixels, size, diameter_angstrom)
    coarse = coarsened(pixels, diameter_px / _PIXELS_ACROSS)
    across = diameter_px / float(coarse.factors.mean())
    level = coarse.pixels - np.float32(np.median(coarse.pixels))
    dark = -level if contrast == "dark" else level
    mask = _large(dark, across)
    mask |= _dense(dark, across, mask)
    if not mask.any():
        return np.zeros(pixels.shape, bool)
    mask = ndimage.binary_dilation(mask, _disc(_MARGIN * across))
    rows, columns = (
        np.minimum((np.arange(side) / factor).astype(np.intp), n - 1)
        for side, factor, n in zip(pixels.shape, coarse.factors, mask.shape, strict=True)
    )
    whole: NDArray[np.bool_] = mask[np.ix_(rows, columns)]
    return whole


def _large(dark: NDArray[np.float32], across: float) -> NDArray[np.bool_]:
    """Find what is solidly dark over more than a particle's size."""
    smooth = ndimage.gaussian_filter(dark, across / 8, mode="reflect")
    opened = ndimage.grey_opening(smooth, footprint=_disc(_LARGER * across / 2), mode="reflect")
    plane = _plane(opened)
    flat = opened - plane
    ripple = smooth - ndimage.gaussian_filter(smooth, across, mode="reflect")
    unit = _spread(ripple)
    # The faint skirt of a particle is wider than the particle: on a quiet background it stands out.
    highest = ndimage.maximum_filter(smooth, footprint=_disc(across / 2), mode="reflect") - plane
    solid = flat > np.maximum(_STANDING_OUT * unit, _SOLID * highest)
    return _sharp(solid, flat, across, _STEP * unit)


def _sharp(
    found: NDArray[np.bool_], flat: NDArray[np.float32], across: float, least_step: float
) -> NDArray[np.bool_]:
    """Keep the areas that end in a step; where ice gets thicker there is none."""
    areas, count = ndimage.label(found)
    kept = np.zeros(count + 1, bool)
    band = max(1, round(across * _BAND))
    for label, box in enumerate(ndimage.find_objects(areas), start=1):
        around = tuple(slice(max(0, side.start - 2 * band), side.stop + 2 * band) for side in box)
        area, values = areas[around] == label, flat[around]
        near = ndimage.distance_transform_edt(area)
        beyond = ndimage.distance_transform_edt(~area)
        inside = values[area & (near <= band)]
        outside = values[(beyond > 0.5 * band) & (beyond <= 1.5 * band)]
        step = float(np.median(inside) - np.median(outside)) if outside.size else np.inf
        kept[label] = step > least_step
    sharp: NDArray[np.bool_] = kept[areas]
    return sharp


def _dense(dark: NDArray[np.float32], across: float, large: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Find what is of any size and much darker than a particle."""
    smooth = _objects_only(dark, across)
    typical, own = _typical(smooth, across, large)
    if typical is None:
        return np.zeros(dark.shape, bool)
    # Gold may outnumber particles, and be all that stands out: is there something below it?
    covered = ndimage.binary_propagation(own & (smooth > typical / 2), mask=smooth > typical / 4)
    covered = ndimage.binary_dilation(covered | large, _disc(across / 4))
    rest = _objects_only(_without(dark, covered, across), across)
    fainter, tops = _typical(rest, across, covered)
    _, against = _typical(-rest, across, covered)
    alike = np.count_nonzero(_of_a_particle_s_size(rest, np.argwhere(tops), across))
    bright, half = np.count_nonzero(against), np.count_nonzero(tops) / 2
    many = alike >= _SOME and alike >= _MORE * bright and alike >= half
    if fainter is not None and many and _FAR_DARKER * fainter < typical:
        typical = fainter
    seeds = smooth > _DARKER * typical
    # From the core out to where it is no darker than half a particle.
    found: NDArray[np.bool_] = ndimage.binary_propagation(seeds, mask=smooth > typical / 2)
    return found


def _objects_only(dark: NDArray[np.float32], across: float) -> NDArray[np.float32]:
    """Return what is about as large as a particle."""
    smooth = ndimage.gaussian_filter(dark, across / 6, mode="reflect")
    objects: NDArray[np.float32] = smooth - ndimage.gaussian_filter(
        smooth, 1.5 * across, mode="reflect"
    )
    return objects


def _without(
    dark: NDArray[np.float32], covered: NDArray[np.bool_], across: float
) -> NDArray[np.float32]:
    """Return ``dark`` with what is around in the place of what is ``covered``."""
    weight = ndimage.gaussian_filter((~covered).astype(np.float32), across, mode="reflect")
    around = ndimage.gaussian_filter(np.where(covered, 0, dark), across, mode="reflect")
    filled: NDArray[np.float32] = np.where(covered, around / np.maximum(weight, 1e-3), dark)
    return filled


def _typical(
    smooth: NDArray[np.float32], across: float, left_out: NDArray[np.bool_]
) -> tuple[float | None, NDArray[np.bool_]]:
    """Return how dark objects typically are, and their tops; None: there are none."""
    window = 2 * int(np.ceil(across / 3)) + 1
    tops = (smooth == ndimage.maximum_filter(smooth, window, mode="reflect")) & ~left_out
    tops &= smooth > _OBJECT * _spread(smooth[~left_out])
    objects = np.argwhere(tops)
    if not len(objects):
        return None, tops
    heights = smooth[tuple(objects.T)]
    # On a quiet background most objects are its ripples, and every particle outdoes them.
    like_particles = heights[_of_a_particle_s_size(smooth, objects, across)]
    known = like_particles if len(like_particles) >= _FEW else heights
    return float(np.median(known)), tops


def _of_a_particle_s_size(
    smooth: NDArray[np.float32], objects: NDArray[np.intp], across: float
) -> NDArray[np.bool_]:
    """Tell which maxima, (n, 2), are about as wide as a particle at half their height."""
    reach = int(np.ceil(across))
    least, most = (share * np.pi / 4 * across**2 for share in _AREAS)
    fit = np.zeros(len(objects), bool)
    for i, (y, x) in enumerate(objects):
        top, left = max(0, y - reach), max(0, x - reach)
        window = smooth[top : y + reach + 1, left : x + reach + 1]
        areas, _ = ndimage.label(window > smooth[y, x] / 2)
        size = np.count_nonzero(areas == areas[y - top, x - left])
        fit[i] = least <= size <= most
    return fit


def _plane(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the plane most of ``image`` lies on: outliers are left out, three times."""
    y, x = np.mgrid[-1 : 1 : image.shape[0] * 1j, -1 : 1 : image.shape[1] * 1j]
    terms = np.stack([np.ones(image.size), y.ravel(), x.ravel()], axis=1)
    values = image.ravel().astype(np.float64)
    plane = np.full(image.size, np.median(values))
    for _ in range(3):
        rest = values - plane
        kept = np.abs(rest - np.median(rest)) <= 3 * max(_spread(rest), 1e-12)
        plane = terms @ np.linalg.lstsq(terms[kept], values[kept], rcond=None)[0]
    return plane.reshape(image.shape).astype(np.float32)


def _spread(values: NDArray[np.floating]) -> float:
    """Return the standard deviation of the bulk: 1.4826 times the median absolute deviation."""
    if not values.size:
        return 0.0
    return float(1.4826 * np.median(np.abs(values - np.median(values))))


def _disc(radius: float) -> NDArray[np.bool_]:
    n = max(1, int(np.floor(radius)))
    y, x = np.mgrid[-n : n + 1, -n : n + 1]
    disc: NDArray[np.bool_] = np.hypot(y, x) <= max(radius, 1)
    return disc
