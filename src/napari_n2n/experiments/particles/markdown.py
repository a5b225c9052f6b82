"""The report of an assessment as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_n2n.experiments.particles.real import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from napari_n2n.denoising.config import TrainingConfig
    from napari_n2n.experiments.particles.assessment import Report


def as_markdown(report: Report) -> str:
    """Return all tables of ``report``, for docs/picking.md."""
    parts = [f"Each denoiser: {_length(report.training)}."]
    if report.findings:
        parts.append(_simulated(report))
    if report.suggestions:
        parts.append(_suggested(report))
    if report.real:
        parts += [_fields(report), _templates(report), _areas(report)]
    if report.carbon is not None:
        found = report.carbon
        parts.append(
            "Contamination on a real micrograph with a carbon edge, against a mask made by hand: "
            f"intersection over union {found.intersection_over_union:.2f}, precision "
            f"{found.precision:.2f}, recall {found.recall:.2f}."
        )
    return "\n\n".join(parts) + "\n"


def _length(training: TrainingConfig) -> str:
    name = f"the {training.network.name} network"
    if training.steps is not None:
        return f"{name}, {training.steps} steps"
    if training.max_seconds is not None:
        return f"{name}, {training.max_seconds:g} s"
    return f"{name}, {training.epochs} epochs"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _simulated(report: Report) -> str:
    rows = []
    for found in report.findings:
        matching = found.judged.at(found.threshold)
        off = matching.distances_px.mean() if matching.true_positives else np.nan
        rows.append(
            [
                found.title,
                found.image,
                str(matching.n_true),
                f"{matching.recall:.1%}",
                f"{matching.precision:.1%}",
                f"{matching.f1:.3f}",
                f"{found.best_f1:.3f}",
                f"{off:.1f}",
                f"{found.guess_angstrom:.0f}",
            ]
        )
    head = [
        "simulated",
        "picked on",
        "particles",
        "found",
        "precision",
        "F1",
        "F1, best threshold",
        "off by (px)",
        "first guess of the diameter (Å)",
    ]
    return _table(head, rows)


def _suggested(report: Report) -> str:
    rows = [
        [
            title,
            str(score.marks),
            f"{score.mean:.3f} ± {score.spread:.3f}",
            f"{score.lowest:.3f}",
            f"{score.predicted:.3f}",
            " + ".join(f"{n} {label}" for n, label in zip(score.left, score.labels, strict=True)),
        ]
        for title, scores in report.suggestions.items()
        for score in scores
    ]
    head = [
        "simulated, denoised",
        "marks of each label",
        "balanced accuracy on the rest",
        "lowest",
        "told to the user",
        "the rest",
    ]
    return _table(head, rows)


def _fields(report: Report) -> str:
    """Field by field, with the first field's clicks as the template."""
    first = {kind: report.real[kind][0] for kind in KINDS}
    rows = [
        [
            field.name + (" (template)" if field.name == first[KINDS[0]].template_field else ""),
            str(len(first[KINDS[0]].judged[i].true_px)),
            *(f"{first[kind].f1[i]:.3f}" for kind in KINDS),
        ]
        for i, field in enumerate(report.fields)
    ]
    rows.append(["**mean**", "", *(f"**{first[kind].mean_f1:.3f}**" for kind in KINDS)])
    rows.append(["threshold", "", *(f"{first[kind].threshold:.2f}" for kind in KINDS)])
    rows.append(["mean at the best threshold", "", *(f"{first[k].best_f1:.3f}" for k in KINDS)])
    return _table(["F1", "marks", *KINDS], rows)


def _templates(report: Report) -> str:
    """Tell what another choice of the template field would have given."""

    def told(numbers: list[float]) -> str:
        return f"{np.mean(numbers):.3f} ({min(numbers):.3f} to {max(numbers):.3f})"

    suggested = [told([found.mean_f1 for found in report.real[kind]]) for kind in KINDS]
    best = [told([found.best_f1 for found in report.real[kind]]) for kind in KINDS]
    alone = [report.untaught[kind] for kind in KINDS]
    return _table(
        ["F1, mean of the fields", *KINDS],
        [
            ["each field in turn the template field, suggested threshold", *suggested],
            ["the same, best threshold", *best],
            ["no template, suggested threshold", *(f"{found.mean_f1:.3f}" for found in alone)],
            ["the same, best threshold", *(f"{found.best_f1:.3f}" for found in alone)],
        ],
    )


def _areas(report: Report) -> str:
    rows = [
        ["area taken for contamination", *(f"{report.dirty_area[kind]:.2%}" for kind in KINDS)],
        [
            "first guess of the diameter (Å)",
            *(
                f"{min(report.guesses_angstrom[kind]):.0f} to "
                f"{max(report.guesses_angstrom[kind]):.0f}"
                for kind in KINDS
            ),
        ],
    ]
    return _table(["real fields", *KINDS], rows)
