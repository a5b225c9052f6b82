"""Weighing what a network makes of an image against the image itself, ring by ring.

A network that has never seen the specimen, the detector or the dose is often right about where
something is and wrong about how strong it is. How far to believe it can be told from the image
alone, if the power spectrum of its noise is known, which it nearly is: beyond the last Thon ring
there is nothing else.

With image y = x + n, network f and everything taken over one ring of spatial frequencies, the
combination a f(y) + b y comes closest to the unknown x where

    a <f, f> + b <f, y> = <f, x>        <y, x> = <y, y> - <n, n>
    a <f, y> + b <y, y> = <y, x>        <f, x> = <f, y> - <f, n>

and <f, n>, what the network took over of the noise, is by Stein's lemma what it takes over of any
other noise e of that kind: <f(y + h e) - f(y), e> / h for a small h. (C. Stein, Ann. Statist. 9,
1135 (1981); the estimate by one more noise: S. Ramani, T. Blu and M. Unser, IEEE Trans. Image
Process. 17, 1540 (2008).)

With f = 0 this is the Wiener filter, so the result is about as good as the better of the two in
every ring; and where there is only noise, next to nothing is left. How much signal there is where
single rings hardly tell: `napari_n2n.denoising.inference.expected_signal`.
"""

from collections.abc import Callable, Generator
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from napari_n2n.denoising.inference.expected_signal import expected_signal
from napari_n2n.denoising.inference.noise_spectrum import never_rising, noise_spectrum
from napari_n2n.denoising.inference.symmetries import Symmetry
from napari_n2n.denoising.spectral_rings import Rings, RingSums

S = TypeVar("S")

# The noise added on trial is this share of the noise itself. More looks like another dose to the
# network (0.3 cost an eighth of what is gained), far less would drown in rounding.
_STEP = 0.02
# Of a network that takes over more than this of a ring's noise, the error tells nothing of it.
_TAKEN_OVER = 0.4
# The spectrum of noise is no better known than this.
_NOISE_UNCERTAINTY = 0.03
# Small images have few waves in a ring, but take little time: they are denoised in up to eight
# positions, which have 2^20 pixels together, with a noise for each.
_PIXELS = 1 << 20
# In such an order that the first few differ most.
_WAYS = (
    Symmetry(0, mirrored=False),
    Symmetry(0, mirrored=True),
    Symmetry(1, mirrored=False),
    Symmetry(3, mirrored=True),
    Symmetry(2, mirrored=False),
    Symmetry(2, mirrored=True),
    Symmetry(3, mirrored=False),
    Symmetry(1, mirrored=True),
)
# Share of the strongest ring's power that a filter leaves in others at most: images end.
_SPREAD = 1e-3
# Share of the strongest ring's power that rounding leaves in others.
_ROUNDING = 1e-10
# Rings as narrow as they are reach so many pixels far.
_MIRRORED = 100
# Smaller images have too few waves to tell anything.
_SMALLEST_SIDE = 32


def passes(shape: tuple[int, int]) -> int:
    """How many images of ``shape`` (y, x) the network is given for one result."""
    return 1 if min(shape) < _SMALLEST_SIDE else 2 * _positions(shape)


def calibrated_steps(
    image: Tensor, run: Callable[[Tensor], Generator[S, None, Tensor]]
) -> Generator[S, None, Tensor]:
    """Denoise ``image``, (1, y, x) with a mean of about 0, by ``run`` and weigh the result.

    ``run`` is called `passes` times and what it yields is passed on.
    """
    height, width = image.shape[-2:]
    if passes((height, width)) == 1:
        return (yield from run(image))
    rings = RingSums(height, width, image.device)
    y = torch.fft.rfft2(image[0])  # (y, x//2+1)
    noise_power = noise_spectrum(rings.mean_power(y), rings.waves)
    noise_at = rings.spread(noise_power)  # (ring,) -> (y, x//2+1)
    # The same noise every time: a result that changed from call to call could not be compared.
    random = torch.Generator().manual_seed(0)
    count = _positions((height, width))
    f = torch.zeros_like(y)  # the spectrum of what the network makes, mean over the positions
    taken_over = np.zeros(len(noise_power))  # (ring,) <f, n>
    for position in range(count):
        white = torch.randn(height, width, generator=random).to(image.device)  # (y, x)
        # White noise coloured as the image's own.
        e = torch.fft.rfft2(white) * noise_at.sqrt()
        noise = torch.fft.irfft2(e, s=(height, width))
        plain = yield from _in_position(position, image, run)
        moved = yield from _in_position(position, image + _STEP * noise, run)
        f += torch.fft.rfft2(plain[0]) / count
        # Stein: the derivative of f along e, projected on e, is what f takes over of noise.
        difference = torch.fft.rfft2((moved - plain)[0]) / _STEP
        taken_over += rings.product(difference, e) / count
    # (ring,) each, in the names of the module's docstring.
    ff, fy, yy = rings.product(f, f), rings.product(f, y), rings.product(y, y)
    nn = noise_power * rings.waves * image.numel()
    # Of rings where it says nothing, all that there is of the network's result is rounding.
    spoken = ff > _ROUNDING * np.max(ff / np.maximum(rings.waves, 1)) * rings.waves
    ff, fy, taken_over = (np.where(spoken, values, 0) for values in (ff, fy, taken_over))
    less = no_more_noise(ff, fy, yy, taken_over, nn, rings.waves)
    nn, taken_over = nn * less, taken_over * less
    # Noise that was underrated would be kept as signal, in every ring: rather too much of it.
    unsure = 1 + _NOISE_UNCERTAINTY
    fx, yx = fy - unsure * taken_over, yy - unsure * nn
    signal = expected_signal(yx, nn, rings.waves)
    a, b = weights(ff, fy, yy, signal.of_network(fx, fy), signal.power)
    a, b = bounded(ff, fy, yy, a, b, rings.waves)
    made = torch.fft.irfft2(f, s=(height, width))
    return _filtered(made, a) + _filtered(image[0], b)


def _filtered(image: Tensor, gains: Rings) -> Tensor:
    """Return ``image``, (y, x), with its rings times ``gains``, as (1, y, x).

    It is mirrored at its edges: one edge of an image has nothing to do with the opposite one.
    """
    height, width = image.shape
    y, x = (min(_MIRRORED, side - 1) for side in image.shape)
    padded = functional.pad(image[None, None], (x, x, y, y), mode="reflect")[0, 0]
    rings = RingSums(padded.shape[0], padded.shape[1], image.device)
    spectrum = torch.fft.rfft2(padded) * rings.spread(gains)
    filtered: Tensor = torch.fft.irfft2(spectrum, s=padded.shape)
    return filtered[None, y : y + height, x : x + width]


def no_more_noise(
    ff: Rings, fy: Rings, yy: Rings, taken_over: Rings, nn: Rings, waves: Rings
) -> Rings:
    """Return the share of the noise ``nn`` that there can be at most in each ring.

    The error of a network's result, a f for any a, is by the module's formulas

        <a f - x, a f - x> = <y - a f, y - a f> - <n, n> + 2 a <f, n>

    and not negative: <n, n> is at most <y - a f, y - a f> / (1 - 2 a g), where g <n, n> is what the
    network takes over of the noise. Where the network is right, that is hardly more than the noise
    there is; and noise never rises with the frequency. Where specimen reaches the highest
    frequencies, as in coarse images, nothing else tells.
    """
    tiny = np.finfo(np.float64).tiny
    a = np.maximum(fy, 0) / np.maximum(ff, tiny)
    kept = np.maximum(a * taken_over, 0) / np.maximum(nn, tiny)
    told = (kept < _TAKEN_OVER) & (ff > 0) & (nn > 0)
    most = np.maximum(yy - a * fy, 0) / np.where(told, 1 - 2 * kept, 1)
    mean = np.where(told, most, yy) / np.maximum(waves, 1)
    least = never_rising(mean, waves)
    own = nn / np.maximum(waves, 1)
    return np.minimum(1, np.divide(least, own, out=np.ones_like(nn), where=own > 0))


def weights(ff: Rings, fy: Rings, yy: Rings, fx: Rings, yx: Rings) -> tuple[Rings, Rings]:
    """Return the weights a, b ≥ 0 that bring a f + b y closest to x in each ring.

    The arguments are inner products of the ring's waves.
    """
    tiny = np.finfo(np.float64).tiny
    # A little on the diagonal: f and y may be all but the same.
    ff, yy = 1.001 * ff + tiny, 1.001 * yy + tiny
    # Cramer's rule for the two equations of the module's docstring.
    determinant = ff * yy - fy**2
    both = (
        (fx * yy - yx * fy) / np.maximum(determinant, tiny),
        (yx * ff - fx * fy) / np.maximum(determinant, tiny),
    )
    nothing = np.zeros_like(ff)
    choices = [
        (np.maximum(fx, 0) / ff, nothing),
        (nothing, np.maximum(yx, 0) / yy),
        both,
    ]
    # <|a f + b y - x|²> less <x, x>, which is the same for all: the least is the best.
    errors = np.stack(
        [a**2 * ff + 2 * a * b * fy + b**2 * yy - 2 * (a * fx + b * yx) for a, b in choices]
    )
    errors[2][(both[0] < 0) | (both[1] < 0) | (determinant <= 0)] = np.inf
    best = errors.argmin(axis=0)
    a, b = (np.choose(best, [choice[i] for choice in choices]) for i in (0, 1))
    return a, b


def bounded(
    ff: Rings, fy: Rings, yy: Rings, a: Rings, b: Rings, waves: Rings
) -> tuple[Rings, Rings]:
    """Return the weights a, b, or less, where a f + b y has no more power than y in each ring.

    Where the network says next to nothing, what can be told of it is mostly chance. Nor has what a
    filter spreads there from the strongest ring, `_SPREAD` of it, more power than y.
    """
    spread = _SPREAD * float(np.max(ff / np.maximum(waves, 1))) * waves
    a = np.where(a**2 * spread > yy, np.sqrt(yy / np.where(spread > 0, spread, 1)), a)
    power = np.maximum(a**2 * ff + 2 * a * b * fy + b**2 * yy, yy)
    bound = np.sqrt(np.divide(yy, power, out=np.zeros_like(yy), where=power > 0))
    return a * bound, b * bound


def _positions(shape: tuple[int, int]) -> int:
    return max(1, min(len(_WAYS), _PIXELS // (shape[0] * shape[1])))


def _in_position(
    position: int, image: Tensor, run: Callable[[Tensor], Generator[S, None, Tensor]]
) -> Generator[S, None, Tensor]:
    """Run on the image turned and mirrored, and turn the result back."""
    way = _WAYS[position]
    return way.back((yield from run(way.of(image))))
