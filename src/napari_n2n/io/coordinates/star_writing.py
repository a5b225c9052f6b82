"""RELION STAR files, written. The conventions are those of `napari_n2n.io.coordinates.star`.

One file for all micrographs has ``data_optics`` and ``data_particles``, as RELION 3.1 and later.
RELION reads the *first* block of a file of one micrograph, whatever its name
(``metadata_table.cpp``), and so does Topaz: there the picks come first, as ``data_``, and the
optics after them.
"""

from __future__ import annotations

from itertools import chain, groupby
from typing import TYPE_CHECKING

from napari_n2n.io.coordinates.columns import score_words
from napari_n2n.io.coordinates.star import CLASS_COMMENT, CLASSES, GIVER_COMMENT, NO_SCORE
from napari_n2n.io.outputs import sealed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari_n2n.io.coordinates.model import MicrographParticles, Optics


def star_text(
    tables: Sequence[MicrographParticles], optics: Optics, *, single: bool = False
) -> str:
    """Write a STAR file.

    Parameters
    ----------
    tables
        Names without quotes or ``#``, which STAR cannot hold.
    single
        Of one micrograph, for RELION's import of coordinates: picks first, and no optics where
        the pixel size is unknown. Otherwise all pixel sizes must be known.
    """
    sizes = list(dict.fromkeys(one.pixel_size_angstrom for one in tables))
    groups = {size: number for number, size in enumerate(sizes, 1)}
    particles = block("" if single else "particles", _particle_columns(tables, groups))
    described = [] if None in groups else [block("optics", optics_columns(groups, optics))]
    givers = chain.from_iterable(one.particles.given_by.tolist() for one in tables)
    runs = ", ".join(f"{len([*run])} {who}" for who, run in groupby(givers))
    # RELION takes the last version it saw before a block, so once is enough; and starfile cannot
    # read a comment that follows a block without particles.
    head = f"# version 30001\n{CLASS_COMMENT}\n"
    foot = f"{GIVER_COMMENT}{runs}\n" if runs else ""
    blocks = [particles, *described] if single else [*described, particles]
    return sealed("".join([head, *blocks, foot]))


def _particle_columns(
    tables: Sequence[MicrographParticles], groups: Mapping[float | None, int]
) -> dict[str, list[str]]:
    columns: dict[str, list[str]] = {
        "rlnCoordinateX": [],
        "rlnCoordinateY": [],
        "rlnAutopickFigureOfMerit": [],
        "rlnClassNumber": [],
        "rlnMicrographName": [],
        "rlnOpticsGroup": [],
    }
    if not any(one.micrograph for one in tables):
        del columns["rlnMicrographName"]
    if None in groups:
        del columns["rlnOpticsGroup"]
    for one in tables:
        p = one.particles
        # repr gives as few digits as bring back the same number.
        columns["rlnCoordinateX"] += map(repr, p.centres_px[:, 1].tolist())
        columns["rlnCoordinateY"] += map(repr, p.centres_px[:, 0].tolist())
        columns["rlnAutopickFigureOfMerit"] += score_words(p, str(NO_SCORE))
        columns["rlnClassNumber"] += [str(CLASSES[label]) for label in p.labels]
        if "rlnMicrographName" in columns:
            columns["rlnMicrographName"] += [quoted(one.micrograph)] * len(p)
        if "rlnOpticsGroup" in columns:
            columns["rlnOpticsGroup"] += [str(groups[one.pixel_size_angstrom])] * len(p)
    return columns


def optics_columns(
    groups: Mapping[float | None, int],
    optics: Optics,
    sizes: Sequence[str] = ("rlnMicrographPixelSize",),
) -> dict[str, list[str]]:
    """Return the columns of ``data_optics``.

    Parameters
    ----------
    groups
        Number of the optics group of each pixel size (Å).
    optics
        How the microscope was set.
    sizes
        The columns that tell the pixel size.
    """
    count = len(groups)
    known = [repr(float(size)) for size in groups if size is not None]
    names = [optics.group, *(f"{optics.group}-{number}" for number in range(2, count + 1))]
    return {
        "rlnOpticsGroupName": names,
        "rlnOpticsGroup": [str(number) for number in groups.values()],
        "rlnVoltage": [f"{optics.voltage_kv:.6f}"] * count,
        "rlnSphericalAberration": [f"{optics.spherical_aberration_mm:.6f}"] * count,
        "rlnAmplitudeContrast": [f"{optics.amplitude_contrast:.6f}"] * count,
        **dict.fromkeys(sizes, known),
    }


def is_name(name: str) -> bool:
    """Whether a STAR file can hold ``name``, in quotes if need be."""
    return name.isprintable() and not set(name) & set("\"'#")


def quoted(name: str) -> str:
    """Return ``name`` as a STAR file holds it: in quotes where it is empty or has spaces."""
    return f'"{name}"' if not name or len(name.split()) != 1 else name


def block(name: str, columns: Mapping[str, Sequence[str]]) -> str:
    """Return a loop of columns of equal length, called ``data_<name>``."""
    head = "".join(f"_{column} #{number}\n" for number, column in enumerate(columns, 1))
    rows = "".join("\t".join(row) + "\n" for row in zip(*columns.values(), strict=True))
    return f"\ndata_{name}\n\nloop_\n{head}{rows}\n"
