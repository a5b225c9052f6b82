"""The report of the experiment on photographs, made of what its stages found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_n2n.experiments.curves import COLOURS, Curve, line_plot
from napari_n2n.experiments.photographs.comparisons import claim_name
from napari_n2n.experiments.photographs.figures import (
    PAPER_TABLE,
    bias_table,
    claim_curve,
    claim_table,
    counts_of,
    first_table,
    model_sentence,
    progress_table,
    published_table,
    white_noise_psnr,
)
from napari_n2n.experiments.photographs.stages import OURS, TITLES, psnr_name
from napari_n2n.experiments.photographs.trials import COMPARED_DEVIATIONS, MODEL
from napari_n2n.experiments.report import (
    Panel,
    gallery,
    paragraph,
    report_page,
    table,
)
from napari_n2n.export.pages import page
from napari_n2n.export.pages.axes import Axis

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_n2n.experiments.photographs.figures import Found
    from napari_n2n.experiments.photographs.trials import TrialContext


def photograph_report(context: TrialContext, found: Found) -> str:
    """Return the report as HTML."""
    return report_page(
        "Photographs without clean data",
        {
            **context.settings.told(),
            "photographs trained on, in number": len(context.train.names),
            "photographs judged by, in number": len(context.test.names),
        },
        (
            _headlines(found),
            page.section("What was done", *_what_was_done(context, found)),
            page.section("Table I", *_first(found)),
            page.section("Details", _pictures(context, found)),
            page.section("Noisy targets and clean ones", *_claim(found)),
            page.section("Noise whose mean is not zero", *_bias(context, found)),
            page.section("Beside what was published", *_published(context, found)),
            page.section("Longer training", *_progress(found)),
        ),
        seconds=context.records.seconds,
    )


def _headlines(found: Found) -> str:
    tiles = []
    for sigma in PAPER_TABLE:
        figures = found[psnr_name(OURS, sigma)]
        before, after = figures["noisy_psnr_db"], figures["psnr_db"]
        tiles.append((f"{after:.2f} dB", f"σ = {sigma}: from {before:.2f} dB"))
    return page.quiet("PSNR of what was denoised, and from what:") + page.tiles(tiles)


def _what_was_done(context: TrialContext, found: Found) -> list[str]:
    given = context.settings.given_model is not None
    return [
        paragraph(model_sentence(found[MODEL], given=given, photographs=len(context.train.names))),
        paragraph(
            f"It is judged on {len(context.test.names)} photographs that nothing here was trained "
            "on, and is not told how strong noise is. Their noise is the same for every method "
            "and every run with this seed, added to real numbers and not clipped. What is about "
            "several trainings, the sections from noisy and clean targets on, is judged on the "
            f"first {len(context.claim_test.names)} of them."
        ),
    ]


def _first(found: Found) -> list[str]:
    worst = white_noise_psnr(10)
    return [
        table(*first_table(found)),
        page.quiet(
            "Mean PSNR in dB: 10 log₁₀(255² / MSE), the MSE over the three channels; results are "
            "neither rounded nor clipped. Non-local means and BM3D are told σ; ours is not. At "
            "σ = 70 there is more noise than in any training example."
        ),
        page.quiet(
            f"The paper's noisy inputs cannot be white Gaussian noise of the deviation said and "
            f"R = 255: σ = 10 has {worst:.2f} dB, σ = 70 has {white_noise_psnr(70):.2f} dB. So "
            "figures do not compare, nor do gains at large σ, as a noisier input leaves more to "
            "gain; both are there because the paper gives them."
        ),
    ]


def _pictures(context: TrialContext, found: Found) -> str:
    parts = []
    figures = found["pictures"]
    for number, sigma in figures["shown"]:
        captions = {"noisy": f"σ = {sigma}", "clean": "clean", **TITLES}
        panels = [
            Panel(context.records.picture_path(f"{number}-{what}"), captions[what])
            for what in figures["methods"]
        ]
        parts.append(gallery(panels, across=len(panels)))
    return "".join(parts)


def _claim(found: Found) -> list[str]:
    counts = counts_of(found)
    curves = []
    colours = iter(COLOURS)
    for sigma in COMPARED_DEVIATIONS:
        for targets in ("clean", "noisy"):
            values = np.array(claim_curve(found, targets, sigma))
            name = f"{targets} targets, σ = {sigma}"
            curves.append(Curve(name, np.log2(counts), values, next(colours), dots=True))
    steps = found[claim_name(counts[-1], "noisy")]["steps"]
    return [
        paragraph(
            f"The same network, seed, crops, inputs and number of steps ({steps:,}); only the "
            "targets are noisy or clean. What noisy targets teach is the expectation of the clean "
            "image, as the noise has no mean, so that the two should be worth the same."
        ),
        _plot("PSNR (dB)", curves, "photographs trained on", _doublings(counts)),
        table(*claim_table(found)),
    ]


def _bias(context: TrialContext, found: Found) -> list[str]:
    return [
        paragraph(
            "A network trained with the squared error gives the expectation of its target: the "
            "clean image plus the mean of the noise. So with noise of a mean of "
            f"{context.settings.mean:g} results should be off by {context.settings.mean:g}. "
            "Clipping noisy images to 8 bits cuts off noise that darkens shadows and brightens "
            "lights, which is a mean as well, though another one for every brightness."
        ),
        table(*bias_table(found)),
        page.quiet(
            "Bias: mean of result less clean image, in levels of 255; shadows are pixels darker "
            "than 32, lights those brighter than 223. Inputs of the test have noise of the same "
            "kind as those of training."
        ),
    ]


def _published(context: TrialContext, found: Found) -> list[str]:
    return [
        table(*published_table(found)),
        page.quiet(
            "Published figures are for CBSD68, by networks trained on clean images. They compare "
            f"only where the {len(context.test.names)} photographs judged by here are all 68 of "
            "it. "
            "In eight ways: the mean of the results for the image turned and mirrored, each turned "
            "back (napari-n2n denoise --thorough), eight times the work."
        ),
    ]


def _progress(found: Found) -> list[str]:
    points = found.get("snapshots", {}).get("points", [])
    if len(points) < 2:
        return []
    steps = [point["steps"] for point in points]
    curves = [
        Curve(
            f"σ = {sigma}",
            np.log2(steps),
            np.array([point["psnr_db"][str(sigma)] for point in points]),
            colour,
            dots=True,
        )
        for sigma, colour in zip(COMPARED_DEVIATIONS, COLOURS[2:], strict=False)
    ]
    return [
        _plot("PSNR (dB)", curves, "steps of training", _doublings(steps)),
        table(*progress_table(points)),
        page.quiet("One training, judged on the way: its learning rate had not yet fallen there."),
    ]


def _plot(title: str, curves: Sequence[Curve], across_title: str, across: Axis) -> str:
    lines = [(curve.name, curve.colour) for curve in curves]
    drawn = line_plot(title, curves, across_title=across_title, across=across)
    return page.plots([drawn]) + page.legend([], lines)


def _doublings(values: Sequence[int]) -> Axis:
    """Return a logarithmic scale with a tick at each of ``values``."""
    places = np.log2(values)
    room = 0.05 * max(1.0, float(places[-1] - places[0]))
    ticks = tuple((float(at), f"{value:,}") for at, value in zip(places, values, strict=True))
    return Axis(float(places[0]) - room, float(places[-1]) + room, ticks)
