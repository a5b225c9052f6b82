import numpy as np

from napari_n2n.plugin.canvas import grid_of
from napari_n2n.plugin.demo import show_result


def test_the_demo_shows_its_result_side_by_side_with_the_widget_at_hand(make_napari_viewer, qtbot):
    viewer = make_napari_viewer()
    rng = np.random.default_rng(0)
    raw, denoised = rng.normal(size=(2, 64, 48)).astype(np.float32)
    centres = np.array([[10.0, 12.0], [40.0, 30.0]])
    widget = show_result(viewer, raw, denoised, 1.5, centres)
    shown = [layer for layer in viewer.layers if layer.visible]
    assert [layer.data is pixels for layer, pixels in zip(shown, (raw, denoised), strict=True)]
    assert grid_of(viewer).enabled
    np.testing.assert_array_equal(viewer.layers["true particles"].data, centres)
    assert widget.isVisibleTo(viewer.window._qt_window)
    qtbot.waitUntil(lambda: not widget._device_runner.busy, timeout=60_000)
