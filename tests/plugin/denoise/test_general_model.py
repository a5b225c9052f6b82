"""Denoising without any training: the model in the box, and what is looked at comes first."""

import threading

import numpy as np
import pytest
from qtpy.QtCore import Qt

from napari_n2n.denoising.config import PRESETS
from napari_n2n.denoising.inference import denoising as inference
from napari_n2n.io import read_micrograph
from napari_n2n.plugin.denoise.layers import PREVIEW
from napari_n2n.plugin.denoise.model_form import ModelChoice, ModelForm
from napari_n2n.plugin.particles.micrograph_form import MicrographForm
from napari_n2n.plugin.shared.canvas import camera_of, grid_of
from napari_n2n.plugin.shared.layers import memory_of
from napari_n2n.plugin.shared.looks import AMBER

LONG = 180_000
SIDE = 512


@pytest.fixture
def micrograph():
    """Discs in noise: (y, x), 4 Å/px, what the general model works at."""
    rng = np.random.default_rng(0)
    clean = np.zeros((SIDE, SIDE), np.float32)
    y, x = np.mgrid[:SIDE, :SIDE]
    for cy, cx in rng.uniform(0, SIDE, (40, 2)):
        clean[np.hypot(y - cy, x - cx) < 15] -= 1
    return clean + rng.normal(scale=2, size=clean.shape).astype(np.float32)


@pytest.fixture
def opened(docked, micrograph):
    """Open that micrograph in a new viewer, with the Denoise widget as it first is."""

    def open_it():
        viewer, widget = docked(sample=None, kind=ModelForm().kind())
        layer = viewer.add_image(
            micrograph, name="mine", scale=(4, 4), units=("angstrom", "angstrom")
        )
        return viewer, widget, layer

    return open_it


@pytest.fixture
def zoomed(opened, qtbot):
    """Do the same, and zoom in on the upper left of the micrograph."""

    def open_it():
        viewer, widget, layer = opened()
        viewer.window._qt_window.resize(1200, 800)
        viewer.show()
        viewer.reset_view()
        camera = camera_of(viewer)
        camera.center = (0, 4 * 128, 4 * 128)
        camera.zoom *= 4
        qtbot.waitUntil(lambda: 0 < layer.corner_pixels[1, 0] < 250, timeout=LONG)
        return viewer, widget, layer

    return open_it


@pytest.fixture
def held(monkeypatch):
    """Hold every denoising once it has shown a part, until this is set."""
    go_on = threading.Event()
    whole = inference.denoise_steps

    def steps(*args, **settings):
        work = whole(*args, **settings)
        while True:
            try:
                step = next(work)
            except StopIteration as end:
                return end.value
            yield step
            if getattr(step, "region", None) is not None:
                go_on.wait(20)

    monkeypatch.setattr(inference, "denoise_steps", steps)
    yield go_on
    go_on.set()


def test_the_first_press_denoises_a_micrograph_without_training(opened, qtbot, told, data_folder):
    viewer, widget, layer = opened()
    button = widget.main_button.big
    assert (button.text(), button.isEnabled()) == ("Denoise", True)
    assert "Press Denoise" in widget.progress.status.text()
    for hidden in (widget.denoise_button, widget.plot, widget.model.settings):
        assert not hidden.isVisibleTo(widget)
    button.click()
    qtbot.waitUntil(lambda: "mine denoised" in viewer.layers, timeout=LONG)
    qtbot.waitUntil(lambda: not widget.runner.busy, timeout=LONG)
    denoised = viewer.layers["mine denoised"]
    assert grid_of(viewer).enabled
    assert [one for one in viewer.layers if one.visible] == [layer, denoised]
    assert memory_of(denoised).model.startswith("general model")
    assert "with the general model" in widget.progress.status.text()
    assert denoised.data.std() < layer.data.std() / 2
    assert list((data_folder / "models").glob("*")) == []
    assert not widget.progress.warning.isVisibleTo(widget)
    assert told == []


def test_what_was_removed_is_looked_at_and_disturbs_nothing(opened, qtbot, tmp_path, told):
    viewer, widget, layer = opened()
    rng = np.random.default_rng(0)
    rings = np.zeros((320, 320), np.float32)
    y, x = np.mgrid[:320, :320]
    for cy, cx in rng.uniform(16, 304, (25, 2)):
        rings -= np.exp(-((np.hypot(y - cy, x - cx) - 6) ** 2) / 8).astype(np.float32)
    layer.data = rings + rng.normal(size=rings.shape).astype(np.float32)
    layer.scale = (0.5, 0.5)  # so fine an image would hold no more than noise of such waves
    press = lambda button: qtbot.mouseClick(button, Qt.MouseButton.LeftButton)  # noqa: E731
    press(widget.main_button.big)
    qtbot.waitUntil(lambda: "mine denoised" in viewer.layers, timeout=LONG)
    qtbot.waitUntil(lambda: not widget.runner.busy, timeout=LONG)
    warning, status = widget.progress.warning, widget.progress.status
    assert "not only noise" in warning.text()
    assert warning.isVisibleTo(widget)
    assert AMBER in warning.styleSheet()
    assert "not only noise" not in status.text()

    chosen, said = widget.value(), status.text()
    denoised = viewer.layers["mine denoised"]
    press(widget.view.buttons["removed"])
    removed = viewer.layers["mine · removed"]
    np.testing.assert_array_equal(removed.data, layer.data - denoised.data)
    assert [one for one in viewer.layers if one.visible] == [layer, removed]
    assert (widget.value(), status.text()) == (chosen, said)
    assert warning.isVisibleTo(widget)
    form = MicrographForm(viewer)
    assert (form.value().denoised, form.value().raw) == ("mine denoised", "mine")
    form.disconnect_layers()
    path = tmp_path / "removed.mrc"
    removed.save(str(path), plugin="napari-n2n")
    np.testing.assert_array_equal(read_micrograph(path).pixels, removed.data)

    # With the right pixel size it is only noise, and the new result is what is shown.
    layer.scale = (4, 4)
    press(widget.main_button.big)
    assert not warning.isVisibleTo(widget)
    qtbot.waitUntil(lambda: not widget.runner.busy, timeout=LONG)
    qtbot.waitUntil(lambda: "mine · removed" not in viewer.layers)
    assert widget.view.buttons["grid"].isChecked()
    assert [one.name for one in viewer.layers if one.visible] == ["mine", "mine denoised"]
    assert not warning.isVisibleTo(widget)
    assert told == []


def test_what_is_looked_at_is_shown_before_the_rest(zoomed, qtbot, held):
    viewer, widget, layer = zoomed()
    top_left, bottom_right = layer.corner_pixels
    widget.main_button.big.click()
    qtbot.waitUntil(lambda: PREVIEW in viewer.layers, timeout=LONG)
    part = viewer.layers[PREVIEW]
    begin = part.translate / 4
    assert (begin <= top_left).all()
    assert (begin + part.data.shape >= bottom_right).all()
    assert part.data.size < layer.data.size
    # Raw and this part of it side by side, and still the same place before the eyes.
    assert grid_of(viewer).enabled
    assert camera_of(viewer).center[-2:] == pytest.approx((512, 512))
    held.set()
    qtbot.waitUntil(lambda: not widget.runner.busy, timeout=LONG)
    whole = viewer.layers["mine denoised"]
    assert PREVIEW not in viewer.layers
    assert grid_of(viewer).enabled
    assert camera_of(viewer).center[-2:] == pytest.approx((512, 512))
    y, x = (int(offset) for offset in begin)
    height, width = part.data.shape
    there = whole.data[y : y + height, x : x + width]
    assert np.corrcoef(there.ravel(), part.data.ravel())[0, 1] > 0.95

    # Once more: a part that the user deletes stays away, and the result takes the old one's place.
    held.clear()
    widget.main_button.big.click()
    qtbot.waitUntil(lambda: PREVIEW in viewer.layers, timeout=LONG)
    viewer.layers.remove(PREVIEW)
    held.set()
    qtbot.waitUntil(lambda: not widget.runner.busy, timeout=LONG)
    assert [one.name for one in viewer.layers] == ["mine", "mine denoised"]
    assert viewer.layers["mine denoised"] is not whole


def test_closing_the_dock_while_it_denoises_leaves_the_viewer_whole(zoomed, qtbot, held):
    viewer, widget, layer = zoomed()
    widget.main_button.big.click()
    qtbot.waitUntil(lambda: PREVIEW in viewer.layers, timeout=LONG)
    viewer.window._wrapped_dock_widgets["Denoise"].destroyOnClose()
    held.set()
    qtbot.waitUntil(lambda: not widget.runner.busy, timeout=LONG)
    assert layer in viewer.layers
    viewer.layers.clear()


def test_a_micrograph_alone_is_trained_on_and_the_widget_says_the_limits(opened, qtbot, short):
    viewer, widget, _ = opened()
    widget.model.choose("new")
    assert "neighbouring pixels share" in widget.progress.status.text()
    widget.model.settings.setValue(short)
    widget.main_button.big.click()
    said = []
    widget.runner.progressed.connect(lambda _step: said.append(widget.progress.status.text()))
    qtbot.waitUntil(lambda: "mine denoised" in viewer.layers, timeout=LONG)
    qtbot.waitUntil(lambda: not widget.runner.busy, timeout=LONG)
    assert any("without halves" in sentence for sentence in said)
    assert "without halves" in memory_of(viewer.layers["mine denoised"]).model
    widget.model.choose("general")
    assert widget.main_button.big.isEnabled()


@pytest.mark.parametrize("kind", ["general", "new", "saved"])
@pytest.mark.parametrize("named", [True, False])
def test_what_is_set_in_the_form_is_what_is_read(qtbot, tmp_path, kind, named):
    form = ModelForm()
    qtbot.addWidget(form)
    file = tmp_path / "m.safetensors" if named else None
    for training in PRESETS.values():
        choice = ModelChoice(training, kind, file, "cpu", thorough=True)
        form.setValue(choice)
        assert form.value() == choice
        assert form.settings.isVisibleTo(form) == (kind == "new")


def test_starting_from_nothing_is_a_tick_in_sight(qtbot):
    form = ModelForm()
    qtbot.addWidget(form)
    form.choose("new")
    tick = form.settings._fields["from_scratch"]
    assert tick.native.isVisibleTo(form)
    assert tick.value is False
    tick.value = True
    assert form.value().training == PRESETS["quick"].replaced(from_scratch=True)


def test_a_movie_is_aligned_and_denoised_without_training(docked, qtbot, told):
    viewer, widget = docked(kind=ModelForm().kind())
    widget.main_button.big.click()
    qtbot.waitUntil(lambda: not widget.runner.busy, timeout=LONG)
    visible = [layer.name for layer in viewer.layers if layer.visible]
    assert visible == ["apoferritin movie sum", "apoferritin movie denoised"]
    assert told == []


def test_what_is_opened_next_is_chosen_shown_and_denoised(opened, micrograph, qtbot):
    viewer, widget, first = opened()
    big = widget.main_button.big
    big.click()
    qtbot.waitUntil(lambda: not widget.runner.busy, timeout=LONG)
    of_first = viewer.layers["mine denoised"]
    assert "Denoised" in widget.progress.status.text()
    # Each pane says what it shows.
    assert first.name_overlay.visible
    assert of_first.name_overlay.visible

    second = viewer.add_image(
        micrograph[::-1].copy(), name="next", scale=(4, 4), units=("angstrom", "angstrom")
    )
    assert widget.data.value().image == "next"
    assert [layer for layer in viewer.layers if layer.visible] == [second]
    assert not grid_of(viewer).enabled
    assert not first.name_overlay.visible
    # What was said of the first is not said of the second.
    assert "Denoised" not in widget.progress.status.text()
    assert "Ready" in widget.progress.status.text()

    big.click()
    qtbot.waitUntil(lambda: not widget.runner.busy, timeout=LONG)
    of_second = viewer.layers["next denoised"]
    assert [layer for layer in viewer.layers if layer.visible] == [second, of_second]

    # Chosen again, the first comes back beside its own result.
    widget.data._layers["image"].value = "mine"
    assert {layer for layer in viewer.layers if layer.visible} == {first, of_first}
    assert "Ready" in widget.progress.status.text()


def test_what_is_opened_during_the_work_stays_in_view(opened, micrograph, qtbot):
    viewer, widget, first = opened()
    widget.main_button.big.click()
    second = viewer.add_image(
        micrograph[::-1].copy(), name="next", scale=(4, 4), units=("angstrom", "angstrom")
    )
    qtbot.waitUntil(lambda: not widget.runner.busy, timeout=LONG)
    assert [layer for layer in viewer.layers if layer.visible] == [second]
    sentence = widget.progress.status.text()
    assert sentence.startswith("mine: Denoised")
    assert "Choose it above" in sentence
    widget.data._layers["image"].value = "mine"
    denoised = viewer.layers["mine denoised"]
    assert {layer for layer in viewer.layers if layer.visible} == {first, denoised}


def test_a_button_that_is_grey_says_why_whatever_was_said_before(opened, qtbot):
    _, widget, _ = opened()
    widget.main_button.big.click()
    qtbot.waitUntil(lambda: not widget.runner.busy, timeout=LONG)
    widget.model.choose("saved")
    assert not widget.main_button.big.isEnabled()
    assert widget.progress.status.text() == "Choose the file of a model above."


def test_a_widget_from_the_menu_shows_its_result(make_napari_viewer, micrograph, qtbot):
    from napari.utils._proxies import PublicOnlyProxy

    from napari_n2n.plugin.denoise.widget import DenoiseWidget

    viewer = make_napari_viewer()
    layer = viewer.add_image(micrograph, name="mine", scale=(4, 4), units=("angstrom", "angstrom"))
    # What napari gives to the widgets that it makes: each layer is a new object each time.
    widget = DenoiseWidget(PublicOnlyProxy(viewer))
    viewer.window.add_dock_widget(widget, name="Denoise")
    qtbot.waitUntil(lambda: not widget._device_runner.busy, timeout=LONG)
    widget.main_button.big.click()
    qtbot.waitUntil(lambda: not widget.runner.busy, timeout=LONG)
    denoised = viewer.layers["mine denoised"]
    assert [one for one in viewer.layers if one.visible] == [layer, denoised]
    assert widget.progress.status.text().startswith("Denoised")
    widget.leave()
