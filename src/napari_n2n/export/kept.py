"""What other programs get of a session: lists, tables, links and particles of the kept ones.

RELION's ``micrographs.star`` and ``movies.star`` are in `napari_n2n.export.relion`. Every file
appears whole or not at all. By default the kept micrographs are handed on; the table of figures
tells of all.
"""

from __future__ import annotations

import csv
import io
import os
import secrets
import shutil
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_n2n.errors import WriteProblem
from napari_n2n.export.eer import upsampling_notes
from napari_n2n.export.relion import Project, by_kind, project_of, write_relion_lists
from napari_n2n.export.selection import (
    ExportOutcome,
    choose,
    counted,
    files_of,
    named,
    with_files,
)
from napari_n2n.io import LABELS, MicrographParticles, outputs, stem_of, write_coordinates
from napari_n2n.io.atomic import write_atomically
from napari_n2n.motion.halves import is_of_tiff
from napari_n2n.motion.trajectory import first_frame_shift_beside
from napari_n2n.quality.figure_catalogue import FIGURES

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import ArrayLike

    from napari_n2n.io import Label, Optics, Particles
    from napari_n2n.session.origins import StarOrigin
    from napari_n2n.session.records import MicrographRecord
    from napari_n2n.session.session import Session

__all__ = [
    "ExportOutcome",
    "write_figures",
    "write_links",
    "write_list",
    "write_particles",
    "write_relion_lists",
]

# A unit that a figure's name ends with is not repeated in the header.
_SPELLED = {"Å": "angstrom", "%": "percent", "µm": "micrometre", "1/µm²": "square_micrometre"}


def write_list(
    path: Path | str,
    session: Session,
    ids: ArrayLike | None = None,
    *,
    relative_to: Path | str | None = None,
) -> ExportOutcome:
    """Write the files' paths, one a line.

    Parameters
    ----------
    path
        Where to.
    ids
        Of the micrographs to be listed; by default the kept ones.
    relative_to
        A folder; the paths are then given from there. By default they are absolute.

    Raises
    ------
    BadValue
        An unknown id.
    WriteProblem
        None is kept, or the disk refuses; whatever was at `path` is untouched.
    """
    path = Path(path)
    chosen, notes = with_files(choose(session, ids, path), path)
    names = [str(file) for file in files_of(chosen)]
    if relative_to is not None:
        folder = os.path.realpath(relative_to)
        names = [Path(os.path.relpath(name, folder)).as_posix() for name in names]
    with write_atomically(path) as beside:
        beside.write_text("\n".join(names) + "\n", encoding="utf-8", newline="\n")
    return ExportOutcome(
        path, len(names), f"{counted(len(names), 'path')} listed in {path}.", notes
    )


def write_figures(
    path: Path | str, session: Session, ids: ArrayLike | None = None
) -> ExportOutcome:
    """Write everything the session knows of micrographs as CSV: verdicts, particles, figures.

    A figure's column is called by its name, with the unit behind it in brackets unless the name
    ends with it; what is unknown is empty. Numbers have as many digits as bring back the very
    same number, times are UTC (ISO 8601).

    Parameters
    ----------
    path
        Where to.
    ids
        Of the micrographs to be told of; by default all, whatever their verdict.

    Raises
    ------
    BadValue
        An unknown id.
    WriteProblem
        The session is empty, or the disk refuses; whatever was at `path` is untouched.
    """
    path = Path(path)
    chosen = choose(session, session.micrographs.overview().ids if ids is None else ids, path)
    seen, records = chosen.overview, {record.id: record for record in session.micrographs.records()}
    known = [name for name in FIGURES if name in seen.figures]
    figures = known + [name for name in seen.figures if name not in FIGURES]
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(
        [
            *("name", "path", "verdict", "reason", "given_by", "judged_at", "state", "message"),
            *("acquired", "pixel_size_angstrom", "height_px", "width_px"),
            *(f"{label}_particles" for label in LABELS),
            *map(header_of, figures),
        ]
    )
    for row in chosen.rows.tolist():
        record = records[int(seen.ids[row])]
        file = seen.paths[row]
        rows.writerow(
            [
                *(seen.names[row], "" if file is None else str(file)),
                *(seen.verdicts[row], seen.reasons[row], seen.given_by[row]),
                *(seen.judged_at[row], seen.states[row], seen.messages[row]),
                *(_moment(float(seen.acquired[row])), _number(record.pixel_size_angstrom)),
                *(record.shape if all(record.shape) else ("", "")),
                *(int(seen.counts[label][row]) for label in LABELS),
                *(_number(float(seen.figures[name][row])) for name in figures),
            ]
        )
    with write_atomically(path) as beside:
        beside.write_text(out.getvalue(), encoding="utf-8", newline="\n")
    return ExportOutcome(path, len(chosen), f"Figures of {counted(len(chosen))} written to {path}.")


def header_of(figure: str) -> str:
    """Return the header of a figure's column, with its unit."""
    known = FIGURES.get(figure)
    unit = "" if known is None else known.unit
    told = not unit or figure.endswith(_SPELLED.get(unit, unit))
    return figure if told else f"{figure} [{unit}]"


def write_links(
    folder: Path | str, session: Session, ids: ArrayLike | None = None
) -> ExportOutcome:
    """Make a folder of symbolic links to the files, for programs that import by a wildcard.

    cryoSPARC is one: its Import Movies and Import Micrographs take ``folder/*.mrc``, and no list.

    Parameters
    ----------
    folder
        To be made; there must be none of that name, or an empty one, or one that was made so
        and is unchanged, which is replaced.
    ids
        Of the micrographs to be linked; by default the kept ones.

    Raises
    ------
    BadValue
        An unknown id.
    WriteProblem
        None is kept, the folder has something in it, two files have one name, or the disk
        refuses or knows no links. Then no link is left behind.
    """
    folder = Path(folder).absolute()
    chosen, notes = with_files(choose(session, ids, folder), folder)
    files = files_of(chosen)
    by_name: dict[str, Path] = {}
    for file in files:
        other = by_name.setdefault(file.name, file)
        if other != file:
            raise WriteProblem(
                folder, f"cannot link both {other} and {file}", "Give them folders of their own."
            )
    beside = folder.with_name(f".{folder.name[:60]}-{secrets.token_hex(6)}")
    try:
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
        earlier = folder.is_dir() and not folder.is_symlink() and outputs.made_by_us(folder)
        if os.path.lexists(folder) and not earlier:
            raise WriteProblem(folder, "is there already", "Choose a new folder for the links.")
        beside.mkdir(parents=True)
        for file in files:
            (beside / file.name).symlink_to(file)
        if earlier:
            notes += (f"{folder} is there already, an earlier result, and is replaced.",)
            old = beside.with_name(f"{beside.name}-old")
            folder.rename(old)
            beside.rename(folder)
            shutil.rmtree(old)
        else:
            beside.rename(folder)
        outputs.record(folder)
    except OSError as error:
        raise WriteProblem(
            folder,
            f"could not be made ({error.strerror or error})",
            "Choose a folder you may write to, on a disk that knows symbolic links.",
        ) from error
    finally:
        if beside.is_dir():
            shutil.rmtree(beside, ignore_errors=True)
    gone = [file.name for file in files if not file.exists()]
    if gone:
        notes = (*notes, f"{named(gone)}: not there now, so that their links lead nowhere.")
    endings = sorted({file.suffix for file in files})
    wildcards = " and ".join(f"{folder}/*{ending}" for ending in endings)
    sentence = f"{counted(len(files), 'link')} made. Import {wildcards}."
    return ExportOutcome(folder, len(files), sentence, notes)


def write_particles(
    path: Path | str,
    session: Session,
    ids: ArrayLike | None = None,
    *,
    labels: Collection[Label] | None = None,
    micrograph_folder: str | None = None,
    mirror_y: bool | None = None,
    optics: Optics | None = None,
    scale: float = 1.0,
) -> ExportOutcome:
    """Write the particles of the kept micrographs, in the format of the extension (``.star``, …).

    Candidates below a micrograph's threshold that nobody labelled are left out, as in napari.
    STAR files tell positions on RELION's own micrographs: those of movies are moved to the first
    frame, in which RELION's sums lie, and those of TIFFs count rows as RELION does.

    Parameters
    ----------
    path
        Where to; see `napari_n2n.io.write_coordinates` for the formats.
    ids
        Of the micrographs; by default the kept ones.
    labels
        Write particles of these labels only; by default all.
    micrograph_folder
        Where RELION has the micrographs, as it names them (``MotionCorr/job002/Movies``): they are
        then called ``<folder>/<movie>.mrc``. By default a micrograph is called as in the STAR file
        it came from, or by its name within the project around `path`, or its absolute path.
    mirror_y
        True turns the micrographs upside down, False does not; by default STAR files do for TIFFs.
    optics
        For RELION's optics groups. By default those of the STAR file they came from, or none:
        RELION then takes its micrographs' own.
    scale
        Multiplies positions, for micrographs of other pixels: 0.5 for such that are half as wide.

    Raises
    ------
    BadValue
        An unknown id, an extension that is no format, or a scale that cannot be right.
    WriteProblem
        None is kept, none of them has particles, the format needs what is not known, or the disk
        refuses; whatever was at `path` is untouched.
    """
    path = Path(path)
    chosen = choose(session, ids, path)
    wanted = set(chosen.ids.tolist())
    movies = set(by_kind(session, chosen.ids).get("movies", np.empty(0)).tolist())
    naming = _Naming(Project(project_of(path)), micrograph_folder)
    origins = session.origins.all()
    diameter = session.setting("diameter_angstrom")
    tables, unknown = [], []
    names: dict[str, str] = {}
    for record in session.micrographs.records():
        if record.id not in wanted or not sum(record.counts.values()):
            continue
        table = naming.table(session, record, origins.get(record.id), record.id in movies)
        if diameter and record.pixel_size_angstrom:
            table = replace(table, diameter_angstrom=float(diameter))
        table = table if labels is None else table.only(labels)
        if not len(table.particles):
            continue
        _require_own_name(path, names, table.micrograph, record)
        tables.append(table if scale == 1 else table.scaled(scale))
        if record.id in movies and table.first_frame_shift_px is None:
            unknown.append(record.name)
    count = sum(len(table.particles) for table in tables)
    if not count:
        kinds = "particles" if labels is None else f"{' or '.join(sorted(labels))} particles"
        raise WriteProblem(
            path, f"was not written: there are no {kinds}", "Pick and mark some, and try again."
        )
    notes = write_coordinates(path, tables, optics=optics, mirror_y=mirror_y)
    if unknown and path.suffix.lower() == ".star":
        notes += (
            f"{named(unknown)}: the shift of the first frame is not known, as an earlier version "
            "screened them, so on RELION's own sums positions may lie some px off. Delete the "
            "folder .napari-n2n beside the session and screen again to know it.",
        )
    if path.suffix.lower() == ".star" and scale == 1:
        notes += upsampling_notes(session, chosen.ids)
    of = counted(len(tables))
    sentence = f"{counted(count, 'particle')} of {of} written to {path}."
    return ExportOutcome(path, count, sentence, notes)


def _require_own_name(
    path: Path, names: dict[str, str], name: str, record: MicrographRecord
) -> None:
    """Refuse to give the particles of two micrographs to one; ``names`` has those so far."""
    file = record.name if record.path is None else str(record.path)
    other = names.setdefault(name, file)
    if other != file:
        raise WriteProblem(
            path,
            f"was not written: {other} and {file} would both be called {name}",
            "Export them apart, each with its own folder of RELION's micrographs.",
        )


@dataclass(frozen=True)
class _Naming:
    """What micrographs are called, and whose they then are.

    ``folder`` is that of RELION's own micrographs; None: the files are named themselves.
    """

    project: Project
    folder: str | None

    def table(
        self, session: Session, record: MicrographRecord, origin: StarOrigin | None, movie: bool
    ) -> MicrographParticles:
        """Return the particles of a micrograph, and all that writers need to know of it."""
        file = record.path
        theirs = self.folder is not None
        shift = record.first_frame_shift_px if movie else None
        if theirs and not movie and file is not None:
            shift = first_frame_shift_beside(file, record.pixel_size_angstrom)
        is_tiff = file is not None and is_of_tiff(file)
        return MicrographParticles(
            _shown(session, record),
            self._called(record, origin),
            record.pixel_size_angstrom,
            record.shape,
            is_tiff=is_tiff if theirs else None,
            first_frame_shift_px=shift,
            optics_group=None if origin is None else origin.optics_group,
        )

    def _called(self, record: MicrographRecord, origin: StarOrigin | None) -> str:
        file = record.path
        if self.folder is not None:
            stem = stem_of(Path(record.name) if file is None else file)
            return f"{self.folder.rstrip('/')}/{stem}.mrc"
        if origin is not None:
            row = origin.row
            return row.get("rlnMicrographName") or row["rlnMicrographMovieName"]
        if file is None:
            return record.name
        return self.project.name_of(file) or str(file)


def _shown(session: Session, record: MicrographRecord) -> Particles:
    """Return the particles of a micrograph but for those its threshold hides."""
    particles = session.marks.particles(record.id).particles
    if record.threshold is None or not len(particles):
        return particles
    hidden = (particles.scores < record.threshold) & (particles.given_by == "picker")
    return particles[~(hidden & (particles.labels == "unlabelled"))]


def _number(value: float | None) -> str:
    if value is None or not np.isfinite(value):
        return ""
    return repr(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)


def _moment(seconds: float) -> str:
    """Return seconds since the epoch as UTC, ISO 8601; empty if they are unknown."""
    if not np.isfinite(seconds):
        return ""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
