"""The pictures of docs/performance.md, drawn from the benchmark's committed figures alone."""

from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot
from speed.figures import median, values

mpl.use("Agg")

_OURS, _OTHERS = "#0072b2", "#999999"  # colours all can tell apart
_STARTS = {"from nothing": "#d55e00", "from the general model": _OURS}


def draw(results: dict[str, dict[str, Any]], folder: Path) -> list[Path]:
    """Draw what there are figures for; returns the files written."""
    written = []
    for part, (name, draw_part) in _PLOTS.items():
        if part not in results:
            continue
        path = folder / f"performance-{name}.png"
        figure = draw_part(results[part])
        figure.savefig(path, dpi=110, bbox_inches="tight", metadata={"Software": None})
        pyplot.close(figure)
        written.append(path)
    return written


def _denoising(part: dict[str, Any]) -> pyplot.Figure:
    rounds, count = part["rounds"], part["listed"]
    bars = {
        f"napari-n2n, in a list of {count}": [
            seconds / count for seconds in values(rounds["ours, list"], "seconds")
        ],
        "napari-n2n": values(rounds["ours"], "seconds"),
    }
    for model in ("affine", "fcnn", "unet-small", "unet"):
        bars[f"Topaz {model}"] = values(rounds.get(f"topaz {model}", []), "seconds")
    bars["the paper's network, plainly"] = values(rounds["paper"], "seconds")
    bars = {name: seconds for name, seconds in bars.items() if seconds}
    figure, axes = pyplot.subplots(figsize=(7, 0.45 * len(bars) + 1))
    middles = [median(seconds) for seconds in bars.values()]
    spread = [
        [middle - min(seconds) for middle, seconds in zip(middles, bars.values(), strict=True)],
        [max(seconds) - middle for middle, seconds in zip(middles, bars.values(), strict=True)],
    ]
    colours = [_OURS if name.startswith("napari-n2n") else _OTHERS for name in bars]
    drawn = axes.barh(list(bars), middles, xerr=spread, color=colours)
    axes.bar_label(drawn, [f" {middle:.3g} s" for middle in middles])
    axes.set_xlim(right=max(middles) * 1.15)
    side = part["settings"]["side"]
    axes.set_xlabel(f"s for a micrograph of {side}²")
    axes.invert_yaxis()
    return figure


def _training(part: dict[str, Any]) -> pyplot.Figure:
    figure, axes = pyplot.subplots(figsize=(7, 3.6))
    for start, curve in part["curves"].items():
        points = sorted((point["seconds"], point["correlation"]) for point in curve)
        axes.plot(*zip(*points, strict=True), "o-", color=_STARTS[start], label=start)
    for target in part["targets"]:
        axes.axhline(target, color=_OTHERS, linewidth=0.8, linestyle=":")
        axes.annotate(f"{target:g}", (1, target), xycoords=("axes fraction", "data"), fontsize=8)
    axes.set_xscale("log")
    axes.set_xlabel("s of training, reading included, logarithmic")
    axes.set_ylabel("correlation with the truth")
    axes.legend(frameon=False)
    return figure


def _networks(part: dict[str, Any]) -> pyplot.Figure:
    lengths, variants = part["lengths"], part["variants"]
    figure, all_axes = pyplot.subplots(
        1, len(lengths), figsize=(10, 0.3 * len(variants) + 1), sharey=True, layout="constrained"
    )
    for axes, seconds in zip(all_axes, lengths, strict=True):
        found = {
            name.strip("`"): point["correlation"]
            for name, points in variants.items()
            for point in points
            if point["budget"] == seconds
        }
        chosen, own = next(iter(found.items()))
        colours = [_OURS if name == chosen else _OTHERS for name in found]
        axes.hlines(list(found), own, list(found.values()), color=colours)
        axes.scatter(list(found.values()), list(found), color=colours)
        axes.axvline(own, color=_OURS, linewidth=0.8, linestyle=":")
        axes.set(title=f"after {seconds:g} s", xlabel="correlation with the truth")
    all_axes[0].invert_yaxis()  # which they share
    return figure


def _growth(part: dict[str, Any]) -> pyplot.Figure:
    panels = {
        "side": ("denoising", "side of the micrograph, px"),
        "list": ("denoising a list", "micrographs"),
        "frames": ("aligning", "frames"),
    }
    figure, all_axes = pyplot.subplots(1, len(panels), figsize=(10, 3.2), layout="constrained")
    for axes, (what, (title, label)) in zip(all_axes, panels.items(), strict=True):
        curve = part["curves"][what]
        amounts = [float(amount) for amount in curve]
        seconds = [median(values(measured, "seconds")) for measured in curve.values()]
        memory = [median(values(measured, "peak_megabytes")) / 1024 for measured in curve.values()]
        axes.plot(amounts, seconds, "o-", color=_OURS)
        axes.set(title=title, xlabel=label, xlim=(0, None), ylim=(0, None))
        axes.set_ylabel("s", color=_OURS)
        other = axes.twinx()
        other.plot(amounts, memory, "s--", color=_STARTS["from nothing"], markersize=4)
        other.set_ylim(0, None)
        other.set_ylabel("GB", color=_STARTS["from nothing"])
    return figure


_PLOTS = {
    "denoising": ("denoising", _denoising),
    "training": ("training", _training),
    "networks": ("networks", _networks),
    "growth": ("growth", _growth),
}
