"""Saying in the window whether particles are dark or bright."""

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_n2n.plugin.denoise.data_form import DataChoice
from napari_n2n.plugin.denoise.model_form import ModelForm
from napari_n2n.plugin.shared.layers import memory_of

LONG = 180_000
LIES = {"scale": (4, 4), "units": ("angstrom", "angstrom")}


@pytest.fixture(scope="module")
def stained():
    """Return bright discs in noise (y, x), at 4 Å/px: plainly bright."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:256, :256]
    clean = np.zeros((256, 256), np.float32)
    for cy, cx in rng.uniform(0, 256, (20, 2)):
        clean[np.hypot(y - cy, x - cx) < 12] = 3
    return clean + rng.normal(size=clean.shape).astype(np.float32)


def by_keys(combo, title: str) -> None:
    """Choose in a list as a person does who types."""
    combo.setFocus()
    QTest.keyClicks(combo, title)
    assert combo.currentText() == title


def denoised(viewer, widget, qtbot):
    QTest.mouseClick(widget.main_button.big, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not widget.runner.busy, timeout=LONG)
    return viewer.layers["mine denoised"], widget.progress.status.text()


def test_what_the_image_told_is_said_in_one_sentence_and_a_person_may_say_otherwise(
    docked, stained, qtbot
):
    viewer, widget = docked(sample=None, kind=ModelForm().kind())
    viewer.add_image(stained, name="mine", **LIES)
    layer, said = denoised(viewer, widget, qtbot)
    assert "Particles are taken to be bright on dark, as in negative stain." in said
    assert "Particles are in the window" in said
    assert memory_of(layer).contrast == "bright"

    widget.data.more.expand(animate=False)
    by_keys(widget.data._contrast.native, "dark, as in cryo-EM")
    assert "bright" not in widget.progress.status.text()  # it is no longer about that
    again, said = denoised(viewer, widget, qtbot)
    assert "taken to be dark, as said under How it was recorded" in said
    assert memory_of(again).contrast == "dark"
    assert not np.allclose(again.data, layer.data, atol=0.1)
    assert widget.value().data == DataChoice(kind="image", image="mine", contrast="dark")
