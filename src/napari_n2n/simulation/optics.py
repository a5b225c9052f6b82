"""From projected potential to the image that an electron microscope makes of it.

Formulas: the relativistic wavelength and interaction constant (Kirkland, *Advanced Computing in
Electron Microscopy*, ch. 2) and the contrast transfer function of a weak phase object with some
amplitude contrast (Rohou & Grigorieff 2015, J. Struct. Biol. 192:216).
"""

import numpy as np
from numpy.typing import NDArray
from scipy import fft

_REST_ENERGY_KEV = 510.99895


def wavelength_angstrom(voltage_kv: float) -> float:
    """Return the relativistic electron wavelength: 0.0197 Å at 300 kV."""
    return float(12.398420 / np.sqrt(voltage_kv * (2 * _REST_ENERGY_KEV + voltage_kv)))


def interaction_rad_per_volt_angstrom(voltage_kv: float) -> float:
    """Return the phase shift per projected potential: 6.53e-4 rad/(V Å) at 300 kV."""
    relativistic = (_REST_ENERGY_KEV + voltage_kv) / (2 * _REST_ENERGY_KEV + voltage_kv)
    volts = voltage_kv * 1e3
    return float(2 * np.pi / (wavelength_angstrom(voltage_kv) * volts) * relativistic)


def frequency_squared(shape: tuple[int, int], pixel_size_angstrom: float) -> NDArray[np.float32]:
    """Return k² in 1/Å² on the half plane of a real transform of ``shape`` (y, x // 2 + 1)."""
    ky = np.fft.fftfreq(shape[0], pixel_size_angstrom)[:, None]
    kx = np.fft.rfftfreq(shape[1], pixel_size_angstrom)[None, :]
    squared: NDArray[np.float32] = (ky**2 + kx**2).astype(np.float32)
    return squared


def contrast_transfer(
    frequency_squared: NDArray[np.float32],  # 1/Å²
    *,
    defocus_micrometer: float,
    voltage_kv: float,
    spherical_aberration_mm: float,
    amplitude_contrast: float,
    b_factor_square_angstrom: float,
) -> NDArray[np.float32]:
    """Return -sin(χ + asin A) exp(-B k²/4), with χ = π λ k² (Δf - λ² k² Cs / 2).

    Underfocus is positive and protein is dark: the transfer starts at -A and goes down.
    """
    wavelength = wavelength_angstrom(voltage_kv)
    defocus = defocus_micrometer * 1e4
    aberration = spherical_aberration_mm * 1e7
    k2 = frequency_squared.astype(np.float64)
    chi = np.pi * wavelength * k2 * (defocus - 0.5 * wavelength**2 * k2 * aberration)
    transfer = -np.sin(chi + np.arcsin(amplitude_contrast)) * np.exp(
        -b_factor_square_angstrom * k2 / 4
    )
    result: NDArray[np.float32] = transfer.astype(np.float32)
    return result


def deposit(
    points_px: NDArray[np.float64],  # (n, 2) y, x
    shape: tuple[int, int],
) -> NDArray[np.float32]:
    """Spread unit weights over the four pixels around each point; points outside are dropped."""
    height, width = shape
    corner = np.floor(points_px).astype(np.int64)
    inside = ((corner >= 0) & (corner < np.array([height - 1, width - 1]))).all(axis=1)
    corner, part = corner[inside], (points_px - corner)[inside]
    image = np.zeros(height * width)
    for dy in (0, 1):
        for dx in (0, 1):
            weight = np.abs(1 - dy - part[:, 0]) * np.abs(1 - dx - part[:, 1])
            index = (corner[:, 0] + dy) * width + corner[:, 1] + dx
            image += np.bincount(index, weight, minlength=height * width)
    deposited: NDArray[np.float32] = image.reshape(shape).astype(np.float32)
    return deposited


def filtered(image: NDArray[np.float32], transfer: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return ``image`` with its spectrum multiplied by ``transfer`` (half plane)."""
    result: NDArray[np.float32] = fft.irfft2(fft.rfft2(image) * transfer, s=image.shape)
    return result
