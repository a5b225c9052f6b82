"""Tables of the experiment on photographs: rows of text, for a report or for a page of the docs.

``found`` is what the stages found, by their names.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_n2n.denoising.shipped_models.photographs import PAPER
from napari_n2n.experiments.photographs.comparisons import BIASED, bias_name, claim_name
from napari_n2n.experiments.photographs.settings import DEVIATIONS, PUBLISHED_DEVIATIONS
from napari_n2n.experiments.photographs.stages import OURS, THOROUGH, TITLES, psnr_name
from napari_n2n.experiments.photographs.trials import COMPARED_DEVIATIONS
from napari_n2n.io.photographs import WHITE
from napari_n2n.progress import format_seconds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Found = Mapping[str, Mapping[str, Any]]
    Table = tuple[tuple[str, ...], list[tuple[str, ...]]]

PAPER_TABLE = {10: (25.58, 28.14), 20: (23.94, 27.20), 40: (23.38, 26.08), 70: (23.26, 24.52)}
"""Table I of Tan, Cui and Luo: dB of the noisy input and of their result, by deviation."""

PUBLISHED = {
    "DnCNN": (33.90, 31.24, 27.95),
    "FFDNet": (33.87, 31.21, 27.96),
    "DRUNet": (34.30, 31.69, 28.51),
}
"""Published dB on CBSD68, at `PUBLISHED_DEVIATIONS`, of networks trained on clean images."""

_NONE = "–"


def white_noise_psnr(deviation: float) -> float:
    """Return the PSNR (dB) of an image with white noise of ``deviation`` and nothing else wrong."""
    return 20 * math.log10(WHITE / deviation)


def methods_of(found: Found) -> list[str]:
    """Return the methods that were judged at every noise, ours first."""
    return [name for name in TITLES if all(psnr_name(name, sigma) in found for sigma in DEVIATIONS)]


def first_table(found: Found) -> Table:
    """Return the paper's Table I beside what came out here."""
    methods = methods_of(found)
    head = (
        "σ (of 255)",
        "noisy",
        *(TITLES[name] for name in methods),
        "gain of ours",
        "the paper: noisy",
        "its result",
        "its gain",
    )
    rows = []
    for sigma in DEVIATIONS:
        ours = found[psnr_name(OURS, sigma)]
        psnr_db = [found[psnr_name(name, sigma)]["psnr_db"] for name in methods]
        theirs = PAPER_TABLE.get(sigma)
        paper = (_NONE,) * 3
        if theirs is not None:
            paper = (_db(theirs[0]), _db(theirs[1]), _gain(theirs[1] - theirs[0]))
        rows.append(
            (
                str(sigma),
                _db(ours["noisy_psnr_db"]),
                *map(_db, psnr_db),
                _gain(ours["psnr_db"] - ours["noisy_psnr_db"]),
                *paper,
            )
        )
    return head, rows


def published_table(found: Found) -> Table:
    """Return what was published for CBSD68 beside what came out here, and what is missing."""
    ours = {
        title: [found[psnr_name(name, sigma)]["psnr_db"] for sigma in PUBLISHED_DEVIATIONS]
        for name, title in ((OURS, "ours"), (THOROUGH, "ours, in eight ways"))
    }
    rows = [(name, *map(_db, values)) for name, values in (*ours.items(), *PUBLISHED.items())]
    rows += [
        (f"{name} less DnCNN", *map(_gain, np.subtract(values, PUBLISHED["DnCNN"])))
        for name, values in ours.items()
    ]
    return ("", *(f"σ = {sigma}, dB" for sigma in PUBLISHED_DEVIATIONS)), rows


def counts_of(found: Found) -> list[int]:
    """Return the numbers of training photographs that were compared."""
    names = [name.split("-") for name in found if name.startswith("claim-")]
    return sorted({int(parts[1]) for parts in names})


def claim_curve(found: Found, targets: str, sigma: int) -> list[float]:
    """Return PSNR (dB) at noise of ``sigma`` for each of `counts_of` photographs."""
    return [found[claim_name(n, targets)]["psnr_db"][str(sigma)] for n in counts_of(found)]


def model_sentence(model: Mapping[str, Any], *, given: bool, photographs: int) -> str:
    """Say what the model is that was judged, and how it was trained on so many photographs."""
    if given:
        return f"A model was given: {model['summary']}; what it learnt from is as its file says."
    epochs = model["steps"] * model["batch"] / photographs
    return (
        f"The {model['network']} network ({model['parameters']:,} parameters) was trained from "
        f"random weights: {model['steps']:,} steps of {model['batch']} crops of "
        f"{model['crop_px']} px, which is {epochs:,.3g} epochs (the paper: {PAPER.epochs}, of "
        f"{PAPER.crop} px), {format_seconds(model['seconds'])} on {model['device']}. Inputs and "
        "targets were photographs with Gaussian noise, each with its own, of a deviation drawn "
        "evenly from 0 to 50 of 255, added to real numbers and not clipped: no clean image was "
        "ever seen."
    )


def claim_table(found: Found) -> Table:
    """Return PSNR by number of photographs, for noisy and for clean targets."""
    head = ["photographs"]
    for sigma in COMPARED_DEVIATIONS:
        head += [f"σ = {sigma}: noisy targets, dB", "clean targets, dB", "noisy less clean, dB"]
    rows = []
    for number, count in enumerate(counts_of(found)):
        row = [str(count)]
        for sigma in COMPARED_DEVIATIONS:
            noisy, clean = (
                claim_curve(found, targets, sigma)[number] for targets in ("noisy", "clean")
            )
            row += [_db(noisy), _db(clean), _gain(noisy - clean)]
        rows.append(tuple(row))
    return tuple(head), rows


def bias_table(found: Found) -> Table:
    """Return what noise of other kinds teaches: how far results are off in the mean, and PSNR."""
    head = (
        "noise of inputs and targets",
        "σ (of 255)",
        "bias (of 255)",
        "in shadows",
        "in lights",
        "PSNR, dB",
    )
    rows = []
    for kind in BIASED:
        figures = found[bias_name(kind)]
        title = f"mean {figures['mean']:g}" if figures["mean"] else kind
        titles = {"": title, " by zero mean": f"{title}; trained on zero mean"}
        for suffix, told in titles.items():
            rows += [
                (
                    told,
                    str(sigma),
                    *(_off(judged[key]) for key in ("bias", "bias_shadows", "bias_lights")),
                    _db(judged["psnr_db"]),
                )
                for sigma in COMPARED_DEVIATIONS
                if (judged := figures.get(f"{sigma}{suffix}")) is not None
            ]
    return head, rows


def progress_table(points: Sequence[Mapping[str, Any]]) -> Table:
    """Return PSNR against the length of training."""
    head = ("steps", "minutes", *(f"σ = {sigma}, dB" for sigma in COMPARED_DEVIATIONS))
    rows = [
        (
            f"{point['steps']:,}",
            f"{point['seconds'] / 60:.1f}",
            *(_db(point["psnr_db"][str(sigma)]) for sigma in COMPARED_DEVIATIONS),
        )
        for point in points
    ]
    return head, rows


def _db(value: float) -> str:
    return f"{value:.2f}"


def _gain(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")


def _off(value: float | None) -> str:
    return _NONE if value is None else f"{value:+.1f}".replace("-", "−")
