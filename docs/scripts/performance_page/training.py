"""The tables about training, each made from the committed figures alone."""

from collections.abc import Mapping, Sequence
from typing import Any

from speed.figures import number, ratios, told, values

from performance_page.markdown import Results, gigabytes, table

TRAININGS = {
    "quick": "`quick`",
    "paper": "`paper`, by napari-n2n",
    "paper, plain": "the paper's network, plainly",
}


def training_speed(results: Results) -> str:
    part = results["training"]["rounds"]
    rows = []
    for name, title in TRAININGS.items():
        measured = part[name]
        first = measured[0]
        rows.append(
            (
                title,
                f"{first['batch']} × {first['crop']}²",
                told(values(measured, "steps_per_second")),
                told(values(measured, "megapixels_per_second")),
                gigabytes(measured),
            )
        )
    header = ("training", "crops a step", "steps/s", "MP/s of crops", "GB")
    times = ratios(part["paper"], part["paper, plain"], "megapixels_per_second")
    text = table(header, rows)
    text += "\n\nIn a given time `paper`, done by napari-n2n, learns from"
    return f"{text} {told(times)} times the pixels that the plain way learns from."


def training_targets(results: Results) -> str:
    part = results["training"]
    starts = list(part["curves"])
    rows = [
        (f"{target:g}", *(time_to(part["curves"][start], target) for start in starts))
        for target in part["targets"]
    ]
    header = ("correlation", *(f"s, {start}" for start in starts))
    return "\n\n".join((table(header, rows), *part["notes"]))


def time_to(curve: Sequence[Mapping[str, Any]], target: float) -> str:
    """Say after how long ``target`` was reached: s asked for, and with reading in brackets."""
    reached = [point for point in curve if point["correlation"] >= target]
    if not reached:
        return "not reached"
    first = min(reached, key=lambda point: point["seconds"])
    return f"{first['budget']:g} ({number(first['seconds'], 3)})"


def training_curve(results: Results) -> str:
    curves = results["training"]["curves"]
    rows = [
        (
            f"{point['budget']:g}",
            start,
            str(point["steps"]),
            number(point["seconds"], 3),
            _four(point),
        )
        for start, curve in curves.items()
        for point in curve
    ]
    return table(("s asked for", "start", "steps", "s, reading included", "correlation"), rows)


def networks(results: Results) -> str:
    part = results["networks"]
    rows = []
    for name, points in part["variants"].items():
        by_length = {point["budget"]: point for point in points}
        cells = []
        for seconds in part["lengths"]:
            point = by_length.get(seconds)
            cells += ["-", "-"] if point is None else [str(point["steps"]), _four(point)]
        rows.append((name, *cells))
    header = ["differs from `quick` in"]
    for seconds in part["lengths"]:
        header += [f"steps in {seconds:g} s", "correlation"]
    return "\n\n".join((table(header, rows), *part["notes"]))


def _four(point: Mapping[str, Any]) -> str:
    return f"{point['correlation']:.4f}"
