"""The tables about opening, aligning, denoising and clicking, from the committed figures alone."""

from collections.abc import Mapping
from typing import Any

from speed.figures import median, number, ratios, told, values

from performance_page.markdown import Results, gigabytes, table
from performance_page.training import time_to

_MEGA = 1e6
_TOPAZ = {
    "topaz unet": "Topaz `unet`",
    "topaz unet-small": "Topaz `unet-small`",
    "topaz fcnn": "Topaz `fcnn`",
    "topaz affine": "Topaz `affine`",
}


def where(results: Results) -> str:
    """Say what everything was measured on, with and when."""
    machine = next(iter(results.values()))["machine"]
    versions = {name: version for name, version in machine["versions"].items() if version}
    commits = sorted({part["machine"]["commit"] for part in results.values()})
    dates = sorted({part["machine"]["date"] for part in results.values()})
    rows = [
        (
            "machine",
            f"{machine['processor']}, {machine['cores']} cores, "
            f"{machine['memory_gigabytes']:g} GB, no GPU used",
        ),
        ("system", f"{machine['system']}, Python {machine['python']}"),
        ("versions", ", ".join(f"{name} {version}" for name, version in versions.items())),
        ("commit", ", ".join(f"`{commit}`" for commit in commits)),
        ("measured", ", ".join(dates)),
        (
            "load before the parts",
            told([part["machine"]["load_before"] for part in results.values()]),
        ),
    ]
    text = table(("", ""), rows)
    if any(part["settings"]["quick"] for part in results.values()):
        text += (
            "\n\n**These are figures of a trial** (`--quick`: small images, one round, a machine "
            "busy with other things). They show that the benchmark runs, not how fast anything is."
        )
    unfinished = [name for name, part in results.items() if not part["complete"]]
    if unfinished:
        text += f"\n\nNot measured to the end: {', '.join(unfinished)}."
    return text


def summary(results: Results) -> str:
    """Say in one table how far the goals are reached."""
    rounds, curves = results["denoising"]["rounds"], results["training"]["curves"]
    side, count = results["denoising"]["settings"]["side"], results["denoising"]["listed"]
    aligned = results["aligning"]["rounds"]
    rows = []
    topaz = rounds.get("topaz unet", [])
    if values(topaz, "seconds"):
        ours, theirs = (median(values(rounds[n], "correlation")) for n in ("ours", "topaz unet"))
        rows += [
            (f"Topaz's time, one {side}²", "≥ 25 times ours", told(ratios(topaz, rounds["ours"]))),
            (
                f"Topaz's time, a list of {count}",
                "≥ 40 times ours",
                told(_list_ratios(results["denoising"])),
            ),
            (
                "Topaz's memory",
                "≥ 2 times ours",
                told(ratios(topaz, rounds["ours"], "peak_megabytes")),
            ),
            ("correlation with the truth", f"above Topaz's {theirs:.3f}", f"{ours:.3f}"),
        ]
    goals = {0.89: "10 s", 0.94: "60 s", 0.945: "240 s"}
    curve = curves.get("from nothing", [])
    rows += [
        (f"training from nothing to {target:g}", goal, time_to(curve, target))
        for target, goal in goals.items()
    ]
    times = ratios(aligned["compared: library"], aligned["compared: ours"])
    rows += [
        ("torch-motion-correction's time", "≥ 3 times ours", told(times)),
        (f"memory of aligning {side}²", "< 3 GB", gigabytes(aligned["bending: ours"])),
    ]
    return table(("what", "goal", "measured"), rows)


def opening(results: Results) -> str:
    part = results["opening"]
    side, frames = part["settings"]["side"], part["settings"]["frames"]
    movie, micrograph = part["rounds"]["movie"], part["rounds"]["micrograph"]

    def milliseconds(measurements: Any, key: str) -> str:
        return told([value * 1e3 for value in values(measurements, key)])

    rows = [
        (f"opening a movie of {side}² × {frames}", milliseconds(movie, "seconds")),
        ("its first frame", milliseconds(movie, "first_frame_seconds")),
        (f"reading a micrograph of {side}²", milliseconds(micrograph, "seconds")),
        ("importing what opens files", milliseconds(movie, "import_seconds")),
    ]
    return table(("", "ms"), rows)


def aligning(results: Results) -> str:
    part = results["aligning"]
    ways = {
        "ours": "napari-n2n",
        "whole field only": "napari-n2n, without looking for bending",
        "library": "torch-motion-correction, whole movie in memory",
    }
    rows = []
    for name, rounds in part["rounds"].items():
        case, _, way = name.partition(": ")
        side, truth = part["sides"][case], part["truth"][case][way]
        kind = "drift and bending" if case == "bending" else "drift"
        rows.append(
            (
                f"{side}² × {part['settings']['frames']}, {kind}",
                ways[way],
                told(values(rounds, "seconds")),
                gigabytes(rounds),
                number(truth["whole_field_error_px"]),
                number(truth["field_error_px"]),
                f"{truth['share_of_true_drift']:.4f}",
            )
        )
    header = (
        "movie",
        "by",
        "s",
        "GB",
        "error of the drift, px",
        "error anywhere in the field, px",
        "correlation of the sum, relative to that with the true drift",
    )
    compared = part["rounds"]
    times = ratios(compared["compared: library"], compared["compared: ours"])
    text = table(header, rows)
    text += f"\n\ntorch-motion-correction's own way took {told(times)} times as long."
    return "\n\n".join((text, *part["notes"]))


def aligning_stages(results: Results) -> str:
    rounds = results["aligning"]["rounds"]["bending: ours"]
    rows = [
        (stage, told([one["stages"][stage] for one in rounds if stage in one["stages"]]))
        for stage in rounds[0]["stages"]
    ]
    return table(("stage, drift and bending", "s"), rows)


def denoising(results: Results) -> str:
    part = results["denoising"]
    side, rounds = part["settings"]["side"], part["rounds"]
    names = {"ours": "napari-n2n", **_TOPAZ, "paper": "the paper's network, plainly"}
    rows = []
    for name, title in names.items():
        measured = rounds.get(name, [])
        if not values(measured, "seconds"):
            continue
        reached = values(measured, "correlation")
        rows.append(
            (
                title,
                told(values(measured, "seconds")),
                told([side**2 / _MEGA / value for value in values(measured, "seconds")]),
                gigabytes(measured),
                f"{median(reached):.3f}" if reached else "(untrained)",
                "1" if name == "ours" else told(ratios(measured, rounds["ours"])),
                "1" if name == "ours" else told(ratios(measured, rounds["ours"], "peak_megabytes")),
            )
        )
    raw = part["raw"]
    rows.append(("best Gaussian low-pass", "", "", "", f"{raw['gaussian']:.3f}", "", ""))
    rows.append(("raw", "", "", "", f"{raw['raw']:.3f}", "", ""))
    header = (
        f"one micrograph of {side}²",
        "s",
        "MP/s",
        "GB",
        "correlation with the truth",
        "times our time",
        "times our memory",
    )
    failures = [
        f"{_TOPAZ.get(name, name)} failed: {one['failure']}."
        for name, measured in rounds.items()
        for one in measured[:1]
        if "failure" in one
    ]
    return "\n\n".join((table(header, rows), *part["notes"], *failures))


def listed(results: Results) -> str:
    part = results["denoising"]
    count = part["listed"]
    ours = values(part["rounds"]["ours, list"], "seconds")
    rows = [("napari-n2n", told(ours), told([value / count for value in ours]), "1")]
    whole, each = _topaz_list(part)
    if whole:
        times = told(_list_ratios(part))
        rows.append(("Topaz `unet`, reckoned", told(whole), told(each), times))
    header = (f"a list of {count}", "s", "s for each", "times our time")
    return table(header, rows)


def _topaz_list(part: Mapping[str, Any]) -> tuple[list[float], list[float]]:
    """Reckon Topaz's seconds for the whole list, and for each further micrograph, by round."""
    one, several = (
        values(part["rounds"].get(name, []), "seconds")
        for name in ("topaz unet", "topaz unet, list")
    )
    more = part["topaz_listed"] - 1
    each = [(b - a) / more for a, b in zip(one, several, strict=False)]
    return [a + (part["listed"] - 1) * e for a, e in zip(one, each, strict=False)], each


def _list_ratios(part: Mapping[str, Any]) -> list[float]:
    ours = values(part["rounds"]["ours, list"], "seconds")
    return [theirs / mine for theirs, mine in zip(_topaz_list(part)[0], ours, strict=False)]


def clicks(results: Results) -> str:
    part = results["clicks"]
    if not part["rounds"]:
        return "\n\n".join(part["notes"])
    screen = ", drawn in software under Xvfb" if part["virtual_screen"] else ""
    side = part["settings"]["side"]
    keys = ("click_returns_seconds", "first_region_seconds", "seconds")
    rows = [
        (view, *(told(values(measured, key)) for key in keys))
        for view, measured in part["rounds"].items()
    ]
    header = (
        f"micrograph of {side}²{screen}",
        "s until the click returns",
        "until the first denoised region is on the screen",
        "until all of it is",
    )
    return table(header, rows)
