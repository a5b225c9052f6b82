"""One micrograph and a list of them, MRC to MRC, each command a process with its own start-up."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from speed import topaz
from speed.bench import Bench
from speed.figures import interleave
from speed.processes import ProcessFailed

_TOPAZ_LIST = 2


def measure(bench: Bench) -> Iterator[dict[str, Any]]:
    """Yield the rounds of all contenders: seconds, peak memory, correlation with the truth.

    Topaz's time for each further micrograph of a list is that of two less that of one, so that
    measuring it does not take an hour.
    """
    files = bench.micrographs(bench.listed)
    clean = bench.clean()
    contenders: dict[str, Callable[[], dict[str, Any]]] = {
        "ours": _judged(bench, clean, lambda out: bench.denoise_command(files[0], output=out)),
        "paper": lambda: _paper(bench, files[0]),
        "ours, list": lambda: (
            bench.run(*bench.denoise_command(*files, output=bench.output("list"))).figures
        ),
    }
    notes = []
    reason = topaz.missing(bench)
    if reason is None:
        for model in topaz.MODELS:
            contenders[f"topaz {model}"] = _judged(
                bench,
                clean,
                lambda out, model=model: topaz.command(bench, model, files[:1], out),
                model,
            )
        two = files[:_TOPAZ_LIST]
        contenders["topaz unet, list"] = _judged(
            bench, clean, lambda out: topaz.command(bench, "unet", two, out), "unet"
        )
    else:
        notes.append(reason)
    raw = bench.child("judging.low_pass", image=files[0], clean=clean)
    for rounds in interleave(contenders, bench.rounds):
        yield {
            "rounds": rounds,
            "raw": raw,
            "listed": bench.listed,
            "topaz_listed": _TOPAZ_LIST,
            "notes": notes,
        }


def _judged(
    bench: Bench, clean: Path, command: Callable[[Path], Any], topaz_model: str | None = None
) -> Callable[[], dict[str, Any]]:
    """Return a contender that runs ``command`` and then, off the clock, judges its first result."""

    def contend() -> dict[str, Any]:
        folder = bench.output("one")
        try:
            done = bench.run(*command(folder))
            if topaz_model is not None:
                topaz.require_loaded(done, topaz_model)
        except ProcessFailed as problem:
            if topaz_model is None:
                raise
            # A stranger's fault must not cost our own figures.
            return {"failure": str(problem).strip().splitlines()[-1]}
        (result, *_) = sorted(folder.glob("*.mrc"))
        against = bench.child("judging.against_clean", image=result, clean=clean)
        return {**done.figures, "correlation": against["correlation"]}

    return contend


def _paper(bench: Bench, file: Path) -> dict[str, Any]:
    output = bench.output("paper") / "result.mrc"
    done = bench.child("denoising.paper_plain", path=file, output=output)
    return {"seconds": done.pop("process_seconds"), **done}
