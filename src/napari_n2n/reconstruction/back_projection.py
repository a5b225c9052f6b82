"""Weighted back-projection: a volume from aligned tilt images about one axis.

The tilt axis is y. A voxel at (z, y, x) from the middle of the volume is seen, tilted by θ, in row
y at

    u = x cos θ + z sin θ

so each row of voxels, a plane (z, x), is a sum of pixels of one row of the images, and the same
sum for every row: a sparse matrix. Rows of the images are weighted by |k| beforehand, as where the
planes of a tilt series meet in Fourier space there is too much of low frequencies. (P. Gilbert,
Proc. R. Soc. Lond. B 182, 89 (1972); M. Radermacher in J. Frank, Electron Tomography, ch. 8.)
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import fft, sparse

Images = NDArray[np.float32]

# Rows of the images that are worked on at a time, and planes of the volume: some tens of MB each.
_ROWS = 64
_ENTRIES = 4_000_000


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
    images: Images, angles_degree: Sequence[float], depth: int
) -> Iterator[Images]:
    """Yield the volume slab by slab along z, (planes, y, x) each, float32.

    Parameters
    ----------
    images
        (tilt, y, x), `weighted`, aligned: the axis runs along y through the middle.
    angles_degree
        Of each tilt.
    depth
        Planes of the volume, along z.

    Raises
    ------
    ValueError
        When there is not one angle for each image.
    """
    if len(images) != len(angles_degree):
        raise ValueError(f"{len(images)} images have {len(angles_degree)} angles")
    tilts, height, width = images.shape
    # (tilt, y, x) -> (tilt * x, y): a row of voxels is a sum of these, rows of the images beside
    # each other.
    columns = np.ascontiguousarray(images.transpose(0, 2, 1)).reshape(tilts * width, height)
    planes = max(1, _ENTRIES // (2 * tilts * width))
    for top in range(0, depth, planes):
        z = np.arange(top, min(top + planes, depth)) - (depth - 1) / 2
        sums = _sums(z, width, angles_degree)
        slab = np.empty((len(z), height, width), np.float32)
        for first in range(0, height, _ROWS):
            rows = np.ascontiguousarray(columns[:, first : first + _ROWS])
            made = (sums @ rows).reshape(len(z), width, -1)  # (z, x, y)
            slab[:, first : first + _ROWS] = made.transpose(0, 2, 1)
        yield slab


def _sums(z: NDArray[np.float64], width: int, angles_degree: Sequence[float]) -> sparse.csr_array:
    """Return (z * x, tilt * x): which pixels of a row make up each voxel, linear between them."""
    middle = (width - 1) / 2
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
