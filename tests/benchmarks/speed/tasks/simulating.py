"""Data whose truth is known: apoferritin at 1 Å/px and 40 e/Å²."""

from pathlib import Path

import numpy as np

from napari_n2n.io import write_micrograph, write_mrc_stack
from napari_n2n.simulation import Scene, SimulationConfig, build_scene, write_simulated
from napari_n2n.simulation.detector import simulated_frames

PIXEL_SIZE_ANGSTROM = 1.0
DOSE = 40.0  # e/Å² of a micrograph
DRIFT_ANGSTROM = 20.0
BENDING_ANGSTROM = 8.0


def movie_config(side: int, frames: int, bending: bool) -> SimulationConfig:
    """Return what the movie was simulated from; its truth can be made again from it."""
    return SimulationConfig(
        shape=(side, side),
        n_frames=frames,
        dose_per_frame=DOSE / frames,
        global_drift_angstrom=DRIFT_ANGSTROM,
        local_drift_angstrom=BENDING_ANGSTROM if bending else 0.0,
        contaminant_count=0,
        seed=1,
    )


def movie(path: str, side: int, frames: int, bending: bool) -> dict[str, object]:
    """Write a movie of uint8 counts as MRC, with its truth beside it."""
    place = Path(path)
    scene = build_scene(movie_config(side, frames, bending))
    write_simulated(scene, place.parent, place.stem)
    return {}


def shorter(path: str, source: str, frames: int) -> dict[str, object]:
    """Write the first frames of a movie as one of its own."""
    from napari_n2n.io import open_movie

    whole = open_movie(source)
    counts = (whole.frame(i).astype(np.uint8) for i in range(frames))
    write_mrc_stack(Path(path), counts, PIXEL_SIZE_ANGSTROM)
    return {}


def micrographs(folder: str, side: int, count: int) -> dict[str, object]:
    """Write ``count`` micrographs of one field, each with noise of its own, and the clean image."""
    clean = np.asarray(_still(side, DOSE, seed=2).truth.clean)
    _write_exposures(Path(folder), clean, count)
    write_micrograph(Path(folder) / "clean.mrc", clean, PIXEL_SIZE_ANGSTROM)
    return {}


def resized(path: str, clean: str, side: int) -> dict[str, object]:
    """Write a micrograph of ``side`` cut from, or tiled with, another one's clean image."""
    from napari_n2n.io import read_micrograph

    known = read_micrograph(Path(clean)).pixels
    times = -(-side // len(known))
    field = np.tile(known, (times, times))[:side, :side]
    noisy = np.random.default_rng(side).poisson(field)
    write_micrograph(Path(path), noisy.astype(np.float32), PIXEL_SIZE_ANGSTROM)
    return {}


def pairs(folder: str) -> dict[str, object]:
    """Write eight pairs of halves of 2048² to train on, and one with its truth to judge by."""
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    for i in range(9):
        scene = _still(2048, DOSE / 2, seed=100 + i, frames=2)
        stem = f"train_{i:02d}" if i < 8 else "test_00"
        names = zip(("odd", "even"), simulated_frames(scene.config, scene), strict=True)
        for name, half in names:
            write_micrograph(
                place / f"{stem}_{name}.mrc", half.astype(np.float32), PIXEL_SIZE_ANGSTROM
            )
    write_micrograph(place / "test_00_clean.mrc", scene.truth.clean, PIXEL_SIZE_ANGSTROM)
    return {}


def _still(side: int, dose: float, seed: int, frames: int = 1) -> Scene:
    config = SimulationConfig(
        shape=(side, side),
        n_frames=frames,
        dose_per_frame=dose,
        global_drift_angstrom=0.0,
        contaminant_count=0,
        seed=seed,
    )
    return build_scene(config)


def _write_exposures(folder: Path, clean: np.ndarray, count: int) -> None:
    rng = np.random.default_rng(3)
    for i in range(count):
        counts = rng.poisson(clean).astype(np.float32)
        write_micrograph(folder / f"micrograph_{i:02d}.mrc", counts, PIXEL_SIZE_ANGSTROM)
