"""The way from a file to labelled particles, for command line and plugin."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from napari_n2n.denoising.inference.denoising import denoise_halves, denoise_steps
from napari_n2n.denoising.inference.features import bottleneck, fingerprint
from napari_n2n.denoising.interruption import Interrupted
from napari_n2n.errors import BadValue, UnreadableFile
from napari_n2n.io import MicrographParticles, Movie
from napari_n2n.particles import (
    PickingConfig,
    Stopped,
    find_contamination,
    first_guess_diameter,
    pick_steps,
    suggested_threshold,
)
from napari_n2n.particles.descriptors import (
    RINGS,
    RINGS_TWICE,
    describe,
    needs_network,
    needs_raw,
)
from napari_n2n.particles.examples import Examples, load_examples
from napari_n2n.particles.significance import left_out_sentence, standing_out
from napari_n2n.particles.suggestions import Classifier
from napari_n2n.progress import Progress, stoppable
from napari_n2n.session import Session
from napari_n2n.workflow.movie_reader import MovieReader
from napari_n2n.workflow.summing import halves_of_movie_steps

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_n2n.denoising.checkpoints import Denoiser

_SQLITE = b"SQLite format 3\0"
# Diameters this close, relatively, count as the same.
_ALIKE = 0.05


@dataclass(frozen=True)
class PickSettings:
    """How particles are found and labelled.

    ``diameter_angstrom`` None: that of the examples, or else a first guess. ``threshold`` None:
    where the scores part by themselves, micrograph by micrograph. ``examples``: what to suggest
    labels from.
    """

    diameter_angstrom: float | None = None
    threshold: float | None = None
    avoid_contamination: bool = True
    examples: Examples | None = None
    movies: MovieReader = field(default_factory=MovieReader)


@dataclass(frozen=True, eq=False)
class DenoisedMicrograph:
    """A micrograph as it was recorded and, if there was a denoiser, denoised; both (y, x)."""

    raw: NDArray[np.float32]
    denoised: NDArray[np.float32]
    pixel_size_angstrom: float
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class PickedMicrograph:
    """The particles of one file, with the threshold they passed and what there is to note."""

    table: MicrographParticles
    threshold: float
    notes: tuple[str, ...] = ()

    @property
    def summary(self) -> str:
        """How many particles there are, in all and by label."""
        particles = self.table.particles
        text = f"{len(particles)} particles (score ≥ {self.threshold:.2f})"
        if (particles.labels != "unlabelled").any():
            counts = [f"{n} {label}" for label, n in particles.counts().items() if n]
            text += ": " + ", ".join(counts)
        return text


def read_examples(path: Path, diameter_angstrom: float | None = None) -> Examples:
    """Read marks to learn from: a classifier file, or a session with all that was marked in it.

    ``diameter_angstrom`` is used for a session that does not know its particles' diameter.

    Raises
    ------
    CheckpointProblem, UnreadableFile
        The file is neither, or damaged.
    BadValue
        A session knows no diameter and none was given.
    """
    if not _is_session(path):
        return load_examples(path)
    with Session.open(path) as session:
        found = {kind: session.examples(kind) for kind in (RINGS_TWICE, RINGS)}
        known = session.setting("diameter_angstrom")
    diameter = diameter_angstrom if known is None else known
    if diameter is None:
        raise BadValue(f"{path} does not tell the particles' diameter. Give it, in Å.")
    kind = max(found, key=lambda kind: len(found[kind][1]))
    return Examples(*found[kind], kind, float(diameter))


def _is_session(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(_SQLITE)) == _SQLITE
    except OSError:
        return False


def check_examples(examples: Examples, denoiser: Denoiser | None) -> None:
    """Make sure that ``examples`` can be used with what ``denoiser`` makes of micrographs.

    Raises
    ------
    BadValue
        They were described with the help of a network, and this is not it.
    """
    if not needs_network(examples.kind):
        return
    if denoiser is None or fingerprint(denoiser.network) not in examples.kind:
        raise BadValue(
            "The classifier was made with the help of "
            f"{'a' if denoiser is None else 'another'} model, and only works with it. "
            "Give that model, or mark particles anew."
        )


def pick_file(
    path: Path,
    denoiser: Denoiser | None,
    settings: PickSettings,
    *,
    device: str = "auto",
    stop: Callable[[], bool] = lambda: False,
) -> Generator[Progress, None, PickedMicrograph]:
    """Find the particles of the micrograph or movie at ``path``, and suggest labels if asked.

    A movie is aligned first. Without a denoiser the picker sees the micrograph as it was recorded.

    Raises
    ------
    N2NError
        The file or the device do not allow it, or there are too few examples.
    Interrupted
        ``stop`` became true.
    """
    examples = settings.examples
    classifier = None
    if examples is not None:
        check_examples(examples, denoiser)
        classifier = Classifier.learnt(examples)
    seen = yield from see_file(path, denoiser, settings.movies, device=device, stop=stop)
    size = seen.pixel_size_angstrom
    diameter, notes = _diameter(seen, settings)
    if denoiser is None and examples is not None and needs_raw(examples.kind):
        notes += (
            "The marks were learnt from recorded and denoised images together, and without a model "
            "both are this one: expect less of the labels.",
        )
    avoid = None
    if settings.avoid_contamination:
        yield Progress("looking for contamination", 0, 1)
        avoid = find_contamination(seen.denoised, size, diameter_angstrom=diameter)
    config = PickingConfig(diameter_angstrom=diameter)
    try:
        found = yield from pick_steps(seen.denoised, size, config, avoid=avoid, stop=stop)
    except Stopped:
        raise Interrupted from None
    threshold = settings.threshold
    if threshold is None:
        threshold = suggested_threshold(found.scores)
    if denoiser is not None:
        candidates = len(found)
        found = standing_out(found, seen.denoised, seen.raw, diameter / size, threshold)
        if len(found) < candidates:
            notes += (left_out_sentence(candidates - len(found)),)
    particles = found[found.scores >= threshold]
    if examples is not None and classifier is not None and len(particles):
        features = None
        if denoiser is not None and needs_network(examples.kind):
            features = yield from bottleneck(
                seen.raw,
                denoiser,
                pixel_size_angstrom=size,
                diameter_angstrom=diameter,
                device=device,
                stop=stop,
            )
        yield Progress("suggesting labels", 0, 1)
        described = describe(
            seen.denoised,
            size,
            particles.centres_px,
            diameter,
            raw=seen.raw if needs_raw(examples.kind) else None,
            bottleneck=features,
        )
        suggested = classifier.suggest(described.values)
        particles = particles.replaced(
            labels=suggested.labels, given_by=np.full(len(particles), "suggestion")
        )
    table = MicrographParticles(
        particles,
        micrograph=str(path),
        pixel_size_angstrom=size,
        shape=(seen.raw.shape[0], seen.raw.shape[1]),
        diameter_angstrom=diameter,
    )
    return PickedMicrograph(table, float(threshold), (*seen.notes, *notes))


def see_file(
    path: Path,
    denoiser: Denoiser | None,
    movies: MovieReader,
    *,
    device: str = "auto",
    stop: Callable[[], bool] = lambda: False,
) -> Generator[Progress, None, DenoisedMicrograph]:
    """Read the micrograph or movie at ``path``, align it if it is a movie, and denoise it.

    Raises
    ------
    N2NError
        The file or the device do not allow it, or the pixel size is unknown.
    Interrupted
        ``stop`` became true.
    """
    image = movies.open_grey_field(path)
    if isinstance(image, Movie):
        aligning = halves_of_movie_steps(image, aligned=movies.recording.aligned)
        halves = yield from stoppable(aligning, stop, Interrupted)
        size = _known(path, halves.pixel_size_angstrom)
        if denoiser is None:
            return DenoisedMicrograph(halves.full, halves.full, size, halves.notes)
        both = yield from denoise_halves(
            halves.odd, halves.even, denoiser, pixel_size_angstrom=size, device=device, stop=stop
        )
        notes = (*halves.notes, *both.notes)
        return DenoisedMicrograph(halves.full, both.pixels * np.float32(2), size, notes)
    size = _known(path, image.pixel_size_angstrom)
    if denoiser is None:
        return DenoisedMicrograph(image.pixels, image.pixels, size, image.notes)
    result = yield from denoise_steps(
        image.pixels, denoiser, pixel_size_angstrom=size, device=device, stop=stop
    )
    return DenoisedMicrograph(image.pixels, result.pixels, size, (*image.notes, *result.notes))


def _known(path: Path, pixel_size_angstrom: float | None) -> float:
    if pixel_size_angstrom is None:
        raise UnreadableFile(
            path, "does not tell its pixel size", "Give it, in Å: --pixel-size on the command line."
        )
    return pixel_size_angstrom


def _diameter(seen: DenoisedMicrograph, settings: PickSettings) -> tuple[float, tuple[str, ...]]:
    """Return the diameter (Å) to use, and a note if it has to be said."""
    given = settings.diameter_angstrom
    learnt = settings.examples.diameter_angstrom if settings.examples is not None else None
    if given is not None and learnt is not None and abs(given / learnt - 1) > _ALIKE:
        return given, (
            f"The classifier learnt from particles of {learnt:g} Å, not of {given:g} Å: "
            "expect less of its labels.",
        )
    known = learnt if given is None else given
    if known is not None:
        return known, ()
    guess = first_guess_diameter(seen.denoised, seen.pixel_size_angstrom)
    return guess, (
        f"No diameter was given; {guess:.0f} Å is a first guess. Give it if this is wrong.",
    )
