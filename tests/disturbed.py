"""Micrographs with what cameras, microscopes and people add to them, and where it was added."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_n2n.simulation import SimulationConfig, Truth, build_scene

Image = NDArray[np.float32]
Mask = NDArray[np.bool_]

PIXEL_SIZE_ANGSTROM = 3.0
SIDE = 512
DOSE = 20.0
# Pixels beside a fault that may suffer: what a network sees across, and no more.
BESIDE_PX = 12


@dataclass(frozen=True, eq=False)
class Field:
    """A simulated micrograph, (y, x) counts, and what a perfect one would show."""

    counts: Image
    truth: Truth

    @property
    def clean(self) -> Image:
        """Expected counts, in units of a frame's."""
        return self.truth.clean


@cache
def field(seed: int = 4, **changed: object) -> Field:
    """Return a field of shells at `PIXEL_SIZE_ANGSTROM`, the same at every call."""
    told = {"shape": (SIDE, SIDE), "n_frames": 1, "pixel_size_angstrom": PIXEL_SIZE_ANGSTROM}
    truth = build_scene(SimulationConfig(**{**told, "seed": seed, **changed})).truth
    rng = np.random.default_rng(seed)
    counts = rng.poisson(np.maximum(truth.clean * DOSE, 0)).astype(np.float32)
    return Field(counts, truth)


def _nothing(image: Image) -> Mask:
    return np.zeros(image.shape, bool)


def _painted(image: Image, value: float, *places: object) -> Mask:
    where = np.zeros(image.shape, bool)
    for place in places:
        where[place] = True
    image[where] = value
    return where


def _scattered(image: Image, count: int, value: float) -> Mask:
    rng = np.random.default_rng(9)
    return _painted(image, value, tuple(rng.integers(10, SIDE - 10, (2, count))))


def _in_places(image: Image, count: int, shape: tuple[int, int]) -> Mask:
    where = np.zeros(image.shape, bool)
    for y, x in np.random.default_rng(3).integers(20, SIDE - 42, (count, 2)):
        where[y : y + shape[0], x : x + shape[1]] = True
    return where


def _saturated_with_noise(image: Image) -> Mask:
    where = _in_places(image, 5, (12, 20))
    image[where] = 3000 + np.random.default_rng(0).normal(0, 50, np.count_nonzero(where))
    return where


def _bands(image: Image) -> Mask:
    image[:, 100:108] *= np.float32(1.3)
    image[:, 300:304] *= np.float32(0.7)
    return _edge(np.s_[:, 100:108]) | _edge(np.s_[:, 300:304])


def _gold_with_noise(image: Image, radius: int, count: int) -> Mask:
    y, x = np.mgrid[:SIDE, :SIDE]
    where = np.zeros(image.shape, bool)
    for at in np.random.default_rng(2).integers(40, SIDE - 40, (count, 2)):
        where |= np.hypot(y - at[0], x - at[1]) < radius
    image[where] = np.random.default_rng(0).poisson(image.mean() / 4, np.count_nonzero(where))
    return where


def _border_of_noise(image: Image) -> Mask:
    inner = image[20:-20, 20:-20].copy()
    image[:] = np.random.default_rng(0).normal(0, 3, image.shape)
    image[20:-20, 20:-20] = inner
    where = np.ones(image.shape, bool)
    where[20:-20, 20:-20] = False
    return where


def _x_rays(image: Image) -> Mask:
    where = np.zeros(image.shape, bool)
    for y, x in np.random.default_rng(5).integers(20, SIDE - 20, (12, 2)):
        where[y : y + 2, x : x + 3] = where[y + 1, x + 1 : x + 5] = True
    image[where] += 30 * image.std()
    return where


def _border(image: Image, width: int) -> Mask:
    inner = np.s_[width:-width, width:-width]
    where = np.ones(image.shape, bool)
    where[inner] = False
    image[where] = 0
    return where


def _step(image: Image) -> Mask:
    half = SIDE // 2
    image[half:] += 3 * image.std()
    return _edge(np.s_[half - 1 : half + 1])


def _edge(place: object) -> Mask:
    where = np.zeros((SIDE, SIDE), bool)
    where[place] = True
    return where


def _quadrants(image: Image) -> Mask:
    half, deviation = SIDE // 2, image.std()
    image[:half, half:] += 2 * deviation
    image[half:, :half] -= 1.5 * deviation
    return _edge(np.s_[half - 1 : half + 1]) | _edge(np.s_[:, half - 1 : half + 1])


def _blobs(image: Image, value: float, *, count: int, radius: float, soft: float = 0.0) -> Mask:
    y, x = np.mgrid[:SIDE, :SIDE]
    share = np.zeros(image.shape)
    for at in np.random.default_rng(2).integers(40, SIDE - 40, (count, 2)):
        far = np.hypot(y - at[0], x - at[1])
        share = np.maximum(share, np.clip((radius + soft - far) / max(soft, 1e-6), 0, 1))
    image += (share * (value - image)).astype(np.float32)
    return share > 0


def _beam_edge(image: Image) -> Mask:
    y, x = np.mgrid[:SIDE, :SIDE]
    outside = np.clip((np.hypot(y + 40, x + 40 - SIDE / 2) - 520) / 10, 0, 1)
    image *= (1 - 0.95 * outside).astype(np.float32)
    return outside > 0


def _darker(image: Image) -> Mask:
    image[:, : SIDE // 3] *= np.float32(0.7)
    return _edge(np.s_[:, SIDE // 3 - 2 : SIDE // 3 + 2])


def _streak(image: Image) -> Mask:
    y, x = np.mgrid[:SIDE, :SIDE]
    where = np.abs(y - 0.6 * x - 60) < 1.5
    image[where] += 12 * image.std()
    return where


def _scale_bar(image: Image) -> Mask:
    """As programs burn it in: a box, a bar and strokes as letters have them."""
    bright = float(image.max()) * 1.5
    where = _painted(image, 0, np.s_[470:505, 20:150])
    strokes = [np.s_[476:488, 30 + 9 * i : 33 + 9 * i] for i in range(6)]
    return where | _painted(image, bright, np.s_[493:499, 30:140], *strokes)


def _off_column(image: Image) -> Mask:
    image[100:340, 333] += 5 * image.std()
    return _edge(np.s_[100:340, 333])


Disturbance = Callable[[Image], Mask]

DISTURBANCES: dict[str, Disturbance] = {
    "one hot pixel": lambda image: _painted(image, 65535, np.s_[200, 300]),
    "ten hot pixels": lambda image: _scattered(image, 10, 10_000),
    "dead column": lambda image: _painted(image, 0, np.s_[:, 211]),
    "two columns and a row": lambda image: _painted(
        image, 0, np.s_[:, 111], np.s_[:, 390:392], np.s_[77]
    ),
    "border of 8 px": lambda image: _border(image, 8),
    "border of 20 px": lambda image: _border(image, 20),
    "64 rows": lambda image: _painted(image, 0, np.s_[:64]),
    "L-shaped border": lambda image: _painted(image, 0, np.s_[:, :30], np.s_[-12:]),
    "corner": lambda image: _painted(
        image, 0, tuple(np.nonzero(np.add(*np.mgrid[:SIDE, :SIDE]) < 130))
    ),
    "step": _step,
    "quadrants": _quadrants,
    "scale bar": _scale_bar,
    "several bars": lambda image: _painted(
        image, 255, *(np.s_[40 + 90 * i : 46 + 90 * i, 300:400] for i in range(4))
    ),
    "gold": lambda image: _blobs(image, 0.2 * float(image.mean()), count=29, radius=10),
    "saturated blobs": lambda image: _blobs(image, 4 * float(image.mean()), count=5, radius=14),
    "dust": lambda image: _blobs(image, 0.4 * float(image.mean()), count=1, radius=20, soft=40),
    "x-rays": _x_rays,
    "edge of the beam": _beam_edge,
    "darker third": _darker,
    "dead block": lambda image: _painted(image, 0, np.s_[128:256, 320:448]),
    "dead cross": lambda image: _painted(image, 0, np.s_[252:260], np.s_[:, 252:260]),
    "constant block": lambda image: _painted(image, float(image.mean()), np.s_[128:256, 320:448]),
    "partly dead column": lambda image: _painted(image, 0, np.s_[150:290, 211]),
    "bright piece of a column": _off_column,
    "streak": _streak,
    "saturated with noise": _saturated_with_noise,
    "bands": _bands,
    "outermost rows": lambda image: _painted(image, 50, np.s_[:3]),
    "small gold": lambda image: _gold_with_noise(image, 8, 30),
    "gold as large as particles": lambda image: _gold_with_noise(image, 17, 15),
    "border of noise": _border_of_noise,
    "not finite": lambda image: _painted(image, np.nan, np.s_[300:350, 60:140], np.s_[20, 30]),
}
"""What is done to an image, in place; it returns where, (y, x)."""


def disturbed(image: Image, kind: str) -> tuple[Image, Mask]:
    """Return a copy of ``image`` with a fault, and where it and its surroundings are, (y, x)."""
    copy = image.copy()
    where = DISTURBANCES[kind](copy)
    return copy, ndimage.binary_dilation(where, iterations=BESIDE_PX)
