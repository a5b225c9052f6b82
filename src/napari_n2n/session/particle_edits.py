"""What each action does to the particles of a micrograph, and how it is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from napari_n2n.errors import BadValue
from napari_n2n.io.particles import GIVERS, LABELS, Giver, Particles
from napari_n2n.session.records import ParticleChange, counted
from napari_n2n.session.rows import (
    PERSON,
    UNLABELLED,
    Edit,
    alteration,
    codes,
    places_of,
    rows_of,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from napari_n2n.session.rows import Ids, Rows

_AT_ONCE = 256


@dataclass(frozen=True, eq=False)
class PlannedEdit:
    """An edit, the words for it, and the particles that it leaves out, with the reason."""

    action: str
    edit: Edit
    skipped: Ids = field(default_factory=lambda: np.empty(0, np.int64))
    note: str = ""

    def change(self, micrograph: int) -> ParticleChange:
        """Return what is told of the edit once it is done."""
        edit = self.edit
        return ParticleChange(
            self.action,
            micrograph,
            added=np.array(edit.added["id"]),
            removed=np.array(edit.removed["id"]),
            altered=np.array(edit.altered["id"]),
            skipped=self.skipped,
            note=self.note,
            threshold_altered=edit.threshold is not None and edit.threshold[0] != edit.threshold[1],
        )


def checked_ids(ids: ArrayLike) -> Ids:
    """Return (n,) ids, each of them once.

    Raises
    ------
    BadValue
        They are no whole numbers, or one comes twice.
    """
    given = np.asarray(ids)
    if given.ndim != 1 or (given.size and given.dtype.kind not in "iu"):
        raise BadValue("Particles are named by a list of ids.")
    checked = given.astype(np.int64)
    if len(np.unique(checked)) != len(checked):
        raise BadValue("A particle is named twice.")
    return checked


def adding(particles: Particles, ids: Ids, verb: str) -> PlannedEdit:
    """Add particles under new ids."""
    told = f"{verb[:1].upper()}{verb[1:]} {counted(len(ids))}"
    return PlannedEdit(told, Edit(added=rows_of(particles, ids)))


def moving(rows: Rows, ids: Ids, centres_px: NDArray[np.float64], moved_by: Giver) -> PlannedEdit:
    """Move particles to (n, 2) y, x."""
    places, there = places_of(rows, ids)
    before = rows[places[there]]
    after = before.copy()
    after["y_px"], after["x_px"] = centres_px[there].T
    if moved_by == "person":
        after["placed_by"] = PERSON
    told = f"Move {counted(len(before))}"
    return PlannedEdit(told, Edit(altered=alteration(before, after)), *_gone(ids[~there]))


def labelling(rows: Rows, ids: Ids, wanted: Particles) -> PlannedEdit:
    """Give particles the labels and givers of ``wanted``, except where only a person may."""
    places, there = places_of(rows, ids)
    before = rows[places[there]]
    after = before.copy()
    after["label"] = codes(wanted.labels[there], LABELS)
    after["given_by"] = codes(wanted.given_by[there], GIVERS)
    held = (before["given_by"] == PERSON) & (before["label"] != UNLABELLED)
    held &= after["given_by"] != PERSON
    skipped, note = _gone(ids[~there])
    if held.any():
        number = int(held.sum())
        be, it = ("was", "keeps its label") if number == 1 else ("were", "keep their labels")
        note = f"{note} {counted(number)} {be} labelled by a person and {it}.".strip()
        skipped = np.concatenate([skipped, ids[there][held]])
    before, after = before[~held], after[~held]
    edit = Edit(altered=alteration(before, after))
    return PlannedEdit(_told_labels(after), edit, skipped, note)


def _told_labels(rows: Rows) -> str:
    if len(rows) and (rows["given_by"] == GIVERS.index("suggestion")).all():
        return f"Accept {counted(len(rows), 'suggestion')}"
    used = np.unique(rows["label"])
    if len(used) == 1:
        if used[0] == UNLABELLED:
            return f"Unmark {counted(len(rows))}"
        return f"Mark {counted(len(rows))} {LABELS[used[0]]}"
    return f"Mark {counted(len(rows))}"


def deleting(rows: Rows, ids: Ids) -> PlannedEdit:
    """Take particles away."""
    places, there = places_of(rows, ids)
    removed = rows[np.sort(places[there])]
    return PlannedEdit(
        f"Delete {counted(len(removed))}", Edit(removed=removed), *_gone(ids[~there])
    )


def repicking(rows: Rows, particles: Particles, ids: Ids, distance_px: float) -> PlannedEdit:
    """Put a new pick, whose ids are given, in the place of all that is not a person's.

    A particle is a person's who has added, moved or labelled it. Of the new ones, those less than
    ``distance_px`` from such a one are left out.
    """
    persons = (rows["given_by"] == PERSON) | (rows["placed_by"] == PERSON)
    kept_px = np.stack([rows["y_px"][persons], rows["x_px"][persons]], axis=1)
    free = ~_near(particles.centres_px, kept_px, distance_px)
    edit = Edit(removed=rows[~persons], added=rows_of(particles, ids)[free])
    return PlannedEdit(f"Pick {counted(len(edit.added))}", edit)


def _near(
    points_px: NDArray[np.float64], others_px: NDArray[np.float64], distance_px: float
) -> NDArray[np.bool_]:
    """Tell which of (n, 2) points are less than ``distance_px`` from any of (m, 2) others."""
    found = np.zeros(len(points_px), bool)
    if not len(others_px) or distance_px <= 0:
        return found
    order = np.argsort(points_px[:, 0])
    others = others_px[np.argsort(others_px[:, 0])]
    # In the order of y, only a strip of the others can be near a few points.
    for start in range(0, len(order), _AT_ONCE):
        some = order[start : start + _AT_ONCE]
        points = points_px[some]
        first, last = np.searchsorted(
            others[:, 0], [points[0, 0] - distance_px, points[-1, 0] + distance_px]
        )
        offsets = points[:, None] - others[None, first:last]
        squares = np.einsum("nmc,nmc->nm", offsets, offsets)
        found[some] = (squares < distance_px**2).any(axis=1)
    return found


def thresholding(before: float | None, after: float | None) -> PlannedEdit:
    """Change the lowest score to be shown."""
    told = "Remove the threshold" if after is None else f"Set the threshold to {after:.3g}"
    return PlannedEdit(told, Edit(threshold=(before, after)))


def turned(action: str, wanted: Edit, done: Edit, skipped: Ids) -> PlannedEdit:
    """Undo or redo ``action``: what was wanted, and what of it could be done."""
    notes = []
    if len(skipped):
        be, it = ("was", "it is") if len(skipped) == 1 else ("were", "they are")
        since = "changed in another window since"
        notes.append(f"{counted(len(skipped))} {be} {since} and {be} left as {it}.")
    if wanted.threshold is not None and done.threshold is None:
        notes.append("The threshold was changed in another window since and was left as it is.")
    return PlannedEdit(action, done, skipped, " ".join(notes))


def _gone(ids: Ids) -> tuple[Ids, str]:
    """Return the particles that are not there any more, and a sentence about them."""
    if not len(ids):
        return ids, ""
    be, them = ("is", "it") if len(ids) == 1 else ("are", "them")
    return ids, f"{counted(len(ids))} {be} no longer there: another window deleted {them}."
