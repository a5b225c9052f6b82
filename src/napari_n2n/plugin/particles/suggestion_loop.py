"""Suggestions that follow the marks: learnt anew at every mark, in a thread of its own."""

from qtpy.QtCore import QObject, Signal

from napari_n2n.plugin.particles.marking import MarkedParticles
from napari_n2n.plugin.shared.jobs import Runner
from napari_n2n.session.shown_particles import PendingSuggestions
from napari_n2n.workflow import suggest_labels as suggesting
from napari_n2n.workflow.fields_of_view import DenoisedMicrograph
from napari_n2n.workflow.suggest_labels import DescriptorCache, LabelSuggestions


class SuggestionLoop(QObject):
    """Keeps a marking's suggestions up to date with what a person has marked.

    While one round runs, further marks are waited for and then learnt from together.

    Signals
    -------
    told
        How good the suggestions are, or what is missing: a sentence.
    """

    told = Signal(str)

    def __init__(self, marking: MarkedParticles, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._marking = marking
        self._field: DenoisedMicrograph | None = None
        self._diameter_angstrom = 0.0
        self._described = DescriptorCache()
        self._again = False
        self._runner = Runner(self)
        self._runner.succeeded.connect(self._on_suggested)
        self._runner.failed.connect(self.told)
        self._runner.finished.connect(self._on_finished)
        marking.taught.connect(self.refresh)

    @property
    def busy(self) -> bool:
        """Whether suggestions are being made."""
        return self._runner.busy

    def look_at(self, micrograph: DenoisedMicrograph | None, diameter_angstrom: float) -> None:
        """Describe particles in another micrograph, or of another size."""
        self._field, self._diameter_angstrom = micrograph, diameter_angstrom
        self._described = DescriptorCache()
        self.refresh()

    def refresh(self) -> None:
        """Suggest anew, now or as soon as the round that is running has ended."""
        micrograph, session = self._field, self._marking.session
        if micrograph is None or session is None:
            return
        ids, particles = self._marking.everything
        described, diameter = self._described, self._diameter_angstrom
        self._again = not self._runner.start(
            "Suggesting",
            lambda stop: suggesting.suggest_steps(
                micrograph, diameter, ids, particles, session, described, stop=stop
            ),
            show=False,
        )

    def leave(self) -> None:
        """Suggest no more."""
        self._field = None
        self._again = False
        self._runner.stop()

    def _on_suggested(self, found: LabelSuggestions) -> None:
        if self._again or self._field is None:
            return  # the marks have changed since
        self.told.emit(found.sentence)
        self._marking.suggest(
            PendingSuggestions(found.ids, found.labels, found.probabilities, found.uncertainty)
        )

    def _on_finished(self) -> None:
        if self._again:
            self._again = False
            self.refresh()
