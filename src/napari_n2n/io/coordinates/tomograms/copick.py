"""Picks of copick: JSON, one file for one kind of particle in one tomogram.

``ExperimentRuns/RUN/Picks/USER_SESSION_OBJECT.json``. A point's ``location`` is in Å (x, y, z) from
the centre of the first voxel, whose size is ``voxel_spacing`` where it is told; the translation in
its ``transformation_`` is added to it; ``score`` and orientation come with it (copick 1.31,
``models.py``: ``CopickPicksFile``, ``CopickPoint``).
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_n2n.errors import UnreadableFile
from napari_n2n.io.coordinates.text import as_scores, numbers, read_text
from napari_n2n.io.coordinates.tomograms.model import TomogramParticles
from napari_n2n.io.coordinates.tomograms.text import places
from napari_n2n.io.particles import Particles
from napari_n2n.io.pixel_size import is_plausible

if TYPE_CHECKING:
    from pathlib import Path

_USER, _SESSION, _OBJECT = "napari-n2n", "0", "particle"
"""Session 0 is copick's for what a program picked."""
_IDENTITY = [[float(row == column) for column in range(4)] for row in range(4)]
_UNIT = "angstrom"


def picks_name(kind: str = _OBJECT) -> str:
    """Return how copick calls a file of picks of this program."""
    return f"{_USER}_{_SESSION}_{kind}.json"


def read_copick(path: Path) -> TomogramParticles:
    """Read a file of picks.

    Raises
    ------
    UnreadableFile
        When it is torn, no such file, or counts in another unit.
    """
    try:
        told: Any = json.loads(read_text(path))
        points = told["points"] or []
        locations = [[point["location"][axis] for point in points] for axis in "zyx"]
        shifts = [_shift_of(point) for point in points]
    except (ValueError, KeyError, TypeError, IndexError, RecursionError) as error:
        raise UnreadableFile(
            path,
            "cannot be read as picks of copick: a point has no location, or the file is torn",
            "Give a file of a Picks folder.",
        ) from error
    unit = told.get("unit", _UNIT)
    if unit != _UNIT:
        raise UnreadableFile(
            path, f"counts in {str(unit)[:30]!r}, not in angstrom", "Save the picks in Å."
        )
    z, y, x = (numbers(path, axis, what) for axis, what in zip(locations, "zyx", strict=True))
    scores = numbers(
        path, [math.nan if (s := p.get("score")) is None else s for p in points], "score"
    )
    centres = places(path, z, y, x) + np.array(shifts, np.float64).reshape(-1, 3)[:, ::-1]
    spacing, run = told.get("voxel_spacing"), told.get("run_name")
    is_told = isinstance(spacing, int | float) and is_plausible(spacing)
    one = TomogramParticles(
        Particles(centres, scores=as_scores(path, scores)),
        run if isinstance(run, str) else "",
        voxel_size_angstrom=float(spacing) if is_told else None,
        angstrom_from="corner",
    )
    return one.in_voxels() if one.is_placed else one


def _shift_of(point: Any) -> tuple[float, float, float]:
    rows = point.get("transformation_") or _IDENTITY
    x, y, z = (float(rows[axis][3]) for axis in range(3))
    return x, y, z


def copick_text(path: Path, one: TomogramParticles) -> str:
    """Write a file of picks; the name says whose they are, and what, if it is as copick's are."""
    named = path.stem.split("_", 2)
    user, session, kind = named if len(named) == 3 else (_USER, _SESSION, path.stem)
    points = [
        {
            "location": {"x": x, "y": y, "z": z},
            "transformation_": _IDENTITY,
            "instance_id": 0,
            "score": None if score != score else score,
        }
        for (z, y, x), score in zip(
            one.angstrom("corner").tolist(), one.particles.scores.tolist(), strict=True
        )
    ]
    told = {
        "pickable_object_name": kind,
        "user_id": user,
        "session_id": session,
        "run_name": one.tomogram or None,
        "voxel_spacing": one.voxel_size_angstrom,
        "unit": _UNIT,
        "points": points,
        "trust_orientation": False,
    }
    return json.dumps(told, indent=4) + "\n"
