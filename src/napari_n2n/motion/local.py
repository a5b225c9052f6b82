"""Bending of the field: the drift of patches, and a smooth field through it.

The patch estimate of torch-motion-correction 0.6.0 is not used, for a reason that was measured:
once the drift of the whole field is taken out, the peaks lie within a pixel of zero, where the
library does not look between pixels (its parabola needs both neighbours in array order). On a
simulated 4096² movie it left the local motion as it was; the patches below leave a quarter of it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from math import prod

import numpy as np
import torch
from numpy.typing import NDArray

from napari_n2n.motion.correlation import (
    Band,
    coarse_peak,
    fine_peak,
    optimal_weights,
    power_of,
)
from napari_n2n.motion.frames import CroppedFrames, edge_window, measurable
from napari_n2n.motion.smoothing import smoothed
from napari_n2n.progress import Steps, Stopwatch
from napari_n2n.threads import side_by_side

SMALLEST_FIELD_ANGSTROM = 2400.0
"""Four patches a side, sixteen in all: fewer leave six terms of the field little choice."""
GRID = 5
"""Points along each side at which the field is reported; it is quadratic, so three would do."""

_PATCH_ANGSTROM = 1024.0
"""A frame of 1 e/Å² shows too little in less, and a field bends within more."""
_ROUNDS = 2
"""One to search each patch by itself, one to climb from where the field through them all lies."""
_SEARCH_ANGSTROM = 20.0
"""From the drift of the whole field. Wider, chance would have more places for a higher peak."""
_CLIMB_ANGSTROM = 8.0
"""From the highest pixel the top is less than one away: 4 Å by default, and as much to spare."""
_FIRST_B_FACTOR = 400.0
"""Å²: waves of 10 Å count 0.4. The frames lie within a few Å of each other already."""
_PATCH_EDGE = 0.25
"""Share of a side over which a patch fades out. Its neighbours, half a side on, do so elsewhere."""
_COPIES = 4
"""A patch of all frames is in memory as pixels, as spectra and as what is made of those."""
_MOST_BYTES = 2**28
"""Patches that are measured side by side may take so much memory."""
_STIFFNESS = 1e-4
"""Times what the patches say together in a typical frame: far less than any one of them says."""
_SMALLEST_GAIN = 60.0
"""Log likelihood that bending must add: about five parameters for each of twelve curves.

Simulated fields that did not bend gained 6 to 29, those that bent by 2, 4 and 8 Å at a corner 174,
477 and 2,954."""


@dataclass(frozen=True, eq=False)
class Bending:
    """A smooth field of displacements, quadratic in space.

    Attributes
    ----------
    coefficients_angstrom
        (frame, 6, 2) y, x factors of the terms of ``terms``.
    """

    coefficients_angstrom: NDArray[np.float64]

    def on_grid(self, rows: int = GRID, columns: int = GRID) -> NDArray[np.float64]:
        """Return the displacement in Å on a grid from edge to edge, (2, frame, rows, columns)."""
        y, x = np.meshgrid(np.linspace(0, 1, rows), np.linspace(0, 1, columns), indexing="ij")
        field: NDArray[np.float64] = np.einsum(
            "tjc,jyx->ctyx", self.coefficients_angstrom, terms(y, x)
        )
        return field


def terms(y: NDArray[np.float64], x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 1, u, v, u² - 1/3, v² - 1/3, uv, (6, ...); u and v run from -1 to 1 over the field.

    ``y`` and ``x`` run from 0 to 1. All terms but the first average to zero over the field.
    """
    v, u = 2 * y - 1, 2 * x - 1
    # 1/3 is the mean of the square of a number that is anywhere from -1 to 1.
    return np.stack([np.ones_like(u), u, v, u**2 - 1 / 3, v**2 - 1 / 3, u * v])


def measure_bending_steps(
    frames: CroppedFrames, drift_angstrom: NDArray[np.float64], reference_frame: int
) -> Steps[Bending | None]:
    """Measure how patches stray from the drift of the whole field, (frame, 2) y, x.

    Consumes ``frames.spectra``: their memory is used for the aligned images.

    Returns
    -------
    Bending | None
        None where following it does not make the patches' sums clearly stronger.
    """
    patches = _Patches(frames, drift_angstrom)
    device = frames.spectra.device
    bending: Bending | None = None
    watch = Stopwatch()
    steps = (_ROUNDS + 1) * len(patches)
    for round_ in range(_ROUNDS):
        measured = np.empty((len(patches), len(frames.spectra), 2))
        sharpness = np.empty(measured.shape[:2])
        for group in patches.groups():
            found = side_by_side(partial(patches.measure, bending=bending), group, device)
            for index, (shifts, sharp) in zip(group, found, strict=True):
                measured[index], sharpness[index] = shifts, sharp
            done = round_ * len(patches) + group.stop
            yield watch.progress("Measuring local motion", done, steps)
        sharpness[:, frames.blank] = 0
        coefficients = _fit(patches.basis, measured, sharpness)
        bending = Bending(coefficients - coefficients[reference_frame])
    assert bending is not None
    gain = 0.0
    for group in patches.groups():
        gain += sum(side_by_side(partial(patches.gain, bending=bending), group, device))
        done = _ROUNDS * len(patches) + group.stop
        yield watch.progress("Measuring local motion", done, steps)
    return bending if gain > _SMALLEST_GAIN else None


class _Patches:
    """Overlapping squares of the frames, the whole field's drift taken out."""

    def __init__(self, frames: CroppedFrames, drift_angstrom: NDArray[np.float64]) -> None:
        self._images = _aligned_images(frames, drift_angstrom)
        self._alive = int((~frames.blank).sum())
        shape, pixels = frames.band.shape, frames.band.pixel_size_angstrom
        rows, columns = (
            min(n, 2 * round(_PATCH_ANGSTROM / p / 2)) for n, p in zip(shape, pixels, strict=True)
        )
        self._side = (rows, columns)
        self._corners = _corners(shape, self._side)
        centres = (np.array(self._corners) + np.array(self._side) / 2) / np.array(shape)
        self.basis = terms(centres[:, 0], centres[:, 1]).T
        """(patch, 6) the terms of the field in the middle of each patch."""
        self._band = Band.of(self._side, pixels, self._images.device)
        self._window = edge_window(self._side, self._images.device, _PATCH_EDGE)
        self._mask = measurable(self._band)
        self._coarse = torch.exp(-_FIRST_B_FACTOR / 4 * self._band.frequency**2)
        # Weights and sum of each patch before bending was known.
        self._straight: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}

    def __len__(self) -> int:
        return len(self._corners)

    def groups(self) -> Iterator[range]:
        """Yield the numbers of all patches, as many together as may be measured side by side."""
        size = 1
        if self._images.device.type == "cpu":
            taken = _COPIES * self._images.element_size() * len(self._images) * prod(self._side)
            size = max(1, min(torch.get_num_threads(), _MOST_BYTES // taken))
        for first in range(0, len(self), size):
            yield range(first, min(first + size, len(self)))

    def _spectra(self, index: int) -> torch.Tensor:
        (top, left), (rows, columns) = self._corners[index], self._side
        patch = self._images[:, top : top + rows, left : left + columns]  # (frame, y, x)
        # (frame, y, x // 2 + 1)
        spectra: torch.Tensor = torch.fft.rfft2(patch * self._window).mul_(self._mask)
        return spectra

    def _expected(self, index: int, bending: Bending) -> torch.Tensor:
        # (frame, 6, 2) by (6,): (frame, 2).
        shifts = np.einsum("tjc,j->tc", bending.coefficients_angstrom, self.basis[index])
        return torch.from_numpy(shifts)

    def measure(
        self, index: int, bending: Bending | None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the shifts of a patch (frame, 2) in Å, and how sharp each peak is (frame,).

        Without a bending to start from, the whole neighbourhood is searched.
        """
        band, device = self._band, self._images.device
        spectra = self._spectra(index)  # (frame, y, x // 2 + 1)
        expected = torch.zeros(len(spectra), 2, dtype=torch.float64)  # (frame, 2)
        if bending is not None:
            expected = self._expected(index, bending)
            band.move_back_(spectra, expected.to(device))
        total = spectra.sum(0)  # (y, x // 2 + 1)
        weights = optimal_weights(power_of(total[None]), power_of(spectra), self._alive, band)
        # Each frame against the sum of the others: (frame, y, x // 2 + 1).
        cross = (total - spectra).conj_physical_().mul_(spectra).mul_(weights)
        start = torch.zeros(len(spectra), 2, dtype=torch.float64, device=device)
        if bending is None:
            self._straight[index] = (weights, total)
            cross.mul_(self._coarse)
            start = coarse_peak(cross, band, _SEARCH_ANGSTROM)[0].double()
        step, curvature = fine_peak(cross, band, start, _CLIMB_ANGSTROM)  # (frame, 2), (frame,)
        return (expected + step.cpu()).numpy(), curvature.cpu().numpy()

    def gain(self, index: int, bending: Bending) -> float:
        """Return by how much log likelihood a patch is for ``bending`` rather than none."""
        # The weights are those of the sum that did not bend, which favours it.
        weights, still = self._straight[index]
        spectra = self._spectra(index)  # (frame, y, x // 2 + 1)
        expected = self._expected(index, bending).to(spectra.device)  # (frame, 2)
        bent = self._band.move_back_(spectra, expected).sum(0)  # (y, x // 2 + 1)
        change = (weights * (power_of(bent[None]) - power_of(still[None]))).sum()
        # The weights are in units of the noise of one frame against the n - 1 others.
        return float(change) / max(1, self._alive - 1)


def _aligned_images(frames: CroppedFrames, drift_angstrom: NDArray[np.float64]) -> torch.Tensor:
    """Return the aligned cropped frames, (frame, y, x), in the memory of their spectra."""
    rows, columns = frames.band.shape
    # The half plane of a spectrum takes the room of an image and two columns more.
    images = torch.view_as_real(frames.spectra).flatten(-2)[..., :columns]  # (frame, y, x)
    shifts = torch.from_numpy(drift_angstrom).to(frames.spectra.device)

    def align(index: int) -> None:
        spectrum = frames.band.move_back_(frames.spectra[index], shifts[index])
        images[index] = torch.fft.irfft2(spectrum, s=(rows, columns))

    side_by_side(align, range(len(images)), images.device)
    return images


def _corners(shape: tuple[int, int], side: tuple[int, int]) -> list[tuple[int, int]]:
    """Return top left corners of patches that cover the field and overlap by about a half."""
    starts = []
    for length, patch in zip(shape, side, strict=True):
        # Steps of half a patch, or as near to it as they end at the field's edge.
        steps = max(1, round(2 * (length - patch) / patch)) if length > patch else 0
        starts.append([round(i * (length - patch) / max(1, steps)) for i in range(steps + 1)])
    return [(top, left) for top in starts[0] for left in starts[1]]


def _fit(
    basis: NDArray[np.float64],  # (patch, 6)
    measured: NDArray[np.float64],  # (patch, frame, 2)
    sharpness: NDArray[np.float64],  # (patch, frame)
) -> NDArray[np.float64]:
    """Return the coefficients (frame, 6, 2) of the field through the patches, smooth in time.

    Each patch counts by what it knows: one without particles says next to nothing.
    """
    count = measured.shape[1]
    coefficients = np.zeros((count, 6, 2))
    information = sharpness.sum(axis=0)  # (frame,)
    typical = np.median(information[information > 0]) if (information > 0).any() else 1.0
    for frame in range(count):
        weights = sharpness[:, frame, None]  # (patch, 1)
        # Weighted least squares: (BᵀWB) c = BᵀW m, (6, 6) by (6, 2).
        # A trace of stiffness keeps terms that no patch can see at zero.
        normal = basis.T @ (weights * basis) + _STIFFNESS * typical * np.eye(6)
        coefficients[frame] = np.linalg.solve(normal, basis.T @ (weights * measured[:, frame]))
    return smoothed(coefficients.reshape(count, 12), information).reshape(count, 6, 2)
