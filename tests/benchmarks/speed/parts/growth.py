"""How cost grows: with the image's side, frames, the length of a list, and threads."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from speed.bench import Bench
from speed.figures import interleave

_SIDES = (0.25, 0.5, 1, 2)  # of the bench's side
_FRAMES = (0.25, 0.5, 1)
_LISTED = (0.05, 0.25, 1)


def measure(bench: Bench) -> Iterator[dict[str, Any]]:
    """Yield, round by round, ``{what: {amount: [figures, ...]}}``."""
    contenders: dict[tuple[str, float], Callable[[], dict[str, Any]]] = {}
    for share in _SIDES:
        side = int(bench.side * share)
        path = _resized(bench, side)
        contenders["side", side] = lambda path=path: _denoised(bench, path)
    movie = bench.movie(bending=False)
    for share in _FRAMES:
        frames = max(2, int(bench.frames * share))
        short = _shortened(bench, movie, frames)
        contenders["frames", frames] = lambda short=short: _aligned(bench, short)
    files = bench.micrographs(bench.listed)
    for count in sorted({max(1, int(bench.listed * share)) for share in _LISTED}):
        contenders["list", count] = lambda count=count: _denoised(bench, *files[:count])
    for threads in sorted({1, bench.threads}):
        contenders["threads, denoising", threads] = lambda threads=threads: _denoised(
            bench, files[0], threads=threads
        )
        contenders["threads, aligning", threads] = lambda threads=threads: _aligned(
            bench, movie, threads
        )
        contenders["threads, training", threads] = lambda threads=threads: _trained(bench, threads)
    for rounds in interleave(
        {f"{what}|{n}": run for (what, n), run in contenders.items()}, bench.rounds
    ):
        curves: dict[str, dict[str, Any]] = {}
        for name, figures in rounds.items():
            what, _, amount = name.partition("|")
            curves.setdefault(what, {})[amount] = figures
        yield {"curves": curves}


def _denoised(bench: Bench, *files: Path, threads: int | None = None) -> dict[str, Any]:
    command = bench.denoise_command(*files, output=bench.output("growth"))
    return bench.run(*command, threads=threads).figures


def _aligned(bench: Bench, movie: Path, threads: int | None = None) -> dict[str, Any]:
    count = threads or bench.threads
    output = bench.output("growth") / "aligned.npz"
    done = bench.child("aligning.ours", threads=count, path=movie, output=output)
    return {key: done[key] for key in ("seconds", "peak_megabytes")}


def _trained(bench: Bench, threads: int) -> dict[str, Any]:
    seconds = 2.0 if bench.quick else 20.0
    return bench.child(
        "training.speed",
        folder=bench.pairs(),
        name="quick",
        steps=None,
        max_seconds=seconds,
        threads=threads,
    )


def _resized(bench: Bench, side: int) -> Path:
    if side == bench.side:
        return bench.micrographs(1)[0]
    bench.micrographs(1)
    path = bench.clean().parent / f"resized_{side}.mrc"
    if not path.exists():
        bench.child("simulating.resized", path=path, clean=bench.clean(), side=side)
    return path


def _shortened(bench: Bench, movie: Path, frames: int) -> Path:
    if frames == bench.frames:
        return movie
    path = movie.with_name(f"short_{frames}.mrc")
    if not path.exists():
        bench.child("simulating.shorter", path=path, source=movie, frames=frames)
    return path
