"""The rows of the gallery: which particles there are, and in which order they stand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from qtpy.QtCore import QAbstractListModel, QModelIndex, Qt

from napari_n2n.errors import BadValue
from napari_n2n.io import LABELS, Particles

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from napari_n2n.io import Label

SortKey = Literal["score", "label", "uncertainty"]
_NONE = -1  # the code of no suggestion; else the place in LABELS
_GIVEN = {
    "person": "given by a person",
    "suggestion": "accepted from the suggestions",
    "picker": "given by a program",
}


@dataclass(frozen=True)
class Cell:
    """One particle as it is drawn.

    `label` is "unlabelled" where there is none; `suggested` is what is offered for it, only where
    it has none. `probability` is NaN where it is not known, and so is `score`.
    """

    id: int
    y: float
    x: float
    label: Label
    suggested: Label | None
    probability: float
    score: float


class GalleryModel(QAbstractListModel):
    """Particles in an order that only changes when it is asked to.

    Rows whose label changes stay where they are, so nothing runs away under the cursor; new ones
    come at the end. `is_sorted` says whether sorting again would move any.
    """

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.pixel_size_angstrom: float | None = None
        self._key: SortKey = "score"
        self._ids = np.empty(0, np.int64)
        self._particles = Particles.none()
        self._labels = np.empty(0, np.int8)
        self._suggested = np.empty(0, np.int8)
        self._probabilities = np.empty(0, np.float32)
        self._uncertainty = np.empty(0, np.float32)
        self._order = np.empty(0, np.intp)
        self._by_id = np.empty(0, np.intp)  # sorts _ids, to look ids up

    # Qt asks these.

    def rowCount(self, parent: QModelIndex | None = None) -> int:  # noqa: N802 - Qt's name
        """Return how many particles there are."""
        return 0 if parent is not None and parent.isValid() else len(self._order)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what is said about a particle; how it looks is the delegate's."""
        if not index.isValid():
            return None
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tooltip(index.row())
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return self._tooltip(index.row()).replace("\n", ". ")
        return None

    # What the gallery asks.

    @property
    def key(self) -> SortKey:
        """What the particles are sorted by."""
        return self._key

    @property
    def has_uncertainty(self) -> bool:
        """Whether anything is known about how sure the suggestions are."""
        return bool(np.isfinite(self._uncertainty).any())

    def cell(self, row: int) -> Cell:
        """Return what is drawn in a row."""
        source = self._order[row]
        y, x = self._particles.centres_px[source].tolist()
        label, suggested = int(self._labels[source]), int(self._suggested[source])
        pending = label == 0 and suggested > 0
        return Cell(
            id=int(self._ids[source]),
            y=y,
            x=x,
            label=LABELS[label],
            suggested=LABELS[suggested] if pending else None,
            probability=float(self._probabilities[source]),
            score=float(self._particles.scores[source]),
        )

    def ids(self) -> NDArray[np.int64]:
        """Return the ids (n,) in the order they are shown."""
        return self._ids[self._order]

    def rows(self, ids: ArrayLike) -> NDArray[np.intp]:
        """Return the rows of these ids, in order; ids that are not here are left out."""
        places = self._places(np.asarray(ids, np.int64).reshape(-1))
        row_of = np.empty(len(self._order), np.intp)
        row_of[self._order] = np.arange(len(self._order))
        return np.unique(row_of[places[places >= 0]])

    def is_sorted(self) -> bool:
        """Whether sorting would change nothing."""
        return bool(np.array_equal(self._order, self._sorted()))

    def sort_by(self, key: SortKey) -> None:
        """Sort now. All rows change: selections by row are void after it."""
        self.beginResetModel()
        self._key = key
        self._order = self._sorted()
        self.endResetModel()

    def same_rows(self, ids: NDArray[np.int64]) -> bool:
        """Whether these are the particles that are here, so that `replace` keeps the rows."""
        return bool(np.array_equal(self._ids, ids))

    def replace(
        self,
        ids: NDArray[np.int64],
        particles: Particles,
        suggested: ArrayLike | None,
        probabilities: ArrayLike | None,
        uncertainty: ArrayLike | None,
    ) -> NDArray[np.int64]:
        """Show these particles; return the ids whose thumbnail is no longer right.

        Raises
        ------
        BadValue
            Columns of different lengths, an id twice, an unknown label suggested.
        """
        n = len(particles)
        columns = (
            _codes(particles.labels),
            _suggestions(suggested, n),
            _numbers(probabilities, n, "probabilities"),
            _numbers(uncertainty, n, "uncertainties"),
        )
        if ids.shape != (n,):
            raise BadValue(f"{n} particles cannot have {ids.size} ids.")
        if self.same_rows(ids):
            moved = (self._particles.centres_px != particles.centres_px).any(1)
            self._take(particles, *columns)
            if n:
                self.dataChanged.emit(self.index(0), self.index(n - 1))
            changed: NDArray[np.int64] = ids[moved]
            return changed
        by_id = np.argsort(ids, kind="stable")
        if (np.diff(ids[by_id]) == 0).any():
            raise BadValue("Two particles have the same id.")
        shown, old_ids = self.ids(), self._ids
        old_places, old_centres = self._places(ids), self._particles.centres_px
        self.beginResetModel()
        self._ids, self._by_id = ids, by_id
        self._take(particles, *columns)
        self._order = self._kept_order(shown)
        self.endResetModel()
        known = old_places >= 0
        moved = ids[known][(old_centres[old_places[known]] != particles.centres_px[known]).any(1)]
        return np.concatenate([moved, np.setdiff1d(old_ids, ids)])

    def _take(self, particles: Particles, *columns: Any) -> None:
        self._particles = particles
        self._labels, self._suggested, self._probabilities, self._uncertainty = columns

    def _kept_order(self, shown: NDArray[np.int64]) -> NDArray[np.intp]:
        """Return those shown before in their order, then the new ones; all sorted if most are new.

        After a new pick, only what a person marked remains: no order to keep.
        """
        order = self._sorted()
        places = self._places(shown)
        kept = places[places >= 0]
        is_new = np.ones(len(order), bool)
        is_new[kept] = False
        if 2 * len(kept) < len(order):
            return order
        return np.concatenate([kept, order[is_new[order]]])

    def _places(self, ids: NDArray[np.int64]) -> NDArray[np.intp]:
        """Return where these ids stand among the particles as given, -1 where they do not."""
        if not len(self._ids):
            return np.full(len(ids), -1, np.intp)
        found = np.searchsorted(self._ids, ids, sorter=self._by_id)
        places = self._by_id[np.minimum(found, len(self._ids) - 1)]
        return np.where(self._ids[places] == ids, places, -1)

    def _sorted(self) -> NDArray[np.intp]:
        """Return the order the key asks for; equals by score, then as given. NaN comes last."""
        by_score = -self._particles.scores
        keys: tuple[NDArray[Any], ...]
        if self._key == "label":
            # Among the unlabelled: what is suggested as what, together.
            pending = np.where(self._labels == 0, self._suggested, _NONE)
            keys = (by_score, pending, self._labels)
        elif self._key == "uncertainty":
            keys = (by_score, -self._uncertainty)
        else:
            keys = (by_score,)
        return np.lexsort(keys).astype(np.intp)

    def _tooltip(self, row: int) -> str:
        cell, source = self.cell(row), self._order[row]
        lines = [f"y {cell.y:.1f}, x {cell.x:.1f} px"]
        if self.pixel_size_angstrom is not None:
            y, x = cell.y * self.pixel_size_angstrom, cell.x * self.pixel_size_angstrom
            lines[0] += f" ({y:.0f}, {x:.0f} Å)"
        lines.append("No score" if np.isnan(cell.score) else f"Score {cell.score:.2f}")
        label = cell.label.capitalize()
        given = _GIVEN[str(self._particles.given_by[source])]
        lines.append(label if cell.label == "unlabelled" else f"{label}, {given}")
        code = int(self._suggested[source])
        if code > 0:
            sure = "" if np.isnan(cell.probability) else f", {percent(cell.probability)}"
            lines.append(f"Suggested: {LABELS[code]}{sure}")
        return "\n".join(lines)


def percent(probability: float) -> str:
    """Return a probability for reading: never 100 %, as no machine is that sure."""
    return f"{min(99, round(100 * probability))} %"


def _codes(labels: NDArray[np.str_]) -> NDArray[np.int8]:
    codes = np.full(len(labels), _NONE, np.int8)
    for code, label in enumerate(LABELS):
        codes[labels == label] = code
    return codes


def _suggestions(suggested: ArrayLike | None, n: int) -> NDArray[np.int8]:
    if suggested is None:
        return np.full(n, _NONE, np.int8)
    given = np.asarray(suggested)
    if given.dtype.kind != "U":
        given = np.array(["" if one is None else str(one) for one in given], dtype=np.str_)
    if given.shape != (n,):
        raise BadValue(f"{n} particles cannot have {given.size} suggestions.")
    codes = _codes(given)
    unknown = (codes == _NONE) & (given != "")
    if unknown.any():
        raise BadValue(f"{str(given[unknown][0])!r} is none of the labels {', '.join(LABELS)}.")
    return codes


def _numbers(column: ArrayLike | None, n: int, name: str) -> NDArray[np.float32]:
    if column is None:
        return np.full(n, np.nan, np.float32)
    numbers = np.array(column, np.float32)
    if numbers.shape != (n,):
        raise BadValue(f"{n} particles cannot have {numbers.size} {name}.")
    return numbers
