"""Commands about coordinate files: convert."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from napari_n2n.cli import console, options
from napari_n2n.cli.file_results import claim, writes_files

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_n2n.io import Label, MicrographParticles

_MOST_NAMED = 5
_PICKER_SUFFIXES = ("_autopick", "_manualpick", "_pick", "_picks", "_extract")


@writes_files
def convert(
    source: Annotated[
        Path,
        typer.Argument(help=".star, .box, .cbox, .csv, .cs or Topaz .txt; or a folder of them."),
    ],
    output: Annotated[
        str,
        typer.Argument(
            help="One file for all (.star, .csv, .txt, .cs, .box), or a folder for a file each."
        ),
    ],
    micrograph: Annotated[
        Path | None,
        typer.Option(help="The micrograph (or one of them): gives shape, pixel size and name."),
    ] = None,
    pixel_size: options.PixelSize = None,
    shape: Annotated[
        tuple[int, int] | None,
        typer.Option(metavar="HEIGHT WIDTH", help="Of the micrographs in px."),
    ] = None,
    labels: Annotated[
        str | None, typer.Option(help="Write only these labels, e.g. intact,broken.")
    ] = None,
    mirror_y: Annotated[
        bool,
        typer.Option("--mirror-y", help="Between here and what RELION made of TIFF movies."),
    ] = False,
    scale: Annotated[
        float, typer.Option(min=1e-3, max=1e3, help="Multiply positions by this.")
    ] = 1.0,
    diameter: Annotated[
        float | None, typer.Option(min=1, max=100_000, help="Of the particle in Å, for .box.")
    ] = None,
    box_size: Annotated[
        int | None, typer.Option(min=2, max=100_000, help="In px, for .box.")
    ] = None,
    each: Annotated[
        Literal["star", "box"], typer.Option(help="What to write into a folder.")
    ] = "star",
) -> None:
    """Convert particle coordinates between RELION, EMAN, crYOLO, Topaz, cryoSPARC and CSV."""
    from napari_n2n.errors import BadValue
    from napari_n2n.io import (
        inspect_file,
        joined_by_micrograph,
        write_box_per_micrograph,
        write_coordinates,
        write_star_per_micrograph,
    )

    wanted = labels_of(labels)
    if micrograph is not None:
        info = inspect_file(micrograph)
        shape = shape or (info.shape[-2], info.shape[-1])
        pixel_size = pixel_size or info.pixel_size_angstrom
    paths = _coordinate_files(source)
    read, failed = _read(paths, shape, pixel_size, scale)
    tables = [
        replace(
            one,
            micrograph=one.micrograph or _name(path, micrograph),
            pixel_size_angstrom=pixel_size or one.pixel_size_angstrom,
            shape=one.shape or shape,
            diameter_angstrom=diameter or one.diameter_angstrom,
        )
        for path, one in read
    ]
    separate = len(tables)
    tables = joined_by_micrograph(tables)
    if len(tables) < separate:
        console.say_note(
            f"{separate} tables are of {len(tables)} micrographs: those of one were joined."
        )
    chosen = [one if wanted is None else one.only(wanted) for one in tables]
    if wanted is not None and not any(len(one.particles) for one in chosen):
        total = sum(len(one.particles) for one in tables)
        raise BadValue(f"None of the {total:,} particles in {source} is {' or '.join(wanted)}.")
    target = Path(output)
    into_folder = target.is_dir() or output.endswith(("/", "\\"))
    claim(_results(target, chosen, each) if into_folder else [target], (*paths, micrograph))
    if not into_folder:
        write_coordinates(target, chosen, mirror_y=mirror_y, box_size_px=box_size)
    elif each == "star":
        write_star_per_micrograph(target, chosen, mirror_y=mirror_y)
    else:
        write_box_per_micrograph(target, chosen, mirror_y=mirror_y, box_size_px=box_size)
    console.say(f"{summary(chosen)} → {output}")
    if failed:
        console.say_error(f"{failed} of {len(paths)} files failed; the others are done.")
        raise typer.Exit(1)


def _results(folder: Path, tables: "Sequence[MicrographParticles]", each: str) -> list[Path]:
    """Return what is written into a folder."""
    from napari_n2n.io.coordinates.writing import SUFFIX

    if each == "star":
        return [folder / f"{one.stem}{SUFFIX}.star" for one in tables]
    return [folder / f"{one.stem}.box" for one in tables if len(one.particles)]


def labels_of(given: str | None) -> "list[Label] | None":
    """Read ``intact,broken``; None is all.

    Raises
    ------
    typer.BadParameter
        Naming the labels there are.
    """
    if given is None:
        return None
    from napari_n2n.io import LABELS

    words = [word.strip() for word in given.split(",")]
    chosen = [label for label in LABELS if label in words]
    if not chosen or set(words) - {*LABELS, ""}:
        raise typer.BadParameter(
            f"--labels takes some of {', '.join(LABELS)}, with commas between, not {given!r}."
        )
    return chosen


def summary(tables: "Sequence[MicrographParticles]") -> str:
    """Say in one line how many particles of each label there are, and on which micrograph."""
    if len(tables) <= _MOST_NAMED:
        return "; ".join(f"{one.stem}: {_counts([one])}" for one in tables)
    sizes = [len(one.particles) for one in tables]
    return f"{len(tables)} micrographs, {min(sizes):,} to {max(sizes):,} each: {_counts(tables)}"


def _counts(tables: "Sequence[MicrographParticles]") -> str:
    totals: dict[str, int] = {}
    for one in tables:
        for label, count in one.particles.counts().items():
            totals[label] = totals.get(label, 0) + count
    parts = ", ".join(f"{count:,} {label}" for label, count in totals.items() if count)
    count = sum(totals.values())
    return f"{count:,} particle{'' if count == 1 else 's'}" + (f" ({parts})" if parts else "")


def _coordinate_files(source: Path) -> list[Path]:
    """Return a file, or the coordinate files of a folder, and those that should be some."""
    from napari_n2n.errors import UnreadableFile
    from napari_n2n.io import is_coordinates

    if not source.is_dir():
        return [source]
    files = sorted(path for path in source.iterdir() if path.is_file() and path.name[0] != ".")
    found = [path for path in files if is_coordinates(path) or _is_called_so(path)]
    if not found:
        raise UnreadableFile(source, "holds no coordinate files", "Choose another folder.")
    return found


def _is_called_so(path: Path) -> bool:
    """Whether nothing but a coordinate file is called like that: if it is none, it is torn."""
    suffix = path.suffix.lower()
    return suffix in (".box", ".cbox") or (
        suffix == ".star" and path.stem.lower().endswith(_PICKER_SUFFIXES)
    )


def _read(
    paths: "Sequence[Path]",
    shape: tuple[int, int] | None,
    pixel_size: float | None,
    scale: float,
) -> "tuple[list[tuple[Path, MicrographParticles]], int]":
    """Read files, with each micrograph its file; say which cannot be read, and count them.

    Raises
    ------
    N2NError
        None can be read.
    """
    from napari_n2n.errors import N2NError
    from napari_n2n.io import read_coordinates

    # A given pixel size is that of the result.
    own = None if pixel_size is None else pixel_size * scale
    tables: list[tuple[Path, MicrographParticles]] = []
    problems: list[N2NError] = []
    for path in paths:
        try:
            read = read_coordinates(path, shape=shape, pixel_size_angstrom=own)
            tables += ((path, one) for one in read)
        except N2NError as problem:
            problems.append(problem)
    if problems and not tables:
        raise problems[0]
    for failure in problems:
        console.say_error(str(failure))
    if scale == 1:
        return tables, len(problems)
    scaled = [(path, one.scaled(scale)) for path, one in tables]
    return [(path, replace(one, shape=shape or one.shape)) for path, one in scaled], len(problems)


def _name(path: Path, micrograph: Path | None) -> str:
    """Name a micrograph that its file does not."""
    if micrograph is not None:
        return str(micrograph)
    name = path.stem
    for suffix in _PICKER_SUFFIXES:
        name = name.removesuffix(suffix)
    console.say_note(
        f"{path.name} does not name its micrograph, which is called {name} from here on. "
        "Give --micrograph to name it."
    )
    return name
