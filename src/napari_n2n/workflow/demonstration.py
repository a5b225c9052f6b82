"""The whole way on simulated movies: simulate, align, train, denoise, compare with the truth."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_n2n import metrics
from napari_n2n.denoising.checkpoints import Denoiser
from napari_n2n.denoising.config import TrainingConfig
from napari_n2n.denoising.training.micrographs import last_path, resume_path, train_steps
from napari_n2n.denoising.training.pairs import Pair
from napari_n2n.io import open_movie
from napari_n2n.io.pictures import write_side_by_side
from napari_n2n.motion import Halves, write_halves
from napari_n2n.motion.halves import HalvesPaths
from napari_n2n.progress import Progress, Steps, Stop, never
from napari_n2n.simulation import (
    Scene,
    SimulatedFiles,
    SimulationConfig,
    build_scene,
    write_simulated,
)
from napari_n2n.workflow.denoising import denoise_field_steps
from napari_n2n.workflow.movie_sums import sums_steps

_SIGMAS_PX = (2.0, 4.0, 6.0, 8.0, 12.0)


@dataclass(frozen=True, eq=False)
class DemoResult:
    """What the demo made of its first movie, and how close that is to the truth.

    Images are (y, x); correlations are with the clean image. ``centres_px`` is (n, 2), y and x.
    """

    movie: Path

    raw: NDArray[np.float32]
    denoised: NDArray[np.float32]
    clean: NDArray[np.float32]
    pixel_size_angstrom: float
    centres_px: NDArray[np.float64]
    labels: tuple[str, ...]
    denoiser: Denoiser
    raw_correlation: float
    gaussian_correlation: float
    gaussian_sigma_px: float
    denoised_correlation: float
    resolution_note: str
    picture: Path
    model: Path


_MOVIES = 4


def demo_files(folder: Path, movies: int = _MOVIES) -> list[Path]:
    """Return what the demo writes."""
    model = folder / "model.safetensors"
    files = [model, last_path(model), resume_path(model)]
    for i in range(movies):
        files += SimulatedFiles.of(folder / "movies", _stem(i), with_gain=False).files
        files += HalvesPaths.of(folder / "halves", _stem(i)).files
    return [*files, folder / "denoised" / f"{_stem(0)}.mrc", folder / "demo.png"]


def _stem(number: int) -> str:
    return f"apoferritin_{number:02d}"


def demonstrate_steps(
    folder: Path,
    *,
    training: TrainingConfig,
    movies: int = _MOVIES,
    size: int = 1536,
    frames: int = 24,
    device: str = "auto",
    stop: Stop = never,
) -> Steps[DemoResult]:
    """Run the demo in ``folder``: movies, halves, model and results are kept there.

    ``size`` is the side of the frames in px at 1 Å/px; each of the ``frames`` gets 1 e/Å².

    Raises
    ------
    N2NError
        The disk or the device do not allow it.
    """
    scenes: list[Scene] = []
    paths: list[Path] = []
    halves: list[Halves] = []
    for i in range(movies):
        yield Progress(f"simulating movie {i + 1} of {movies}", i, movies)
        config = SimulationConfig(
            shape=(size, size), n_frames=frames, global_drift_angstrom=12.0, seed=i
        )
        scene = build_scene(config)
        files = write_simulated(scene, folder / "movies", _stem(i))
        paths.append(files.movie)
        movie = open_movie(files.movie, dose_per_frame=config.dose_per_frame)
        summed = yield from sums_steps(movie, device=device, stop=stop)
        write_halves(summed, folder / "halves", _stem(i))
        scenes.append(scene)
        halves.append(summed)
    pixel_size = scenes[0].config.pixel_size_angstrom
    pairs = [Pair(half.odd, half.even, pixel_size, name=_stem(i)) for i, half in enumerate(halves)]
    model = folder / "model.safetensors"
    denoiser = yield from train_steps(pairs, training, output=model, device=device, stop=stop)
    first, truth = halves[0], scenes[0].truth
    result = yield from denoise_field_steps(first, denoiser, device=device)
    result.save(folder / "denoised" / f"{_stem(0)}.mrc")
    yield Progress("judging", 0, 1)
    gaussian, sigma = metrics.best_gaussian_correlation(first.full, truth.clean, _SIGMAS_PX)
    picture = folder / "demo.png"
    write_side_by_side(
        picture,
        [
            (f"Raw: sum of {frames} frames", first.full),
            ("Denoised", result.pixels),
            ("Truth", truth.clean),
        ],
    )
    return DemoResult(
        movie=paths[0],
        raw=first.full,
        denoised=result.pixels,
        clean=truth.clean,
        pixel_size_angstrom=pixel_size,
        centres_px=truth.centres_px,
        labels=tuple(truth.labels),
        denoiser=denoiser,
        raw_correlation=metrics.correlation(first.full, truth.clean),
        gaussian_correlation=gaussian,
        gaussian_sigma_px=sigma,
        denoised_correlation=metrics.correlation(result.pixels, truth.clean),
        resolution_note=result.notes[-1],
        picture=picture,
        model=model,
    )
