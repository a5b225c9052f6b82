"""Where the micrographs of an experiment come from: each as two noisy images with one truth."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_n2n.background import background_steps
from napari_n2n.errors import FileProblem, NotEnoughData, UnreadableFile, WriteProblem
from napari_n2n.experiments.cryo.settings import USUAL_COUNT
from napari_n2n.experiments.protocol import ExperimentStage
from napari_n2n.io import (
    LABELS,
    expand_inputs,
    find_halves,
    may_be_movie,
    read_pair,
    stem_of,
    write_micrograph,
)
from napari_n2n.motion import write_halves
from napari_n2n.progress import Steps, Stopwatch
from napari_n2n.simulation import SimulatedMovie, SimulationConfig, build_scene, simulated_frames
from napari_n2n.workflow.movie_reader import MovieReader
from napari_n2n.workflow.movie_sums import sums_of_file_steps, sums_steps

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from napari_n2n.experiments.cryo.settings import CryoSettings
    from napari_n2n.experiments.protocol import Figures
    from napari_n2n.motion import Halves

LEFT_OUT = "left_out"
"""The figure of a field that cannot be used: what is wrong with its movie or its pair."""

_FRAME, _REST = "_frame", "_rest"


@dataclass(frozen=True)
class TestField:
    """A micrograph as two images with independent noise.

    Attributes
    ----------
    name
        Of its files.
    first, second
        Odd and even half of a movie; or a single frame and the mean of the others.
    equally_noisy
        Whether either may be the input and their sum is the micrograph.
    clean
        The truth, where it is known.
    stage
        What makes the files, or looks whether they can be read.
    """

    name: str
    first: Path
    second: Path
    stage: ExperimentStage
    equally_noisy: bool = True
    clean: Path | None = None


def fields_of(settings: CryoSettings, folder: Path, device: str = "auto") -> list[TestField]:
    """Return the micrographs of an experiment; those to be made will lie in ``folder``.

    Movies are aligned on ``device``.

    Raises
    ------
    UnreadableFile
        The user's folder holds no movies or no pairs, or the gain reference cannot be read.
    NotEnoughData
        There are fewer than two: one to train on and one to judge by.
    """
    if settings.pairs is not None:
        size = settings.recording.pixel_size_angstrom
        found = _pairs_in(Path(settings.pairs), size)[: settings.count]
    elif settings.movies is not None:
        found = _movies_in(Path(settings.movies), settings, folder, device)
    else:
        count = settings.count or USUAL_COUNT
        found = [_simulated(settings, number, folder, device) for number in range(count)]
    if len(found) < 2:
        raise NotEnoughData(
            "An experiment needs at least two micrographs: one to train on and one to judge by. "
            "Give a folder with more of them."
        )
    return found


def _pairs_in(folder: Path, pixel_size_angstrom: float | None) -> list[TestField]:
    def pair(name: str, first: Path, second: Path, *, equally_noisy: bool) -> TestField:
        def make() -> Steps[Figures]:
            reading = partial(read_pair, first, second, pixel_size_angstrom=pixel_size_angstrom)
            yield from background_steps(reading, "reading")
            return {}

        stage = ExperimentStage(field_stage(name), f"reading {name}", partial(_or_left_out, make))
        return TestField(name, first, second, stage, equally_noisy)

    found = []
    for frame in expand_inputs(folder):
        stem = stem_of(frame)
        name = stem.removesuffix(_FRAME)
        rest = frame.with_name(name + _REST + frame.name.removeprefix(stem))
        if stem.endswith(_FRAME) and rest.is_file():
            found.append(pair(name, frame, rest, equally_noisy=False))
    found += [
        pair(halves.name, halves.odd, halves.even, equally_noisy=True)
        for halves in find_halves(folder)
    ]
    if not found:
        raise UnreadableFile(
            folder,
            "holds no pairs (*_frame.mrc and *_rest.mrc, or *_ODD.mrc and *_EVN.mrc)",
            "Give another folder, or movies with --movies.",
        )
    if len({field.equally_noisy for field in found}) > 1:
        raise UnreadableFile(
            folder,
            "holds both frames with their rests and halves of movies",
            "Put them into folders of their own.",
        )
    _require_distinct(folder, [field.name for field in found])
    return found


def _movies_in(given: Path, settings: CryoSettings, folder: Path, device: str) -> list[TestField]:
    reader = MovieReader(settings.recording)
    # A gain reference may lie beside them; and a night has thousands, which are not all opened.
    movies = (path for path in expand_inputs(given) if may_be_movie(path))
    paths = list(islice(movies, settings.count or USUAL_COUNT))
    if not paths:
        raise UnreadableFile(given, "holds no movies", "Give another folder, or --pairs.")
    names = [stem_of(path) for path in paths]
    _require_distinct(given, names)
    return [
        _halves_made(name, folder, partial(_aligned, path, reader, device))
        for name, path in zip(names, paths, strict=True)
    ]


def _require_distinct(folder: Path, names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise UnreadableFile(
                folder, f"holds several called {name}", "Put them into folders of their own."
            )


def _simulated(settings: CryoSettings, number: int, folder: Path, device: str) -> TestField:
    name = f"{settings.specimen}_{number:02d}"
    clean = folder / "clean" / f"{name}.mrc"
    config = SimulationConfig(
        specimen=settings.specimen,
        shape=(settings.size, settings.size),
        n_frames=settings.frames,
        contaminant_count=0,  # dirt is easy to see, and would be most of a correlation
        seed=settings.seed * 1000 + number,  # no movie of one experiment is in another
    )
    return _halves_made(name, folder, partial(_simulated_halves, config, clean, device), clean)


def _halves_made(name: str, folder: Path, halves_of: Any, clean: Path | None = None) -> TestField:
    """Return a field whose halves ``halves_of()`` makes, which yields progress."""
    odd, even = (folder / "halves" / f"{name}_{half}.mrc" for half in ("ODD", "EVN"))

    def make() -> Steps[Figures]:
        halves, figures = yield from halves_of()
        write_halves(halves, folder / "halves", name)
        return {**figures, "summary": halves.summary, "notes": list(halves.notes)}

    what = "aligning" if clean is None else "simulating and aligning"
    # A movie that is left out leaves no files, and is looked at again only in another folder.
    files = () if clean is None else (odd, even, clean)
    stage = ExperimentStage(field_stage(name), f"{what} {name}", partial(_or_left_out, make), files)
    return TestField(name, odd, even, stage, clean=clean)


def field_stage(name: str) -> str:
    """Return the name of the stage that makes the files of a field."""
    return f"field-{name}"


def _or_left_out(
    make: Callable[[], Steps[Figures]],
) -> Steps[Figures]:
    """Run ``make``, and find what is wrong with the user's file where that cannot be used."""
    try:
        return (yield from make())
    except WriteProblem:
        raise
    except FileProblem as problem:
        return {LEFT_OUT: str(problem)}


def _aligned(path: Path, reader: MovieReader, device: str) -> Steps[tuple[Halves, Figures]]:
    halves = yield from sums_of_file_steps(path, reader, device=device)
    return halves, {}


def _simulated_halves(
    config: SimulationConfig, clean: Path, device: str
) -> Steps[tuple[Halves, Figures]]:
    """Simulate a movie in memory, align it without the truth, and write its clean image."""
    scene = yield from background_steps(partial(build_scene, config), "building the scene")
    frames = np.empty((config.n_frames, *config.shape), np.uint8)
    watch = Stopwatch()
    for index, frame in enumerate(simulated_frames(config, scene)):
        frames[index] = frame
        yield watch.progress("simulating frames", index + 1, config.n_frames)
    movie = SimulatedMovie(frames, scene.truth, config).as_movie()
    halves = yield from sums_steps(movie, device=device)
    write_micrograph(clean, scene.truth.clean, config.pixel_size_angstrom)
    found = None if halves.trajectory is None else halves.trajectory.shifts_angstrom
    error = None if found is None else _rms_error(found, scene.truth.drift_angstrom)
    return halves, {"drift_error_angstrom": error, "particles": _counts(scene.truth.labels)}


def _rms_error(found: NDArray[np.float64], true: NDArray[np.float64]) -> float:
    """Return the rms difference (Å) of two drifts (frame, 2), whose origins may differ."""
    difference = (found - found.mean(axis=0)) - (true - true.mean(axis=0))
    return float(np.sqrt((difference**2).sum(axis=1).mean()))


def _counts(labels: list[Any]) -> dict[str, int]:
    return {label: labels.count(label) for label in LABELS if label in labels}
