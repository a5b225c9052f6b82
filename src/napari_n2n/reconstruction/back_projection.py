"""Weighted back-projection: a volume from aligned tilt images about one axis.

The tilt axis is y. A voxel at (z, y, x) from the middle of the volume is seen, tilted by θ, in row
y at

    u = x cos θ + z sin θ

so each row of voxels, a plane (z, x), is a sum of pixels of one row of the images, and the same
sum for every row: a sparse matrix. Where the specimen is tilted about x by α before that, it is
seen at u = x cos θ + (y sin α + z cos α) sin θ in row y cos α - z sin α, and each plane of voxels
(y, x) is an affine map of every image. Rows of the images are weighted by |k| beforehand, as where
the planes of a tilt series meet in Fourier space there is too much of low frequencies. (P. Gilbert,
Proc. R. Soc. Lond. B 182, 89 (1972); M. Radermacher in J. Frank, Electron Tomography, ch. 8.)
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage, sparse

Images = NDArray[np.float32]

# Rows of the images that are worked on at a time, and planes of the volume: some tens of MB each.
_ROWS = 64
_ENTRIES = 4_000_000
# Products between two slabs, some tenths of a second: nobody who stops waits longer.
_PRODUCTS = 50_000_000


def weighted(images: Images) -> Images:
    """Return ``images``, (..., y, x), with their rows' spectra times |k|, k in cycles/px.

    They are mirrored at their ends: one end of a row has nothing to do with the other.
    """
    width = images.shape[-1]
    mirrored = np.concatenate([images, images[..., ::-1]], axis=-1)
    spectrum = fft.rfft(mirrored, axis=-1)
    spectrum *= fft.rfftfreq(2 * width)
    filtered: Images = fft.irfft(spectrum, n=2 * width, axis=-1)[..., :width]
    return filtered.astype(np.float32, copy=False)


def back_projected_slabs(
    images: Images,
    angles_degree: Sequence[float],
    depth: int,
    middle: tuple[float, float] | None = None,
    x_tilts_degree: Sequence[float] | None = None,
    middle_y: float | None = None,
) -> Iterator[Images]:
    """Yield the volume slab by slab along z, (planes, y, x) each, float32.

    Parameters
    ----------
    images
        (tilt, y, x), `weighted`, aligned: the axis runs along y.
    angles_degree
        Of each tilt.
    depth
        Planes of the volume, along z.
    middle
        (z, x), where the axis goes through the volume and, by x, the images; by default in the
        middle of both.
    x_tilts_degree, middle_y
        Tilts about x, and through which row they go; much slower.

    Raises
    ------
    ValueError
        When there is not one angle for each image.
    """
    if len(images) != len(angles_degree):
        raise ValueError(f"{len(images)} images have {len(angles_degree)} angles")
    tilts, height, width = images.shape
    z_middle, x_middle = middle or ((depth - 1) / 2, (width - 1) / 2)
    if x_tilts_degree is not None:
        y_middle = (height - 1) / 2 if middle_y is None else middle_y
        tilted = zip(images, angles_degree, x_tilts_degree, strict=True)
        yield from _tilted_planes(list(tilted), depth, (z_middle, y_middle, x_middle))
        return
    # (tilt, y, x) -> (tilt * x, y): a row of voxels is a sum of these, rows of the images beside
    # each other.
    columns = np.ascontiguousarray(images.transpose(0, 2, 1)).reshape(tilts * width, height)
    fitting = _ENTRIES // (2 * tilts * width), _PRODUCTS // (tilts * width * height)
    planes = max(1, min(fitting))
    for top in range(0, depth, planes):
        z = np.arange(top, min(top + planes, depth)) - z_middle
        sums = _sums(z, width, angles_degree, x_middle)
        slab = np.empty((len(z), height, width), np.float32)
        for first in range(0, height, _ROWS):
            rows = np.ascontiguousarray(columns[:, first : first + _ROWS])
            made = (sums @ rows).reshape(len(z), width, -1)  # (z, x, y)
            slab[:, first : first + _ROWS] = made.transpose(0, 2, 1)
        yield slab


def _tilted_planes(
    tilted: Sequence[tuple[Images, float, float]],
    depth: int,
    middle: tuple[float, float, float],
) -> Iterator[Images]:
    """Yield planes (1, y, x) of a volume whose images have a tilt about x as well, linear."""
    z_middle, y_middle, x_middle = middle
    centre = np.array([y_middle, x_middle])
    for number in range(depth):
        z = number - z_middle
        plane = np.zeros(tilted[0][0].shape, np.float32)
        for image, angle, x_tilt in tilted:
            theta, alpha = np.deg2rad(angle), np.deg2rad(x_tilt)
            matrix = np.array([[np.cos(alpha), 0], [np.sin(alpha) * np.sin(theta), np.cos(theta)]])
            above = np.array([-z * np.sin(alpha), z * np.cos(alpha) * np.sin(theta)])
            plane += ndimage.affine_transform(
                image, matrix, centre + above - matrix @ centre, order=1, mode="nearest"
            )
        yield plane[np.newaxis] / np.float32(len(tilted))


def _sums(
    z: NDArray[np.float64], width: int, angles_degree: Sequence[float], middle: float
) -> sparse.csr_array:
    """Return (z * x, tilt * x): which pixels of a row make up each voxel, linear between them."""
    x = np.arange(width) - middle
    theta = np.deg2rad(np.asarray(angles_degree, float))
    # (z, x, tilt)
    u = x[:, None] * np.cos(theta) + z[:, None, None] * np.sin(theta) + middle
    below = np.floor(u)
    part = u - below
    # Of a voxel that a tilt does not see, its nearest pixel is as good a guess as any.
    left, right = (np.clip(at, 0, width - 1) for at in (below, below + 1))
    tilt = np.arange(len(theta)) * width
    columns = np.stack([left + tilt, right + tilt], axis=-1)
    weights = np.stack([1 - part, part], axis=-1).astype(np.float32) / len(theta)
    voxels = u.shape[0] * u.shape[1]
    starts = np.arange(voxels + 1) * 2 * len(theta)
    return sparse.csr_array(
        (weights.ravel(), columns.astype(np.int32).ravel(), starts),
        shape=(voxels, len(theta) * width),
    )
