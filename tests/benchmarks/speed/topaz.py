"""Topaz-Denoise as a command of its own, where the user has installed it (`--topaz PATH`)."""

import os
from pathlib import Path

from speed.bench import Bench
from speed.processes import Finished, ProcessFailed

# By the name of the pretrained file that Topaz says it loads.
MODELS = {
    "unet": "unet_L2_v0.2.2.sav",
    "unet-small": "unet_small_L1_v0.2.2.sav",
    "fcnn": "fcnn_L1_v0.2.2.sav",
    "affine": "affine_L1_v0.2.2.sav",
}
PATCH_PX, PADDING_PX = 1024, 64

# The command of 0.3.20 loads what --arch names, whatever --model says, and refuses "fcnn" there.
_BY_ARCHITECTURE = """
import sys
from topaz.commands import denoise
arguments = denoise.add_arguments().parse_args(sys.argv[2:])
arguments.arch = sys.argv[1]
denoise.main(arguments)
"""


def missing(bench: Bench) -> str | None:
    """Say why Topaz cannot be measured; None where it can."""
    if bench.topaz is None:
        return "Topaz is not installed here (pip install topaz-em; or give --topaz PATH): left out."
    try:
        bench.run(bench.topaz, "denoise", "--help")
    except ProcessFailed as problem:
        return f"Topaz does not run here ({str(problem).splitlines()[-1]}): left out."
    return None


def command(
    bench: Bench, model: str, files: list[Path], output: Path
) -> list[str | os.PathLike[str]]:
    """Return the command that denoises ``files`` on the CPU in patches of the best size."""
    assert bench.topaz is not None
    given: list[str | os.PathLike[str]] = [
        *files,
        "-o",
        output,
        "-d",
        "-1",
        "-j",
        str(bench.threads),
        "--model",
        model,
        "--patch-size",
        str(PATCH_PX),
        "--patch-padding",
        str(PADDING_PX),
    ]
    if model == "fcnn":
        return [bench.topaz.with_name("python"), "-c", _BY_ARCHITECTURE, model, *given]
    return [bench.topaz, "denoise", "--arch", model, *given]


def require_loaded(done: Finished, model: str) -> None:
    """Make sure that Topaz ran the network it was asked for.

    Raises
    ------
    ProcessFailed
        It loaded another one.
    """
    if MODELS[model] not in done.errors + done.output:
        raise ProcessFailed(f"Topaz was asked for {model} and did not load {MODELS[model]}")
