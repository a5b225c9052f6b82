"""Options that several commands share."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from napari_n2n.progress import Interrupted, Stop

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_n2n.denoising.checkpoints import Denoiser
    from napari_n2n.particles.templates import Template
    from napari_n2n.workflow.movie_settings import MovieSettings

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress bars.")]
OutputFolder = Annotated[
    Path, typer.Option("--output", "-o", help="Folder for the results; made if missing.")
]
PixelSize = Annotated[
    float | None,
    typer.Option(
        "--pixel-size", min=0.05, max=1000, help="Pixel size in Å; default: the file's header."
    ),
]
_MOVIES = "Movies"
DosePerFrame = Annotated[
    float | None,
    typer.Option(
        "--dose-per-frame",
        min=1e-6,
        help="Dose per frame in e/Å²; default: the file's.",
        rich_help_panel=_MOVIES,
    ),
]
Gain = Annotated[
    Path | None,
    typer.Option("--gain", help="Gain reference (MRC, TIFF, .gain).", rich_help_panel=_MOVIES),
]
GainOperation = Annotated[
    Literal["multiply", "divide"],
    typer.Option(
        "--gain-operation",
        help="How the gain reference is applied to the frames.",
        rich_help_panel=_MOVIES,
    ),
]
GainRotation = Annotated[
    int,
    typer.Option(
        "--gain-rot",
        min=0,
        max=3,
        help="Quarter turns of the gain, as RELION's --gain_rot.",
        rich_help_panel=_MOVIES,
    ),
]
GainFlip = Annotated[
    int,
    typer.Option(
        "--gain-flip",
        min=0,
        max=2,
        help="0: none, 1: upside down, 2: left-right, as RELION's --gain_flip.",
        rich_help_panel=_MOVIES,
    ),
]
EerDose = Annotated[
    float | None,
    typer.Option(
        "--eer-dose",
        min=1e-6,
        help="EER: dose of a rendered frame in e/Å²; default 1.",
        rich_help_panel=_MOVIES,
    ),
]
EerRawDose = Annotated[
    float | None,
    typer.Option(
        "--eer-raw-dose",
        min=1e-9,
        help="EER: dose of a raw frame in e/Å², if not in the file.",
        rich_help_panel=_MOVIES,
    ),
]
EerFrames = Annotated[
    int | None,
    typer.Option(
        "--eer-frames", min=1, help="EER: how many frames to render.", rich_help_panel=_MOVIES
    ),
]
EerUpsampling = Annotated[
    int,
    typer.Option(
        "--eer-upsampling",
        min=1,
        max=4,
        help="EER: 1, 2 or 4 pixels for one.",
        rich_help_panel=_MOVIES,
    ),
]
Aligned = Annotated[
    bool,
    typer.Option(
        "--aligned",
        help="The movies are aligned already: only add the frames up.",
        rich_help_panel=_MOVIES,
    ),
]
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


Like = Annotated[
    Path | None,
    typer.Option(
        "--like",
        help="Look for particles like those marked in this session or coordinate file.",
    ),
]


def template_of(
    like: Path | None,
    files: "Sequence[Path]",
    denoiser: "Denoiser | None",
    movies: "MovieSettings",
    diameter: float | None,
    *,
    device: str,
    stop: Stop,
    quiet: bool,
) -> "Template | None":
    """Learn what to look for from the marks in ``like``, and say how many there were.

    Raises
    ------
    N2NError
        The marks or their micrograph do not allow it.
    typer.Exit
        With 130 where someone stopped it.
    """
    if like is None:
        return None
    from napari_n2n.cli import console
    from napari_n2n.workflow.templates import template_steps

    steps = template_steps(like, files, denoiser, movies, diameter, device=device, stop=stop)
    try:
        template = console.Reporter(quiet).run(steps)
    except Interrupted:
        console.say_note("Stopped before anything was done.")
        raise typer.Exit(130) from None
    console.say_note(f"What to look for was learnt from {template.learnt_from} particles.")
    return template


def denoiser_of(model: str) -> "Denoiser":
    """Load the model of that name: ``general`` and ``photographs`` are in the box, others files.

    Raises
    ------
    CheckpointProblem
        There is no such file, or it is no model.
    """
    from napari_n2n.denoising.shipped_models import denoiser_named

    return denoiser_named(model)


def files_of(given: list[Path], *, everything: bool = False) -> list[Path]:
    """Expand files, folders and patterns; raise UnreadableFile where there are none."""
    from napari_n2n.io import expand_inputs

    found = [path for item in given for path in expand_inputs(item, everything=everything)]
    return list(dict.fromkeys(found))


_SECONDS = {"": 1, "s": 1, "m": 60, "min": 60, "h": 3600}


def seconds_of(text: str) -> float:
    """Read ``60s``, ``5min`` or ``1.5h``; a bare number is seconds."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d*)?)\s*([a-z]*)\s*", text.lower())
    if match is None or match[2] not in _SECONDS or float(match[1]) == 0:
        raise typer.BadParameter(f"{text!r} is no time; write 60s, 5min or 1.5h.")
    return float(match[1]) * _SECONDS[match[2]]
