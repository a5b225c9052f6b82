"""What forms and panels are made of: rows, labels, the big button, progress."""

from typing import Any, TypeVar

from magicgui.widgets import Container, FloatSpinBox
from qtpy.QtCore import QEvent, QObject, Qt, Signal
from qtpy.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)
from superqt import QCollapsible

from napari_n2n.plugin.shared.looks import CAREFUL_STYLE, PRIMARY_STYLE, STOP_STYLE
from napari_n2n.progress import Progress, format_seconds

_STOP_TIP = "Ends within a second. Of a training, what was learnt is saved, and Resume goes on."
_TRAIN_TIP = "Align the movie if need be, train on it, and denoise it."
_DENOISE_TIP = "Align the movie if need be, denoise it, and show it beside the raw image."

_LABEL_PX = 146

T = TypeVar("T")


def not_none(thing: T | None) -> T:
    """Return what is there: Qt's types allow for None where there never is."""
    assert thing is not None
    return thing


class Underway:
    """True within its ``with`` block: what widgets tell meanwhile is not the user's doing."""

    def __init__(self) -> None:
        self._depth = 0

    def __enter__(self) -> None:
        self._depth += 1

    def __exit__(self, *_: object) -> None:
        self._depth -= 1

    def __bool__(self) -> bool:
        return self._depth > 0


def aligned_labels(container: Container[Any]) -> Container[Any]:
    """Give a form's labels the width that those of all forms have, and the form no margins."""
    container.margins = (0, 0, 0, 0)
    for widget in container:
        labeled = widget._labeled_widget()
        if labeled is not None:
            labeled.label_width = _LABEL_PX
    return container


def heading(text: str) -> QLabel:
    """Make the heading of a section."""
    label = QLabel(text)
    label.setStyleSheet("font-weight: bold; font-size: 13px; padding-top: 6px;")
    return label


class _DeafToWheel(QObject):
    """Lets the wheel scroll what a field lies in: passing over it shall not change its value."""

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802
        if event is None or event.type() != QEvent.Type.Wheel:
            return False
        event.ignore()
        return True


def typed(field: FloatSpinBox) -> None:
    """Let a number count once it is typed to its end, and the wheel not change it."""
    field.native.setKeyboardTracking(False)
    field.native.installEventFilter(_DeafToWheel(field.native))


def folded(title: str) -> QCollapsible:
    """Make a part of a form that is folded away until it is wanted."""
    part = QCollapsible(title, expandedIcon="▾", collapsedIcon="▸")
    part.setDuration(0)
    layout = not_none(part.layout())
    layout.setContentsMargins(0, 4, 0, 2)
    layout.setSpacing(2)
    return part


def row(*widgets: QWidget, stretch: tuple[int, ...] = ()) -> QWidget:
    """Put widgets beside each other; where there is room, they grow as ``stretch`` says."""
    holder = QWidget()
    layout = QHBoxLayout(holder)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(4)
    for widget in widgets:
        layout.addWidget(widget)
    for place, share in enumerate(stretch):
        layout.setStretch(place, share)
    return holder


class MainButton(QWidget):
    """One big button that does what comes next, or stops what runs; a small one that goes on."""

    trainClicked = Signal()  # noqa: N815 - Qt's way to name signals
    denoiseClicked = Signal()  # noqa: N815
    stopClicked = Signal()  # noqa: N815
    resumeClicked = Signal()  # noqa: N815

    def __init__(self) -> None:
        super().__init__()
        self.big = QPushButton()
        self.resume = QPushButton("Resume")
        self.resume.setToolTip("Go on from where the training was stopped.")
        self._clicked = self.stopClicked
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.big, 3)
        layout.addWidget(self.resume, 1)
        self.big.clicked.connect(lambda: self._clicked.emit())
        self.resume.clicked.connect(self.resumeClicked)
        self.show_state(running=False, stopping=False, trains=False, ready=False, resume=None)

    def show_state(
        self, *, running: bool, stopping: bool, trains: bool, ready: bool, resume: str | None
    ) -> None:
        """Show what can be done: ``resume`` is what going on is called, None if there is nothing.

        The big button stops what is ``running``, else it trains or denoises, if all is ``ready``.
        """
        if running:
            self._clicked, text, tip = self.stopClicked, "Stop", _STOP_TIP
        elif trains:
            self._clicked, text, tip = self.trainClicked, "Train", _TRAIN_TIP
        else:
            self._clicked, text, tip = self.denoiseClicked, "Denoise", _DENOISE_TIP
        self.big.setText("Stopping…" if stopping else text)
        self.big.setEnabled(not stopping if running else ready)
        self.big.setStyleSheet(STOP_STYLE if running else PRIMARY_STYLE)
        self.big.setToolTip(tip)
        self.resume.setVisible(resume is not None and not running)
        self.resume.setText(resume or "Resume")


class ProgressDisplay(QWidget):
    """A bar with the time left, a sentence about what is going on, and what to be careful about."""

    def __init__(self) -> None:
        super().__init__()
        self.bar = QProgressBar()
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(True)
        self.bar.setFormat("")
        self.status, self.warning = QLabel(), QLabel()
        for label in (self.status, self.warning):
            label.setWordWrap(True)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.warning.setStyleSheet(CAREFUL_STYLE)
        self.warning.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        layout.addWidget(self.bar)
        layout.addWidget(self.status)
        layout.addWidget(self.warning)

    def say(self, text: str, warning: str = "") -> None:
        """Show a sentence, and below it in amber what to be careful about, if anything."""
        self.status.setText(text)
        self.warning.setText(warning)
        self.warning.setVisible(bool(warning))

    def begin(self, text: str) -> None:
        """Show that something has begun."""
        self.bar.setValue(0)
        self.bar.setFormat("")
        self.say(text)

    def end(self) -> None:
        """Show that nothing is going on."""
        self.bar.setValue(0)
        self.bar.setFormat("")

    def show_progress(self, step: Progress) -> None:
        """Show how far a job is."""
        self.bar.setValue(round(1000 * step.fraction))
        left = step.seconds_left
        self.bar.setFormat("" if left is None else f"{format_seconds(left)} left")
        self.say(step.sentence)
