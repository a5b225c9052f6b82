"""What a person opens, renames, drags and removes, before and while a job runs."""

import threading

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_n2n.denoising.inference import denoising as inference
from napari_n2n.errors import DeviceProblem
from napari_n2n.io import write_micrograph
from napari_n2n.plugin.denoise.data_form import DataChoice
from napari_n2n.plugin.denoise.model_form import ModelForm
from napari_n2n.plugin.particles.micrograph_form import MicrographForm
from napari_n2n.plugin.shared.canvas import grid_of
from napari_n2n.plugin.shared.layers import memory_of

LONG = 60_000
SIDE = 128
LIES = {"scale": (4, 4), "units": ("angstrom", "angstrom")}


def noise(seed: int):
    return np.random.default_rng(seed).normal(size=(SIDE, SIDE)).astype(np.float32)


@pytest.fixture
def desk(docked):
    """Give an empty viewer with the widget as it first is."""
    return docked(sample=None, kind=ModelForm().kind())


@pytest.fixture
def held(monkeypatch):
    """Hold every denoising until this is set; it fails with what is put into ``fails``."""
    go_on, fails = threading.Event(), []
    whole = inference.denoise_steps

    def slow(*args, **more):
        yield from ()
        while not go_on.wait(0.02):
            if more["stop"]():
                break
        if fails:
            raise fails[0]
        return (yield from whole(*args, **more))

    monkeypatch.setattr("napari_n2n.workflow.denoising.denoise_steps", slow)
    go_on.fails = fails  # type: ignore[attr-defined]
    yield go_on
    go_on.set()


def press(widget, qtbot, *, wait=True) -> None:
    QTest.mouseClick(widget.main_button.big, Qt.MouseButton.LeftButton)
    if wait:
        qtbot.waitUntil(lambda: not widget.runner.busy, timeout=LONG)


def seen(viewer) -> list[str]:
    return [layer.name for layer in viewer.layers if layer.visible]


def choose(widget, name: str) -> None:
    combo = widget.data._layers["image"].native
    combo.setFocus()
    QTest.qWait(QApplication.keyboardInputInterval() + 100)  # or it would be a longer word
    QTest.keyClick(combo, name[0])
    assert combo.currentText() == name


def test_a_third_image_is_chosen_and_each_stands_beside_its_own_result(desk, qtbot):
    viewer, widget = desk
    for number, name in enumerate(("alpha", "beta", "gamma")):
        viewer.add_image(noise(number), name=name, **LIES)
        assert widget.data.value().image == name
        assert seen(viewer) == [name]
        press(widget, qtbot)
        assert seen(viewer) == [name, f"{name} denoised"]
    for name in ("alpha", "gamma", "beta"):
        choose(widget, name)
        assert seen(viewer) == [name, f"{name} denoised"]
        assert "Denoised" not in widget.progress.status.text()


def test_a_file_that_is_opened_after_a_folder_was_chosen_is_worked_on(desk, qtbot, tmp_path):
    viewer, widget = desk
    for number in range(2):
        write_micrograph(tmp_path / f"m{number}.mrc", noise(number), 4.0)
    widget.data.setValue(DataChoice(kind="folder", folder=tmp_path))
    press(widget, qtbot)
    assert "It is one of 2" in widget.progress.status.text()
    viewer.open(str(tmp_path / "m1.mrc"), plugin="napari-n2n")
    assert widget.data.value().kind == "image"
    assert seen(viewer) == ["m1"]
    assert "one of 2" not in widget.progress.status.text()
    press(widget, qtbot)
    assert seen(viewer) == ["m1", "m1 denoised"]


def test_another_image_that_bears_the_name_is_not_shown_beside_the_result(desk, qtbot):
    viewer, widget = desk
    first = viewer.add_image(noise(0), name="mine", **LIES)
    press(widget, qtbot)
    result = viewer.layers["mine denoised"]
    first.name = "renamed"
    assert seen(viewer) == ["renamed", "mine denoised"]
    other = viewer.add_image(noise(1), name="mine", **LIES)
    assert seen(viewer) == ["mine"]
    choose(widget, "renamed")
    assert seen(viewer) == ["renamed", "mine denoised"]
    choose(widget, "mine")
    assert seen(viewer) == ["mine"]
    # Nor are its particles taken for those of the other.
    form = MicrographForm(viewer)
    assert form.images() == (result, first)
    viewer.layers.remove(first)
    assert other in viewer.layers
    assert form.images() == (result, None)
    form.disconnect_layers()


def test_a_layer_that_is_renamed_in_mid_job_gets_its_result(desk, qtbot, held):
    viewer, widget = desk
    layer = viewer.add_image(noise(0), name="mine", **LIES)
    press(widget, qtbot, wait=False)
    layer.name = "better"
    held.set()
    qtbot.waitUntil(lambda: not widget.runner.busy, timeout=LONG)
    assert seen(viewer) == ["better", "mine denoised"]
    assert memory_of(viewer.layers["mine denoised"]).raw_layer == "better"


def test_what_failed_is_named_where_another_was_opened_meanwhile(desk, qtbot, held, told):
    viewer, widget = desk
    viewer.add_image(noise(0), name="mine", **LIES)
    press(widget, qtbot, wait=False)
    viewer.add_image(noise(1), name="next", **LIES)
    assert seen(viewer) == ["next"]
    held.fails.append(DeviceProblem("The card is gone."))
    held.set()
    qtbot.waitUntil(lambda: not widget.runner.busy, timeout=LONG)
    assert widget.progress.status.text() == "mine: The card is gone."
    assert told == ["mine: The card is gone."]
    assert seen(viewer) == ["next"]
    # It goes with the next choice, and is not said of what is chosen then.
    choose(widget, "mine")
    assert "card" not in widget.progress.status.text()
    held.fails.clear()
    press(widget, qtbot)
    assert seen(viewer) == ["mine", "mine denoised"]


def test_a_stop_is_told_of_what_was_stopped(desk, qtbot, held):
    viewer, widget = desk
    viewer.add_image(noise(0), name="mine", **LIES)
    press(widget, qtbot, wait=False)
    viewer.add_image(noise(1), name="next", **LIES)
    press(widget, qtbot)
    assert widget.progress.status.text() == "mine: Stopped."


def test_a_layer_that_is_removed_in_mid_job_is_put_back_with_its_result(desk, qtbot, held):
    viewer, widget = desk
    layer = viewer.add_image(noise(0), name="mine", **LIES)
    other = viewer.add_image(noise(1), name="other", **LIES)
    choose(widget, "mine")
    press(widget, qtbot, wait=False)
    viewer.layers.remove(layer)
    held.set()
    qtbot.waitUntil(lambda: not widget.runner.busy, timeout=LONG)
    denoised = viewer.layers["mine denoised"]
    raw = next(one for one in viewer.layers if one.unique_id == memory_of(denoised).raw_id)
    np.testing.assert_array_equal(raw.data, layer.data)
    assert not (other.visible and denoised.visible)


def test_layers_that_are_dragged_while_a_job_runs_stay_whole(desk, qtbot, held):
    viewer, widget = desk
    viewer.add_image(noise(0), name="mine", **LIES)
    held.set()
    press(widget, qtbot)
    assert seen(viewer) == ["mine", "mine denoised"]
    held.clear()
    press(widget, qtbot, wait=False)
    viewer.layers.move(1, 0)  # exchanges the panes
    QTest.qWait(50)
    assert seen(viewer) == ["mine denoised", "mine"]
    held.set()
    qtbot.waitUntil(lambda: not widget.runner.busy, timeout=LONG)
    assert sorted(seen(viewer)) == ["mine", "mine denoised"]
    grid = grid_of(viewer)
    cells = {grid.position(i, viewer.layers) for i, one in enumerate(viewer.layers) if one.visible}
    assert cells == {(0, 0), (0, 1)}


def test_two_viewers_keep_to_themselves(desk, docked, qtbot):
    viewer, widget = desk
    second, other = docked(sample=None, kind=ModelForm().kind())
    viewer.add_image(noise(0), name="mine", **LIES)
    second.add_image(noise(1), name="mine", **LIES)
    press(widget, qtbot)
    assert seen(viewer) == ["mine", "mine denoised"]
    assert seen(second) == ["mine"]
    press(other, qtbot)
    assert seen(second) == ["mine", "mine denoised"]
    assert not np.array_equal(
        viewer.layers["mine denoised"].data, second.layers["mine denoised"].data
    )
