"""The Particles widget: from a micrograph to the coordinates of intact particles."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from napari.components import ViewerModel
from napari.utils.notifications import show_error, show_info
from qtpy.QtCore import QTimer
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import QWidget

from napari_n2n.errors import N2NError
from napari_n2n.io import LABELS, Label
from napari_n2n.plugin.particles.coordinates_io import CoordinatesExchange
from napari_n2n.plugin.particles.finder import ParticleFinder
from napari_n2n.plugin.particles.marking import MarkedParticles
from napari_n2n.plugin.particles.mouse_tools import TOOLS, Tool
from napari_n2n.plugin.particles.panel import ParticlesPanel
from napari_n2n.plugin.particles.scene import ParticlesScene
from napari_n2n.plugin.particles.sessions import SessionHandles
from napari_n2n.plugin.particles.suggestion_loop import SuggestionLoop
from napari_n2n.plugin.shared.keys import name_of
from napari_n2n.workflow.contrast import contrast_said_in, say_contrast
from napari_n2n.workflow.find_particles import FoundParticles

if TYPE_CHECKING:
    from napari_n2n.particles.sizes import DiameterGuess

_INVITATION = "Open a micrograph, or denoise one, to mark its particles."
_LOOK_MS = 1500  # between two looks whether another window has marked


class ParticlesWidget(ParticlesPanel):
    """Finds particles, lets a person mark them, suggests the rest, and exports.

    Parameters
    ----------
    viewer
        Where layers are taken from and put.
    """

    def __init__(self, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(viewer, parent)
        self.marking = MarkedParticles(self)
        self.scene = ParticlesScene(viewer, self.marking, self.act, self)
        self.finder = ParticleFinder(self.scene, self.marking, self)
        self.suggester = SuggestionLoop(self.marking, self)
        self.exchange = CoordinatesExchange(self.scene, self.marking, self.export, self)
        self._sessions = SessionHandles()
        # However the window goes, the files are closed: closing folds the log back into them.
        self.destroyed.connect(self._sessions.close)
        # Later: layers that are being inserted or removed are not to be moved about.
        self._opening = QTimer(self)
        self._opening.setSingleShot(True)
        self._opening.timeout.connect(self._open_chosen)
        self._looking = QTimer(self)
        self._looking.setInterval(_LOOK_MS)
        self._looking.timeout.connect(self._look_for_others)
        self._connect()
        self._looking.start()
        self._open_chosen()

    def _connect(self) -> None:
        scene, marking, finding = self.scene, self.marking, self.finding
        self.micrograph.valueChanged.connect(lambda: self._opening.start(0))
        self.view.modeChosen.connect(scene.comparison.set_mode)
        scene.comparison.modeChanged.connect(self.view.show_mode)
        finding.valueChanged.connect(self._on_finding_changed)
        finding.pickClicked.connect(self.pick)
        finding.stopClicked.connect(self.finder.stop)
        finding.guessClicked.connect(lambda: self.finder.guess(finding.value()))
        finding.measureClicked.connect(lambda: scene.mouse.take("measure"))
        finding.openClicked.connect(self.exchange.open_picks)
        finding.thresholdMoved.connect(marking.show_above)
        finding.thresholdChosen.connect(marking.set_threshold)
        scene.mouse.measured.connect(self._on_measured)
        scene.mouse.toolChanged.connect(self.tools.show_tool)
        self.tools.toolChosen.connect(scene.mouse.take)
        self.labels.labelChosen.connect(self._choose_label)
        for button, action in (
            (self.previous_button, "previous"),
            (self.next_button, "next"),
            (self.least_sure_button, "least_sure"),
            (self.undo_button, "undo"),
            (self.redo_button, "redo"),
        ):
            button.clicked.connect(lambda _=False, action=action: self.act(action))
        self.gallery_button.clicked.connect(scene.gallery.show)
        scene.gallery.shownChanged.connect(self.gallery_button.setChecked)
        scene.gallery.keyPressed.connect(scene.keys.press)
        scene.gallery.particleOpened.connect(scene.look_at)
        self.suggestions.acceptClicked.connect(lambda: self.act("accept"))
        self.suggestions.acceptAboveClicked.connect(marking.accept_above)
        self.suggester.told.connect(self.suggestions.say)
        self.export.valueChanged.connect(self._show_counts)
        self.export.exportClicked.connect(self.exchange.export_picks)
        self.exchange.said.connect(self.progress.say)
        self.exchange.failed.connect(self._on_failure)
        self.exchange.opened.connect(self.suggester.refresh)
        marking.changed.connect(self._refresh)
        marking.selectionChanged.connect(self._show_pending)
        marking.failed.connect(self._on_failure)
        marking.noted.connect(self.progress.say)
        self.finder.progressed.connect(self.progress.show_progress)
        self.finder.begun.connect(self._on_begun)
        self.finder.found.connect(self._on_found)
        self.finder.guessed.connect(self._on_guessed)
        self.finder.failed.connect(self._on_failure)
        self.finder.stopped.connect(lambda: self.progress.say("Stopped. Nothing was changed."))
        self.finder.finished.connect(self._on_finder_finished)

    # What can be done.

    def act(self, action: str) -> None:
        """Do what a key stands for; see `napari_n2n.plugin.shared.keys`."""
        marking, mouse = self.marking, self.scene.mouse
        if not marking.is_open:
            return
        if action in LABELS:
            marking.label(action)
        elif action in ("next", "previous", "least_sure"):
            if action == "least_sure":
                marking.select_least_sure()
            else:
                marking.step(1 if action == "next" else -1)
            if marking.current is not None:
                self.scene.look_at(marking.current)
        elif action in ("undo", "redo"):
            done = marking.undo() if action == "undo" else marking.redo()
            verb = "Undone" if action == "undo" else "Done again"
            self.progress.say(f"{verb}: {done}" if done else f"There is nothing to {action}.")
        elif action == "accept":
            marking.accept()
        elif action == "delete":
            marking.delete()
        elif action.removesuffix("_tool") in TOOLS:
            mouse.take(cast("Tool", action.removesuffix("_tool")))
        elif action.endswith("_brush"):
            mouse.scale_brush(1.25 if action == "larger_brush" else 0.8)

    def pick(self) -> None:
        """Find particles in the chosen micrograph; what a person marked stays."""
        if self.scene.field is None:
            show_info(_INVITATION)
            return
        self.finder.pick(self.finding.value())

    def leave(self) -> None:
        """Stop everything and give back layers, mouse and keys; what was marked is kept."""
        self._opening.stop()
        self._looking.stop()
        self.finder.leave()
        self.suggester.leave()
        self.micrograph.disconnect_layers()
        self.scene.leave()
        self.marking.close()
        self._sessions.close()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:  # noqa: N802 - Qt's name
        """Let the keys work while the mouse is in this panel as well."""
        assert event is not None
        if not self.scene.keys.press(name_of(event)):
            super().keyPressEvent(event)

    # Opening a micrograph.

    def _open_chosen(self) -> None:
        image, raw = self.micrograph.images()
        if (image, raw) == (self.scene.image, self.scene.raw) and self.marking.is_open:
            return
        self.finder.stop()
        self.suggester.leave()
        self.scene.choose(image, raw)
        if image is None:
            self.marking.close()
            self.kept.setText("")
            self.progress.say(_INVITATION)
            return
        try:
            session, number, note = self._sessions.session_for(raw or image)
            diameter, contrast = session.setting("diameter_angstrom"), contrast_said_in(session)
        except N2NError as problem:
            self.scene.choose(None, None)
            self.marking.close()
            self._on_failure(str(problem))
            return
        self.finding.set_unit(self._unit)
        # Before anything is set: what changes is kept in the session that is open.
        self.marking.open(session, number)
        self._set(contrast=contrast)
        if diameter is not None:
            self._set(diameter_angstrom=float(diameter))
        self.scene.show(self.finding.value().diameter_angstrom)
        self.exchange.propose_names(raw or image)
        self.kept.setText(f"{note} Marks are kept in {session.path}.".strip())
        kept = len(self.marking.view.ids)
        self.progress.say(
            f"{kept:,} particles as they were left." if kept else "Press Pick particles."
        )
        if diameter is None:
            self.finder.guess(self.finding.value())
        self.suggester.look_at(self.scene.field, self.finding.value().diameter_angstrom)

    @property
    def _unit(self) -> str:
        known = self.scene.field is not None and self.scene.field.pixel_size_angstrom is not None
        return "Å" if known else "px"

    # What jobs bring.

    def _on_begun(self, title: str) -> None:
        self.progress.begin(f"{title}…")
        self._refresh()

    def _on_found(self, found: FoundParticles) -> None:
        self.scene.show_avoided(found.avoided)
        self.marking.replace_picks(found.particles, self.scene.keep_px, found.threshold)
        how = f", by the {found.learnt_from} you marked" if found.learnt_from else ""
        shown = len(self.marking.view.ids)
        told = (
            f"{shown:,} particles found{how}.",
            *found.notes,
            "Move the threshold to see more or fewer. Click one and press 1 if it is intact, 2 if "
            "it is broken.",
        )
        self.progress.say(" ".join(filter(None, told)))
        self.suggester.refresh()

    def _on_guessed(self, guess: "DiameterGuess") -> None:
        self._set(diameter_angstrom=guess.diameter_angstrom)
        width = f"{guess.diameter_angstrom:.0f} {self._unit} wide"
        if guess.other_angstrom is None:
            self.progress.say(f"The particles look {width}. Press Pick particles.")
        else:
            self.progress.say(
                f"The particles look about {width}, guessed; it may be "
                f"{guess.other_angstrom:.0f} {self._unit} as well. Measure one before you press "
                "Pick particles."
            )

    def _on_measured(self, diameter_px: float) -> None:
        size = 1.0 if self.scene.field is None else self.scene.field.unit_size
        self._set(diameter_angstrom=diameter_px * size)

    def _set(self, **changes: Any) -> None:
        self.finding.setValue(replace(self.finding.value(), **changes))

    def _on_finding_changed(self) -> None:
        choice, session = self.finding.value(), self.marking.session
        is_new = self.scene.set_diameter(choice.diameter_angstrom)
        if is_new:
            self.finder.drop_guess()
        if session is not None:
            try:
                say_contrast(session, choice.contrast)
                if is_new:
                    session.set_setting("diameter_angstrom", choice.diameter_angstrom)
            except N2NError as problem:
                self._on_failure(str(problem))
        if is_new:
            self.suggester.look_at(self.scene.field, choice.diameter_angstrom)

    def _on_finder_finished(self) -> None:
        self.progress.end()
        self._refresh()
        self.finder.guess_if_asked()

    def _on_failure(self, sentence: str) -> None:
        self.progress.say(sentence)
        show_error(sentence)

    def _look_for_others(self) -> None:
        """Show what another window has marked."""
        session = self.marking.session
        try:
            if session is not None and session.changed_elsewhere():
                self.marking.reload()
                self.suggester.refresh()
        except N2NError as problem:
            self._looking.stop()
            self._on_failure(str(problem))

    # What is shown.

    def _choose_label(self, label: Label) -> None:
        self.scene.mouse.label = label
        self.scene.particles.label_of_new = label

    def _refresh(self) -> None:
        marking = self.marking
        self._show_counts()
        self._show_pending()
        scores = marking.all_scores[np.isfinite(marking.all_scores)]
        low, high = (float(scores.min()), float(scores.max())) if scores.size else (0.0, 0.0)
        shown = int(np.isfinite(marking.view.particles.scores).sum())
        self.finding.show_threshold(marking.threshold, low, high, shown, scores.size)
        self.finding.show_state(
            ready=self.scene.field is not None,
            running=self.finder.busy,
            can_learn=self.finder.can_learn,
        )
        undo, redo = marking.history_texts()
        self.show_state(
            is_open=marking.is_open,
            undo=undo,
            redo=redo,
            pending=bool((marking.view.suggested != "").any()),
        )

    def _show_counts(self) -> None:
        counts = self.marking.view.particles.counts()
        self.labels.show_counts(counts)
        self.export.show_count(sum(counts[label] for label in self.export.value().labels))

    def _show_pending(self) -> None:
        view = self.marking.view
        pending = view.suggested != ""
        chosen = view.rows(self.marking.selected)
        self.suggestions.show_pending(
            view.probabilities[pending], current=bool(pending[chosen].any())
        )
