"""From the clean scene to counted frames: motion, gain, Poisson noise, hot pixels."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_n2n.simulation.config import SimulationConfig
from napari_n2n.simulation.scene import Scene, build_scene, random_stream

_BLOCK_PX = 64
"""Side of the squares that move as one: a field that bends by 8 px varies by ±0.15 px over it."""
_HOT_COUNTS = (20, 120)


def simulated_frames(
    config: SimulationConfig, scene: Scene | None = None
) -> Iterator[NDArray[np.uint8]]:
    """Yield the frames of a movie one by one, (y, x) counts, in the memory of a few frames.

    ``scene`` is ``build_scene(config)`` where the caller needs its truth as well.
    """
    scene = build_scene(config) if scene is None else scene
    truth = scene.truth
    coefficients = ndimage.spline_filter(scene.canvas, order=3, output=np.float32, mode="mirror")
    low, high = _HOT_COUNTS
    glow = random_stream(config, 5).uniform(low, high, len(truth.hot_pixels))
    for frame in range(config.n_frames):
        expected = render(scene, coefficients, frame)
        if truth.gain is not None:
            expected /= truth.gain
        expected[tuple(truth.hot_pixels.T)] += glow
        counts = random_stream(config, 6, frame).poisson(np.maximum(expected, 0))
        yield np.minimum(counts, 255).astype(np.uint8)


def render(
    scene: Scene,
    coefficients: NDArray[np.float32],  # cubic B-spline coefficients of the canvas
    frame: int,
) -> NDArray[np.float32]:
    """Return the clean image moved by the drift of ``frame``, (y, x) counts.

    A block that moves as a whole is a separable 4 x 4 filter of the spline coefficients; that is
    as good as a Fourier shift (the image holds next to nothing beyond half Nyquist), it knows no
    wrap-around, and it follows a bending field.
    """
    height, width = scene.config.shape
    drift = scene.truth.drift
    moved = np.empty((height, width), np.float32)
    block = _BLOCK_PX if drift.is_local else max(height, width)
    tops, lefts = list(range(0, height, block)), list(range(0, width, block))
    middle = (min(block, height) / 2, min(block, width) / 2)
    at = np.meshgrid(np.add(tops, middle[0]), np.add(lefts, middle[1]), indexing="ij")
    shifts = drift.displacement_angstrom(frame, *at) / scene.config.pixel_size_angstrom
    for i, top in enumerate(tops):
        for j, left in enumerate(lefts):
            bottom, right = min(top + block, height), min(left + block, width)
            y, x = shifts[:, i, j]
            rows = _spline(coefficients, scene.margin_px + top - y, bottom - top, axis=0)
            both = _spline(rows, scene.margin_px + left - x, right - left, axis=1)
            moved[top:bottom, left:right] = both
    return moved


def _spline(
    coefficients: NDArray[np.float32], start: float, length: int, axis: int
) -> NDArray[np.float32]:
    """Evaluate a cubic B-spline along ``axis`` at start, start + 1, ... (``length`` points)."""
    whole = int(np.floor(start))
    t = start - whole
    weights = (
        (1 - t) ** 3 / 6,
        2 / 3 - t**2 + t**3 / 2,
        2 / 3 - (1 - t) ** 2 + (1 - t) ** 3 / 2,
        t**3 / 6,
    )
    shape = (length, coefficients.shape[1]) if axis == 0 else (coefficients.shape[0], length)
    values = np.zeros(shape, np.float32)
    for offset, weight in enumerate(weights, start=whole - 1):
        window = slice(offset, offset + length)
        values += np.float32(weight) * (
            coefficients[window] if axis == 0 else coefficients[:, window]
        )
    return values
