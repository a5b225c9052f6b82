"""A tomogram in the real widget: opened, denoised, trained on, looked at in all ways, saved."""

from time import monotonic

import mrcfile
import numpy as np
import pytest
from napari.layers import Layer
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from scipy import ndimage

from napari_n2n.denoising.checkpoints import Denoiser, load_denoiser, save_denoiser
from napari_n2n.denoising.config import TrainingConfig, preset
from napari_n2n.denoising.training import results
from napari_n2n.denoising.training.volume_pairs import VolumeHalves
from napari_n2n.denoising.training.volumes import train_volumes
from napari_n2n.denoising.unet import UNet
from napari_n2n.io import open_volume
from napari_n2n.plugin.denoise.shown_layers import PREVIEW
from napari_n2n.plugin.files.sample_data import tomogram
from napari_n2n.plugin.shared.canvas import grid_of
from napari_n2n.plugin.shared.layers import memory_of

LONG = 120_000
SHAPE = (24, 64, 64)


@pytest.fixture(scope="module")
def tiny() -> TrainingConfig:
    return TrainingConfig(
        network={"name": "tiny-3d", "ndim": 3, "encoder": [[8], [16]], "decoder": [[8]]},
        working_pixel_size_angstrom=None,
        normalisation="standard",
        crop=16,
        batch=4,
        steps=6,
        from_scratch=True,
    )


@pytest.fixture(scope="module")
def halves():
    """Two halves of something that is easily denoised, (z, y, x), and what it is."""
    rng = np.random.default_rng(0)
    clean = ndimage.gaussian_filter(rng.normal(size=SHAPE), 2)
    clean = (clean / clean.std()).astype(np.float32)
    odd, even = (clean + rng.normal(0, 2, SHAPE).astype(np.float32) for _ in range(2))
    return odd, even, clean


@pytest.fixture(scope="module")
def model(tmp_path_factory, tiny, halves):
    """Train a model of tomograms of 10 Å/voxel."""
    path = tmp_path_factory.mktemp("models") / "mine.safetensors"
    config = tiny.replaced(steps=60, learning_rate=1e-2, working_pixel_size_angstrom=10.0)
    save_denoiser(path, train_volumes([VolumeHalves(*halves[:2], 10.0, "made up")], config))
    return path


@pytest.fixture
def folder(tmp_path, halves):
    """Write the halves as AreTomo would leave them, with something in the header."""
    for word, voxels in zip(("ODD", "EVN"), halves[:2], strict=True):
        with mrcfile.new(tmp_path / f"TS_01_{word}_Vol.mrc") as file:
            file.set_data(voxels)
            file.set_volume()
            file.voxel_size = 10.0
            file.header.origin.z = 123.0
            file.add_label("Ratio of something")
    return tmp_path


@pytest.fixture
def window(make_napari_viewer, qtbot, workers_end):
    """Open a window with the widget docked, and what is given opened in it."""
    from napari_n2n.plugin.denoise.widget import DenoiseWidget

    opened = []

    def open_window(path=None):
        viewer = make_napari_viewer(show=True)
        viewer.window._qt_window.resize(1400, 900)
        if path is None:
            for described in tomogram(shape=SHAPE):
                viewer.add_layer(Layer.create(*described))
        else:
            viewer.open(str(path), plugin="napari-n2n")
        widget = DenoiseWidget(viewer)
        viewer.window.add_dock_widget(widget, name="Denoise", area="right")
        widget.model.set_device("cpu")
        qtbot.waitUntil(lambda: not widget._device_runner.busy, timeout=LONG)
        opened.append(widget)
        return viewer, widget

    yield open_window
    for widget in opened:
        widget.leave()


def choose_file(widget, qtbot, path):
    widget.model.choose("saved")
    widget.model._file.value = path
    qtbot.waitUntil(lambda: widget.denoiser is not None and not widget.runner.busy, timeout=LONG)


def press(widget, qtbot):
    QTest.mouseClick(widget.main_button.big, Qt.MouseButton.LeftButton)
    assert widget.runner.busy
    qtbot.waitUntil(lambda: not widget.runner.busy, timeout=LONG)


def drawn(layer):
    """Return the section of a layer that is in its pane."""
    return np.asarray(layer._slice.image.raw)


def test_a_tomogram_is_denoised_beside_itself_and_one_slider_moves_both(
    window, qtbot, folder, model, halves, told
):
    viewer, widget = window(folder)
    (raw,) = viewer.layers
    choice = widget.data.value()
    assert (choice.kind, choice.tomogram) == ("tomogram", "TS_01_Vol")
    assert "TS_01_ODD_Vol.mrc, TS_01_EVN_Vol.mrc" in widget.data._halves.text()
    press(widget, qtbot)
    assert "Denoised with the general 3D model" in widget.progress.status.text()
    assert memory_of(viewer.layers["TS_01_Vol denoised"]).working_voxel_size_angstrom == 14
    choose_file(widget, qtbot, model)
    press(widget, qtbot)

    (denoised,) = (one for one in viewer.layers if memory_of(one).kind == "denoised")
    assert "Denoised with mine.safetensors" in widget.progress.status.text()
    assert PREVIEW not in viewer.layers
    grid = grid_of(viewer)
    places = [grid.position(viewer.layers.index(one), viewer.layers) for one in (raw, denoised)]
    assert grid.enabled
    assert places == [(0, 0), (0, 1)]
    clean = halves[2]
    likeness = lambda a, b: np.corrcoef(np.ravel(a), np.ravel(b))[0, 1]  # noqa: E731
    assert likeness(denoised.data, clean) > likeness(raw.data, clean) + 0.1

    for plane, axis in (("xy", 0), ("xz", 1), ("yz", 2)):
        QTest.mouseClick(widget.sections.buttons[plane], Qt.MouseButton.LeftButton)
        viewer.dims.set_current_step(axis, 9)
        qtbot.wait(50)
        for layer in (raw, denoised):
            section = np.take(np.asarray(layer.data), 9, axis)
            expected = section.T if plane == "yz" else section  # y down, z to the right
            np.testing.assert_allclose(drawn(layer), expected, rtol=1e-5, atol=1e-5)
    QTest.mouseClick(widget.sections.buttons["3D"], Qt.MouseButton.LeftButton)
    assert viewer.dims.ndisplay == 3
    assert raw.visible
    assert denoised.visible
    assert widget.sections.buttons["3D"].isChecked()
    QTest.mouseClick(widget.sections.buttons["xy"], Qt.MouseButton.LeftButton)
    assert viewer.dims.ndisplay == 2

    # A slab of the raw one, and a section of the other.
    viewer.dims.set_current_step(0, 10)
    assert widget.sections.thickness == "1 section, 1 nm"
    for _ in range(2):
        QTest.keyClick(widget.sections.slab, Qt.Key.Key_Right)
    qtbot.wait(50)
    assert widget.sections.thickness == "5 sections, 5 nm"
    mean = np.asarray(raw.data)[8:13].mean(axis=0)
    np.testing.assert_allclose(drawn(raw), mean, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(drawn(denoised), np.asarray(denoised.data)[10], rtol=1e-5)

    QTest.mouseClick(widget.view.buttons["removed"], Qt.MouseButton.LeftButton)
    removed = viewer.layers["TS_01_Vol · removed"]
    difference = np.asarray(raw.data) - denoised.data
    np.testing.assert_allclose(np.asarray(removed.data), difference, atol=1e-5)
    QTest.mouseClick(widget.view.buttons["grid"], Qt.MouseButton.LeftButton)

    memory = memory_of(denoised)
    assert "tiny-3d U-Net" in memory.model
    assert memory.working_voxel_size_angstrom == 10
    before, after = widget.fsc.points()
    assert np.mean(after) > np.mean(before)
    assert memory.frc_resolution_angstrom["after"] is not None
    assert widget.fsc.isVisibleTo(widget)
    assert not [message for message in told if "mean" not in message]


def test_what_is_looked_at_comes_first_and_the_whole_is_read_as_it_was_saved(
    window, qtbot, folder, model, tmp_path
):
    viewer, widget = window(folder)
    choose_file(widget, qtbot, model)
    assert not widget.save_result_button.isEnabled()
    viewer.dims.set_current_step(0, 17)
    qtbot.wait(50)
    seen = []
    widget.runner.progressed.connect(
        lambda step: seen.append(viewer.layers[PREVIEW]) if PREVIEW in viewer.layers else None
    )
    press(widget, qtbot)
    assert seen[0].data.shape[0] == 1
    assert seen[0].translate[0] == 170
    denoised = viewer.layers["TS_01_Vol denoised"]
    by_button, by_napari = tmp_path / "button.mrc", tmp_path / "napari.mrc"
    widget.save_result(by_button)
    qtbot.waitUntil(lambda: not widget.runner.busy, timeout=LONG)
    assert "Saved button.mrc" in widget.progress.status.text()
    denoised.save(str(by_napari), plugin="napari-n2n")
    for path in (by_button, by_napari):
        volume = open_volume(path)
        np.testing.assert_array_equal(volume[:], denoised.data)
        assert volume.voxel_size_angstrom == 10
        assert volume.origin_angstrom[0] == 123
        assert "Ratio of something" in " ".join(volume.labels)
    (again,) = viewer.open(str(by_button), plugin="napari-n2n")
    assert tuple(again.scale) == (10, 10, 10)
    np.testing.assert_array_equal(np.asarray(again.data), denoised.data)


def test_training_shows_the_section_in_view_stops_and_goes_on(
    window, qtbot, tiny, data_folder, monkeypatch
):
    monkeypatch.setattr(results, "_SECONDS_BETWEEN_PREVIEWS", 0.0)
    monkeypatch.setattr(results, "_PREVIEW_SHARE", 1.0)
    viewer, widget = window()
    widget.model.choose("new")
    widget.model.settings.setValue(tiny.replaced(steps=1_000_000))
    viewer.dims.set_current_step(0, 5)
    big = widget.main_button.big
    assert big.text() == "Train"
    QTest.mouseClick(big, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: PREVIEW in viewer.layers, timeout=LONG)
    assert viewer.layers[PREVIEW].translate[0] == 50
    viewer.dims.set_current_step(0, 15)
    qtbot.waitUntil(lambda: viewer.layers[PREVIEW].translate[0] == 150, timeout=LONG)
    qtbot.waitUntil(lambda: len(widget.plot.points()[0]) > 3, timeout=LONG)
    asked = monotonic()
    QTest.mouseClick(big, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not widget.runner.busy, timeout=LONG)
    assert monotonic() - asked < 1
    (kept,) = (
        path
        for path in (data_folder / "models").glob("*.safetensors")
        if not path.stem.endswith(("-last", "-resume"))
    )
    done = load_denoiser(kept).provenance.steps
    widget.model.settings.setValue(tiny.replaced(steps=done + 5))
    QTest.mouseClick(widget.main_button.resume, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "tomogram denoised" in viewer.layers, timeout=LONG)
    qtbot.waitUntil(lambda: not widget.runner.busy, timeout=LONG)
    assert load_denoiser(kept).provenance.steps == done + 5


def test_models_and_settings_are_those_of_volumes_and_others_are_refused(
    window, qtbot, tmp_path, model
):
    viewer, widget = window()
    widget.model.choose("new")
    settings = widget.model.settings
    assert settings.value().network.ndim == 3
    assert settings._fields["working_pixel_size_angstrom"].label == "Working voxel size (Å)"
    settings._fields["particle_diameter_angstrom"].value = "120"
    assert settings.value().working_pixel_size(5.0) == 7.5
    of_images = tmp_path / "images.safetensors"
    network = UNet(preset("quick").network).eval()
    save_denoiser(of_images, Denoiser(network, preset("quick"), 4.0))
    choose_file(widget, qtbot, of_images)
    assert not widget.main_button.big.isEnabled()
    assert "for images, and a tomogram is chosen" in widget.progress.status.text()
    choose_file(widget, qtbot, model)
    assert widget.main_button.big.isEnabled()
    viewer.add_image(np.random.default_rng(0).normal(size=(80, 80)), name="field", scale=(4, 4))
    assert widget.data.value().kind == "image"
    assert not widget.main_button.big.isEnabled()
    assert "for tomograms, and an image is chosen" in widget.progress.status.text()


def test_without_halves_training_is_refused_and_denoising_is_not(window, qtbot, folder, model):
    (folder / "TS_01_EVN_Vol.mrc").unlink()
    viewer, widget = window(folder / "TS_01_ODD_Vol.mrc")
    assert "not known" in widget.data._halves.text()
    widget.model.choose("new")
    assert not widget.main_button.big.isEnabled()
    assert "Training takes two halves" in widget.progress.status.text()
    choose_file(widget, qtbot, model)
    press(widget, qtbot)
    assert "TS_01_ODD_Vol denoised" in viewer.layers
    assert not widget.fsc.isVisibleTo(widget)
