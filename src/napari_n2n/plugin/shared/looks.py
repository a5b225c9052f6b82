"""What means the same has the same colour in all widgets; labels have theirs from `palette`."""

from qtpy.QtWidgets import QLabel

ACCENT, STOPPING = "#2e7d32", "#b23c2e"
"""The one button that does what comes next; the same one while it stops what runs."""

CHOSEN = "#3d5a80"
"""What is chosen among several: a button that is down, the rows of a table."""

SELECTED = "#b2ff59"
"""The ring around what is selected: to every eye unlike the colours that frames are filled with."""

BACKGROUND = "#1b1d21"
"""Behind thumbnails; darker than napari's lists: on those, vermillion is hard to see."""

NO_IMAGE = "#2f333a"
"""A thumbnail, or the part of one, that there is no image for."""

CAPTION, ON_COLOUR = "#a0a7b3", "#101214"
"""What is written below a thumbnail; there and on it, where a label's colour is behind."""

FAINT = "#a8adb8"
"""Text that explains."""

QUIET = "#9aa0a8"
"""What asks for nothing."""

AMBER, ON_AMBER = "#ffb74d", "#101214"
"""What to be careful about: dark on a light ground, so that it is readable in every theme."""

CURVE = "#8ab4f8"
"""The curve of a plot that is there from the beginning."""

_BUTTON = (
    "QPushButton {{background: {plain}; color: white; font-weight: bold; font-size: 15px;"
    " padding: 8px; border-radius: 4px;}}"
    "QPushButton:hover {{background: {hovered};}}"
    "QPushButton:disabled {{background: #3a3f47; color: #80858f;}}"
)
PRIMARY_STYLE = _BUTTON.format(plain=ACCENT, hovered="#388e3c")
STOP_STYLE = _BUTTON.format(plain=STOPPING, hovered="#c64a3a")
CAREFUL_STYLE = (
    f"QLabel {{background: {AMBER}; color: {ON_AMBER}; border-radius: 3px; padding: 4px 6px;}}"
)
CHECKED_STYLE = f"QPushButton:checked {{background: {CHOSEN}; color: white;}}"


def small_print(text: str = "") -> QLabel:
    """Make a line below something that explains it."""
    label = QLabel(text)
    label.setWordWrap(True)
    label.setStyleSheet(f"color: {FAINT}; font-size: 11px;")
    return label
