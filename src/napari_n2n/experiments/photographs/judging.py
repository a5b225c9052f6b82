"""How well noise is taken off photographs, by any method, where the clean image is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_n2n.background import background_steps
from napari_n2n.denoising.inference.denoising import denoise_steps
from napari_n2n.denoising.training.photograph_examples import noisy_photograph
from napari_n2n.io.photographs import WHITE
from napari_n2n.metrics import psnr
from napari_n2n.progress import Steps, Stop, Stopwatch, passed_on

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from napari_n2n.denoising.checkpoints import Denoiser
    from napari_n2n.denoising.training.photograph_examples import Photographs

    Image = NDArray[np.float32]

Method = Callable[[Any, float], Steps[Any]]
"""Denoises an image, (y, x, 3), of noise of a deviation that it may be told, on 0 to 255."""

# Where a clean pixel counts as shadow or as light: there, clipping noise to 8 bits shows.
_SHADOW, _LIGHT = 32, 223


@dataclass(frozen=True)
class TestNoise:
    """The noise of a test, the same for every method: ``deviation`` and ``mean`` of 255."""

    __test__ = False  # pytest takes it for a test by its name

    deviation: float
    mean: float = 0.0
    clipped: bool = False
    seed: int = 0

    def on(self, image: NDArray[np.uint8], number: int) -> Image:
        """Return the ``number``-th test photograph with its noise."""
        entropy = (self.seed, number, round(1000 * self.deviation))
        seed = int(np.random.default_rng(entropy).integers(2**62))
        return noisy_photograph(image, self.deviation, seed, mean=self.mean, clipped=self.clipped)


def judge_steps(
    photographs: Photographs, noise: TestNoise, method: Method
) -> Steps[dict[str, Any]]:
    """Denoise ``photographs`` after adding ``noise``; yields progress.

    Returns
    -------
    dict
        ``psnr_db`` and ``noisy_psnr_db``: means over the photographs of 10 log₁₀(255² / MSE), the
        MSE over all pixels and the three channels, of the denoised and of the noisy image.
        ``each_psnr_db``: of each photograph. ``bias``, and ``bias_shadows``, ``bias_lights`` of
        pixels that are darker than 32 and lighter than 223: mean of result less clean image, in
        grey levels; None where there are no such pixels.
    """
    watch = Stopwatch()
    count = len(photographs.images)
    before: list[float] = []
    after: list[float] = []
    sums = np.zeros((3, 2))
    for number, image in enumerate(photographs.images):

        def told(_step: Any, done: int = number) -> Iterator[Any]:
            yield watch.progress("denoising photographs", done, count)

        noisy = noise.on(image, number)
        clean = image.astype(np.float32)
        result = yield from passed_on(method(noisy, noise.deviation), told)
        before.append(psnr(noisy, clean, WHITE))
        after.append(psnr(result, clean, WHITE))
        error = result - clean
        for total, where in zip(sums, (image >= 0, image < _SHADOW, image > _LIGHT), strict=True):
            total += np.array([error[where].sum(dtype=np.float64), np.count_nonzero(where)])
    biases = [float(error / pixels) if pixels else None for error, pixels in sums]
    return {
        "psnr_db": float(np.mean(after)),
        "noisy_psnr_db": float(np.mean(before)),
        "each_psnr_db": [round(value, 3) for value in after],
        **dict(zip(("bias", "bias_shadows", "bias_lights"), biases, strict=True)),
    }


def by_network(denoiser: Denoiser, device: str, stop: Stop, *, thorough: bool = False) -> Method:
    """Return the method of a denoiser of photographs; it is not told how strong the noise is.

    ``thorough``: over the image turned and mirrored in eight ways.

    Once ``stop()`` is true, it raises `Interrupted` within a second.
    """

    def method(noisy: Image, _deviation: float) -> Steps[Image]:
        steps = denoise_steps(noisy, denoiser, device=device, thorough=thorough, stop=stop)
        return (yield from steps).pixels

    return method


def nonlocal_means_steps(noisy: Image, deviation: float) -> Steps[Image]:
    """Denoise by scikit-image's non-local means, which is told the deviation of the noise.

    Patches of 5 × 5 px within 13 × 13, and h = 0.8 deviations, as its documentation advises.
    """
    from skimage.restoration import denoise_nl_means

    work = partial(
        denoise_nl_means,
        noisy,
        patch_size=5,
        patch_distance=6,
        h=0.8 * deviation,
        sigma=deviation,
        fast_mode=True,
        preserve_range=True,
        channel_axis=-1,
    )
    result: Image = yield from background_steps(work, "non-local means")
    return result


def bm3d_steps(noisy: Image, deviation: float) -> Steps[Image]:
    """Denoise by colour BM3D (package bm3d), which is told the deviation of the noise."""
    bm3d = import_module("bm3d")  # no dependency: its licence is for non-commercial use only
    work = partial(bm3d.bm3d_rgb, noisy / WHITE, deviation / WHITE)
    result: Image = yield from background_steps(work, "BM3D")
    return (result * WHITE).astype(np.float32)


def classical_methods() -> dict[str, Method]:
    """Return methods without training, by name; BM3D where its package is installed."""
    methods: dict[str, Method] = {"nlm": nonlocal_means_steps}
    if find_spec("bm3d") is not None:
        methods["bm3d"] = bm3d_steps
    return methods
