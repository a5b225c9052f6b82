"""The particles of the micrograph on show: what every pane, gallery and count is a view of."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QObject, Signal

from napari_n2n.errors import N2NError
from napari_n2n.io import Particles
from napari_n2n.session.shown_particles import (
    Ids,
    PendingSuggestions,
    ShownParticles,
    shown_particles,
)

if TYPE_CHECKING:
    from napari_n2n.io import Giver, Label
    from napari_n2n.session import ParticleChange, ParticleMarks, Session


class MarkedParticles(QObject):
    """Edits the particles of one micrograph; every edit is on disk when it returns.

    The session keeps the particles and their history; this knows what is selected, what is
    suggested and what the threshold hides. Problems are told by `failed`, and leave all as it was.

    Signals
    -------
    changed
        What is shown is different: particles, threshold or suggestions.
    taught
        A label was given or taken by a person, so that suggestions are out of date.
    selectionChanged
        Others are selected.
    failed
        An edit was not done: a sentence for the user.
    noted
        An edit was done but in part, because of another window: a sentence for the user.
    """

    changed = Signal()
    taught = Signal()
    selectionChanged = Signal()  # noqa: N815 - Qt's way to name signals
    failed = Signal(str)
    noted = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.session: Session | None = None
        self.micrograph: int | None = None
        self._ids: Ids = np.empty(0, np.int64)
        self._particles = Particles.none()
        self._threshold: float | None = None
        self._tried: float | None = None  # where the slider is, while it moves
        self._suggested = PendingSuggestions.nothing()
        self._selected: tuple[int, ...] = ()
        self._view: ShownParticles | None = None

    def open(self, session: "Session", micrograph: int) -> None:
        """Show the particles that ``session`` keeps of ``micrograph``."""
        self.session, self.micrograph = session, micrograph
        self._selected = ()
        self._suggested = PendingSuggestions.nothing()
        self.reload()
        self.selectionChanged.emit()

    def close(self) -> None:
        """Show nothing."""
        self.session = self.micrograph = None
        self._ids, self._particles = np.empty(0, np.int64), Particles.none()
        self._threshold = self._tried = None
        self._suggested = PendingSuggestions.nothing()
        self._selected = ()
        self._tell()
        self.selectionChanged.emit()

    @property
    def is_open(self) -> bool:
        """Whether there is a micrograph to mark."""
        return self.session is not None

    @property
    def view(self) -> ShownParticles:
        """What is shown now."""
        if self._view is None:
            self._view = shown_particles(
                self._ids, self._particles, self.threshold, self._suggested
            )
        return self._view

    @property
    def everything(self) -> tuple[Ids, Particles]:
        """All particles with their ids, hidden ones too."""
        return self._ids, self._particles

    def history_texts(self) -> tuple[str | None, str | None]:
        """Return what `undo` would take back and what `redo` would do again."""
        if self.session is None or self.micrograph is None:
            return None, None
        try:
            marks = self.session.marks
            return marks.undo_text(self.micrograph), marks.redo_text(self.micrograph)
        except N2NError:
            return None, None  # the next edit says what is wrong

    @property
    def all_scores(self) -> NDArray[np.float32]:
        """Scores of all candidates, hidden ones too."""
        return self._particles.scores

    @property
    def threshold(self) -> float | None:
        """Candidates with lower scores are hidden, unless a person gave them; None: none are."""
        return self._threshold if self._tried is None else self._tried

    @property
    def selected(self) -> tuple[int, ...]:
        """Ids of the selected particles; the last one is the current."""
        return self._selected

    @property
    def current(self) -> int | None:
        """Id of the particle that keys act on."""
        return self._selected[-1] if self._selected else None

    def centre_of(self, particle: int) -> NDArray[np.float64]:
        """Return y, x in px of the particle of this id."""
        row = int(np.searchsorted(self._ids, particle))
        centre: NDArray[np.float64] = self._particles.centres_px[row]
        return centre

    def select(self, ids: Sequence[int]) -> None:
        """Select particles; ids that are not shown are passed over."""
        wanted = np.asarray(ids, np.int64)
        chosen = tuple(wanted[np.isin(wanted, self.view.ids)].tolist())
        if chosen != self._selected:
            self._selected = chosen
            self.selectionChanged.emit()

    def nearest(self, place_px: Sequence[float], within_px: float) -> int | None:
        """Return the shown particle whose centre is nearest to (y, x), if one is that near."""
        view = self.view
        if not len(view.ids):
            return None
        distance = np.hypot(*(view.particles.centres_px - np.asarray(place_px)).T)
        closest = int(distance.argmin())
        return int(view.ids[closest]) if distance[closest] <= within_px else None

    def within(self, place_px: Sequence[float], radius_px: float) -> list[int]:
        """Return the shown particles whose centres are within a circle around (y, x)."""
        view = self.view
        distance = np.hypot(*(view.particles.centres_px - np.asarray(place_px)).T)
        return [int(i) for i in view.ids[distance <= radius_px]]

    def add(self, centre_px: Sequence[float], label: "Label") -> None:
        """Add a particle at (y, x) and select it."""
        particle = Particles(np.asarray(centre_px, float).reshape(1, 2)).replaced(
            labels=[label], given_by=["person"]
        )
        self._edit(
            lambda marks, m: marks.add(m, particle),
            then_select=lambda change: change.added.tolist(),
        )

    def label(self, label: "Label", ids: Sequence[int] | None = None) -> None:
        """Give particles a label, as a person does; by default the selected ones."""
        chosen = self._these(ids)
        if len(chosen):
            self._edit(lambda marks, m: marks.relabel(m, chosen, label))

    def move(self, ids: Sequence[int], centres_px: NDArray[np.float64]) -> None:
        """Move particles to (n, 2) y, x."""
        if len(ids):
            forget = ~np.isin(self._suggested.ids, ids)
            columns = vars(self._suggested).values()
            self._suggested = PendingSuggestions(*(column[forget] for column in columns))
            self._edit(lambda marks, m: marks.move(m, np.asarray(ids), centres_px))

    def delete(self, ids: Sequence[int] | None = None) -> None:
        """Delete particles, by default the selected ones; the next one is selected then."""
        chosen = self._these(ids)
        if not len(chosen):
            return
        following = self._neighbour(1, beyond=set(chosen.tolist()))
        then = [] if following is None else [following]
        self._edit(
            lambda marks, m: marks.delete(m, chosen),
            then_select=(lambda _: then) if ids is None else None,
        )

    def accept(self, ids: Sequence[int] | None = None) -> None:
        """Accept the suggestions for the selected particles, looked at one by one."""
        chosen = self.view.rows(self._these(ids))
        self._accept(chosen, "person")

    def accept_above(self, probability: float) -> None:
        """Accept all suggestions that are at least this probable."""
        self._accept(np.flatnonzero(self.view.probabilities >= probability), "suggestion")

    def replace_picks(self, particles: Particles, keep_px: float, threshold: float | None) -> None:
        """Replace what a picker found before; what a person gave stays.

        New ones closer than ``keep_px`` to what stays are left out.
        """
        self._suggested = PendingSuggestions.nothing()
        self._edit(lambda marks, m: marks.replace_picks(m, particles, distance_px=keep_px))
        self.set_threshold(threshold)

    def set_threshold(self, score: float | None) -> None:
        """Hide candidates with lower scores."""
        self._tried = None
        if score != self._threshold:
            self._edit(lambda marks, m: marks.set_threshold(m, score))

    def show_above(self, score: float) -> None:
        """Show what a threshold would leave, while a slider moves; nothing is kept of it."""
        self._tried = score
        self._tell()

    def undo(self) -> str | None:
        """Take back the last edit; return what it was, in a sentence."""
        return _in_words(self._edit(lambda marks, m: marks.undo(m)))

    def redo(self) -> str | None:
        """Do again what was taken back; return what it was, in a sentence."""
        return _in_words(self._edit(lambda marks, m: marks.redo(m)))

    def step(self, by: int) -> None:
        """Select the next (1) or previous (-1) particle, row by row down the micrograph."""
        following = self._neighbour(by)
        if following is not None:
            self.select([following])

    def select_least_sure(self) -> None:
        """Select the particle whose suggestion is the least sure, other than the current one."""
        view = self.view
        pending = np.flatnonzero((view.suggested != "") & (view.ids != (self.current or -1)))
        if pending.size:
            self.select([int(view.ids[pending[view.uncertainty[pending].argmax()]])])

    def suggest(self, suggested: PendingSuggestions) -> None:
        """Show suggestions in place of those before."""
        self._suggested = suggested
        self._tell()

    def reload(self) -> None:
        """Read everything anew, as when another window has written."""
        if self.session is None or self.micrograph is None:
            return
        try:
            stored = self.session.marks.particles(self.micrograph)
            self._threshold = self.session.marks.threshold(self.micrograph)
        except N2NError as problem:
            self.failed.emit(str(problem))
            return
        self._ids, self._particles = stored.ids, stored.particles
        self._tried = None
        self._tell()

    def _edit(
        self,
        edit: "Callable[[ParticleMarks, int], ParticleChange | None]",
        then_select: "Callable[[ParticleChange], Sequence[int]] | None" = None,
    ) -> "ParticleChange | None":
        if self.session is None or self.micrograph is None:
            return None
        try:
            change = edit(self.session.marks, self.micrograph)
        except N2NError as problem:
            self.failed.emit(str(problem))
            self._tell()  # a pane may show what could not be kept
            return None
        if change is not None:
            before = self._lessons()
            selected = self._selected
            if then_select is not None:
                self._selected = tuple(then_select(change))
            self.reload()
            if self._selected != selected:
                self.selectionChanged.emit()
            if self._lessons() != before:
                self.taught.emit()
            if change.note:
                self.noted.emit(change.note)
        return change

    def _lessons(self) -> int:
        """Return a number that changes with what a person has labelled."""
        by_person = self._particles.given_by == "person"
        taught = by_person & (self._particles.labels != "unlabelled")
        rows = (
            self._ids[taught],
            self._particles.labels[taught],
            self._particles.centres_px[taught],
        )
        return hash(tuple(column.tobytes() for column in rows))

    def _accept(self, rows: NDArray[np.intp], by: "Giver") -> None:
        view = self.view
        rows = rows[view.suggested[rows] != ""]
        if rows.size:
            ids, labels = view.ids[rows], view.suggested[rows]
            self._edit(lambda marks, m: marks.relabel(m, ids, labels, given_by=by))

    def _these(self, ids: Sequence[int] | None) -> Ids:
        return np.asarray(self._selected if ids is None else ids, np.int64)

    def _neighbour(self, by: int, beyond: set[int] | None = None) -> int | None:
        view = self.view
        if not len(view.ids):
            return None
        # Rows as high as the field divided by the square root of the count hold about as many
        # particles as there are rows, so that the camera wanders evenly.
        y, x = view.particles.centres_px.T
        height = max(float(np.ptp(y)), 1.0) / max(len(y) ** 0.5, 1.0)
        order = np.lexsort((x, np.floor(y / height)))
        ids = view.ids[order]
        if self.current is None or self.current not in ids:
            return int(ids[0 if by > 0 else -1])
        place = int(np.flatnonzero(ids == self.current)[0])
        for _ in range(len(ids)):
            place = (place + by) % len(ids)
            if beyond is None or int(ids[place]) not in beyond:
                return int(ids[place])
        return None

    def _tell(self) -> None:
        """Let all look again, with what is gone not selected any more."""
        self._view = None
        before = self._selected
        chosen = np.asarray(before, np.int64)
        self._selected = tuple(chosen[np.isin(chosen, self.view.ids)].tolist())
        self.changed.emit()
        if self._selected != before:
            self.selectionChanged.emit()


def _in_words(change: "ParticleChange | None") -> str | None:
    return None if change is None else f"{change.action}. {change.note}".strip()
