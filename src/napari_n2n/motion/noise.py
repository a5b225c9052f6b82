"""Whether the noise of two images is independent."""

import numpy as np
from numpy.typing import NDArray
from scipy import fft

_EDGES = np.linspace(0.1, 0.7, 13)  # cycles a pixel, to the corners
_AXIS_PX = 1  # lines of a detector, and the jump between opposite edges, lie on the axes
_SIDE_PX = 2048
_FEWEST = 200  # coefficients in a band
_FAINT = 1e-3  # of the median band's power: what was filtered away holds rounding errors only


def noise_correlation(
    first: NDArray[np.float32], second: NDArray[np.float32]
) -> tuple[float, float]:
    """Return how far the noise of two images (y, x) correlates, and 3/√N, its limit by chance.

    It is the lowest correlation of any band of their spectra between 0.1 and 0.7 cycles a pixel,
    in the middle of the images where that is enough. What both have in common, noise or specimen,
    raises the correlation. But a specimen does so where its contrast is transferred and fades
    towards fine detail, while noise that stands in both is there in every band. N is the number of
    independent numbers in that band.
    """
    middle = tuple(
        slice((n - min(n, _SIDE_PX)) // 2, (n + min(n, _SIDE_PX)) // 2) for n in first.shape
    )
    a, b = (fft.rfft2(image[middle] - image[middle].mean()) for image in (first, second))
    height, width = first[middle].shape
    ky, kx = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :]
    off_axes = (np.abs(ky) > _AXIS_PX / height) & (kx > _AXIS_PX / width)
    band = np.where(off_axes, np.digitize(np.hypot(ky, kx), _EDGES), 0).ravel()
    count, shared, power_a, power_b = (
        np.bincount(band, np.asarray(values, np.float64).ravel(), len(_EDGES) + 1)[1:-1]
        for values in (
            np.ones(a.shape),
            a.real * b.real + a.imag * b.imag,
            a.real**2 + a.imag**2,
            b.real**2 + b.imag**2,
        )
    )
    power = np.sqrt(power_a * power_b)
    known = (count >= _FEWEST) & (power > 0)
    if not known.any():
        return 0.0, 1.0
    per_number = power / np.maximum(count, 1)
    known &= per_number >= _FAINT * np.median(per_number[known])
    correlation = shared[known] / power[known]
    lowest = int(np.argmin(correlation))
    # Each complex coefficient holds two numbers.
    return float(correlation[lowest]), float(3 / np.sqrt(2 * count[known][lowest]))
