"""Forms of the Particles widget: what is put in comes out, and the layers are followed."""

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtGui import QKeyEvent
from qtpy.QtTest import QTest

from napari_n2n.plugin.particles.finding_form import FindingChoice, FindingForm
from napari_n2n.plugin.particles.marking_controls import KeysPanel, LabelChooser, SuggestionControls
from napari_n2n.plugin.particles.micrograph_form import MicrographChoice, MicrographForm
from napari_n2n.plugin.shared.export_form import FORMATS, ExportChoice, ExportForm
from napari_n2n.plugin.shared.keys import KEYS, KeyMap, name_of
from napari_n2n.plugin.shared.layers import LayerMemory, image_layer


def test_finding_shows_what_it_is_given(qtbot):
    form = FindingForm()
    qtbot.addWidget(form)
    form.show_state(ready=True, running=False, can_learn=True)
    for choice in (FindingChoice(73.5, False, True), FindingChoice(120.0)):
        form.setValue(choice)
        assert form.value() == choice
    # With too few marks there is nothing to be like.
    form.setValue(FindingChoice(100.0, like_the_marked=True))
    form.show_state(ready=True, running=False, can_learn=False)
    assert not form.value().like_the_marked


def test_the_slider_stands_at_the_threshold_and_gives_it_back(qtbot):
    form = FindingForm()
    qtbot.addWidget(form)
    form.show_threshold(0.4, 0.2, 0.8, 30, 100)
    assert form.threshold() == pytest.approx(0.4, abs=1e-3)
    assert form.threshold_text.text() == "Threshold 0.40: 30 of 100 candidates shown"
    with qtbot.waitSignals([form.thresholdMoved, form.thresholdChosen]):
        form.slider.setValue(form.slider.maximum())
    assert form.threshold() == pytest.approx(0.8)
    form.show_threshold(None, 0.0, 0.0, 0, 0)
    assert not form.slider.isEnabled()


def test_the_big_button_stops_what_it_started(qtbot):
    form = FindingForm()
    qtbot.addWidget(form)
    form.show_state(ready=True, running=False, can_learn=False)
    with qtbot.waitSignal(form.pickClicked):
        form.pick_button.click()
    form.show_state(ready=True, running=True, can_learn=False)
    assert form.pick_button.text() == "Stop"
    with qtbot.waitSignal(form.stopClicked):
        form.pick_button.click()


def test_export_shows_what_it_is_given(qtbot):
    form = ExportForm()
    qtbot.addWidget(form)
    assert form.value().labels == {"intact"}
    for suffix in FORMATS.values():
        choice = ExportChoice(suffix, frozenset({"broken", "unlabelled"}), "a/b.mrc", True)
        form.setValue(choice)
        assert form.value() == choice
    form.show_count(0)
    assert not form.export_button.isEnabled()


def test_the_legend_counts_and_chooses(qtbot):
    chooser = LabelChooser()
    qtbot.addWidget(chooser)
    chooser.show_counts({"intact": 1234, "broken": 5})
    assert "1,234" in chooser.buttons["intact"].text()
    with qtbot.waitSignal(chooser.labelChosen) as chosen:
        QTest.mouseClick(chooser.buttons["broken"], Qt.MouseButton.LeftButton)
    assert chosen.args == ["broken"]
    assert chooser.value() == "broken"


def test_suggestions_say_how_many_a_button_would_accept(qtbot):
    controls = SuggestionControls()
    qtbot.addWidget(controls)
    controls.show_pending(np.array([0.5, 0.89, 0.9, 0.99], np.float32), current=False)
    assert "2" in controls.above_button.text()
    assert "4" in controls.all_button.text()
    assert not controls.accept_button.isEnabled()
    with qtbot.waitSignal(controls.acceptAboveClicked) as asked:
        controls.above_button.click()
    assert asked.args == [pytest.approx(0.9)]


def test_the_list_of_keys_names_each_action_once(qtbot):
    panel = KeysPanel()
    qtbot.addWidget(panel)
    from qtpy.QtWidgets import QLabel

    lines = [label.text() for label in panel.content().findChildren(QLabel)]
    assert len(lines) == len({key.text for key in KEYS})
    assert any("<b>U or Ctrl+Z</b>" in line and "undo" in line for line in lines)


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.key)
def test_a_pressed_key_is_called_by_the_name_in_the_map(key, qtbot):
    parts = key.key.split("+")
    modifiers = {
        "Ctrl": Qt.KeyboardModifier.ControlModifier,
        "Shift": Qt.KeyboardModifier.ShiftModifier,
    }
    flags = Qt.KeyboardModifier.NoModifier
    for part in parts[:-1]:
        flags |= modifiers[part]
    codes = {"[": Qt.Key.Key_BracketLeft, "]": Qt.Key.Key_BracketRight}
    code = codes.get(parts[-1]) or getattr(Qt.Key, f"Key_{parts[-1]}")
    event = QKeyEvent(QKeyEvent.Type.KeyPress, code, flags)
    acted = []
    assert KeyMap(acted.append).press(name_of(event))
    assert acted == [key.action]


def test_keys_are_given_back(make_napari_viewer):
    viewer = make_napari_viewer()
    theirs = []
    viewer.bind_key("N", lambda _: theirs.append("N"))
    ours = []
    keys = KeyMap(ours.append)
    keys.bind(viewer)
    # Bound by somebody else meanwhile, one of them over ours.
    viewer.bind_key("K", lambda _: theirs.append("K"))
    viewer.bind_key("M", lambda _: theirs.append("M"), overwrite=True)
    keys.release()
    for bound in viewer.keymap.values():
        bound(viewer)
    assert sorted(theirs) == ["K", "M", "N"]
    assert not ours


def add(viewer, name, kind, raw_layer=None):
    from napari.layers import Image

    pixels = np.random.default_rng(0).random((40, 40), dtype=np.float32)
    data, described, _ = image_layer(pixels, name, LayerMemory(kind, 1.0, raw_layer=raw_layer))
    return viewer.add_layer(Image(data, **described))


def test_the_newest_result_is_chosen_with_what_it_was_made_from(make_napari_viewer):
    viewer = make_napari_viewer()
    form = MicrographForm(viewer)
    assert form.value() == MicrographChoice()
    raw = add(viewer, "a sum", "sum")
    assert form.images() == (raw, None)
    first = add(viewer, "a denoised", "denoised", raw_layer="a sum")
    assert form.images() == (first, raw)
    other = add(viewer, "b sum", "sum")
    assert form.images() == (first, raw)
    second = add(viewer, "b denoised", "denoised", raw_layer="b sum")
    assert form.images() == (second, other)
    # The user's choice brings its raw image along.
    form._denoised.value = "a denoised"
    assert form.images() == (first, raw)
    viewer.layers.remove(first)
    assert form.images()[0] is not None
    viewer.layers.clear()
    assert form.images() == (None, None)
    form.disconnect_layers()


def test_a_renamed_layer_stays_chosen(make_napari_viewer):
    viewer = make_napari_viewer()
    form = MicrographForm(viewer)
    raw = add(viewer, "a sum", "sum")
    first = add(viewer, "a denoised", "denoised", raw_layer="a sum")
    add(viewer, "b denoised", "denoised")
    form.setValue(MicrographChoice("a denoised", "a sum"))
    first.name, raw.name = "best", "rest"
    assert form.images() == (first, raw)
    assert form.value() == MicrographChoice("best", "rest")
    form.disconnect_layers()


def test_a_raw_image_of_another_size_is_left_out(make_napari_viewer):
    viewer = make_napari_viewer()
    form = MicrographForm(viewer)
    denoised = add(viewer, "a denoised", "denoised")
    viewer.add_image(np.zeros((9, 9)), name="small")
    form.setValue(MicrographChoice("a denoised", "small"))
    assert form.images() == (denoised, None)
    form.disconnect_layers()


def test_what_is_chosen_comes_back(make_napari_viewer):
    viewer = make_napari_viewer()
    form = MicrographForm(viewer)
    for name in ("a", "b"):
        add(viewer, name, "micrograph")
    choice = MicrographChoice(denoised="a", raw="b")
    form.setValue(choice)
    assert form.value() == choice
    form.setValue(MicrographChoice(denoised="gone"))
    assert form.value() == MicrographChoice()
    form.disconnect_layers()


def test_keys_are_ours_whichever_layer_is_active(make_napari_viewer, qtbot):
    viewer = make_napari_viewer(show=True)
    canvas = viewer.window._qt_viewer.canvas.native
    before = viewer.add_labels(np.zeros((32, 32), np.uint8), name="avoid")
    acted = []
    keys = KeyMap(acted.append)
    keys.bind(viewer)
    later = viewer.add_shapes([[[0, 0], [8, 8]]], name="somebody's")
    for layer in (before, later):
        viewer.layers.selection.active = layer
        mode = layer.mode
        QTest.keyClick(canvas, Qt.Key.Key_1)
        QTest.keyClick(canvas, Qt.Key.Key_E)
        assert acted == ["intact", "erase_tool"]
        assert layer.mode == mode
        acted.clear()
    viewer.layers.remove(before)
    keys.release()
    QTest.keyClick(canvas, Qt.Key.Key_1)
    assert not acted
