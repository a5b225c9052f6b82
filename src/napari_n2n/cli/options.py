"""Options that several commands share."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from napari_n2n.cli.movie_options import recording_option
from napari_n2n.progress import Interrupted, Stop

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_n2n.denoising.checkpoints import Denoiser
    from napari_n2n.particles.templates import Template
    from napari_n2n.workflow.fields_of_view import ContrastChoice
    from napari_n2n.workflow.movie_reader import MovieReader

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
        "-m",
        help="A .safetensors of napari-n2n, the authors' .pth, or a model in the box: general, "
        "which is general-3d for tomograms, or photographs for those in colour.",
    ),
]


Contrast = Annotated[
    Literal["auto", "dark", "bright"],
    typer.Option(
        "--contrast",
        help="Particles are dark, as in cryo-EM, or bright, as in negative stain and inverted "
        "images; auto: bright where that is plain.",
    ),
]
SessionFile = Annotated[
    Path, typer.Argument(help="The session's file, or the folder that was screened.")
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
    movies: "MovieReader",
    diameter: float | None,
    *,
    contrast: "ContrastChoice",
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

    steps = template_steps(
        like, files, denoiser, movies, diameter, contrast=contrast, device=device, stop=stop
    )
    try:
        template = console.Reporter(quiet).run(steps)
    except Interrupted:
        console.say_note("Stopped before anything was done.")
        raise typer.Exit(130) from None
    console.say_note(f"What to look for was learnt from {template.learnt_from} particles.")
    return template


def denoiser_of(model: str) -> "Denoiser":
    """Load the model of that name: one of `IN_THE_BOX`, or a file.

    Raises
    ------
    CheckpointProblem
        There is no such file, or it is no model.
    """
    from napari_n2n.denoising.shipped_models import denoiser_named

    return denoiser_named(model)


def denoiser_of_images(model: str) -> "Denoiser":
    """Do as `denoiser_of`, for what works on micrographs only.

    Raises
    ------
    CheckpointProblem
        There is no such file, or it is no model.
    WrongDimensions
        It is for volumes.
    """
    from napari_n2n.denoising.config import require_dimensions

    denoiser = denoiser_of(model)
    require_dimensions(denoiser.network.config, 2)
    return denoiser


def movies_of(given: list[Path], gain: Path | None) -> list[Path]:
    """Do as `files_of`, but leave out what lies beside the movies of a folder and is none.

    That are sums, gain references and the truth of simulated movies. A file that is named is taken.
    """
    from napari_n2n.errors import UnreadableFile
    from napari_n2n.io import may_be_movie

    found: list[Path] = []
    for item in given:
        inside = files_of([item], gain=gain)
        if item.is_dir():
            inside = [one for one in inside if may_be_movie(one)]
            if not inside:
                raise UnreadableFile(
                    item, "is a folder without movies", "Give the folder of the movies."
                )
        found += inside
    return list(dict.fromkeys(found))


def files_of(
    given: list[Path], *, everything: bool = False, gain: Path | None = None
) -> list[Path]:
    """Expand files, folders and patterns; raise UnreadableFile where there are none.

    Of a folder, the ``gain`` reference of its movies is left out, and what was made here of what
    lies in it: see `napari_n2n.io.own_results`.
    """
    from napari_n2n.io import expand_inputs
    from napari_n2n.io.own_results import recorded

    found: dict[Path, None] = {}
    for item in given:
        inside = expand_inputs(item, everything=everything)
        if item.is_dir() and not everything:
            inside = recorded(inside, gain)
        found.update(dict.fromkeys(inside))
    return list(found)


def require_there(given: list[Path]) -> None:
    """Make sure that files and folders are there, and that patterns find some.

    Raises
    ------
    UnreadableFile
        One is not.
    """
    from napari_n2n.io import expand_inputs

    for item in given:
        if not item.exists():
            expand_inputs(item)


_SECONDS = {"": 1, "s": 1, "m": 60, "min": 60, "h": 3600}


def seconds_of(text: str) -> float:
    """Read ``60s``, ``5min`` or ``1.5h``; a bare number is seconds."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d*)?)\s*([a-z]*)\s*", text.lower())
    if match is None or match[2] not in _SECONDS or float(match[1]) == 0:
        raise typer.BadParameter(f"{text!r} is no time; write 60s, 5min or 1.5h.")
    return float(match[1]) * _SECONDS[match[2]]
