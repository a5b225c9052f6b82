"""The command that says what files hold: info."""

from pathlib import Path
from typing import Annotated

import typer

from napari_n2n.cli import console, options

_KINDS = {"images": "separate images"}
_PARTS = {"movie": "frames", "volume": "sections", "tilt series": "tilts", "images": "images"}


def _size(kind: str, angstrom: float | None) -> str:
    what = "voxel" if kind == "volume" else "pixel"
    short = "voxel" if kind == "volume" else "px"
    return f"{what} size unknown" if angstrom is None else f"{angstrom:.4g} Å/{short}"


def info(
    files: Annotated[list[Path], typer.Argument(help="Files, folders or quoted patterns.")],
) -> None:
    """Say what files hold, from their headers and, of several images, a few of these."""
    from napari_n2n.errors import N2NError
    from napari_n2n.io import inspect_file, volume_facts
    from napari_n2n.io.labels import read_labels, told_in
    from napari_n2n.io.mrc_validation import mrc2014_departures

    failed = False
    for path in options.files_of(files, everything=True):
        try:
            found = inspect_file(path)
            departures = mrc2014_departures(path)
            facts = volume_facts(path) if found.kind == "volume" else ()
        except N2NError as error:
            console.say_error(str(error))
            failed = True
            continue
        height, width = found.shape[:2] if found.kind == "photograph" else found.shape[-2:]
        size = found.pixel_size_angstrom
        dose = found.dose_per_frame
        parts = [
            f"{_KINDS.get(found.kind, found.kind)}, {found.format}",
            f"{width} × {height} px",
            f"{found.frame_count} {_PARTS[found.kind]}" if found.kind in _PARTS else "",
            f"{found.dtype}",
            _size(found.kind, size),
            "" if dose is None else f"{dose:.3g} e/Å² a frame",
        ]
        console.say(f"{path}: " + ", ".join(part for part in parts if part))
        denoised = [f"It was denoised: {told}." for told in told_in(read_labels(path))]
        for note in (*facts, *found.notes, *denoised):
            console.say_note(f"{path.name}: {note}")
        if departures:
            console.say_note(f"{path.name}: MRC2014: {'; '.join(departures)}.")
    if failed:
        raise typer.Exit(1)
