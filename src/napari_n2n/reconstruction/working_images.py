"""Tilt images as they are back-projected: coarse enough, their phases flipped, aligned.

All of it happens to one image at a time. It is brought to the pixels of the volume first, which is
where the work becomes cheap. Spectra are those of the image mirrored at its borders (a discrete
cosine transform): what is at one border has nothing to do with what is at the other.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from napari_n2n.io.tilt_series import TiltOptics, TiltView

Image = NDArray[np.float32]

_REST_ENERGY_KEV = 510.99895


@dataclass(frozen=True)
class Grid:
    """A volume, and where in it the tilt axis lies.

    Attributes
    ----------
    shape
        (z, y, x) in voxels.
    pixels_a_voxel
        Sides of a voxel in pixels of the tilt images; 1 at least.
    middle
        (z, y, x), the voxel at which the three axes of the geometry meet.
    image_middle
        (y, x), the pixel of the tilt images that counts as their middle.
    """

    shape: tuple[int, int, int]
    pixels_a_voxel: float
    middle: tuple[float, float, float]
    image_middle: tuple[float, float]


def working_image(
    image: Image,
    view: TiltView,
    grid: Grid,
    *,
    pixel_size_angstrom: float,
    optics: TiltOptics,
) -> Image:
    """Return an image (y, x) as the volume needs it: (y, x) of ``grid``, its mean taken away.

    Where ``view`` has a defocus, phases are flipped: what the contrast transfer function has turned
    round gets the sign that it has near zero. One defocus counts for the whole image. (J. Frank,
    Three-Dimensional Electron Microscopy of Macromolecular Assemblies, 2006, ch. 2.)
    """
    level = float(image.mean(dtype=np.float64))
    height, width = image.shape
    coarse = tuple(max(1, round(side / grid.pixels_a_voxel)) for side in image.shape)
    # Along x first, so that little is left to be done along y.
    spectrum = fft.dct(image - np.float32(level), axis=1, norm="ortho")[:, : coarse[1]]
    spectrum = fft.dct(np.ascontiguousarray(spectrum), axis=0, norm="ortho")[: coarse[0]]
    if view.defocus_angstrom is not None:
        spectrum *= phase_flip(coarse, (height, width), view, pixel_size_angstrom, optics)
    small = fft.idctn(spectrum, norm="ortho")
    small *= np.float32(np.sqrt(coarse[0] * coarse[1] / (height * width)))
    return _aligned(small, image.shape, view, grid)


def phase_flip(
    coarse: tuple[int, ...],
    sides: tuple[int, int],
    view: TiltView,
    pixel_size_angstrom: float,
    optics: TiltOptics,
) -> Image:
    """Return 1 and -1 for the lowest ``coarse`` (y, x) cosines of an image of ``sides`` pixels.

    χ = π λ k² (Δf - λ² k² Cs / 2), and the transfer is -sin(χ + φ + asin A). (A. Rohou and
    N. Grigorieff, J. Struct. Biol. 192, 216 (2015).)
    """
    ky, kx = (
        np.arange(count) / (2 * side * pixel_size_angstrom)
        for count, side in zip(coarse, sides, strict=True)
    )
    k2 = ky[:, None] ** 2 + kx**2
    kilovolt = optics.voltage_kv
    wavelength = 12.398420 / np.sqrt(kilovolt * (2 * _REST_ENERGY_KEV + kilovolt))
    aberration = optics.spherical_aberration_mm * 1e7
    defocus = view.defocus_angstrom or 0.0
    chi = np.pi * wavelength * k2 * (defocus - 0.5 * wavelength**2 * k2 * aberration)
    start = np.deg2rad(view.phase_shift_degree) + np.arcsin(optics.amplitude_contrast)
    sign: Image = np.where(np.sin(chi + start) < 0, -1, 1).astype(np.float32)
    return sign


def _aligned(small: Image, sides: tuple[int, ...], view: TiltView, grid: Grid) -> Image:
    """Turn and shift an image that was made coarse, so that the tilt axis becomes y."""
    # From a pixel of the result (y, x) to one of `small`, of which pixel i covers `coarser` raw
    # ones from i * coarser - 1/2 on.
    coarser = np.array([side / few for side, few in zip(sides, small.shape, strict=True)])
    (a, b), (c, d) = view.matrix
    matrix = np.array([[d, c], [b, a]]) * grid.pixels_a_voxel
    raw = np.array(grid.image_middle) + np.array(view.shift_px[::-1])
    offset = raw - matrix @ np.array(grid.middle[1:])
    aligned: Image = ndimage.affine_transform(
        small,
        matrix / coarser[:, None],
        (offset + 0.5) / coarser - 0.5,
        output_shape=grid.shape[1:],
        output=np.float32,
        order=3,
        mode="mirror",
    )
    return aligned
