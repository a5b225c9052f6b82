"""Simulated data with its truth, made beside the parts that do without it."""

import os
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from card.bench import Bench
from napari_n2n.simulation import SimulationConfig, build_scene, simulated_frames

DOSE = 40.0  # e/Å² of a micrograph
PIXEL_SIZE_ANGSTROM = 1.0
BENDING_PX = 8.0
_TILES = 4


def make_field(bench: Bench, number: int) -> None:
    """Simulate one field: two halves and the clean image, (3, y, x)."""
    config = SimulationConfig(
        shape=(bench.field_side,) * 2,
        n_frames=2,
        dose_per_frame=DOSE / 2,
        global_drift_angstrom=0.0,
        contaminant_count=0,
        seed=100 + number,
    )
    scene = build_scene(config)
    halves = [half.astype(np.float32) for half in simulated_frames(config, scene)]
    _keep(_field(bench, number), np.stack([*halves, np.asarray(scene.truth.clean, np.float32)]))


def make_movie(bench: Bench) -> None:
    """Make a movie whose field drifts and bends, (frame, y, x) of uint8.

    A whole one of 4096² takes the simulator minutes: this is one of a quarter of the side, whose
    frames are repeated 4 x 4 times, each cut where the bending has moved that place to.
    """
    side, reach = bench.side // _TILES, round(BENDING_PX)
    config = SimulationConfig(
        shape=(side + 2 * reach,) * 2,
        n_frames=bench.frames,
        dose_per_frame=DOSE / bench.frames,
        contaminant_count=0,
        seed=1,
    )
    movie = np.empty((bench.frames, bench.side, bench.side), np.uint8)
    middles = (np.arange(_TILES) + 0.5) / _TILES * 2 - 1
    for index, frame in enumerate(simulated_frames(config)):
        for row, v in enumerate(middles):
            for column, u in enumerate(middles):
                share = index / bench.frames * BENDING_PX
                y, x = (reach + round(share * part) for part in (u * v, (u**2 - 0.5)))
                place = np.s_[row * side : (row + 1) * side, column * side : (column + 1) * side]
                movie[index][place] = frame[y : y + side, x : x + side]
    _keep(bench.folder / "movie.npy", movie)


def field(bench: Bench, number: int) -> NDArray[np.float32]:
    """Wait for a field and read it, (3, y, x)."""
    loaded: NDArray[np.float32] = np.load(_there(_field(bench, number)))
    return loaded


def movie(bench: Bench) -> NDArray[np.uint8]:
    """Wait for the movie and read it."""
    loaded: NDArray[np.uint8] = np.load(_there(bench.folder / "movie.npy"))
    return loaded


def micrograph(bench: Bench, seed: int = 0) -> NDArray[np.float32]:
    """Return a micrograph of full size, repeated from a field, with its noise shifted by chance."""
    odd, even, _ = field(bench, bench.fields)
    times = -(-bench.side // bench.field_side)
    whole = np.tile(odd + even, (times, times))[: bench.side, : bench.side]
    y, x = np.random.default_rng(seed).integers(bench.side, size=2)
    return np.ascontiguousarray(np.roll(whole, (y, x), axis=(0, 1)))


def _field(bench: Bench, number: int) -> Path:
    return bench.folder / f"field_{number}.npy"


def _keep(path: Path, array: NDArray[np.generic]) -> None:
    beside = path.with_name(f"{path.stem}-{os.getpid()}.part.npy")
    np.save(beside, array)
    beside.replace(path)


def _there(path: Path) -> Path:
    while not path.exists():  # whoever waits too long is ended with the part
        time.sleep(0.05)
    return path
