"""Whether the noise of two images is independent."""

import numpy as np
from numpy.typing import NDArray
from scipy import fft

_LOWEST = 0.35  # cycles a pixel: specimens show nothing here
_HIGHEST = 0.49
_SIDE_PX = 2048


def noise_correlation(
    first: NDArray[np.float32], second: NDArray[np.float32]
) -> tuple[float, float]:
    """Return the correlation of two images (y, x) at high frequency, and 3/√N, its limit by chance.

    N is the number of independent coefficients between 0.35 and 0.49 cycles a pixel, in the middle
    of the images where that is enough.
    """
    middle = tuple(
        slice((n - min(n, _SIDE_PX)) // 2, (n + min(n, _SIDE_PX)) // 2) for n in first.shape
    )
    a, b = (fft.rfft2(image[middle] - image[middle].mean()) for image in (first, second))
    height, width = first[middle].shape
    k = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :])
    ring = (k > _LOWEST) & (k < _HIGHEST)
    # The axes hold the jump between opposite edges.
    ring[0] = False
    ring[:, 0] = False
    a, b = a[ring], b[ring]
    power = np.linalg.norm(a.astype(complex)) * np.linalg.norm(b.astype(complex))
    if not power > 0:
        return 0.0, 1.0
    # Each complex coefficient holds two numbers.
    return float(np.vdot(a.astype(complex), b).real / power), float(3 / np.sqrt(2 * ring.sum()))
