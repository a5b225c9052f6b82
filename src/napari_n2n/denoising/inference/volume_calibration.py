"""Weighing what a network makes of two halves of a volume against the halves, shell by shell.

As `napari_n2n.denoising.inference.calibration` does it for images, but nothing need be assumed of
the noise: that of one half is not in the other. With a and b the halves, f the network, x what both
show, m = (f(a) + f(b)) / 2 and s = (a + b) / 2, and everything taken over one shell of spatial
frequencies, the combination p m + q s comes closest to the unknown x where

    p <m, m> + q <m, s> = <m, x> = (<f(a), b> + <f(b), a>) / 2
    p <m, s> + q <s, s> = <s, x> = <a, b>

as the noise of b is neither in a nor in f(a). Shells are cut by direction as well: back-projected
noise falls off towards the tilt axis, y. With p = 0 this is the Wiener filter of the sum, so that
the result is about as good as the better of the two in every shell: at least as good as the best
low-pass, however little the network knows of the specimen. Halves of noise leave nothing.

What is summed up comes from blocks of the volume; weights become two short kernels. Neither needs
more memory than a few blocks, and neither knows of tiles.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from napari_n2n.denoising.inference.calibration import bounded, weights
from napari_n2n.denoising.scratch import scratch_array
from napari_n2n.denoising.spectral_rings import Rings
from napari_n2n.denoising.working_volumes import Voxels, WorkingVolume
from napari_n2n.progress import Steps, Stop, Stopwatch, never, require_going
from napari_n2n.threads import side_by_side

# Sides of the blocks that are summed up, voxels, and how many at most, spread over the volume.
_BLOCK = 64
_BLOCKS = 96
# Width of a shell, cycles per voxel: what a window of a block's side can tell apart.
SHELL = 1 / 48
_SHELLS = int(3**0.5 / 2 / SHELL) + 1
# Where shells are cut: sines of the angle to the tilt axis. Of simulated tomograms of 10 and 5
# Å/voxel the correlation with the truth was 0.9019 and 0.8168 with it, 0.8982 and 0.8145 without.
_CUTS = (0.3, 0.5, 0.7, 0.9)
PARTS = _SHELLS * (len(_CUTS) + 1)
"""Of shells: all of one direction, then those of the next."""
# Neighbouring waves of a windowed block, and blocks that overlap by half, tell the same: of so many
# waves one is independent.
_WAVES_ALIKE = 8.0
# Standard errors by which what the halves share has to stand out, in any run of shells, to be
# anything at all, and to be believed altogether. Halves of noise, 32 × 64 × 64 voxels, gave 1 to 4,
# a tomogram of 40 e/Å² and 88 × 192 × 192 voxels of 10 Å gave 84.
_NOTHING, _SOMETHING = 5.5, 8.0
_RUNS = (1, 2, 4, 8, 16)
# A share is believed to 1 - (this / significance)², in standard errors.
_DOUBT = 1.0
# Shells are taken together with their neighbours, by these weights: single ones waver.
_TOGETHER = np.array([1.0, 2, 3, 2, 1]) / 9
# What is so many widths of a half from its middle in the mean of both is gold, or dirt as dense.
# With so many voxels about it, it is left out, or the weights would be those that suit gold.
_GOLD, _ABOUT_GOLD = 12.0, 5
# How far the kernels of the weights reach, voxels.
REACH = 16
# Sides of the blocks that are filtered, without what is read around them.
_FILTERED = 96
_TINY = np.finfo(np.float64).tiny


@dataclass(frozen=True, eq=False)
class ShellSums:
    """Inner products over parts of shells, (part,) each, in the names of the module's docstring."""

    waves: Rings
    mm: Rings
    ms: Rings
    ss: Rings
    mx: Rings
    sx: Rings
    # Of the last two, were the halves only noise and all waves independent.
    mx_variance: Rings
    sx_variance: Rings


@dataclass(frozen=True, eq=False)
class ShellWeights:
    """The weights p of the network's result and q of the halves themselves, (part,) each."""

    network: Rings
    raw: Rings


def weighed_steps(
    halves: Sequence[WorkingVolume], results: Sequence[Voxels], stop: Stop = never
) -> Steps[Voxels]:
    """Return what comes closest to what both halves show, (z, y, x), on the disk.

    ``results`` are what the network makes of each of the two ``halves``, in units of the halves,
    less their offsets.

    Raises
    ------
    WriteProblem
        The disk has no room.
    Interrupted
        ``stop`` became true.
    """
    by_weights = Filter(shell_weights(shell_sums(halves, results, stop)))
    result = scratch_array(results[0].shape)
    offset = np.float32(sum(float(half.intensities.offset) for half in halves) / 2)
    watch = Stopwatch()
    boxes = list(_boxes(results[0].shape, _FILTERED))
    for number, box in enumerate(boxes):
        yield watch.progress("weighing", number, len(boxes))
        require_going(stop)
        m, s = _means(halves, results, box)
        result[box] = offset + by_weights(m, s)
    return result


def shell_sums(
    halves: Sequence[WorkingVolume], results: Sequence[Voxels], stop: Stop = never
) -> ShellSums:
    """Sum up over blocks of the volume.

    Raises
    ------
    Interrupted
        ``stop`` became true.
    """
    width = sum(half.intensities.scale for half in halves) / 2

    def of_block(box: tuple[slice, ...]) -> NDArray[np.float64]:
        require_going(stop)
        a, b = (_part(half, box) for half in halves)
        window = _window(a.shape) * _without_gold((a + b) / (2 * width))
        return _products(*(window * each for each in (a, b, *(r[box] for r in results))))

    blocks = side_by_side(of_block, _sampled(results[0].shape))
    return ShellSums(*np.sum(blocks, axis=0))


def shell_weights(sums: ShellSums) -> ShellWeights:
    """Return the weights of each shell; none where the halves share nothing."""
    mx_error = np.sqrt(_WAVES_ALIKE * sums.mx_variance)
    sx_error = np.sqrt(_WAVES_ALIKE * sums.sx_variance)
    present = max(_presence(sums.mx, mx_error), _presence(sums.sx, sx_error))
    mm, ms, ss = (_smooth(each) for each in (sums.mm, sums.ms, sums.ss))
    mx, sx = (
        _believed(_smooth(found), np.sqrt(_smooth(error**2, _TOGETHER**2)))
        for found, error in ((sums.mx, mx_error), (sums.sx, sx_error))
    )
    p, q = weights(mm, ms, ss, mx, sx)
    p, q = bounded(mm, ms, ss, p, q, np.maximum(_smooth(sums.waves), 1))
    return ShellWeights(present * p, present * q)


def _smooth(sums: Rings, together: Rings = _TOGETHER) -> Rings:
    """Return ``sums`` of parts taken together with those of the shells next to them."""
    return np.concatenate(
        [np.convolve(each, together, "same") for each in sums.reshape(-1, _SHELLS)]
    )


def _believed(found: Rings, errors: Rings) -> Rings:
    """Return what was ``found``, less where it hardly stands out of its errors; never below 0."""
    significance = np.maximum(found, 0) / np.maximum(errors, _TINY)
    share = np.maximum(1 - (_DOUBT / np.maximum(significance, _DOUBT)) ** 2, 0)
    believed: Rings = share * np.maximum(found, 0)
    return believed


def _presence(found: Rings, errors: Rings) -> float:
    """Return 0 where no run of shells stands out, 1 where one does clearly."""
    most = 0.0
    for count in _RUNS:
        run = np.ones(count)
        error = np.sqrt(np.convolve(errors**2, run, "valid"))
        told = np.convolve(found, run, "valid") / np.maximum(error, _TINY)
        most = max(most, float(told[error > 0].max(initial=0)))
    return float(np.clip((most - _NOTHING) / (_SOMETHING - _NOTHING), 0, 1))


class Filter:
    """Weighs blocks; what it makes of one does not depend on how large it is."""

    def __init__(self, found: ShellWeights) -> None:
        self._kernels = [_kernel(gains) for gains in (found.network, found.raw)]
        self._transfers: dict[tuple[int, ...], list[NDArray[np.float32]]] = {}

    def __call__(self, m: Voxels, s: Voxels) -> Voxels:
        """Return p m + q s of blocks, both (z, y, x), less `REACH` voxels at every side."""
        shape = tuple(fft.next_fast_len(side, real=True) for side in m.shape)
        if shape not in self._transfers:
            self._transfers[shape] = [_transfer(kernel, shape) for kernel in self._kernels]
        spectrum, other = (
            fft.rfftn(part, shape) * transfer
            for part, transfer in zip((m, s), self._transfers[shape], strict=True)
        )
        spectrum += other
        z, y, x = (slice(REACH, side - REACH) for side in m.shape)
        inner: Voxels = fft.irfftn(spectrum, shape)[z, y, x].astype(np.float32, copy=False)
        return inner


def _kernel(gains: Rings) -> NDArray[np.float64]:
    """Return what has these ``gains``, smoothed, and reaches `REACH` voxels: (z, y, x)."""
    side = 4 * REACH
    k, directions = _frequencies((side,) * 3)
    centres = (np.arange(_SHELLS) + 0.5) * SHELL
    along_k = [np.interp(k, centres, each) for each in gains.reshape(-1, _SHELLS)]
    kernel = fft.fftshift(fft.irfftn(np.choose(directions, along_k), (side,) * 3))
    kept = slice(side // 2 - REACH, side // 2 + REACH + 1)
    along = np.arange(-REACH, REACH + 1) / (REACH + 1)
    away = np.sqrt(sum(each**2 for each in np.meshgrid(along, along, along, indexing="ij")))
    taper = np.cos(np.pi / 2 * np.minimum(away, 1)) ** 2
    tapered: NDArray[np.float64] = kernel[kept, kept, kept] * taper
    return tapered


def _transfer(kernel: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return the transfer of a symmetrical ``kernel``, which is real, for blocks of ``shape``."""
    padded = np.zeros(shape)
    padded[tuple(slice(0, side) for side in kernel.shape)] = kernel
    padded = np.roll(padded, (-REACH,) * 3, axis=(0, 1, 2))
    transfer: NDArray[np.float32] = fft.rfftn(padded).real.astype(np.float32)
    return transfer


def _means(
    halves: Sequence[WorkingVolume], results: Sequence[Voxels], box: tuple[slice, ...]
) -> tuple[Voxels, Voxels]:
    """Return m and s of a ``box`` and of `REACH` voxels around, mirrored at the volume's faces."""
    shape = results[0].shape
    wide = tuple(
        slice(max(0, part.start - REACH), min(side, part.stop + REACH))
        for part, side in zip(box, shape, strict=True)
    )
    missing = [
        (REACH - (part.start - read.start), REACH - (read.stop - part.stop))
        for part, read in zip(box, wide, strict=True)
    ]
    m = sum(np.asarray(result[wide]) for result in results) / 2
    s = sum(_part(half, wide) for half in halves) / 2
    return np.pad(m, missing, "symmetric"), np.pad(s, missing, "symmetric")


def _part(half: WorkingVolume, box: tuple[slice, ...]) -> Voxels:
    part: Voxels = np.asarray(half.voxels[box]) - np.float32(float(half.intensities.offset))
    return part


def _boxes(shape: tuple[int, ...], side: int) -> Iterator[tuple[slice, ...]]:
    starts = (range(0, length, side) for length in shape)
    for corner in product(*starts):
        yield tuple(
            slice(start, min(start + side, length))
            for start, length in zip(corner, shape, strict=True)
        )


def _sampled(shape: tuple[int, ...]) -> list[tuple[slice, ...]]:
    """Return blocks that overlap by half, as many as there may be, evenly spread."""
    starts = [
        np.linspace(0, n - _BLOCK, -(-2 * (n - _BLOCK) // _BLOCK) + 1).round().astype(int).tolist()
        if n > _BLOCK
        else [0]
        for n in shape
    ]
    corners = list(product(*starts))
    if len(corners) > _BLOCKS:
        kept = np.random.default_rng(0).permutation(len(corners))[:_BLOCKS].tolist()
        corners = [corners[i] for i in sorted(kept)]
    return [
        tuple(slice(start, min(start + _BLOCK, n)) for start, n in zip(corner, shape, strict=True))
        for corner in corners
    ]


def _without_gold(voxels: Voxels) -> Voxels | float:
    """Return 0 at gold in a block and around it, and 1 elsewhere, with soft edges."""
    dense = np.abs(voxels) > _GOLD
    if not dense.any():
        return 1.0
    around = ndimage.binary_dilation(dense, iterations=_ABOUT_GOLD)
    kept: Voxels = ndimage.gaussian_filter(1 - around.astype(np.float32), 1.0)
    return kept


def _products(a: Voxels, b: Voxels, of_a: Voxels, of_b: Voxels) -> NDArray[np.float64]:
    """Return the fields of `ShellSums` of one windowed block, (field, part)."""
    parts, twice = _parts(a.shape)
    a_, b_, fa, fb = (fft.rfftn(each) for each in (a, b, of_a, of_b))
    m, s = (fa + fb) / 2, (a_ + b_) / 2

    def over(values: NDArray[np.floating]) -> NDArray[np.float64]:
        return np.asarray(np.bincount(parts, (values * twice).ravel(), PARTS), np.float64)

    def power(u: NDArray[np.complex64]) -> NDArray[np.float32]:
        squared: NDArray[np.float32] = u.real**2 + u.imag**2
        return squared

    def inner(u: NDArray[np.complex64], v: NDArray[np.complex64]) -> NDArray[np.float64]:
        return over(u.real * v.real + u.imag * v.imag)

    return np.stack(
        [
            over(np.ones(a_.shape, np.float32)),
            inner(m, m),
            inner(m, s),
            inner(s, s),
            (inner(fa, b_) + inner(fb, a_)) / 2,
            inner(a_, b_),
            # The real part of a product of two independent waves has half of their powers'.
            over(twice * (power(fa) * power(b_) + power(fb) * power(a_)) / 8),
            over(twice * power(a_) * power(b_) / 2),
        ]
    )


@cache
def _window(shape: tuple[int, ...]) -> Voxels:
    """Return a block of ``shape`` that falls off to 0 at its faces."""
    window: Voxels = np.ones((1, 1, 1), np.float32)
    for axis, side in enumerate(shape):
        along = np.sin(np.pi * (np.arange(side) + 0.5) / side).astype(np.float32) ** 2
        window = window * along.reshape([-1 if i == axis else 1 for i in range(3)])
    return window


@cache
def _parts(shape: tuple[int, ...]) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Return the parts of shells of a block's waves, and how many of them each stands for."""
    k, directions = _frequencies(shape)
    twice = np.full(k.shape, 2, np.float32)  # it and its conjugate
    twice[..., 0] = 1
    if shape[-1] % 2 == 0:
        twice[..., -1] = 1
    return (directions * _SHELLS + (k / SHELL).astype(np.intp)).ravel(), twice


def _frequencies(shape: tuple[int, ...]) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Return k in cycles/voxel and directions, on the half of a spectrum of a real transform."""
    z, y, x = *(np.fft.fftfreq(side) for side in shape[:2]), np.fft.rfftfreq(shape[2])
    across = z[:, None, None] ** 2 + x**2
    k: NDArray[np.float64] = np.sqrt(across + y[:, None] ** 2)
    sines = np.sqrt(across) / np.maximum(k, _TINY)
    return k, np.digitize(sines, _CUTS)
