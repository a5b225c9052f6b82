"""The report of a cryo-EM experiment, made of what its stages found."""

from __future__ import annotations

from html import escape
from typing import Any

from napari_n2n.experiments.cryo.fields import LEFT_OUT
from napari_n2n.experiments.cryo.figures import (
    CryoResults,
    counted,
    mean,
    plot,
    resolution,
    sigmas,
)
from napari_n2n.experiments.cryo.judging import (
    BAND_ANGSTROM,
    FINEST_ANGSTROM,
    GAUSSIAN,
    JUDGED,
    RAW,
    WHAT,
    panel_paths,
    shown,
)
from napari_n2n.experiments.cryo.networks import EPOCHS, LIGHT, NETWORKS, PAPER, TITLES
from napari_n2n.experiments.cryo.networks import training_name as stage_of
from napari_n2n.experiments.panels import DETAIL_ANGSTROM
from napari_n2n.experiments.report import (
    Panel,
    gallery,
    paragraph,
    report_page,
    table,
)
from napari_n2n.export.pages import page
from napari_n2n.progress import format_seconds

_NEXT_TO_NOTHING = 0.01  # of the paper's epochs


def cryo_report(results: CryoResults) -> str:
    """Return the report as HTML."""
    settings = results.settings
    data = "simulated movies"
    if settings.movies is not None:
        data = "your movies"
    elif settings.pairs is not None:
        data = "pairs of noisy images"
    return report_page(
        f"{settings.specimen.capitalize()}: {data}",
        settings.told(),
        (
            _headlines(results),
            page.section("What was done", *_what_was_done(results)),
            _trainings(results),
            _truth(results),
            _pictures(results),
            _independent(results),
            _halves(results),
            _fields(results),
        ),
        seconds=results.seconds,
    )


def _kind(results: CryoResults) -> str:
    return "truth" if results.judged[0].clean is not None else "independent"


def _headlines(results: CryoResults) -> str:
    kind = _kind(results)
    compared = "the truth" if kind == "truth" else "an independent noisy image"
    tiles = [
        (mean(results.values(kind, what, "correlation"), ".3f"), WHAT[what]) for what in JUDGED
    ]
    told = f"Correlation with {compared}, on {counted(results.judged)} not trained on:"
    return page.quiet(told) + page.tiles(tiles)


def _what_was_done(results: CryoResults) -> list[str]:
    settings, first = results.settings, results.judged[0]
    steps = []
    if settings.is_simulated:
        steps.append(
            f"Movies of {settings.specimen} were simulated: {settings.frames} frames of "
            f"{settings.size} × {settings.size} px at 1 Å/px and 1 e/Å² each, with drift and "
            "with a quarter of the particles broken. Their clean images were kept aside for the "
            "judging alone."
        )
    if settings.pairs is None:
        steps.append("The frames of each movie were aligned, and the odd and the even added up.")
    given = "one half to the other" if first.equally_noisy else "the single frame to the others"
    steps.append(
        f"Two networks were trained from random weights on {counted(results.trained_on)}, from "
        f"{given}; no clean image was used. What was denoised, and what every figure below is "
        f"about, they never saw: the last {counted(results.judged)}. The general model, which "
        "comes with napari-n2n and was made of other simulated fields, was used as it is."
    )
    if first.equally_noisy:
        steps.append(
            "Of a micrograph, both halves were denoised, and their mean is the result; raw is the "
            "sum of all frames."
        )
    return [paragraph(step) for step in steps]


def _trainings(results: CryoResults) -> str:
    rows = []
    for name in (PAPER, LIGHT):
        made = results.found[stage_of(name)]
        size = made["working_pixel_size_angstrom"]
        epochs = f"{made['epochs']:.3g}"
        if name == PAPER:
            share = made["epochs"] / EPOCHS
            epochs += f" of {EPOCHS}" + (f" ({100 * share:.0f} %)" if share >= 0.01 else "")
        rows.append(
            (
                TITLES[name],
                f"{made['parameters']:,}",
                "pixel size unknown" if size is None else f"{size:.3g} Å",
                f"{made['batch']} × {made['crop_px']} px",
                f"{made['steps']:,}",
                epochs,
                format_seconds(made["seconds"]),
                made["device"],
            )
        )
    head = ("", "parameters", "works at", "crops a step", "steps", "epochs", "time", "on")
    share = results.found[stage_of(PAPER)]["epochs"] / EPOCHS
    told = f"All {EPOCHS} epochs of the paper's training fitted into the budget."
    if share < 1:
        told = (
            f"The paper trains for {EPOCHS} epochs; the budget allowed {100 * share:.1f} % of them."
        )
    if share < _NEXT_TO_NOTHING:
        told += " That is next to nothing for the paper's network: give it a larger --budget."
    return page.section("Training", table(head, rows), paragraph(told))


def _truth(results: CryoResults) -> str:
    if _kind(results) != "truth":
        return ""
    rows = [
        (
            WHAT[what],
            mean(results.values("truth", what, "correlation"), ".3f"),
            mean(results.values("truth", what, "psnr_db"), ".2f"),
            resolution(results, "truth", what),
            mean(results.values("truth", what, "mean_frc"), ".3f"),
        )
        for what in JUDGED
    ]
    head = (
        "",
        "correlation",
        "PSNR (dB)",
        "FRC against the truth falls to 0.5 at",
        f"mean FRC down to {FINEST_ANGSTROM:g} Å",
    )
    return page.section(
        "Against the truth",
        table(head, rows),
        page.quiet(
            f"Mean over {counted(results.judged)}. PSNR is taken after the linear fit of scale and "
            "offset that suits the truth best, as sums of frames, networks' results and expected "
            "counts have no scale in common; its peak is the range of the clean image. The "
            f"low-pass is the best of several, chosen by the truth {sigmas(results, 'truth')}; it "
            "changes no ring's correlation, so its FRC is that of the raw image. A curve falls at "
            "the first zero of the contrast transfer at the latest, and may rise again."
        ),
        plot(results, "truth", "FRC against the truth", (0.5, "0.5")),
    )


def _independent(results: CryoResults) -> str:
    first = results.judged[0]
    other = "the raw even half" if first.equally_noisy else "the mean of the other frames"
    made = "the denoised odd half" if first.equally_noisy else "the denoised frame"
    gaussian = results.values("independent", GAUSSIAN, "correlation")
    rows = []
    for what in JUDGED:
        values = results.values("independent", what, "correlation")
        ratio = [ours / best for ours, best in zip(values, gaussian, strict=True)]
        rows.append((WHAT[what], mean(values, ".4f"), mean(ratio, ".2f")))
    low, high = BAND_ANGSTROM
    head = ("", f"correlation with {other}", "of the best low-pass")
    per_field = [
        (
            field.name,
            *(f"{results.judgement(field)['independent'][w]['correlation']:.3f}" for w in JUDGED),
        )
        for field in results.judged
    ]
    return page.section(
        "Without the truth",
        paragraph(
            f"What can be had of any data: {made} is compared with {other}, whose noise is "
            "independent. That is noisy itself, so no figure comes near 1; what counts is which "
            "is higher."
        ),
        table(head, rows),
        page.quiet(
            f"Mean over {counted(results.judged)}, of spatial frequencies from 1/{low:g} to "
            f"1/{high:g} Å⁻¹. The low-pass is the best of several, chosen by this very "
            f"correlation {sigmas(results, 'independent')}."
        ),
        table(("", *(WHAT[what] for what in JUDGED)), per_field) if len(per_field) > 1 else "",
        plot(results, "independent", f"FRC with {other}", None),
    )


def _halves(results: CryoResults) -> str:
    if not results.judged[0].equally_noisy:
        return ""
    rows = [(WHAT[what], resolution(results, "halves", what)) for what in (RAW, *NETWORKS)]
    return page.section(
        "Agreement of the halves",
        table(("", "FRC of the halves falls to 1/7 at"), rows),
        page.quiet(
            "Odd and even half, each denoised by itself. A network gives both halves what it "
            "expects of any image, so denoised halves can agree further than either shows the "
            "truth: believe this less than the two comparisons above."
        ),
        plot(results, "halves", "FRC between the halves", (1 / 7, "1/7")),
    )


def _pictures(results: CryoResults) -> str:
    parts = []
    for field in results.judged:
        captions = {what: WHAT[what] for what in shown(field)}
        if field.clean is not None:
            figures = results.judgement(field)["truth"]
            for what in JUDGED:
                captions[what] += f", correlation {figures[what]['correlation']:.3f}"
        for number, heading in enumerate(("", f", a part of {DETAIL_ANGSTROM:.0f} Å")):
            panels = [
                Panel(panel_paths(results.folder, field, what)[number], caption)
                for what, caption in captions.items()
            ]
            parts.append(f"<h3>{escape(field.name + heading)}</h3>")
            parts.append(gallery(panels))
    return page.section("Side by side", *parts)


def _fields(results: CryoResults) -> str:
    rows = []
    for field in (*results.trained_on, *results.judged):
        figures: Any = results.found.get(f"field-{field.name}", {})
        error = figures.get("drift_error_angstrom")
        counts = ", ".join(f"{n} {label}" for label, n in figures.get("particles", {}).items())
        use = "judged" if field in results.judged else "trained on"
        summary = figures.get("summary", "")
        if error is not None:
            summary += f", {error:.1f} Å (rms) from the true one"
        rows.append((field.name, use, summary, counts))
    head = ("", "use", "motion", "particles")
    known = 2 if results.settings.pairs is not None else 4 if results.settings.is_simulated else 3
    remarks = [page.quiet(remark) for remark in _remarks(results)]
    shortened = [row[:known] for row in rows]
    return page.section("Micrographs", table(head[:known], shortened), *remarks)


def _remarks(results: CryoResults) -> list[str]:
    """Return what a reader should know of single micrographs, each sentence once."""
    told: dict[str, None] = {}
    for stage, figures in results.found.items():
        if LEFT_OUT in figures:
            told[f"Left out: {figures[LEFT_OUT]}"] = None
        kind, _, name = stage.partition("-")
        for note in figures.get("notes", ()):
            known = kind in ("field", "train")
            told[f"{TITLES.get(name, name)}: {note}" if known else note] = None
    return list(told)
