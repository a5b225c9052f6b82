"""All micrographs of a session: as records, or as columns for a table of 20,000 rows."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import numpy as np

from napari_n2n.io.particles import LABELS
from napari_n2n.session.paths import found_paths
from napari_n2n.session.processing_state import columns_of
from napari_n2n.session.records import MicrographRecord, Overview
from napari_n2n.session.rows import DamagedRows

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

    from napari_n2n.session.rows import Ids

# One statement, so that all columns are of one moment.
_SELECT = (
    "SELECT m.id, m.path, m.name, coalesce(v.verdict, 'undecided'), coalesce(v.reason, ''), "
    "coalesce(v.given_by, ''), coalesce(v.at, ''), coalesce(p.state, 'waiting'), "
    f"coalesce(p.message, ''), p.figures, p.acquired, {', '.join(f'm.{it}' for it in LABELS)} "
    "FROM micrographs AS m LEFT JOIN verdicts AS v ON v.micrograph = m.id "
    "LEFT JOIN processing AS p ON p.micrograph = m.id"
)


def records(connection: sqlite3.Connection, session: Path) -> list[MicrographRecord]:
    """Return all micrographs in the order in which they were added."""
    folder = os.path.realpath(session.parent)
    found = connection.execute(
        "SELECT id, path, name, height_px, width_px, pixel_size_angstrom, threshold, "
        f"first_frame_y_px, first_frame_x_px, {', '.join(LABELS)} FROM micrographs ORDER BY id"
    ).fetchall()
    paths = found_paths((row[1] for row in found), folder)
    return [
        MicrographRecord(
            number,
            path,
            name,
            (height_px, width_px),
            pixel_size,
            threshold,
            dict(zip(LABELS, counts, strict=True)),
            None if y_px is None or x_px is None else (y_px, x_px),
        )
        for path, (
            number,
            _,
            name,
            height_px,
            width_px,
            pixel_size,
            threshold,
            y_px,
            x_px,
            *counts,
        ) in zip(paths, found, strict=True)
    ]


def overview(connection: sqlite3.Connection, session: Path, ids: Ids | None = None) -> Overview:
    """Return all micrographs, or those of (n,) ``ids``, in the order in which they were added.

    Raises
    ------
    DamagedRows
        Figures that are no numbers.
    """
    if ids is None:
        rows = connection.execute(f"{_SELECT} ORDER BY m.id").fetchall()
    else:
        rows = connection.execute(
            f"{_SELECT} WHERE m.id IN (SELECT value FROM json_each(?)) ORDER BY m.id",
            (json.dumps(ids.tolist()),),
        ).fetchall()
    columns = list(zip(*rows, strict=True)) if rows else [()] * (11 + len(LABELS))
    paths, names = columns[1], columns[2]
    # Wide enough for every verdict and state, whichever occur: nothing is cut off in place.
    verdicts, states = np.array(columns[3], "U9"), np.array(columns[7], "U9")
    reasons, given_by, judged_at, messages = (
        np.array(columns[place], np.str_) for place in (4, 5, 6, 8)
    )
    try:
        return Overview(
            ids=np.array(columns[0], np.int64),
            paths=found_paths(paths, os.path.realpath(session.parent)),
            names=list(names),
            verdicts=verdicts,
            reasons=reasons,
            given_by=given_by,
            judged_at=judged_at,
            states=states,
            messages=messages,
            figures=columns_of(columns[9]),
            counts={
                label: np.array(column, np.int64)
                for label, column in zip(LABELS, columns[11:], strict=True)
            },
            acquired=np.array(columns[10], np.float64),
        )
    except (TypeError, ValueError) as error:
        raise DamagedRows(str(error)) from error
