"""How far one image lies from another: the peak of their cross-correlation, far below a pixel.

Everything happens on the half plane of real transforms. The correlation is a trigonometric
polynomial, so its peak is found by Newton's method on the polynomial itself: no interpolation, no
bias towards whole pixels.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import torch

from napari_n2n.threads import in_strips

STRIP_ROWS = 64
"""Rows of Fourier-cropped spectra that are worked on at once."""
_NEWTON_STEPS = 8
"""From the highest pixel it takes 2 to 4; what has not converged after 8 has no peak to climb."""
_CONVERGED_ANGSTROM = 1e-2
"""Newton's method squares the error: after so small a step it is below 1e-4 Å."""

_CLEAR_SIGMA = 3.0
"""Chance takes one ring of noise in 700 further; lower, and frames align on their own noise."""
_RINGS = 9
"""Rings averaged against chance. On a field of 2048 Å they span 0.004 1/Å, and contrast transfer at
10 Å and 1.5 µm oscillates within 1 / (2 λ Δz k) = 0.017 1/Å."""
_TINY = torch.finfo(torch.float32).tiny
"""Keeps what is divided by from being zero; nothing else is as small."""


@dataclass(frozen=True)
class Band:
    """The frequencies at which images of one shape are compared.

    Attributes
    ----------
    shape
        (y, x) of the images in pixels.
    ky, kx
        (y,) and (x // 2 + 1,) angular frequencies in rad/Å.
    pixel_size_angstrom
        (y, x) of the images: cropping to whole pixels makes them differ a little.
    """

    shape: tuple[int, int]
    ky: torch.Tensor
    kx: torch.Tensor
    pixel_size_angstrom: tuple[float, float]

    @classmethod
    def of(
        cls, shape: tuple[int, int], pixel_size_angstrom: tuple[float, float], device: torch.device
    ) -> Self:
        """Return the band of images of ``shape``."""
        turn = 2 * torch.pi
        ky = turn * torch.fft.fftfreq(shape[0], pixel_size_angstrom[0], device=device)
        kx = turn * torch.fft.rfftfreq(shape[1], pixel_size_angstrom[1], device=device)
        return cls(shape, ky, kx, pixel_size_angstrom)

    @cached_property
    def twins(self) -> torch.Tensor:
        """(x // 2 + 1,) how many coefficients of the whole plane each of the half plane is for."""
        # A real transform stores one of each conjugate pair: count both, save those without a twin.
        twins = torch.full_like(self.kx, 2.0)
        twins[0] = 1.0
        if self.shape[1] % 2 == 0:
            twins[-1] = 1.0
        return twins

    @cached_property
    def frequency(self) -> torch.Tensor:
        """(y, x // 2 + 1) frequency in 1/Å."""
        return torch.hypot(self.ky[:, None], self.kx[None, :]) / (2 * torch.pi)

    def move_back_(self, spectra: torch.Tensor, shift_angstrom: torch.Tensor) -> torch.Tensor:
        """Multiply spectra (..., y, x // 2 + 1) by exp(i k·shift), in place.

        That moves images back by ``shift_angstrom`` (..., 2) y, x.
        """
        y, x = self.phases(shift_angstrom)
        spectra.mul_(y[..., :, None])
        return spectra.mul_(x[..., None, :])

    def phases(self, shift_angstrom: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return exp(i ky sy), (..., y), and exp(i kx sx), (..., x // 2 + 1), complex64.

        Their product is exp(i k·s): two short vectors instead of a whole plane.
        """
        y = torch.exp(1j * self.ky * shift_angstrom[..., 0, None])
        x = torch.exp(1j * self.kx * shift_angstrom[..., 1, None])
        return y.to(torch.complex64), x.to(torch.complex64)

    @cached_property
    def shells(self) -> torch.Tensor:
        """(y, x // 2 + 1) index of the ring of frequencies that each coefficient belongs to."""
        # As wide as one coefficient of the shorter side: narrower rings would have gaps.
        width = 1 / min(n * p for n, p in zip(self.shape, self.pixel_size_angstrom, strict=True))
        return torch.round(self.frequency / width).long()


def power_of(spectra: torch.Tensor) -> torch.Tensor:
    """Return the sum over (frame, y, x) spectra of their squared absolute values, (y, x)."""
    # Real and imaginary parts side by side: squaring them needs no complex arithmetic.
    parts = torch.view_as_real(spectra).flatten(-2)  # (frame, y, 2 x)
    power = torch.zeros_like(parts[0])  # (y, 2 x)

    def add(rows: slice) -> None:
        # Frame by frame, which takes a tenth of the time of squaring them all.
        for part in parts[:, rows]:
            power[rows].addcmul_(part, part)

    in_strips(add, len(power), STRIP_ROWS, spectra.device)
    return power[..., 0::2] + power[..., 1::2]


def coarse_peak(
    cross: torch.Tensor, band: Band, reach_angstrom: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Find the whole-pixel peak of the correlation within ``reach_angstrom``.

    ``cross`` is frame x conj(reference), (..., y, x // 2 + 1): the frame is moved to where the
    result points. The transform is computed within reach only, as two products of matrices.

    Returns
    -------
    shift_angstrom
        (..., 2) y, x
    height
        (...,) of the peak, in standard deviations of the correlation.
    """
    # Whole pixels within reach, in Å: (shift y,), (shift x,).
    dy, dx = (
        torch.arange(-reach, reach + 1, device=cross.device, dtype=torch.float64) * pixel
        for pixel, reach in (
            # Beyond half a side the correlation, which is periodic, comes round again.
            (pixel, min(int(reach_angstrom / pixel), (side - 1) // 2))
            for side, pixel in zip(band.shape, band.pixel_size_angstrom, strict=True)
        )
    )
    # C(s) = Σ cross(k) exp(i k·s), written for y and x apart: left @ cross @ right. Counting a
    # coefficient twice and taking the real part stands for its conjugate twin.
    left = torch.exp(1j * dy[:, None] * band.ky)  # (shift y, y)
    right = torch.exp(1j * band.kx[:, None] * dx) * band.twins[:, None]  # (x // 2 + 1, shift x)
    near = (left.to(cross.dtype) @ cross @ right.to(cross.dtype)).real  # (..., shift y, shift x)
    # The deviation of the whole correlation, by Parseval's theorem; frequency zero is its mean.
    # Weights of √2 because they are squared.
    whole = torch.view_as_real((cross * band.twins.sqrt()).resolve_conj()).flatten(-3)
    power = whole.square().sum(dim=-1) - cross[..., 0, 0].abs().square()  # (...,)
    # Rounding may leave the difference of the two below zero.
    spread = power.clamp(min=0).sqrt().clamp(min=_TINY)  # (...,)
    highest, peak = near.flatten(-2).max(dim=-1)  # (...,), (...,) counted row by row
    place = [dy[peak // len(dx)], dx[peak % len(dx)]]
    return torch.stack(place, dim=-1), highest / spread


def fine_peak(
    cross: torch.Tensor,  # (batch, y, x // 2 + 1)
    band: Band,
    start_angstrom: torch.Tensor,  # (batch, 2)
    reach_angstrom: float,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Climb from ``start_angstrom`` to the peak of the correlation.

    By Newton's method on C(s) = Σ cross(k) exp(i k·s): s - H⁻¹ g with its gradient g and its matrix
    of second derivatives H. Each derivative brings a factor of i k under the sum.

    Returns
    -------
    shift_angstrom
        (batch, 2) y, x, at most ``reach_angstrom`` from the start.
    curvature
        (batch,) how sharp the peak is: proportional to the inverse variance of the shift; 0 where
        there is no peak.
    """
    # Each coefficient of the half plane for itself and its conjugate twin.
    cross = cross * band.twins  # (batch, y, x // 2 + 1)
    # Phases k·s reach 100 rad. Of these float32 keeps 1e-5, which is near the 1e-4 Å aimed at.
    shift = start_angstrom.to(torch.float64).clone()  # (batch, 2)
    # Further off, the parabola that Newton's method believes in is another one.
    stride = max(band.pixel_size_angstrom)
    ky, kx = band.ky.to(torch.float64), band.kx.to(torch.float64)  # (y,), (x // 2 + 1,)
    for _ in range(_NEWTON_STEPS):
        table = _derivatives(cross, ky, kx, shift)  # (batch, 3, 3)
        slope = torch.stack([table[:, 1, 0], table[:, 0, 1]], dim=-1)  # (batch, 2)
        yy, xx, yx = table[:, 2, 0], table[:, 0, 2], table[:, 1, 1]  # (batch,) each
        determinant = yy * xx - yx**2
        # A maximum bends down in every direction. Elsewhere, Newton's method would lead away.
        peaked = (yy < 0) & (xx < 0) & (determinant > 0)  # (batch,)
        safe = torch.where(peaked, determinant, torch.ones_like(determinant))
        # H⁻¹ g of a matrix of 2 × 2.
        step = torch.stack(
            [xx * slope[:, 0] - yx * slope[:, 1], yy * slope[:, 1] - yx * slope[:, 0]], dim=-1
        )
        step = torch.where(peaked[:, None], step / safe[:, None], torch.zeros_like(step))
        shift = shift - step.clamp(-stride, stride)
        shift = start_angstrom + (shift - start_angstrom).clamp(-reach_angstrom, reach_angstrom)
        if float(step.abs().max()) < _CONVERGED_ANGSTROM:
            break
    # The mean over all directions, at the last place but one, which is within 1e-2 Å.
    curvature = torch.where(peaked, -(yy + xx) / 2, torch.zeros_like(yy))
    return shift, curvature


def _derivatives(
    cross: torch.Tensor,  # (batch, y, x // 2 + 1)
    ky: torch.Tensor,  # (y,) rad/Å
    kx: torch.Tensor,  # (x // 2 + 1,) rad/Å
    shift_angstrom: torch.Tensor,  # (batch, 2)
) -> torch.Tensor:
    """Return the derivatives of the correlation, (batch, 3, 3): [i, j] is ∂ⁱ⁺ʲ / ∂yⁱ ∂xʲ."""
    ey = torch.exp(1j * ky * shift_angstrom[:, 0, None])  # (batch, y)
    ex = torch.exp(1j * kx * shift_angstrom[:, 1, None])  # (batch, x // 2 + 1)
    right = torch.stack([ex, 1j * kx * ex, -(kx**2) * ex], dim=-1)  # (batch, x // 2 + 1, 3)
    left = torch.stack([ey, 1j * ky * ey, -(ky**2) * ey], dim=-2)  # (batch, 3, y)
    # Along y first, which runs through memory in order.
    partial = left.to(cross.dtype) @ cross  # (batch, 3, x // 2 + 1)
    return (partial @ right.to(cross.dtype)).real.to(torch.float64)


def optimal_weights(
    sum_power: torch.Tensor,  # (y, x // 2 + 1) |sum of aligned spectra|²
    frames_power: torch.Tensor,  # (y, x // 2 + 1) sum of |spectrum|²
    n_frames: int,
    band: Band,
) -> torch.Tensor:
    """Return the weight of each frequency that measures shifts with least error, (y, x // 2 + 1).

    The reference of n - 1 noisy frames is a Wiener-filtered estimate of the signal S, against the
    noise N of a frame: S / (S + N / (n - 1)) / N. Both are measured in rings of frequency: frames
    that are aligned add signal in amplitude and noise in power, so that

        |sum|² = n² S + n N        sum of |frame|² = n S + n N

    and S is their difference divided by n (n - 1).
    """
    shells = band.shells  # (y, x // 2 + 1)
    # At least 1, for the last rings may have no members.
    count = torch.bincount(shells.flatten()).clamp(min=1)  # (ring,)

    def ring_means(power: torch.Tensor) -> torch.Tensor:
        return torch.bincount(shells.flatten(), power.flatten().double()) / count

    total, single = ring_means(sum_power), ring_means(frames_power)  # (ring,), (ring,)
    signal = _boxcar((total - single) / (n_frames * (n_frames - 1)), _RINGS)  # (ring,)
    noise = _boxcar(single / n_frames, _RINGS) - signal.clamp(min=0)  # (ring,)
    # Noise alone makes |sum|² spread as much as its mean. What does not clearly exceed that chance
    # would align frames with each other's noise.
    members = _boxcar(count.double(), _RINGS) * _RINGS  # (ring,)
    chance = noise / (n_frames - 1) / members.sqrt()  # (ring,)
    signal = torch.where(signal > _CLEAR_SIGMA * chance, signal, torch.zeros_like(signal))
    # Masked rings hold neither signal nor noise; float32 has no digits below a millionth.
    tiny = noise.max() * 1e-6 + _TINY
    noise = noise.clamp(min=float(tiny))
    weight = signal / (signal + noise / (n_frames - 1)) / noise  # (ring,)
    return weight.float()[shells]


def _boxcar(profile: torch.Tensor, width: int) -> torch.Tensor:
    """Return the running mean of a 1D profile over ``width`` samples, shorter at its ends."""
    # conv1d wants (batch, channel, sample).
    kernel = torch.ones(1, 1, width, dtype=profile.dtype, device=profile.device)
    total = torch.nn.functional.conv1d(profile[None, None], kernel, padding=width // 2)
    # How many samples there were: at the ends the padding's zeros are not counted.
    share = torch.nn.functional.conv1d(
        torch.ones_like(profile)[None, None], kernel, padding=width // 2
    )
    return (total / share)[0, 0]
