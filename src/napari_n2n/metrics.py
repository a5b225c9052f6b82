"""Figures that say how good an image is: PSNR, correlation, SNR, Fourier ring correlation."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.fft
import scipy.ndimage
import scipy.signal
from numpy.typing import NDArray

Image = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class RingCorrelation:
    """Fourier ring correlation: ``correlation`` of each ring at ``frequency`` (1/Å), both (n,)."""

    frequency: NDArray[np.float64]
    correlation: NDArray[np.float64]

    def resolution_angstrom(self, threshold: float = 1 / 7) -> float | None:
        """Resolution (Å) where the curve first falls below ``threshold``.

        1/7 is the usual threshold for two halves of one micrograph. None if the curve starts
        below it; twice the pixel size if it never falls so low.
        """
        below = np.flatnonzero(self.correlation[1:] < threshold) + 1
        if not len(below):
            return float(1 / self.frequency[-1])
        ring = int(below[0])
        if ring == 1:
            return None
        high, low = self.correlation[ring - 1], self.correlation[ring]
        share = (high - threshold) / (high - low)
        step = self.frequency[ring] - self.frequency[ring - 1]
        return float(1 / (self.frequency[ring - 1] + share * step))


def frc(first: Image, second: Image, pixel_size_angstrom: float) -> RingCorrelation:
    """Fourier ring correlation of two images (y, x) of one shape (Saxton and Baumeister 1982).

    Rings are one Fourier pixel wide and reach to the Nyquist frequency. The images' largest
    central square is compared, its edges tapered: edges that do not fit together would correlate
    at every frequency. Torch is only imported when this is called.

    Raises
    ------
    ValueError
        The shapes differ.
    """
    _require_same_shape(first, second)
    import torch
    from torch_fourier_shell_correlation import fourier_ring_correlation

    height, width = first.shape
    # Square and even: the library's rings are then circles in 1/Å.
    side = min(height, width) // 2 * 2
    y, x = (height - side) // 2, (width - side) // 2
    taper = scipy.signal.windows.tukey(side, 0.2).astype(np.float32)
    squares = (image[y : y + side, x : x + side].astype(np.float32) for image in (first, second))
    a, b = (
        torch.from_numpy((square - square.mean()) * taper[:, None] * taper) for square in squares
    )
    correlation = fourier_ring_correlation(a, b).numpy().astype(np.float64)
    frequency = np.arange(len(correlation)) / (side * pixel_size_angstrom)
    return RingCorrelation(frequency, np.nan_to_num(correlation))


def correlation(first: Image, second: Image) -> float:
    """Pearson correlation of all pixels; 0 if either image is constant.

    Raises
    ------
    ValueError
        The shapes differ.
    """
    _require_same_shape(first, second)
    a = first.astype(np.float64) - first.mean(dtype=np.float64)
    b = second.astype(np.float64) - second.mean(dtype=np.float64)
    norm = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(np.vdot(a, b) / norm) if norm > 0 else 0.0


def psnr(image: Image, reference: Image, peak: float | None = None) -> float:
    """Peak signal-to-noise ratio in dB: 10 log₁₀(R² / MSE), infinite for equal images.

    The mean squared error is taken over all pixels and channels. ``peak`` is R, the largest value
    a pixel can have; by default the range of the reference.

    Raises
    ------
    ValueError
        The shapes differ.
    """
    _require_same_shape(image, reference)
    mse = float(np.mean((image.astype(np.float64) - reference.astype(np.float64)) ** 2))
    if peak is None:
        peak = float(reference.max()) - float(reference.min())
    return float("inf") if mse == 0 else float(10 * np.log10(peak**2 / mse))


def snr_of_halves(first: Image, second: Image) -> float:
    """Signal-to-noise ratio (of variances) of either of two equally noisy images.

    SNR = r / (1 - r) with r their correlation (Frank and Al-Ali 1975).
    """
    r = correlation(first, second)
    return float("inf") if r >= 1 else max(0.0, r) / (1 - max(0.0, r))


def best_gaussian_correlation(
    image: Image, reference: Image, sigmas_px: Sequence[float]
) -> tuple[float, float]:
    """Best correlation with ``reference`` that a Gaussian low-pass of ``image`` reaches.

    Returns the correlation and the standard deviation (px) of the Gaussian that reached it: what
    a denoiser has to beat.
    """
    return max(
        (correlation(scipy.ndimage.gaussian_filter(image, sigma), reference), sigma)
        for sigma in sigmas_px
    )


def band_limited(image: Image, low: float, high: float) -> NDArray[np.float32]:
    """Keep the spatial frequencies from ``low`` to ``high`` cycles/px of ``image`` (y, x)."""
    spectrum = scipy.fft.rfft2(image.astype(np.float32))
    fy = np.fft.fftfreq(image.shape[0])[:, None]
    fx = np.fft.rfftfreq(image.shape[1])[None, :]
    squared = fy**2 + fx**2
    spectrum[(squared < low**2) | (squared > high**2)] = 0
    filtered: NDArray[np.float32] = scipy.fft.irfft2(spectrum, s=image.shape).astype(np.float32)
    return filtered


def _require_same_shape(first: Image, second: Image) -> None:
    if first.shape != second.shape:
        raise ValueError(f"images of one shape are needed, not {first.shape} and {second.shape}")
