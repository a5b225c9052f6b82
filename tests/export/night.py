"""A judged night: six movies in a RELION project, four of them kept."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_n2n.io import Particles
from napari_n2n.session import Session, session_path_in

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

DUSK = 1_700_000_000.0
"""When the first movie was taken, s since the epoch."""


@dataclass(frozen=True, eq=False)
class Night:
    """Movies ``m0.mrc`` to ``m5.mrc``, whose files nobody wrote: exports name them only.

    The first four are kept, the fifth was rejected by Ada for its drift, the last is undecided.
    Each has two intact particles and a broken one, all marked by a person.
    """

    session: Session
    project: Path
    files: list[Path]
    ids: NDArray[np.int64]
    kept: list[int]
    drift: NDArray[np.float64]
    acquired: NDArray[np.float64]


_DRIFT = np.array([2.5, 1 / 3, 4.0, 3.25, 31.7, 5.0])
_ACQUIRED = DUSK + 60.0 * np.arange(6)


def make_night(folder: Path) -> None:
    """Write the session of a night into ``folder/project``."""
    files = _files(folder)
    files[0].parent.mkdir(parents=True)
    with Session.open(session_path_in(files[0].parent)) as session:
        for i, file in enumerate(files):
            micrograph = session.micrographs.find_or_add(
                file, shape=(512, 640), pixel_size_angstrom=0.885
            )
            figures = {"drift_total_angstrom": _DRIFT[i], "resolution_angstrom": 5.0 + i}
            if i == 5:
                del figures["resolution_angstrom"]
            session.micrographs.set_figures(micrograph, figures, acquired=_ACQUIRED[i])
            centres = np.array([(30.5, 40.25), (100.0, 200.0), (300.0, 333.0)]) + i
            labels = ("intact", "intact", "broken")
            session.marks.add(micrograph, Particles(centres, labels, given_by=("person",) * 3))
        ids = session.micrographs.overview().ids
        session.verdicts.give(ids[:4], "keep", given_by="Ada")
        session.verdicts.give(ids[4:5], "reject", reason="drift", given_by="Ada")


def copied_night(made: Path, folder: Path) -> Night:
    """Open a copy in ``folder`` of what `make_night` made; whoever calls closes its session."""
    shutil.copytree(made / "project", folder / "project")
    files = _files(folder)
    session = Session.open(session_path_in(files[0].parent))
    ids = session.micrographs.overview().ids
    return Night(session, folder / "project", files, ids, [0, 1, 2, 3], _DRIFT, _ACQUIRED)


def _files(folder: Path) -> list[Path]:
    return [folder / "project" / "Movies" / f"m{i}.mrc" for i in range(6)]
