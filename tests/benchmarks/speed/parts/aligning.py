"""Aligning a movie, against torch-motion-correction's own whole-movie way, with one measure."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil

from speed.bench import Bench
from speed.figures import interleave
from speed.processes import ProcessFailed

_BYTES_PER_MEGABYTE = 2**20
_NEVER_TOO_LARGE_PX = 1024
_SAFE_SHARE = 0.8  # of the memory that is free


def measure(bench: Bench) -> Iterator[dict[str, Any]]:
    """Yield the rounds at full size, at the library's size, and errors against the known motion."""
    library_side, notes = _side_that_fits(bench)
    kept = bench.output("aligning")
    cases = {
        "drifting": (bench.side, False, ("ours",)),
        "bending": (bench.side, True, ("ours",)),
        "compared": (library_side, False, ("ours", "whole field only", "library")),
    }
    if library_side == bench.side:
        del cases["drifting"]
    contenders: dict[str, Callable[[], dict[str, Any]]] = {}
    for case, (side, bending, ways) in cases.items():
        movie = bench.movie(bending=bending, side=side)
        for way in ways:
            output = kept / f"{case}_{way}.npz"
            contenders[f"{case}: {way}"] = lambda way=way, movie=movie, output=output: _align(
                bench, way, movie, output
            )
    truth: dict[str, Any] = {}
    for rounds in interleave(contenders, bench.rounds):
        for case, (side, bending, ways) in cases.items():
            if case not in truth:
                outputs = {way: kept / f"{case}_{way}.npz" for way in ways}
                truth[case] = bench.child(
                    "aligning.judged",
                    path=bench.movie(bending=bending, side=side),
                    side=side,
                    frames=bench.frames,
                    bending=bending,
                    outputs=outputs,
                )
        sides = {case: side for case, (side, *_) in cases.items()}
        yield {"rounds": rounds, "truth": truth, "sides": sides, "notes": notes}


def _align(bench: Bench, way: str, movie: Path, output: Path) -> dict[str, Any]:
    if way == "library":
        return bench.child("aligning.library", path=movie, output=output)
    patches = "auto" if way == "ours" else False
    return bench.child("aligning.ours", path=movie, output=output, patches=patches)


def _side_that_fits(bench: Bench) -> tuple[int, list[str]]:
    """Return the largest side at which the library's way fits the memory, and what to say of it.

    Raises
    ------
    ProcessFailed
        It does not fit even at half the side.
    """
    if bench.side <= _NEVER_TOO_LARGE_PX:
        return bench.side, []
    peaks = {}
    for trial_side in (bench.side // 8, bench.side // 4):
        trial = bench.movie(bending=False, side=trial_side)
        output = bench.output("trial") / "trial.npz"
        done = bench.child("aligning.library", path=trial, output=output)
        peaks[trial_side**2] = done["peak_megabytes"]
    # The imports' share is in both; what is left grows with the pixels.
    (few, little), (many, much) = peaks.items()
    per_pixel = (much - little) / (many - few)
    free = psutil.virtual_memory().available / _BYTES_PER_MEGABYTE
    sides = (bench.side, bench.side * 3 // 4, bench.side // 2)
    side = next((side for side in sides if per_pixel * side**2 < _SAFE_SHARE * free), None)
    if side is None:
        raise ProcessFailed("torch-motion-correction's whole-movie way does not fit this memory.")
    if side == bench.side:
        return side, []
    needed = per_pixel * bench.side**2 / 1024
    return side, [
        f"At {bench.side}² torch-motion-correction's own way would take about {needed:.0f} GB, and "
        f"{free / 1024:.0f} GB were free: it was measured at {side}²."
    ]
