"""Labels suggested for a micrograph's unlabelled particles, learnt from a session's marks."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_n2n.errors import NotEnoughData
from napari_n2n.io import Particles
from napari_n2n.progress import Interrupted, Progress, Steps, Stop, never
from napari_n2n.workflow.fields_of_view import DenoisedMicrograph

if TYPE_CHECKING:
    from napari_n2n.particles.descriptors import Describer
    from napari_n2n.session import Session


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


def suggest_steps(
    micrograph: DenoisedMicrograph,
    diameter_angstrom: float,
    ids: NDArray[np.int64],
    particles: Particles,
    session: "Session",
    described: DescriptorCache,
    *,
    stop: Stop = never,
) -> Steps[LabelSuggestions]:
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
    Interrupted
        ``stop`` became true.
    """
    from napari_n2n.particles.examples import Examples
    from napari_n2n.particles.label_suggestions import Classifier

    if not len(ids):
        return _nothing("Pick particles, mark a few of each kind, and the rest is suggested.")
    yield Progress("describing particles", 0, 1)
    values = _describe(micrograph, diameter_angstrom, ids, particles, described)
    if stop():
        raise Interrupted
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
        raise Interrupted
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
    micrograph: DenoisedMicrograph,
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
