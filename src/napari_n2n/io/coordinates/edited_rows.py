"""Rows of STAR files whose particles somebody has moved, labelled, removed or added since."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from napari_n2n.io.coordinates.star import CLASSES, NO_SCORE

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from napari_n2n.io.coordinates.model import StarRows
    from napari_n2n.io.particles import Particles

_SCORE, _CLASS = "rlnAutopickFigureOfMerit", "rlnClassNumber"
# What RELION's manual picking writes of a particle of which it knows nothing but its place.
_UNKNOWN = {_SCORE: str(NO_SCORE), _CLASS: "-999", "rlnAnglePsi": "-999.0"}
_PLACES = ("rlnCoordinateX", "rlnCoordinateY")
# Columns that tell of the micrograph and not of the particle: the most frequent word is right.
_SHARED = ("rlnMicrographName", "rlnOpticsGroup", "rlnGroupNumber", "rlnGroupName")


def origins_of(
    told: ArrayLike, centres_px: NDArray[np.float64], before_px: NDArray[np.float64], apart: float
) -> NDArray[np.intp]:
    """Return (n,) which row each particle came from, -1 for those that were added.

    Windows give what is added the values of what was selected last. So a particle says truly where
    it came from only where rows are in their order; and the last one, which may have been added
    after its row was removed, only where it has not gone elsewhere than the others.

    Parameters
    ----------
    told
        (n,) what the particles say of that, in any type of number; NaN for no row.
    centres_px, before_px
        (n, 2) and (rows, 2) where they are, and where the rows had them.
    apart
        px: that far away is another particle.
    """
    numbers = np.asarray(told, np.float64)
    known = np.isfinite(numbers) & (numbers >= 0) & (numbers < len(before_px))
    origins: NDArray[np.intp] = np.where(known, numbers, -1).astype(np.intp)
    so_far = np.maximum.accumulate(np.concatenate([[-1], origins[:-1]]))
    origins[origins <= so_far] = -1
    if len(origins) and origins[-1] >= 0:
        ours = origins >= 0
        moved = centres_px[ours] - before_px[origins[ours]]
        usual = np.median(moved[:-1], axis=0) if len(moved) > 1 else np.zeros(2)
        if float(np.linalg.norm(moved[-1] - usual)) > apart:
            origins[-1] = -1
    return origins


def edited_rows(
    rows: StarRows, origins: NDArray[np.intp], particles: Particles, *, with_labels: bool
) -> tuple[StarRows, tuple[str, ...]]:
    """Return the rows of particles as they are by now, and sentences for the user.

    Those that were removed are left out. Those that were added get what all rows of the micrograph
    say alike, and what RELION writes of a manual pick; of the rest nothing is known, which is told.
    Positions are for the writer to put in.

    Parameters
    ----------
    rows
        As the file had them.
    origins
        (n,) from `origins_of`.
    particles
        (n,) the particles.
    with_labels
        Whether class numbers are to tell labels of this program.
    """
    table = rows.table
    added = origins < 0
    notes: list[str] = []
    columns: dict[str, list[str]] = {}
    unknown = []
    for label in table.labels:
        words = table.words(label)
        filling = _filling(label, words)
        if filling is None:
            unknown.append(label)
            filling = _nothing(words)
        columns[label] = [filling if place < 0 else words[place] for place in origins.tolist()]
    if added.any() and unknown:
        notes.append(
            f"Of {int(added.sum())} added particles nothing is known of {', '.join(unknown)}: "
            "0 or None stands there."
        )
    columns |= _scores(columns.get(_SCORE), particles)
    if with_labels:
        if _CLASS in table and not rows.labelled:
            notes.append("Class numbers tell the labels by now, and no longer the classes.")
        columns[_CLASS] = [str(CLASSES[label]) for label in particles.labels]
    # Added ones follow the last one of their micrograph.
    last = int(rows.places.max(initial=0))
    places = np.where(added, last, rows.places[np.maximum(origins, 0)])
    edited = type(table).of(columns)
    if not added.any():  # with their lines as they stood, if nothing else has changed
        kept = table.only(origins)
        if all(x in kept and kept.words(x) == columns[x] for x in columns):
            edited = kept
    changed = replace(rows, table=edited, places=places, labelled=rows.labelled or with_labels)
    return changed, tuple(notes)


def _filling(label: str, words: list[str]) -> str | None:
    """Return what an added particle has in a column; None where that is not known."""
    if label in _PLACES:
        return "nan"  # which its position replaces
    if label in _UNKNOWN:
        return _UNKNOWN[label]
    counts = Counter(words).most_common(1)
    if not counts:
        return None
    word, count = counts[0]
    # One row says nothing about whether others are alike.
    alike = count == len(words) > 1
    return word if alike or label in _SHARED else None


def _nothing(words: list[str]) -> str:
    try:
        return "0" if [float(word) for word in words] else "None"
    except ValueError:
        return "None"


def _scores(words: list[str] | None, particles: Particles) -> dict[str, list[str]]:
    """Return the column of scores, if there is one or has to be."""
    scores = particles.scores.astype(np.float64)
    if words is None:
        if not np.isfinite(scores).any():
            return {}
        words = [str(NO_SCORE)] * len(scores)
    now = []
    for word, score in zip(words, scores.tolist(), strict=True):
        before = np.float32(word)
        same = not np.isfinite(score) if before == NO_SCORE else before == np.float32(score)
        now.append(word if same else repr(score) if np.isfinite(score) else str(NO_SCORE))
    return {_SCORE: now}
