import pytest
from napari.components import ViewerModel
from qtpy.QtWidgets import QLabel

from napari_n2n.plugin.shared.docked import BottomDock


class Kept(BottomDock):
    """Shows the same label again and again."""

    def __init__(self, viewer):
        super().__init__(viewer, "Kept")
        self.label = QLabel("kept")

    def content(self):
        return self.label

    def put_away(self):
        self.label.setParent(None)


@pytest.mark.parametrize("by", ["the button", "its ✕"])
def test_a_dock_comes_goes_and_comes_back(make_napari_viewer, qtbot, by):
    viewer = make_napari_viewer(show=True)
    dock = Kept(viewer)
    qtbot.addWidget(dock.label)
    said = []
    dock.shownChanged.connect(said.append)
    for _ in range(2):
        dock.show(True)
        dock.show(True)
        qtbot.waitUntil(dock.label.isVisible)
        assert dock.is_shown
        if by == "the button":
            dock.show(False)
        else:
            viewer.window.dock_widgets["Kept"].parent().destroyOnClose()
        assert not dock.is_shown
        assert dock.label.parent() is None
    assert said == [True, False, True, False]


def test_without_a_window_the_button_comes_up_again():
    dock = Kept(ViewerModel())
    said = []
    dock.shownChanged.connect(said.append)
    dock.show(True)
    assert said == [False]
    dock.label.deleteLater()
