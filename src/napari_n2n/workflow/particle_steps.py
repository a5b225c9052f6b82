"""What the Particles widget sets going: guess, find, suggest, as generators. No napari, no Qt."""

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_n2n.errors import NotEnoughData
from napari_n2n.io import Particles
from napari_n2n.progress import Progress
from napari_n2n.workflow.sources import Stop, Stopped, stoppable

if TYPE_CHECKING:
    from napari_n2n.particles.descriptors import Describer
    from napari_n2n.session import Session

Image = NDArray[np.float32]
_FEWEST_FOR_A_TEMPLATE = 3


@dataclass(frozen=True, eq=False)
class PickingField:
    """The micrograph that is worked on.

    ``pixels`` (y, x) is what particles are looked for in, best denoised, and ``raw`` (y, x) what it
    was made from. Without a pixel size, lengths are in px.
    """

    pixels: Image
    pixel_size_angstrom: float | None
    raw: Image | None = None

    @property
    def unit_size(self) -> float:
        """Å in a pixel, or 1 where it is unknown, which makes lengths pixels."""
        return self.pixel_size_angstrom or 1.0


@dataclass(frozen=True, eq=False)
class FoundParticles:
    """Candidates, the threshold that best divides them, and the area that was avoided.

    ``left_out`` counts those that passed the threshold and do not stand out of the noise.
    """

    particles: Particles
    threshold: float
    avoided: NDArray[np.bool_] | None
    learnt_from: int = 0
    left_out: int = 0

    @property
    def left_out_sentence(self) -> str:
        """That candidates were left out, and why; empty where there were none."""
        from napari_n2n.particles.significance import left_out_sentence

        return left_out_sentence(self.left_out)


@dataclass
class DescriptorCache:
    """Descriptors of a micrograph's particles by id, not computed again while they stay put.

    One job at a time uses it.
    """

    describer: "Describer | None" = None
    kind: str = ""
    rows: dict[int, tuple[tuple[float, float], NDArray[np.float32]]] = field(default_factory=dict)
    remembered: dict[int, tuple[float, float]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class LabelSuggestions:
    """Suggested labels of the particles ``ids``, none if ``sentence`` says why."""

    ids: NDArray[np.int64]
    labels: NDArray[np.str_]
    probabilities: NDArray[np.float32]
    uncertainty: NDArray[np.float32]
    sentence: str


def guess(micrograph: PickingField, stop: Stop = lambda: False) -> Generator[Progress, None, float]:
    """Guess the particles' diameter in Å.

    Raises
    ------
    N2NError
        The image does not allow it.
    Stopped
        ``stop`` became true.
    """
    from napari_n2n.particles.sizes import guess_steps

    steps = guess_steps(micrograph.pixels, micrograph.unit_size)
    return (yield from stoppable(steps, stop))


def enough_for_a_template(marked: int) -> bool:
    """Whether a template can be learnt from this many particles."""
    return marked >= _FEWEST_FOR_A_TEMPLATE


def find(
    micrograph: PickingField,
    diameter_angstrom: float,
    *,
    marked_px: NDArray[np.float64] | None = None,
    avoid: NDArray[np.bool_] | bool = True,
    stop: Stop = lambda: False,
) -> Generator[Progress, None, FoundParticles]:
    """Find particles.

    Parameters
    ----------
    micrograph
        Best denoised.
    diameter_angstrom
        Of a particle.
    marked_px
        (n, 2) y, x of particles that show what to look for; None: rings and discs.
    avoid
        (y, x) where not to look; True: that is found out first; False: everywhere is looked.
    stop
        Once true, `Stopped` is raised.

    Raises
    ------
    N2NError
        The image does not allow it.
    Stopped
        ``stop`` became true.
    """
    from napari_n2n.particles import picking
    from napari_n2n.particles.contamination import find_contamination
    from napari_n2n.particles.significance import standing_out
    from napari_n2n.particles.templates import Template

    pixels, size = micrograph.pixels, micrograph.unit_size
    mask = avoid if isinstance(avoid, np.ndarray) else None
    if avoid is True:
        yield Progress("looking for what to avoid", 0, 1)
        mask = find_contamination(pixels, size, diameter_angstrom=diameter_angstrom)
    template = None
    if marked_px is not None:
        yield Progress("learning what the particles look like", 0, 1)
        template = Template.learnt(pixels, size, marked_px, diameter_angstrom)
    config = picking.PickingConfig(diameter_angstrom=diameter_angstrom)
    try:
        particles = yield from picking.pick_steps(
            pixels, size, config, template=template, avoid=mask, stop=stop
        )
    except picking.Stopped:
        raise Stopped from None
    threshold = picking.suggested_threshold(particles.scores)
    candidates = len(particles)
    if micrograph.raw is not None:
        particles = standing_out(
            particles, pixels, micrograph.raw, diameter_angstrom / size, threshold
        )
    return FoundParticles(
        particles,
        threshold,
        mask,
        learnt_from=0 if template is None else template.learnt_from,
        left_out=candidates - len(particles),
    )


def suggest(
    micrograph: PickingField,
    diameter_angstrom: float,
    ids: NDArray[np.int64],
    particles: Particles,
    session: "Session",
    described: DescriptorCache,
    *,
    stop: Stop = lambda: False,
) -> Generator[Progress, None, LabelSuggestions]:
    """Suggest labels for the unlabelled, learnt from all that a person marked in the session.

    Parameters
    ----------
    micrograph, diameter_angstrom
        Where the particles are, and how large.
    ids, particles
        (n,) all particles of the micrograph.
    session
        Remembers what the marked ones look like; its other micrographs teach, too.
    described
        What was measured before; it is brought up to date.

    Raises
    ------
    N2NError
        The image or the session do not allow it.
    Stopped
        ``stop`` became true.
    """
    from napari_n2n.particles.examples import Examples
    from napari_n2n.particles.suggestions import Classifier

    if not len(ids):
        return _nothing("Pick particles, mark a few of each kind, and the rest is suggested.")
    yield Progress("describing particles", 0, 1)
    values = _describe(micrograph, diameter_angstrom, ids, particles, described)
    if stop():
        raise Stopped
    by_person = (particles.given_by == "person") & (particles.labels != "unlabelled")
    _remember(ids[by_person], values[by_person], particles[by_person], session, described)
    yield Progress("learning from the marks", 0, 1)
    taught, labels = session.marks.examples(described.kind)
    unlabelled = particles.labels == "unlabelled"
    try:
        if not len(labels):
            raise NotEnoughData("Mark a few particles, five of each kind, and the rest follow.")
        classifier = Classifier.learnt(Examples(taught, labels, described.kind, diameter_angstrom))
    except NotEnoughData as missing:
        return _nothing(str(missing))
    if stop():
        raise Stopped
    found = classifier.suggest(values[unlabelled])
    return LabelSuggestions(
        ids[unlabelled],
        found.labels,
        found.probabilities,
        found.uncertainty,
        classifier.sentence,
    )


def _remember(
    ids: NDArray[np.int64],
    values: NDArray[np.float32],
    marked: Particles,
    session: "Session",
    described: DescriptorCache,
) -> None:
    """Keep what the marked particles look like, as far as the session does not know it yet."""
    centres = marked.centres_px
    places = {int(i): (float(y), float(x)) for i, (y, x) in zip(ids, centres, strict=True)}
    new = [row for row, i in enumerate(places) if described.remembered.get(i) != places[i]]
    if new:
        session.marks.remember(ids[new], values[new], described.kind, centres_px=centres[new])
        described.remembered.update(places)


def _nothing(why: str) -> LabelSuggestions:
    nothing: NDArray[Any] = np.empty(0, np.float32)
    return LabelSuggestions(np.empty(0, np.int64), np.empty(0, "U11"), nothing, nothing, why)


def _describe(
    micrograph: PickingField,
    diameter_angstrom: float,
    ids: NDArray[np.int64],
    particles: Particles,
    described: DescriptorCache,
) -> NDArray[np.float32]:
    """Return (n, d) descriptors; only those are computed that are not known."""
    from napari_n2n.particles.descriptors import Describer

    places = [(float(y), float(x)) for y, x in particles.centres_px]
    known = described.rows
    new = [
        row
        for row, (i, place) in enumerate(zip(ids.tolist(), places, strict=True))
        if i not in known or known[i][0] != place
    ]
    if new:
        if described.describer is None:
            described.describer = Describer(
                micrograph.pixels, micrograph.unit_size, diameter_angstrom, raw=micrograph.raw
            )
        measured = described.describer.describe(particles.centres_px[new])
        described.kind = measured.kind
        for row, values in zip(new, measured.values, strict=True):
            known[int(ids[row])] = (places[row], values)
    return np.stack([known[i][1] for i in ids.tolist()])
