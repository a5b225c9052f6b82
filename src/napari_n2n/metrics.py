"""Figures that say how good an image or volume is: PSNR, correlation, SNR, Fourier correlation."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import scipy.fft
import scipy.ndimage
import scipy.signal
from numpy.typing import NDArray

Image = NDArray[np.floating]

_AXIS_PX = 1
_AXES_FROM_PX = 6
"""Fourier pixels to each side of an axis, and from the centre, that a Fourier ring leaves out."""
_USUAL_PERCENT = (1.0, 99.0)
_BEYOND = 0.5
"""So much of its width may pixels lie beyond the usual range: to 4.7 σ of Gaussian noise."""
_SAMPLE = 2**20
_COMPARED_VOXELS = 2**24
"""Of a volume, its middle: two spectra of it take 140 MB and a second or two."""


class Sliced(Protocol):
    """A volume (z, y, x): an array, or one that is read from the disk as it is sliced."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(z, y, x)."""
        ...

    def __getitem__(self, index: tuple[slice, slice, slice], /) -> Any:
        """Return a box."""
        ...


@dataclass(frozen=True, eq=False)
class RingCorrelation:
    """Fourier ring correlation: ``correlation`` of each ring at ``frequency`` (1/Å), both (n,).

    That of two volumes has shells in place of rings.

    Where the pixel size is not known and 1 was given for it, frequencies are in 1/px and the
    resolution in px.
    """

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

    Rings are one Fourier pixel wide and reach to the Nyquist frequency; a Fourier pixel between two
    rings counts in both, by its nearness. The images' largest central square is compared, its edges
    tapered: edges that do not fit together would correlate at every frequency. Beyond the first
    few rings the two axes are left out, with a line to each side: what a detector reads row by row
    or column by column lies there, and stands in both images. So do hot pixels: values far beyond
    the usual are brought to the end of the usual range.

    It is what torch-fourier-shell-correlation gives (a test compares them), which takes minutes
    for 4096² px: it holds every ring's mask of the whole spectrum.

    Raises
    ------
    ValueError
        The shapes differ.
    """
    _require_same_shape(first, second)
    height, width = first.shape
    # Square and even: the rings are then circles in 1/Å.
    side = min(height, width) // 2 * 2
    y, x = (height - side) // 2, (width - side) // 2
    taper = scipy.signal.windows.tukey(side, 0.2).astype(np.float32)
    spectra = []
    for image in (first, second):
        square = _without_hot_pixels(image[y : y + side, x : x + side].astype(np.float32))
        square -= square.mean(dtype=np.float64)
        square *= taper[:, None]
        square *= taper
        spectra.append(scipy.fft.rfft2(square, overwrite_x=True))
    rings = side // 2 + 1
    # Of each ring: the products of the two spectra, and the power of each.
    sums = np.zeros((3, rings + 1))
    kx = np.arange(rings, dtype=np.float32)
    for rows in _blocks(side, rings):
        ky = np.fft.fftfreq(side, 1 / side)[rows].astype(np.float32)
        radius = np.hypot(ky[:, None], kx).ravel()
        # Near the centre there is little beside the axes.
        off_axes = np.minimum(np.abs(ky)[:, None], kx).ravel() > _AXIS_PX
        inside = (radius < rings) & (off_axes | (radius < _AXES_FROM_PX))
        a, b = (spectrum[rows].ravel()[inside] for spectrum in spectra)
        ring = radius[inside].astype(np.intp)
        outward = radius[inside] - ring
        products = (
            a.real * b.real + a.imag * b.imag,
            a.real**2 + a.imag**2,
            b.real**2 + b.imag**2,
        )
        for total, product in zip(sums, products, strict=True):
            total[:rings] += np.bincount(ring, product * (1 - outward), rings)
            total[1:] += np.bincount(ring, product * outward, rings)
    shared, power_a, power_b = sums[:, :rings]
    norm = np.sqrt(power_a * power_b)
    correlation = np.divide(shared, norm, out=np.zeros(rings), where=norm > 0)
    return RingCorrelation(np.arange(rings) / (side * pixel_size_angstrom), correlation)


def fourier_shell_correlation(
    first: Sliced, second: Sliced, voxel_size_angstrom: float
) -> RingCorrelation:
    """Fourier shell correlation of two volumes (z, y, x) of one shape (Harauz and van Heel 1986).

    Shells are as wide as a Fourier pixel along the longest axis that is compared, and reach to the
    Nyquist frequency. The middle of the volumes is compared, 2²⁴ voxels at most, its edges tapered
    along all axes. Values far beyond the usual, such as gold, are brought to the end of the usual
    range: they would correlate everywhere.

    In a tomogram's missing wedge is nothing but noise, so that the curve of two good halves does
    not begin at 1 and stays below that of what was measured.

    Raises
    ------
    ValueError
        The shapes differ.
    """
    if tuple(first.shape) != tuple(second.shape):
        raise ValueError(f"volumes of one shape are needed, not {first.shape} and {second.shape}")
    box = _middle_box(first.shape)
    sides = [part.stop - part.start for part in box]
    spectra = [_tapered_spectrum(volume[box]) for volume in (first, second)]
    longest = max(sides)
    shells = longest // 2 + 1
    shared, power_a, power_b = np.zeros((3, shells))
    frequencies = [np.fft.fftfreq(side) * longest for side in sides[:2]]
    across = np.fft.rfftfreq(sides[2]) * longest
    flat = np.hypot(frequencies[1][:, None], across)
    # Of what is left out of half a spectrum, each other plane along x has its mirror image.
    weight = np.full(len(across), 2.0)
    weight[0] = 1
    if sides[2] % 2 == 0:
        weight[-1] = 1
    for plane, kz in enumerate(frequencies[0]):
        shell = np.rint(np.hypot(kz, flat)).astype(np.intp).ravel()
        inside = shell < shells
        a, b = (spectrum[plane].ravel() for spectrum in spectra)
        weights = np.broadcast_to(weight, flat.shape).ravel()
        for total, product in (
            (shared, a.real * b.real + a.imag * b.imag),
            (power_a, a.real**2 + a.imag**2),
            (power_b, b.real**2 + b.imag**2),
        ):
            total += np.bincount(shell[inside], (product * weights)[inside], shells)
    norm = np.sqrt(power_a * power_b)
    correlation = np.divide(shared, norm, out=np.zeros(shells), where=norm > 0)
    return RingCorrelation(np.arange(shells) / (longest * voxel_size_angstrom), correlation)


def _middle_box(shape: tuple[int, ...]) -> tuple[slice, slice, slice]:
    """Return the middle of a volume, smaller along its longest axes where it is too large."""
    sides = list(shape)
    while math.prod(sides) > _COMPARED_VOXELS:
        longest = sides.index(max(sides))
        others = [side for side in sides if side != sides[longest]]
        sides[longest] = max(sides[longest] // 2, *others) if others else sides[longest] // 2
    z, y, x = (
        slice((length - side) // 2, (length - side) // 2 + side)
        for length, side in zip(shape, sides, strict=True)
    )
    return z, y, x


def _tapered_spectrum(box: NDArray[np.floating]) -> NDArray[np.complex64]:
    voxels = _without_hot_pixels(np.asarray(box, np.float32))
    voxels = voxels - np.float32(voxels.mean(dtype=np.float64))
    for axis, side in enumerate(voxels.shape):
        taper = scipy.signal.windows.tukey(side, 0.2).astype(np.float32)
        voxels *= taper.reshape([-1 if each == axis else 1 for each in range(3)])
    spectrum: NDArray[np.complex64] = scipy.fft.rfftn(voxels, overwrite_x=True)
    return spectrum


def _without_hot_pixels(image: NDArray[np.float32]) -> NDArray[np.float32]:
    every = max(1, image.size // _SAMPLE)
    low, high = np.percentile(image.ravel()[::every], _USUAL_PERCENT)
    room = _BEYOND * (high - low)
    # An image that is flat but for a few pixels has no usual range.
    return image if room == 0 else image.clip(low - room, high + room)


def _blocks(rows: int, columns: int) -> Iterator[slice]:
    """Cut ``rows`` so that about a million values are looked at at once: they stay in cache."""
    step = max(1, 2**20 // columns)
    return (slice(start, start + step) for start in range(0, rows, step))


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
