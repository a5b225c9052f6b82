"""Options that several commands share."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_n2n.cli.movie_options import recording_option

if TYPE_CHECKING:
    from napari_n2n.denoising.checkpoints import Denoiser

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress bars.")]
OutputFolder = Annotated[
    Path, typer.Option("--output", "-o", help="Folder for the results; made if missing.")
]
PixelSize = Annotated[float | None, recording_option("pixel_size_angstrom")]
Device = Annotated[
    str, typer.Option("--device", help="auto, cpu, mps, cuda or cuda:N; auto takes the fastest.")
]
Model = Annotated[
    str,
    typer.Option(
        "--model",
        "-M",
        help="A .safetensors of napari-n2n, the authors' .pth, or a model in the box: general, "
        "or photographs for those in colour.",
    ),
]


def denoiser_of(model: str) -> "Denoiser":
    """Load the model of that name: ``general`` and ``photographs`` are in the box, others files.

    Raises
    ------
    CheckpointProblem
        There is no such file, or it is no model.
    """
    from napari_n2n.denoising.shipped_models import denoiser_named

    return denoiser_named(model)


def files_of(given: list[Path]) -> list[Path]:
    """Expand files, folders and patterns; raise UnreadableFile where there are none."""
    from napari_n2n.io import expand_inputs

    found = [path for item in given for path in expand_inputs(item)]
    return list(dict.fromkeys(found))


_SECONDS = {"": 1, "s": 1, "m": 60, "min": 60, "h": 3600}


def seconds_of(text: str) -> float:
    """Read ``60s``, ``5min`` or ``1.5h``; a bare number is seconds."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d*)?)\s*([a-z]*)\s*", text.lower())
    if match is None or match[2] not in _SECONDS or float(match[1]) == 0:
        raise typer.BadParameter(f"{text!r} is no time; write 60s, 5min or 1.5h.")
    return float(match[1]) * _SECONDS[match[2]]
