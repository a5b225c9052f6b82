import numpy as np
from qtpy.QtTest import QTest

from napari_n2n.plugin.demo import show_result
from napari_n2n.plugin.shared.canvas import grid_of


def rings(centres, side=640):
    y, x = np.mgrid[:side, :side]
    image = np.zeros((side, side), np.float32)
    for cy, cx in centres:
        image -= np.exp(-(((np.hypot(y - cy, x - cx) - 45) / 10) ** 2)).astype(np.float32)
    return image


def test_the_demo_shows_its_result_side_by_side_ready_to_be_marked(
    make_napari_viewer, qtbot, workers_end, hand_on, tmp_path
):
    viewer = make_napari_viewer(show=True)
    viewer.window._qt_window.resize(1300, 800)
    centres = np.array([[120.0 + 200 * i, 120.0 + 200 * j] for i in range(3) for j in range(3)])
    denoised = rings(centres)
    raw = denoised + np.random.default_rng(0).normal(size=denoised.shape).astype(np.float32)
    movie = tmp_path / "movie.mrc"
    movie.touch()
    widget = show_result(viewer, raw, denoised, 1.0, centres, movie)
    qtbot.waitUntil(
        lambda: not widget.finder.busy and len(widget.marking.view.ids) > 0, timeout=180_000
    )
    assert viewer.layers["raw"].visible
    assert viewer.layers["denoised"].visible
    assert grid_of(viewer).enabled
    np.testing.assert_array_equal(viewer.layers["true particles"].data, centres)
    assert widget.isVisibleTo(viewer.window._qt_window)
    # A newcomer clicks a particle and presses a key.
    viewer.reset_view()
    QTest.qWait(200)
    hand = hand_on(viewer, viewer.layers["denoised"])
    hand.click(centres[4], pane=1)
    hand.press("1")
    assert widget.marking.view.particles.counts()["intact"] == 1
    assert (tmp_path / "napari-n2n.sqlite").is_file()
    qtbot.waitUntil(lambda: not widget.suggester.busy, timeout=180_000)
