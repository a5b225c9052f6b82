import numpy as np
import pytest

from napari_n2n.plugin.shared.canvas import grid_of
from napari_n2n.plugin.shared.compare import Comparison


@pytest.fixture
def scene(make_napari_viewer, qtbot):
    viewer = make_napari_viewer()
    rng = np.random.default_rng(0)
    movie = viewer.add_image(rng.random((3, 32, 32)), name="movie", contrast_limits=(0, 1))
    # Denoised before raw: the order of the layers is the user's.
    denoised = viewer.add_image(rng.random((32, 32)), name="denoised", contrast_limits=(0, 1))
    raw = viewer.add_image(rng.random((32, 32)), name="raw", contrast_limits=(0, 1))
    comparison = Comparison.of(viewer)
    comparison.show(raw, denoised)
    yield viewer, comparison, movie, raw, denoised
    comparison.rest()


def cell(viewer, layer):
    return grid_of(viewer).position(viewer.layers.index(layer), viewer.layers)


def test_raw_is_left_of_denoised_and_nothing_else_is_shown(scene):
    viewer, _, movie, raw, denoised = scene
    assert grid_of(viewer).enabled
    assert cell(viewer, raw) == (0, 0)
    assert cell(viewer, denoised) == (0, 1)
    assert not movie.visible


def test_marks_made_visible_are_drawn_on_the_denoised_pane(scene):
    viewer, _, movie, raw, denoised = scene
    marks = viewer.add_points(np.array([[5.0, 5.0]]), name="marks")
    assert cell(viewer, marks) == cell(viewer, denoised) == (0, 1)
    # Whatever is deleted or moved, each keeps its pane.
    viewer.layers.remove(movie)
    viewer.layers.remove(marks)
    assert cell(viewer, raw) == (0, 0)
    assert cell(viewer, denoised) == (0, 1)


def test_an_overlay_shows_both_at_one_place(scene):
    viewer, comparison, _, raw, denoised = scene
    comparison.set_mode("overlay")
    assert not grid_of(viewer).enabled
    assert raw.visible
    assert denoised.visible
    assert viewer.layers.index(denoised) > viewer.layers.index(raw)
    assert 0 < denoised.opacity < 1


def test_blinking_shows_the_two_in_turn_until_another_mode_is_chosen(scene, qtbot):
    _, comparison, _, raw, denoised = scene
    comparison.set_mode("blink")
    comparison._timer.setInterval(20)
    seen = set()

    def both_seen():
        seen.add(denoised.visible)
        return seen == {True, False}

    qtbot.waitUntil(both_seen, timeout=3000)
    assert raw.visible
    comparison.set_mode("grid")
    assert not comparison.blinking
    assert denoised.visible
    assert denoised.opacity == 1


def test_deleting_a_layer_while_it_blinks_ends_the_comparison(scene, qtbot):
    viewer, comparison, _, raw, denoised = scene
    comparison.set_mode("blink")
    comparison._timer.setInterval(10)
    viewer.layers.remove(denoised)
    assert not comparison.blinking
    qtbot.wait(50)
    assert raw.visible
    assert not grid_of(viewer).enabled


def test_attached_marks_share_the_pane_of_their_image(scene):
    viewer, comparison, _, raw, denoised = scene
    over_raw, over_denoised = (viewer.add_points(np.array([[5.0, 5.0]])) for _ in range(2))
    comparison.attach(over_raw, raw)
    comparison.attach(over_denoised, denoised)
    comparison.show(raw, denoised)
    assert cell(viewer, over_raw) == cell(viewer, raw) == (0, 0)
    assert cell(viewer, over_denoised) == cell(viewer, denoised) == (0, 1)
    assert over_raw.visible
    assert over_denoised.visible
    # One over the other, the same marks need not be drawn twice.
    comparison.set_mode("overlay")
    assert not over_raw.visible
    assert over_denoised.visible
    comparison.set_mode("grid")
    assert over_raw.visible


def test_the_widgets_of_one_viewer_share_a_comparison(make_napari_viewer):
    first, second = make_napari_viewer(), make_napari_viewer()
    assert Comparison.of(first) is Comparison.of(first)
    assert Comparison.of(first) is not Comparison.of(second)


def test_each_keeps_a_pane_when_the_user_drags_one_below_the_other(scene, qtbot):
    viewer, _, movie, raw, denoised = scene
    viewer.layers.move(viewer.layers.index(denoised), 0)
    qtbot.waitUntil(lambda: cell(viewer, denoised) == (0, 0))
    assert cell(viewer, raw) == (0, 1)
    assert raw.visible
    assert denoised.visible
    # Nothing comes between them.
    viewer.layers.move(viewer.layers.index(movie), viewer.layers.index(raw))
    qtbot.waitUntil(lambda: viewer.layers.index(movie) == 0)
    assert (cell(viewer, denoised), cell(viewer, raw)) == ((0, 0), (0, 1))


def test_an_image_that_is_opened_is_not_pasted_into_a_pane(scene):
    viewer, comparison, _movie, raw, _ = scene
    opened = viewer.add_image(np.zeros((64, 64)), name="another")
    assert comparison.pair is None
    assert not grid_of(viewer).enabled
    assert [layer for layer in viewer.layers if layer.visible] == [opened]
    assert not raw.name_overlay.visible
