"""What the command convert does with positions in tomograms."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import typer

from napari_n2n.cli import console
from napari_n2n.cli.file_results import claim

if TYPE_CHECKING:
    from napari_n2n.errors import N2NError
    from napari_n2n.io import KnownTomograms, Label, TomogramFormat, TomogramParticles
    from napari_n2n.io.coordinates.tomograms import StarProgram

Each = Literal["star", "box", "csv", "tbl", "mod", "json", "coords"]
_MOST_NAMED = 5


def holds_tomograms(paths: Sequence[Path]) -> bool:
    """Whether all of some files hold positions in tomograms.

    Raises
    ------
    BadValue
        Some do and others do not.
    """
    from napari_n2n.errors import BadValue
    from napari_n2n.io import holds_tomogram_particles, is_coordinates

    deep = [holds_tomogram_particles(path) for path in paths]
    flat = [path for path, is_deep in zip(paths, deep, strict=True) if not is_deep]
    if any(deep) and any(is_coordinates(path) for path in flat):
        raise BadValue(
            f"{flat[0].name} holds positions in micrographs, and others hold some in tomograms. "
            "Convert them apart."
        )
    return any(deep)


def convert_tomograms(
    paths: Sequence[Path],
    output: str,
    *,
    tomogram: Path | None,
    voxel_size: float | None,
    shape: tuple[int, int, int] | None,
    labels: "list[Label] | None",
    scale: float,
    each: Each,
    program: "StarProgram",
) -> None:
    """Convert positions in tomograms between programs.

    Raises
    ------
    N2NError
        Nothing can be read, or the result needs what is not known.
    typer.Exit
        With 1 where a file could not be read.
    """
    from napari_n2n.io import KnownTomograms

    known = None if tomogram is None else KnownTomograms.of(tomogram)
    tables, problems = _read(paths)
    tables = _joined([_placed(one, known, voxel_size, shape, scale) for one in tables])
    chosen = [one if labels is None else one.only(labels) for one in tables]
    _require_some(chosen, tables, labels)
    for note in dict.fromkeys(_write(output, chosen, (*paths, tomogram), each, program)):
        console.say_note(note)
    console.say(f"{summary_of_tomograms(chosen)} → {output}")
    if problems:
        total = len(paths)
        console.say_error(f"{len(problems)} of {total} files failed; the others are done.")
        raise typer.Exit(1)


def _read(paths: Sequence[Path]) -> "tuple[list[TomogramParticles], list[N2NError]]":
    """Read files, and say which cannot be read; tables without a name get that of their file."""
    from napari_n2n.errors import N2NError
    from napari_n2n.io import read_tomogram_particles

    tables: list[TomogramParticles] = []
    problems: list[N2NError] = []
    for path in paths:
        try:
            read = read_tomogram_particles(path)
        except N2NError as problem:
            problems.append(problem)
            continue
        nameless = len(paths) > 1 and len(read) == 1 and not read[0].tomogram
        tables += [replace(read[0], tomogram=path.stem)] if nameless else read
    if problems and not tables:
        raise problems[0]
    for failure in problems:
        console.say_error(str(failure))
    return tables, problems


def _placed(
    one: "TomogramParticles",
    known: "KnownTomograms | None",
    voxel_size: float | None,
    shape: tuple[int, int, int] | None,
    scale: float,
) -> "TomogramParticles":
    """Bring positions to the voxels of the tomogram they are for, and say what was taken how."""
    if scale != 1:
        one = one.scaled(scale)
        if one.angstrom_from is not None:
            console.say_note(f"{one.name}: its positions are in Å, which no scale changes.")
    if known is not None:
        placed = known.placing(one)
        if known.of_name(one.tomogram) is None:
            console.say_note(f"{known.path.name} does not list {one.name}.")
        elif one.voxel_size_angstrom is None and one.angstrom_from is None:
            console.say_note(
                f"{placed.name}: the file tells no voxel size, so its positions were taken for "
                "voxels of the tomogram. Give --scale if they are not."
            )
        _say_scaled(one, placed)
        one = placed
    one = replace(
        one, voxel_size_angstrom=voxel_size or one.voxel_size_angstrom, shape=shape or one.shape
    )
    return one.in_voxels() if one.is_placed else one


def _say_scaled(one: "TomogramParticles", placed: "TomogramParticles") -> None:
    theirs, own = placed.voxel_size_angstrom, one.voxel_size_angstrom
    if one.angstrom_from is None and own and theirs and abs(own / theirs - 1) > 0.01:
        console.say_note(
            f"{placed.name}: positions were multiplied by {own / theirs:.4g}, as they were told in "
            f"pixels of {own:.4g} Å and the tomogram has voxels of {theirs:.4g} Å."
        )


def _joined(tables: "Sequence[TomogramParticles]") -> "list[TomogramParticles]":
    """Join tables of one tomogram; a particle that stands in two of them counts once.

    Raises
    ------
    BadValue
        They count in different voxels.
    """
    import numpy as np

    from napari_n2n.errors import BadValue

    joined: dict[str, TomogramParticles] = {}
    for one in tables:
        other = joined.get(one.tomogram)
        if other is None:
            joined[one.tomogram] = one
            continue
        same = (one.voxel_size_angstrom, one.angstrom_from)
        if same != (other.voxel_size_angstrom, other.angstrom_from):
            raise BadValue(
                f"Two files have particles of {one.name} in different voxels. Give the tomogram: "
                "--tomogram."
            )
        both = other.particles.joined(one.particles)
        order = np.argsort(both.labels == "unlabelled", kind="stable")
        _, first = np.unique(both.centres_px[order], axis=0, return_index=True)
        joined[one.tomogram] = replace(other, particles=both[np.sort(order[first])], star=None)
    if len(joined) < len(tables):
        console.say_note(f"{len(tables)} tables are of {len(joined)} tomograms: joined.")
    return [*joined.values()]


def _require_some(
    chosen: "Sequence[TomogramParticles]",
    tables: "Sequence[TomogramParticles]",
    labels: "list[Label] | None",
) -> None:
    from napari_n2n.errors import BadValue

    if labels is not None and not any(len(one.particles) for one in chosen):
        total = sum(len(one.particles) for one in tables)
        raise BadValue(f"None of the {total:,} particles is {' or '.join(labels)}.")


def _write(
    output: str,
    tables: "Sequence[TomogramParticles]",
    inputs: "Sequence[Path | None]",
    each: Each,
    program: "StarProgram",
) -> list[str]:
    from napari_n2n.errors import BadValue
    from napari_n2n.io import write_tomogram_particles
    from napari_n2n.io.coordinates.tomograms.writing import tomogram_format_of

    target = Path(output)
    if not (target.is_dir() or output.endswith(("/", "\\"))):
        tomogram_format_of(target)
        claim([target], inputs)
        return [*write_tomogram_particles(target, tables, program=program)]
    if each == "box":
        raise BadValue("A .box file cannot hold particles of tomograms. Choose another --each.")
    files = [tomogram_file(target, one.tomogram, each) for one in tables]
    claim(files, inputs)
    notes: list[str] = []
    for path, one in zip(files, tables, strict=True):
        notes += write_tomogram_particles(path, [one], program=program)
    return notes


def tomogram_file(folder: Path, name: str, format: "TomogramFormat") -> Path:
    """Return what a tomogram's file of particles is called in a folder.

    copick has a folder of each tomogram.
    """
    from napari_n2n.io.coordinates.tomograms.copick import picks_name

    if format == "json":
        return folder / "ExperimentRuns" / (name or "tomogram") / "Picks" / picks_name()
    if format == "coords":  # RELION's import takes the tomogram's name from this one's
        return folder / f"{name or 'tomogram'}.coords"
    return folder / f"{name or 'tomogram'}_particles.{format}"


def summary_of_tomograms(tables: "Sequence[TomogramParticles]") -> str:
    """Say in one line how many particles there are, and in which tomogram."""
    if len(tables) <= _MOST_NAMED:
        return "; ".join(f"{one.name}: {_counts([one])}" for one in tables)
    sizes = [len(one.particles) for one in tables]
    return f"{len(tables)} tomograms, {min(sizes):,} to {max(sizes):,} each: {_counts(tables)}"


def _counts(tables: "Sequence[TomogramParticles]") -> str:
    totals: dict[str, int] = {}
    for one in tables:
        for label, count in one.particles.counts().items():
            totals[label] = totals.get(label, 0) + count
    count = sum(totals.values())
    labelled = [f"{n:,} {label}" for label, n in totals.items() if n and label != "unlabelled"]
    parts = f" ({', '.join(labelled)})" if labelled else ""
    return f"{count:,} particle{'' if count == 1 else 's'}{parts}"
