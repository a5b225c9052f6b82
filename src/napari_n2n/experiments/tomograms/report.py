"""The report on tomograms: slices, Fourier shells, correlations with the truth, times."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_n2n.experiments.curves import COLOURS, Curve, frequency_axis, line_plot
from napari_n2n.experiments.report import Panel, gallery, paragraph, report_page, table
from napari_n2n.experiments.tomograms.judging import IMAGES, picture_names
from napari_n2n.export.pages import page
from napari_n2n.export.pages.axes import numbered
from napari_n2n.progress import format_seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_n2n.experiments.protocol import ExperimentFolder, Figures
    from napari_n2n.experiments.tomograms.settings import TomogramSettings

_WHERE = ("the middle section", "a part of it", "x and z, in the middle of y")


def tomogram_report(
    settings: TomogramSettings, found: Mapping[str, Figures], records: ExperimentFolder
) -> str:
    """Return the report as one HTML file."""
    judged = found["judge"]
    return report_page(
        "Tomograms: Noise2Noise in three dimensions",
        settings.model_dump(mode="json"),
        [
            paragraph(_summary(settings, found)),
            page.section("What it looks like", _slices(records)),
            page.section("How near to the truth", _figures(judged)),
            page.section("Fourier shell correlation", _shells(judged)),
            page.section("Times", _times(found)),
        ],
        seconds=records.seconds,
    )


def _summary(settings: TomogramSettings, found: Mapping[str, Figures]) -> str:
    images = found["judge"]["images"]
    z, y, x = settings.shape
    return (
        f"Simulated tomograms of {x} × {y} × {z} voxels of {settings.voxel_size_angstrom:g} Å, "
        f"{settings.dose:g} e/Å². Trained on the halves of {settings.count}; another one is "
        f"judged. Correlation with its noise-free reconstruction: raw "
        f"{images['raw']['correlation']:.3f}, best Gaussian "
        f"{images['gaussian']['correlation']:.3f}, denoised {images['light']['correlation']:.3f}."
    )


def _slices(records: ExperimentFolder) -> str:
    panels = [
        Panel(records.picture_path(name), f"{title}: {where}")
        for row, where in enumerate(_WHERE)
        for image, title in IMAGES.items()
        for name in picture_names(image)[row : row + 1]
    ]
    return gallery(panels, across=len(IMAGES))


def _figures(judged: Figures) -> str:
    rows = []
    for name, title in IMAGES.items():
        if name == "clean":
            continue
        one = judged["images"][name]
        called = f"{title}, σ {judged['sigma_angstrom']:.0f} Å" if name == "gaussian" else title
        resolution = one["fsc"]["resolution_0.5_angstrom"]
        rows.append((called, f"{one['correlation']:.4f}", _angstrom(resolution)))
    head = ("", "correlation with the truth", "FSC with the truth ≥ 0.5")
    return table(head, rows) + paragraph(f"Fourier shells: {judged['halves']['condition']}.")


def _shells(judged: Figures) -> str:
    truth = [
        _curve(title, judged["images"][name]["fsc"], colour)
        for (name, title), colour in zip(IMAGES.items(), COLOURS, strict=False)
        if name != "clean"
    ]
    halves = [
        _curve("halves as reconstructed", judged["halves"]["fsc_before"], COLOURS[4]),
        _curve("halves, each denoised for itself", judged["halves"]["fsc_after"], COLOURS[5]),
    ]
    highest = float(truth[0].x[-1])
    plots = [
        line_plot(
            title,
            curves,
            across_title="spatial frequency (1/Å)",
            across=frequency_axis(highest),
            up=numbered(0.0, 1.0),
            level=level,
        )
        for title, curves, level in (
            ("FSC with the truth", truth, (0.5, "0.5")),
            ("FSC of two halves", halves, (0.143, "0.143")),
        )
    ]
    lines = [(curve.name, curve.colour) for curve in (*truth, *halves)]
    return (
        page.plots(plots)
        + page.legend((), lines)
        + paragraph(
            "One network made both denoised halves: what it takes for specimen in either is in "
            "both, so their agreement is an upper bound."
        )
    )


def _curve(name: str, told: Mapping[str, Any], colour: str) -> Curve:
    return Curve(
        name,
        np.asarray(told["frequency_per_angstrom"], np.float64),
        np.asarray(told["correlation"], np.float64),
        colour,
    )


def _times(found: Mapping[str, Figures]) -> str:
    rows = [
        ("Training", format_seconds(found["train-light"]["seconds"])),
        ("Denoising both halves", format_seconds(found["denoise-light"]["seconds"])),
    ]
    estimate = found["train-light"]["estimate"]
    told = "" if estimate is None else f" Correlation estimated without the truth: {estimate:.3f}."
    return table(("", "time"), rows) + paragraph(f"{found['train-light']['summary']}.{told}")


def _angstrom(resolution: float | None) -> str:
    return "nowhere" if resolution is None else f"{resolution:.1f} Å"
