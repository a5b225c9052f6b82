"""Particles of simulated movies, whose centres and labels are known."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_n2n.denoising.inference.denoising import denoise_halves_steps
from napari_n2n.denoising.training.micrographs import train_steps
from napari_n2n.denoising.training.pairs import Pair
from napari_n2n.errors import UnreadableFile
from napari_n2n.experiments.particles.pick_scores import PickScore, best_threshold
from napari_n2n.io import read_micrograph, read_pair
from napari_n2n.particles import (
    PickingConfig,
    find_contamination,
    first_guess_diameter,
    pick_steps,
    suggested_threshold,
)
from napari_n2n.progress import Progress, Steps, Stop
from napari_n2n.simulation import SimulationConfig, simulate
from napari_n2n.workflow.movie_sums import sums_steps
from napari_n2n.workflow.training_sets import PairsOnDisk

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_n2n.denoising.config import TrainingConfig
    from napari_n2n.experiments.particles.cache import Arrays, Cache


@dataclass(frozen=True)
class SimulatedCase:
    """A movie to simulate. ``diameter_angstrom`` is what the picker is told."""

    name: str
    title: str
    config: SimulationConfig
    diameter_angstrom: float


CASES = (
    SimulatedCase("standard", "apoferritin, 1.5 µm, 40 e/Å²", SimulationConfig(seed=100), 120.0),
    SimulatedCase(
        "low-dose",
        "apoferritin, 1.5 µm, 2 e/Å²",
        SimulationConfig(seed=101, n_frames=8, dose_per_frame=0.25),
        120.0,
    ),
    SimulatedCase(
        "low-defocus",
        "apoferritin, 0.6 µm, 40 e/Å²",
        SimulationConfig(seed=102, defocus_micrometer=0.6),
        120.0,
    ),
    SimulatedCase(
        "aldolase",
        "aldolase, 1.5 µm, 40 e/Å²",
        SimulationConfig(seed=103, specimen="aldolase"),
        100.0,
    ),
)


@dataclass(frozen=True, eq=False)
class TrueField:
    """A micrograph, raw and denoised, (y, x), of which everything is known.

    ``centres_px`` is (n, 2) y, x, ``labels`` (n,), contaminants among them.
    """

    title: str
    raw: NDArray[np.float32]
    denoised: NDArray[np.float32]
    pixel_size_angstrom: float
    diameter_angstrom: float
    centres_px: NDArray[np.float64]
    labels: NDArray[np.str_]


@dataclass(frozen=True, eq=False)
class SimulatedPicking:
    """What was found on one image of a field.

    ``threshold`` is the one suggested from the scores alone, ``best_f1`` what the best would
    have reached, ``guess_angstrom`` the first guess of the diameter.
    """

    title: str
    image: str
    judged: PickScore
    threshold: float
    best_f1: float
    guess_angstrom: float


def simulated_field_steps(
    case: SimulatedCase,
    size: int,
    training: TrainingConfig,
    cache: Cache,
    *,
    device: str,
    stop: Stop,
) -> Steps[TrueField]:
    """Simulate the movie of ``case``, align it, and denoise it as the plugin does.

    The denoiser is trained on the movie's own halves; the result is the mean of the denoised ones.
    """
    config = case.config.replaced(shape=(size, size))

    def make() -> Steps[Arrays]:
        yield Progress(f"simulating {case.name}", 0, 1)
        movie = simulate(config)
        halves = yield from sums_steps(movie.as_movie(), device=device, stop=stop)
        pair = Pair(halves.odd, halves.even, config.pixel_size_angstrom, name=case.name)
        denoiser = yield from train_steps([pair], training, device=device, stop=stop)
        both = yield from denoise_halves_steps(
            halves.odd,
            halves.even,
            denoiser,
            pixel_size_angstrom=config.pixel_size_angstrom,
            device=device,
            stop=stop,
        )
        return {
            "raw": halves.full,
            "denoised": both.pixels,
            "centres": movie.truth.centres_px,
            "labels": np.array(movie.truth.labels, dtype="U11"),
        }

    settings = {"simulated": config.model_dump(), "training": training.model_dump()}
    made = yield from cache.get(case.name, settings, make)
    return TrueField(
        case.title,
        made["raw"],
        made["denoised"],
        config.pixel_size_angstrom,
        case.diameter_angstrom,
        made["centres"],
        made["labels"],
    )


def reference_field_steps(
    folder: Path, training: TrainingConfig, cache: Cache, *, device: str, stop: Stop
) -> Steps[TrueField]:
    """Train on the eight pairs of ``simulated_apoferritin`` and denoise its test micrograph.

    Raises
    ------
    UnreadableFile
        The folder holds something else.
    """
    odd = sorted(folder.glob("train_*_odd.mrc"))
    even = sorted(folder.glob("train_*_even.mrc"))
    table = folder / "test_00_particles.csv"
    if not odd or not table.is_file():
        raise UnreadableFile(
            folder, "holds no training pairs or no test_00_particles.csv", "Give another folder."
        )
    with table.open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    first, second = read_pair(folder / "test_00_odd.mrc", folder / "test_00_even.mrc")
    size = read_micrograph(folder / "test_00_odd.mrc").pixel_size_angstrom or 1.0

    def make() -> Steps[Arrays]:
        pairs = PairsOnDisk.matched(odd, even, swappable=True)
        denoiser = yield from train_steps(pairs, training, device=device, stop=stop)
        both = yield from denoise_halves_steps(
            first.pixels,
            second.pixels,
            denoiser,
            pixel_size_angstrom=size,
            device=device,
            stop=stop,
        )
        return {"denoised": both.pixels}

    settings = {"folder": str(folder), "training": training.model_dump()}
    made = yield from cache.get("reference", settings, make)
    return TrueField(
        f"reference simulation, {len(odd)} pairs",
        first.pixels + second.pixels,
        made["denoised"],
        size,
        120.0,
        np.array([(float(row["y_px"]), float(row["x_px"])) for row in rows]),
        np.array([row["label"] for row in rows]),
    )


def find_on_steps(field: TrueField) -> Steps[Sequence[SimulatedPicking]]:
    """Pick on the raw and on the denoised image, without any template, and judge both.

    A hit is at most a quarter of the diameter off. A contaminant that is picked is a false one;
    the area that `find_contamination` finds is avoided. What is closer to the border than half a
    diameter counts neither way.
    """
    findings = []
    size, diameter = field.pixel_size_angstrom, field.diameter_angstrom
    true = field.centres_px[field.labels != "contaminant"]
    config = PickingConfig(diameter_angstrom=diameter)
    for name, image in (("raw", field.raw), ("denoised", field.denoised)):
        avoid = find_contamination(image, size, diameter_angstrom=diameter)
        picks = yield from pick_steps(image, size, config, avoid=avoid)
        judged = PickScore.of(
            picks,
            true,
            (image.shape[0], image.shape[1]),
            tolerance_px=diameter / size / 4,
            border_px=config.edge * diameter / size,
        )
        findings.append(
            SimulatedPicking(
                field.title,
                name,
                judged,
                suggested_threshold(picks.scores),
                best_threshold([judged])[1],
                first_guess_diameter(image, size),
            )
        )
    return findings
