"""How well particles are found and told apart, as one report: the tables of docs/picking.md."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from napari_n2n.experiments.particles.avoiding import AvoidanceScore, avoided_on
from napari_n2n.experiments.particles.label_scores import (
    SuggestionScore,
    jittered,
    suggestion_scores_steps,
)
from napari_n2n.experiments.particles.real import (
    DIAMETER_ANGSTROM,
    KINDS,
    PIXEL_SIZE_ANGSTROM,
    MarkedField,
    RealPicking,
    find_on_all_steps,
    marked_fields_steps,
)
from napari_n2n.experiments.particles.simulated import (
    CASES,
    SimulatedCase,
    SimulatedPicking,
    TrueField,
    find_on_steps,
    reference_field_steps,
    simulated_field_steps,
)
from napari_n2n.particles import find_contamination, first_guess_diameter
from napari_n2n.particles.descriptors import describe
from napari_n2n.progress import Progress, Steps, Stop, never, stoppable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from napari_n2n.denoising.config import TrainingConfig
    from napari_n2n.experiments.particles.cache import Cache

_MARKS = (5, 10)
_CARBON_DIAMETER_PX = 40.0  # the file's pixel size is unknown; the small dirt is this large


@dataclass(frozen=True, eq=False)
class Report:
    """All that was measured.

    Attributes
    ----------
    findings
        Simulated: raw and denoised image of each case.
    suggestions
        Simulated: by the field's title, for 5 and 10 marks of each label.
    fields
        Real fields with marks.
    real
        By kind: findings with each of the fields as the template field.
    untaught
        By kind: what was found without a template.
    dirty_area
        By kind: share of the real fields' area that was taken for contamination.
    guesses_angstrom
        By kind: first guesses of the diameter, field by field.
    carbon
        Contamination found on a carbon edge.
    training
        How each denoiser was trained.
    """

    findings: tuple[SimulatedPicking, ...]
    suggestions: dict[str, tuple[SuggestionScore, ...]]
    training: TrainingConfig
    fields: tuple[MarkedField, ...] = ()
    real: dict[str, tuple[RealPicking, ...]] = field(default_factory=dict)
    untaught: dict[str, RealPicking] = field(default_factory=dict)
    dirty_area: dict[str, float] = field(default_factory=dict)
    guesses_angstrom: dict[str, tuple[float, ...]] = field(default_factory=dict)
    carbon: AvoidanceScore | None = None


def assess_steps(
    training: TrainingConfig,
    cache: Cache,
    *,
    data: Path | None = None,
    cases: Sequence[SimulatedCase] = CASES,
    size: int = 2048,
    folds: int = 2,
    device: str = "auto",
    stop: Stop = never,
) -> Steps[Report]:
    """Measure everything that can be measured; what the folder ``data`` lacks is left out.

    Yields `Progress` and, while denoisers are trained, `TrainingProgress`.

    Parameters
    ----------
    training
        How each denoiser is trained.
    cache
        Where denoised images are kept for the next time.
    data
        Folder with ``apoferritin``, ``simulated_apoferritin`` and ``micrographs``.
    cases
        What is simulated.
    size
        Side of the simulated frames in px.
    folds
        Into how many the real fields are dealt for training.

    Raises
    ------
    N2NError
        The data, the device or the disk do not allow it.
    Interrupted
        ``stop`` became true.
    """
    steps = _all(training, cache, data, cases, size, folds, device, stop)
    return (yield from stoppable(steps, stop))


def _all(
    training: TrainingConfig,
    cache: Cache,
    data: Path | None,
    cases: Sequence[SimulatedCase],
    size: int,
    folds: int,
    device: str,
    stop: Stop,
) -> Steps[Report]:
    findings: list[SimulatedPicking] = []
    suggestions: dict[str, tuple[SuggestionScore, ...]] = {}

    def judge(known: TrueField) -> Steps[None]:
        findings.extend((yield from find_on_steps(known)))
        scores = yield from _suggestions(known)
        if scores:
            suggestions[known.title] = scores

    for case in cases:
        known = yield from simulated_field_steps(
            case, size, training, cache, device=device, stop=stop
        )
        yield from judge(known)
    reference = data / "simulated_apoferritin" if data is not None else None
    if reference is not None and reference.is_dir():
        known = yield from reference_field_steps(
            reference, training, cache, device=device, stop=stop
        )
        yield from judge(known)
    report = Report(tuple(findings), suggestions, training)
    if data is not None and (data / "apoferritin").is_dir():
        fields = yield from marked_fields_steps(
            data / "apoferritin", training, cache, folds=folds, device=device, stop=stop
        )
        report = yield from _with_real(report, fields)
    carbon = data / "micrographs" / "carbon_edge.mrc" if data is not None else None
    if carbon is not None and carbon.is_file():
        yield Progress("looking for carbon", 0, 1)
        mask = carbon.with_name("carbon_edge_mask.mrc")
        found = avoided_on(carbon, mask, _CARBON_DIAMETER_PX)
        report = Report(**{**vars(report), "carbon": found})
    return report


def _suggestions(known: TrueField) -> Steps[tuple[SuggestionScore, ...]]:
    """Judge suggested labels on the true centres, as far off as picks are."""
    counts = {label: int(np.count_nonzero(known.labels == label)) for label in set(known.labels)}
    if sum(count >= max(_MARKS) + 3 for count in counts.values()) < 2:
        return ()
    radius = known.diameter_angstrom / known.pixel_size_angstrom / 2
    limits = np.array(known.denoised.shape) - 1 - radius
    inner = ((known.centres_px >= radius) & (known.centres_px <= limits)).all(axis=1)
    centres = jittered(known.centres_px[inner], 2 * radius)
    described = describe(
        known.denoised, known.pixel_size_angstrom, centres, known.diameter_angstrom
    )
    scores: tuple[SuggestionScore, ...] = yield from suggestion_scores_steps(
        described, known.labels[inner], known.diameter_angstrom, marks=_MARKS
    )
    return scores


def _with_real(report: Report, fields: tuple[MarkedField, ...]) -> Steps[Report]:
    real: dict[str, tuple[RealPicking, ...]] = {}
    untaught: dict[str, RealPicking] = {}
    area: dict[str, float] = {}
    guesses: dict[str, tuple[float, ...]] = {}
    for kind in KINDS:
        results = []
        for i in range(len(fields)):
            results.append((yield from find_on_all_steps(fields, kind, i)))
        real[kind] = tuple(results)
        untaught[kind] = yield from find_on_all_steps(fields, kind, None)
        yield Progress(f"guessing sizes on {kind}", 0, 1)
        images = [marked.images[kind] for marked in fields]
        guesses[kind] = tuple(first_guess_diameter(each, PIXEL_SIZE_ANGSTROM) for each in images)
        masks = [
            find_contamination(each, PIXEL_SIZE_ANGSTROM, diameter_angstrom=DIAMETER_ANGSTROM)
            for each in images
        ]
        area[kind] = float(np.mean([mask.mean() for mask in masks]))
    return Report(
        **{
            **vars(report),
            "fields": fields,
            "real": real,
            "untaught": untaught,
            "dirty_area": area,
            "guesses_angstrom": guesses,
        }
    )
