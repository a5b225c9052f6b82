"""Commands about coordinate files: convert."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Self

import typer

from napari_n2n.cli import console, options
from napari_n2n.cli.convert_tomograms import Each, convert_tomograms, holds_tomograms
from napari_n2n.cli.file_results import claim, writes_files

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_n2n.io import Label, MicrographParticles
    from napari_n2n.io.coordinates.lists import ListedFile
    from napari_n2n.io.inspection import FileInfo

_MOST_NAMED = 5
# Pixel sizes this close, relatively, are the same, written with fewer digits.
_ALIKE = 0.01
_PICKER_SUFFIXES = ("_autopick", "_manualpick", "_pick", "_picks", "_extract")


@writes_files
def convert(
    source: Annotated[
        Path,
        typer.Argument(
            help=".star, .box, .cbox, .csv, .cs or Topaz .txt; of tomograms .star, .mod, .tbl, "
            ".json of copick, .coords, .csv; or a folder of them."
        ),
    ],
    output: Annotated[
        str,
        typer.Argument(
            help="One file for all (.star, .csv, .txt, .cs, .box; of tomograms .star, .csv, .tbl, "
            ".mod, .json, .coords), or a folder for a file each."
        ),
    ],
    micrograph: Annotated[
        Path | None,
        typer.Option(
            "--micrograph",
            "--tomogram",
            help="The micrograph or tomogram (or one of them): gives shape, pixel size, name or "
            "its folder. Positions of other pixels are scaled to its own. Of tomograms also "
            "RELION's tomograms.star.",
        ),
    ] = None,
    pixel_size: options.PixelSize = None,
    shape: Annotated[
        tuple[int, int] | None,
        typer.Option(metavar="HEIGHT WIDTH", help="Of the micrographs in px."),
    ] = None,
    depth: Annotated[
        int | None, typer.Option(min=1, help="Of the tomograms, in voxels, with --shape.")
    ] = None,
    labels: Annotated[
        str | None, typer.Option(help="Write only these labels, e.g. intact,broken.")
    ] = None,
    mirror_y: Annotated[
        bool | None,
        typer.Option(
            "--mirror-y/--no-mirror-y",
            help="Between here and what RELION made of TIFF movies; default: to and from .star, "
            "where the micrograph is called .tif.",
        ),
    ] = None,
    scale: Annotated[
        float, typer.Option(min=1e-3, max=1e3, help="Multiply positions by this.")
    ] = 1.0,
    diameter: Annotated[
        float | None, typer.Option(min=1, max=100_000, help="Of the particle in Å, for .box.")
    ] = None,
    box_size: Annotated[
        int | None, typer.Option(min=2, max=100_000, help="In px, for .box.")
    ] = None,
    each: Annotated[Each, typer.Option(help="What to write into a folder.")] = "star",
    star_for: Annotated[
        Literal["relion5", "relion4", "warp"],
        typer.Option("--for", help="Whose .star to write, of tomograms."),
    ] = "relion5",
) -> None:
    """Convert particle coordinates between the programs of the field.

    In micrographs RELION, EMAN, crYOLO, Topaz, cryoSPARC, CSV; in tomograms RELION, Warp, IMOD,
    Dynamo, copick, lists, CSV.
    """
    from napari_n2n.errors import BadValue
    from napari_n2n.io import (
        inspect_file,
        joined_by_micrograph,
        write_box_per_micrograph,
        write_coordinates,
        write_star_per_micrograph,
    )

    wanted = labels_of(labels)
    paths = _coordinate_files(source)
    if holds_tomograms(paths):
        convert_tomograms(
            paths,
            output,
            tomogram=micrograph,
            voxel_size=pixel_size,
            shape=_shape_of(shape, depth),
            labels=wanted,
            scale=scale,
            each=each,
            program=star_for,
        )
        return
    if each not in ("star", "box"):
        raise BadValue(
            f"Particles of micrographs go into a folder as .star or .box, not as .{each}."
        )
    shown = None if micrograph is None else _Shown.of(micrograph, inspect_file(micrograph))
    if shown is not None:
        shape = shape or shown.shape
    size = pixel_size or (None if shown is None else shown.pixel_size_angstrom)
    # A size that is given is that of the result.
    read, failed, files = _read(paths, shape, size and size * scale)
    tables = [
        replace(
            one,
            pixel_size_angstrom=pixel_size or one.pixel_size_angstrom,
            shape=one.shape or shape,
            diameter_angstrom=diameter or one.diameter_angstrom,
        )
        for one in _placed(read, shape, pixel_size, scale, shown)
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
    claim(_results(target, chosen, each) if into_folder else [target], (*files, micrograph))
    if not into_folder:
        notes = write_coordinates(target, chosen, mirror_y=mirror_y, box_size_px=box_size)
    elif each == "star":
        notes = write_star_per_micrograph(target, chosen, mirror_y=mirror_y).notes
    else:
        notes = write_box_per_micrograph(
            target, chosen, mirror_y=mirror_y, box_size_px=box_size
        ).notes
    for note in (*notes, *_bare_names(chosen, output)):
        console.say_note(note)
    console.say(f"{summary(chosen)} → {output}")
    if failed:
        console.say_error(f"{failed} of {len(read) + failed} files failed; the others are done.")
        raise typer.Exit(1)


def _shape_of(shape: tuple[int, int] | None, depth: int | None) -> tuple[int, int, int] | None:
    """Join what was said of a tomogram's shape.

    Raises
    ------
    typer.BadParameter
        Only a part of it was.
    """
    if shape is None and depth is None:
        return None
    if shape is None or depth is None:
        raise typer.BadParameter("Of tomograms give both, --shape HEIGHT WIDTH and --depth.")
    return depth, *shape


def _results(folder: Path, tables: "Sequence[MicrographParticles]", each: str) -> list[Path]:
    """Return what is written into a folder."""
    from napari_n2n.io.coordinates.lists import LIST_NAME
    from napari_n2n.io.coordinates.writing import SUFFIX

    if each == "star":
        return [folder / LIST_NAME, *(folder / f"{one.stem}{SUFFIX}.star" for one in tables)]
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


def _bare_names(tables: "Sequence[MicrographParticles]", output: str) -> tuple[str, ...]:
    """Say so where names lack what other programs find a file by, as Topaz's do."""
    bare = [one.micrograph for one in tables if one.micrograph and one.micrograph == one.stem]
    if not bare or not output.endswith((".star", ".cs")):
        return ()
    return (
        f"{bare[0]} and such names have no extension, and other programs may not find their files. "
        "Give --micrograph, with its folder and extension.",
    )


@dataclass(frozen=True)
class _Shown:
    """The micrograph that was given, one of those that the positions lie on."""

    path: Path
    shape: tuple[int, int]
    pixel_size_angstrom: float | None

    @classmethod
    def of(cls, path: Path, info: "FileInfo") -> Self:
        return cls(path, (info.shape[-2], info.shape[-1]), info.pixel_size_angstrom)

    def name_of(self, name: str) -> str:
        """Complete a bare name, as Topaz gives them, by this one's folder and extension."""
        from napari_n2n.io import stem_of

        stem = stem_of(Path(name))
        if stem == stem_of(self.path) and "/" not in name:
            return str(self.path)
        if "/" in name or stem != name:
            return name
        ending = self.path.name.removeprefix(stem_of(self.path))
        return str(self.path.with_name(name + ending))


def _coordinate_files(source: Path) -> list[Path]:
    """Return a file, or the coordinate files of a folder, and those that should be some."""
    from napari_n2n.errors import UnreadableFile
    from napari_n2n.io import holds_tomogram_particles, is_coordinates
    from napari_n2n.io.coordinates.reading import is_coordinate_list

    if not source.is_dir():
        return [source]
    files = sorted(path for path in source.iterdir() if path.is_file() and path.name[0] != ".")
    found = [
        path
        for path in files
        if is_coordinates(path) or holds_tomogram_particles(path) or _is_called_so(path)
    ]
    # A list names what lies beside it, or in folders below.
    found = [path for path in found if not is_coordinate_list(path)] or found
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
    paths: "Sequence[Path]", shape: tuple[int, int] | None, pixel_size: float | None
) -> "tuple[list[tuple[Path, list[MicrographParticles]]], int, list[Path]]":
    """Read files, and those that they list; say which cannot be read.

    Returns what was read, how many cannot be, and all files.

    Raises
    ------
    N2NError
        None can be read.
    """
    from napari_n2n.errors import N2NError

    read: list[tuple[Path, list[MicrographParticles]]] = []
    problems: list[N2NError] = []
    files = list(paths)
    for path in paths:
        try:
            listed = _listed(path)
        except N2NError as problem:
            problems.append(problem)
            continue
        files += [one.path for one in listed]
        each: list[ListedFile | None] = [*listed] or [None]
        for one in each:
            try:
                read.append((path, _read_one(path, one, shape, pixel_size)))
            except N2NError as problem:
                problems.append(problem)
    if problems and not read:
        raise problems[0]
    for failure in problems:
        console.say_error(str(failure))
    return read, len(problems), files


def _listed(path: Path) -> "list[ListedFile]":
    """Return the files that a list names; none if it is no list."""
    from napari_n2n.io.coordinates.lists import listed_files
    from napari_n2n.io.coordinates.reading import is_coordinate_list

    return listed_files(path) if is_coordinate_list(path) else []


def _placed(
    read: "Sequence[tuple[Path, Sequence[MicrographParticles]]]",
    shape: tuple[int, int] | None,
    pixel_size: float | None,
    scale: float,
    shown: _Shown | None,
) -> "list[MicrographParticles]":
    """Return what was read with names, and with positions of the wanted pixels."""
    nameless = sum(not one.micrograph for _, tables in read for one in tables)
    return [
        _scaled(_named(path, one, shown, alone=nameless == 1), shape, pixel_size, scale, shown)
        for path, tables in read
        for one in tables
    ]


def _read_one(
    path: Path,
    listed: "ListedFile | None",
    shape: tuple[int, int] | None,
    pixel_size: float | None,
) -> "list[MicrographParticles]":
    """Read a file, or one that it lists; a pixel size (Å) is for what it does not tell itself."""
    from napari_n2n.io import read_coordinates
    from napari_n2n.io.coordinates.reading import read_listed

    def tables_with(size: float | None) -> "list[MicrographParticles]":
        if listed is not None:
            return read_listed(listed, path, shape=shape, pixel_size=size)
        return read_coordinates(path, shape=shape, pixel_size_angstrom=size)

    tables = tables_with(None)
    if pixel_size is None or all(one.pixel_size_angstrom for one in tables):
        return tables
    told = [one.pixel_size_angstrom for one in tables]
    # Read anew, as lengths of what is told in pixels depend on it.
    tables = tables_with(pixel_size)
    return [
        replace(one, pixel_size_angstrom=size or pixel_size)
        for one, size in zip(tables, told, strict=True)
    ]


def _scaled(
    one: "MicrographParticles",
    shape: tuple[int, int] | None,
    pixel_size: float | None,
    scale: float,
    shown: _Shown | None,
) -> "MicrographParticles":
    """Bring positions to the pixels of the micrograph they are for."""
    if scale != 1:
        one = one.scaled(scale)
        one = replace(one, shape=shape or one.shape)
    own, theirs = one.pixel_size_angstrom, None if shown is None else shown.pixel_size_angstrom
    if pixel_size is not None or own is None or theirs is None or abs(own / theirs - 1) < _ALIKE:
        return one
    assert shown is not None
    factor = own / theirs
    console.say_note(
        f"{one.stem}: positions were multiplied by {factor:.4g}, as they were told in pixels of "
        f"{own:.4g} Å and {shown.path.name} has {theirs:.4g} Å. Give --pixel-size if they are of "
        "its pixels already."
    )
    return replace(one.scaled(factor), pixel_size_angstrom=theirs, shape=shown.shape)


def _named(
    path: Path, one: "MicrographParticles", shown: _Shown | None, *, alone: bool
) -> "MicrographParticles":
    """Name a micrograph that its file does not, or not in full.

    One micrograph cannot be that of several files, which are then called as these are.
    """
    if one.micrograph:
        return one if shown is None else replace(one, micrograph=shown.name_of(one.micrograph))
    if shown is not None and alone:
        return one.named(str(shown.path))
    name = path.stem
    for suffix in _PICKER_SUFFIXES:
        name = name.removesuffix(suffix)
    if shown is not None:
        return one.named(shown.name_of(name))
    console.say_note(
        f"{path.name} does not name its micrograph, which is called {name} from here on. "
        "Give --micrograph to name it."
    )
    return one.named(name)
