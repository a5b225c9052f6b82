"""How particles are found: their diameter, what to avoid, and how sure the picker must be."""

from dataclasses import dataclass

from magicgui.widgets import CheckBox, Container, FloatSpinBox
from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import QLabel, QPushButton, QSlider, QVBoxLayout, QWidget

from napari_n2n.plugin.shared.contrast_field import contrast_field
from napari_n2n.plugin.shared.controls import aligned_labels, row
from napari_n2n.plugin.shared.looks import PRIMARY_STYLE, STOP_STYLE
from napari_n2n.workflow.fields_of_view import ContrastChoice

_STEPS = 1000


@dataclass(frozen=True)
class FindingChoice:
    """What is chosen; the diameter in Å, or in px where the pixel size is unknown."""

    diameter_angstrom: float = 120.0
    avoid_contamination: bool = True
    like_the_marked: bool = False
    contrast: ContrastChoice = "auto"


class FindingForm(QWidget):
    """Edits a `FindingChoice`, with the button that picks and the slider for the threshold.

    Signals
    -------
    valueChanged
        Something else is chosen.
    pickClicked, stopClicked, guessClicked, measureClicked, openClicked
        Buttons.
    thresholdMoved, thresholdChosen
        The slider is on its way, or was let go; with the score.
    """

    valueChanged = Signal()  # noqa: N815 - Qt's way to name signals
    pickClicked = Signal()  # noqa: N815
    stopClicked = Signal()  # noqa: N815
    guessClicked = Signal()  # noqa: N815
    measureClicked = Signal()  # noqa: N815
    openClicked = Signal()  # noqa: N815
    thresholdMoved = Signal(float)  # noqa: N815
    thresholdChosen = Signal(float)  # noqa: N815

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._diameter = FloatSpinBox(
            label="Diameter (Å)", value=120.0, min=1.0, max=100_000.0, step=5.0
        )
        self._diameter.tooltip = "Of a particle, edge to edge. It sets the size of the circles."
        self._avoid = CheckBox(text="Avoid carbon, ice and gold", value=True)
        self._avoid.tooltip = (
            "What looks unlike the rest of the field is left out; a Labels layer shows where. "
            "Paint in it or erase from it, and pick again."
        )
        self._like = CheckBox(text="Look for particles like those I marked", value=False)
        self._like.tooltip = "From three particles marked intact, their mean is the template."
        self._contrast = contrast_field()
        form = Container(widgets=[self._diameter, self._contrast], labels=True)
        aligned_labels(form)
        checks = Container(widgets=[self._avoid, self._like], labels=False)
        checks.margins = (0, 0, 0, 0)
        self.guess_button = QPushButton("Guess")
        self.guess_button.setToolTip("Propose a diameter from the image.")
        self.measure_button = QPushButton("Measure…")
        self.measure_button.setToolTip("Drag across one particle, from edge to edge.")
        self.pick_button = QPushButton("Pick particles")
        self.open_button = QPushButton("Open picks…")
        self.open_button.setToolTip("Review picks of RELION, crYOLO, Topaz, cryoSPARC or EMAN.")
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, _STEPS)
        self.slider.setToolTip("Hide what the picker is less sure of. Nothing is picked again.")
        self.threshold_text = QLabel()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        for part in (
            form.native,
            row(self.guess_button, self.measure_button, self.open_button),
            checks.native,
            self.pick_button,
            self.threshold_text,
            self.slider,
        ):
            layout.addWidget(part)
        self._forms = (form, checks)
        self._range = (0.0, 1.0)
        self._running = False
        for field in (self._diameter, self._contrast, self._avoid, self._like):
            field.changed.connect(lambda *_: self.valueChanged.emit())
        self.pick_button.clicked.connect(
            lambda: (self.stopClicked if self._running else self.pickClicked).emit()
        )
        self.guess_button.clicked.connect(self.guessClicked)
        self.measure_button.clicked.connect(self.measureClicked)
        self.open_button.clicked.connect(self.openClicked)
        self.slider.valueChanged.connect(self._on_slider)
        self.slider.sliderReleased.connect(lambda: self.thresholdChosen.emit(self.threshold()))
        self.show_state(ready=False, running=False, can_learn=False)
        self.show_threshold(None, 0.0, 0.0, 0, 0)

    def value(self) -> FindingChoice:
        """Return what is chosen."""
        return FindingChoice(
            self._diameter.value, self._avoid.value, self._like.value, self._contrast.value
        )

    def setValue(self, choice: FindingChoice) -> None:  # noqa: N802
        """Show ``choice``."""
        self._diameter.value = round(choice.diameter_angstrom, 1)
        self._avoid.value = choice.avoid_contamination
        self._like.value = choice.like_the_marked
        self._contrast.value = choice.contrast

    def set_unit(self, unit: str) -> None:
        """Say what diameters are in: Å, or px where the pixel size is unknown."""
        self._diameter.label = f"Diameter ({unit})"

    def threshold(self) -> float:
        """Return the score at which the slider stands."""
        low, high = self._range
        return low + (high - low) * self.slider.value() / _STEPS

    def show_threshold(
        self, threshold: float | None, low: float, high: float, shown: int, candidates: int
    ) -> None:
        """Show a threshold between the lowest and the highest score there are."""
        usable = candidates > 0 and high > low
        self.slider.setEnabled(usable)
        if usable and not self.slider.isSliderDown():
            self._range = (low, high)
            share = 0.0 if threshold is None else (threshold - low) / (high - low)
            with QSignalBlocker(self.slider):
                self.slider.setValue(round(_STEPS * min(max(share, 0.0), 1.0)))
        if not usable:
            self.threshold_text.setText("Threshold: nothing picked yet")
            return
        score = low if threshold is None else threshold
        self.threshold_text.setText(
            f"Threshold {score:.2f}: {shown:,} of {candidates:,} candidates shown"
        )

    def show_state(self, *, ready: bool, running: bool, can_learn: bool) -> None:
        """Enable what makes sense; what runs can be stopped."""
        self._running = running
        self.pick_button.setText("Stop" if running else "Pick particles")
        self.pick_button.setStyleSheet(STOP_STYLE if running else PRIMARY_STYLE)
        self.pick_button.setEnabled(ready or running)
        for button in (self.guess_button, self.measure_button, self.open_button):
            button.setEnabled(ready and not running)
        self._like.enabled = can_learn
        if not can_learn:
            self._like.value = False

    def _on_slider(self) -> None:
        self.thresholdMoved.emit(self.threshold())
        if not self.slider.isSliderDown():  # keys, the wheel, a click beside the handle
            self.thresholdChosen.emit(self.threshold())
