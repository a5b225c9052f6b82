"""The way from a file to labelled particles, for command line and plugin."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from napari_n2n.denoising.inference.features import bottleneck_steps, fingerprint
from napari_n2n.errors import BadValue, UnreadableFile
from napari_n2n.io import Micrograph, MicrographParticles, Movie
from napari_n2n.particles.descriptors import (
    RINGS,
    RINGS_TWICE,
    describe,
    needs_network,
    needs_raw,
)
from napari_n2n.particles.examples import Examples, load_examples
from napari_n2n.particles.label_suggestions import Classifier
from napari_n2n.progress import Progress, Steps, Stop, never
from napari_n2n.session import Session
from napari_n2n.workflow.contrast import (
    needs_dark_particles,
    with_contrast,
    with_dark_particles,
)
from napari_n2n.workflow.denoising import denoise_field_steps
from napari_n2n.workflow.fields_of_view import ContrastChoice, DenoisedMicrograph
from napari_n2n.workflow.find_particles import find_particles_steps, guess_diameter_steps
from napari_n2n.workflow.movie_reader import MovieReader
from napari_n2n.workflow.movie_sums import sums_steps

if TYPE_CHECKING:
    from pathlib import Path

    from napari_n2n.denoising.checkpoints import Denoiser
    from napari_n2n.io import Particles
    from napari_n2n.motion import Halves
    from napari_n2n.particles.sizes import DiameterGuess
    from napari_n2n.particles.templates import Template

_SQLITE = b"SQLite format 3\0"
# Diameters this close, relatively, count as the same.
_ALIKE = 0.05


@dataclass(frozen=True, eq=False)
class PickSettings:
    """How particles are found and labelled, in all files.

    ``diameter_angstrom`` None: that of the examples, or else a first guess. ``threshold`` None:
    where the scores part by themselves, micrograph by micrograph. ``examples``: what labels are
    suggested from; the classifier is learnt of them once. ``template``: what the particles look
    like. ``contrast``: whether they are dark or bright.

    Raises
    ------
    NotEnoughData
        There are too few examples to learn from.
    """

    diameter_angstrom: float | None = None
    threshold: float | None = None
    avoid_contamination: bool = True
    examples: Examples | None = None
    template: Template | None = None
    contrast: ContrastChoice = "auto"
    movies: MovieReader = field(default_factory=MovieReader)
    classifier: Classifier | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        if self.examples is not None:
            object.__setattr__(self, "classifier", Classifier.learnt(self.examples))


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
    if not is_session(path):
        return load_examples(path)
    with Session.open(path) as session:
        found = {kind: session.marks.examples(kind) for kind in (RINGS_TWICE, RINGS)}
        known = session.setting("diameter_angstrom")
    diameter = diameter_angstrom if known is None else known
    if diameter is None:
        raise BadValue(f"{path} does not tell the particles' diameter. Give it, in Å.")
    kind = max(found, key=lambda kind: len(found[kind][1]))
    return Examples(*found[kind], kind, float(diameter))


def is_session(path: Path) -> bool:
    """Whether a file is a session, by its first bytes."""
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


def pick_file_steps(
    path: Path,
    denoiser: Denoiser | None,
    settings: PickSettings,
    *,
    device: str = "auto",
    stop: Stop = never,
) -> Steps[PickedMicrograph]:
    """Find the particles of the micrograph or movie at ``path``, and suggest labels if asked.

    A movie is aligned first. Without a denoiser the picker sees the micrograph as it was recorded.

    Raises
    ------
    N2NError
        The file or the device do not allow it.
    Interrupted
        ``stop`` became true.
    """
    if settings.examples is not None:
        check_examples(settings.examples, denoiser)
    micrograph = yield from denoised_file_steps(
        path, denoiser, settings.movies, settings.contrast, device=device, stop=stop
    )
    size = _known(path, micrograph.pixel_size_angstrom)
    diameter, notes = yield from _diameter_steps(micrograph, settings, stop)
    found = yield from find_particles_steps(
        micrograph,
        diameter,
        template=settings.template,
        avoid=settings.avoid_contamination,
        threshold=settings.threshold,
        stop=stop,
    )
    particles, remarks = yield from _labelled_steps(
        micrograph, found.passing, diameter, denoiser, settings, device, stop
    )
    height, width = micrograph.pixels.shape[:2]
    table = MicrographParticles(
        particles,
        micrograph=str(path),
        pixel_size_angstrom=size,
        shape=(height, width),
        diameter_angstrom=diameter,
        first_frame_shift_px=micrograph.first_frame_shift_px,
    )
    notes = (*micrograph.notes, *notes, *remarks, *found.notes)
    return PickedMicrograph(table, found.threshold, notes)


def denoised_file_steps(
    path: Path,
    denoiser: Denoiser | None,
    movies: MovieReader,
    contrast: ContrastChoice = "auto",
    *,
    device: str = "auto",
    stop: Stop = never,
) -> Steps[DenoisedMicrograph]:
    """Read the micrograph or movie at ``path``, align it if it is a movie, and denoise it.

    Without a denoiser, what was recorded is both. Whether particles are dark or bright is decided.

    Raises
    ------
    N2NError
        The file or the device do not allow it, or the pixel size is unknown.
    Interrupted
        ``stop`` became true.
    """
    opened = movies.open_grey_field(path)
    image: Halves | Micrograph
    if isinstance(opened, Movie):
        aligned = movies.recording.aligned
        image = yield from sums_steps(opened, aligned=aligned, device=device, stop=stop)
    else:
        image = opened
    _known(path, image.pixel_size_angstrom)
    if denoiser is not None:
        denoised = yield from denoise_field_steps(
            image, denoiser, device=device, contrast=contrast, stop=stop
        )
        return with_contrast(denoised)
    raw = image.pixels if isinstance(image, Micrograph) else image.full
    halves = None if isinstance(image, Micrograph) else image
    return with_contrast(
        DenoisedMicrograph(
            raw, image.pixel_size_angstrom, raw, halves, notes=image.notes, contrast=contrast
        )
    )


def _known(path: Path, pixel_size_angstrom: float | None) -> float:
    if pixel_size_angstrom is None:
        raise UnreadableFile(
            path, "does not tell its pixel size", "Give it, in Å: --pixel-size on the command line."
        )
    return pixel_size_angstrom


def _diameter_steps(
    micrograph: DenoisedMicrograph, settings: PickSettings, stop: Stop
) -> Steps[tuple[float, tuple[str, ...]]]:
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
    guess = yield from guess_diameter_steps(micrograph, stop)
    return guess.diameter_angstrom, (_guess_sentence(guess),)


def _guess_sentence(guess: DiameterGuess) -> str:
    about = f"{guess.diameter_angstrom:.0f} Å"
    if guess.other_angstrom is None:
        return f"No diameter was given; {about} is a first guess. Give it if this is wrong."
    return (
        f"No diameter was given; about {about} is a first guess, and not a certain one: it may be "
        f"{guess.other_angstrom:.0f} Å as well. Measure a particle and give --diameter."
    )


def _labelled_steps(
    micrograph: DenoisedMicrograph,
    particles: Particles,
    diameter_angstrom: float,
    denoiser: Denoiser | None,
    settings: PickSettings,
    device: str,
    stop: Stop,
) -> Steps[tuple[Particles, tuple[str, ...]]]:
    """Suggest labels if that is asked for; returns the particles, and what there is to note."""
    examples, classifier = settings.examples, settings.classifier
    if examples is None or classifier is None or not len(particles):
        return particles, ()
    notes: tuple[str, ...] = ()
    if denoiser is None and needs_raw(examples.kind):
        notes = (
            "The marks were learnt from recorded and denoised images together, and without a model "
            "both are this one: expect less of the labels.",
        )
    recorded, micrograph = micrograph.raw, with_dark_particles(micrograph)
    size, raw = micrograph.unit_size, micrograph.raw
    features = None
    seen = raw if denoiser is None or needs_dark_particles(denoiser) else recorded
    if denoiser is not None and seen is not None and needs_network(examples.kind):
        features = yield from bottleneck_steps(
            seen,
            denoiser,
            pixel_size_angstrom=size,
            diameter_angstrom=diameter_angstrom,
            device=device,
            stop=stop,
        )
    yield Progress("suggesting labels", 0, 1)
    described = describe(
        micrograph.pixels,
        size,
        particles.centres_px,
        diameter_angstrom,
        raw=raw if needs_raw(examples.kind) else None,
        bottleneck=features,
    )
    suggested = classifier.suggest(described.values)
    given_by = np.full(len(particles), "suggestion")
    return particles.replaced(labels=suggested.labels, given_by=given_by), notes
