"""What the images of a stack are is asked where nothing tells it, and can be said otherwise."""

import dask.array as da
import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication
from scipy import ndimage

from napari_n2n.errors import NotEnoughData
from napari_n2n.io import write_mrc_stack
from napari_n2n.plugin.denoise.data_form import DataForm
from napari_n2n.plugin.files.readers import read_file
from napari_n2n.plugin.shared.layers import memory_of
from napari_n2n.simulation import SimulationConfig, simulate
from napari_n2n.workflow.sources import MovieSource
from napari_n2n.workflow.tomogram_views import TomogramSource


def noise():
    return np.random.default_rng(0).poisson(2, (6, 64, 64)).astype(np.float32)


def frames():
    return simulate(SimulationConfig(shape=(256, 256), n_particles=2, n_frames=8)).frames


def sections():
    """(z, y, x) like their neighbours only."""
    volume = np.random.default_rng(3).normal(size=(24, 96, 96))
    return ndimage.gaussian_filter(volume, 1.5).astype(np.float32)


def particles():
    images = np.random.default_rng(4).normal(size=(30, 96, 96))
    return (ndimage.gaussian_filter(images, (0, 4, 4)) * 10 + images).astype(np.float32)


@pytest.fixture
def form(make_napari_viewer, qtbot):
    form = DataForm(viewer := make_napari_viewer())
    form.viewer = viewer
    yield form
    form.disconnect_layers()


def click_choice(combo, text):
    """Open a list with the mouse, and click on one of its lines."""
    QTest.mouseClick(combo, Qt.MouseButton.LeftButton)
    QTest.qWait(QApplication.doubleClickInterval() + 50)  # until then Qt takes it for the first one
    lines = combo.view()
    place = lines.visualRect(combo.model().index(combo.findText(text), 0)).center()
    QTest.mouseClick(lines.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(place))
    QTest.qWait(QApplication.doubleClickInterval() + 50)


@pytest.mark.parametrize("wrapped", [np.asarray, da.from_array], ids=["numpy", "dask"])
@pytest.mark.parametrize(
    ("make", "kind"),
    [(frames, "movie"), (sections, "volume"), (particles, "images"), (noise, None)],
)
def test_an_array_is_what_it_looks_like_as_a_file_is(form, wrapped, make, kind):
    form.viewer.add_image(wrapped(make()), name="mine", contrast_limits=(0, 9))
    found = form.images_are()
    assert (found.kind if found.is_known else None) == kind
    assert (form.objection() is None) == (kind in ("movie", "volume"))
    if kind == "movie":
        assert isinstance(form.source(), MovieSource)
    elif kind == "volume":
        assert isinstance(form.source(), TomogramSource)
    else:
        with pytest.raises(NotEnoughData, match=r"mine .*Images are"):
            form.source()


def test_an_array_that_cannot_be_read_is_asked_about(form):
    def fails(block):
        raise OSError("gone")

    broken = da.map_blocks(fails, da.zeros((3, 64, 64), chunks=(1, 64, 64)), dtype=float)
    form.viewer.add_image(broken, name="mine", contrast_limits=(0, 1), visible=False)
    assert "Nothing tells" in form.objection()


@pytest.fixture
def window(make_napari_viewer, qtbot, workers_end):
    from napari_n2n.plugin.denoise.widget import DenoiseWidget

    viewer = make_napari_viewer(show=True)
    viewer.window._qt_window.resize(1400, 900)
    widget = DenoiseWidget(viewer)
    viewer.window.add_dock_widget(widget, name="Denoise", area="right")
    qtbot.waitUntil(lambda: not widget._device_runner.busy, timeout=180_000)
    yield viewer, widget
    widget.leave()


def added(viewer, path):
    pixels, description, _ = read_file(path)
    return viewer.add_image(pixels, **description)


def test_it_is_asked_once_and_nothing_is_done_before(window, tmp_path):
    viewer, widget = window
    write_mrc_stack(tmp_path / "night.mrc", noise(), 2.0)
    added(viewer, tmp_path / "night.mrc")
    combo, button = widget.data._images_are.native, widget.main_button.big
    assert combo.isVisible()
    assert combo.currentText() == "choose what they are"
    assert not button.isEnabled()
    assert not widget.align_button.isEnabled()
    assert "Images are" in widget.progress.status.text()
    click_choice(combo, "frames of one exposure")
    assert button.isEnabled()
    assert widget.align_button.isEnabled()
    assert widget.progress.status.text().startswith("Ready")
    assert combo.findText("choose what they are") < 0
    # What was said is no guess any more, and is remembered of the file.
    assert not any("--kind" in note for note in widget.data.source().movie.notes)
    viewer.layers.clear()
    added(viewer, tmp_path / "night.mrc")
    assert button.isEnabled()
    # Of this very content only.
    viewer.layers.clear()
    write_mrc_stack(tmp_path / "night.mrc", noise()[:5], 2.0)
    added(viewer, tmp_path / "night.mrc")
    assert not button.isEnabled()


def test_a_volume_can_be_said_to_be_a_movie_and_back(window, tmp_path):
    viewer, widget = window
    write_mrc_stack(tmp_path / "a.mrc", sections(), 2.0)
    layer = added(viewer, tmp_path / "a.mrc")
    combo = widget.data._images_are.native
    assert combo.currentText() == "sections of a volume"
    assert widget.data.value().kind == "tomogram"
    click_choice(combo, "frames of one exposure")
    assert widget.data.value().kind == "movie"
    assert widget.main_button.big.isEnabled()
    source = widget.data.source()
    assert source.movie.pixel_size_angstrom == 2
    np.testing.assert_array_equal(source.movie.frame(3), sections()[3])
    assert tuple(layer.scale) == (1, 2, 2)
    assert memory_of(layer).kind == "movie"
    click_choice(combo, "a tilt series")
    assert not widget.main_button.big.isEnabled()
    click_choice(combo, "sections of a volume")
    assert tuple(layer.scale) == (2, 2, 2)
    assert widget.data.value().kind == "tomogram"
    assert widget.main_button.big.isEnabled()
    assert memory_of(added(viewer, tmp_path / "a.mrc")).kind == "volume"


def test_what_is_asked_is_about_what_is_chosen(window):
    viewer, widget = window
    viewer.add_image(noise(), name="unknown")
    assert not widget.main_button.big.isEnabled()
    viewer.add_image(np.random.default_rng(1).normal(size=(64, 64)), name="field")
    assert widget.main_button.big.isEnabled()
    assert not widget.data._images_are.native.isVisible()
