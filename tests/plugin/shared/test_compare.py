import numpy as np
import pytest
from napari.layers import Image
from qtpy.QtCore import Qt

from napari_n2n.plugin.shared.canvas import camera_of, grid_of
from napari_n2n.plugin.shared.compare import Comparison
from napari_n2n.plugin.shared.layers import KEY, LayerMemory, memory_of
from napari_n2n.plugin.shared.removed_layer import removed_layer
from napari_n2n.plugin.shared.view_toggle import ViewToggle


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


@pytest.fixture
def toggled(make_napari_viewer, qtbot):
    """Two images of 2 Å/px, one denoised from the other, and the buttons beneath the mouse."""
    viewer = make_napari_viewer()
    rng = np.random.default_rng(1)
    clean = np.zeros((64, 64), np.float32)
    clean[20:30, 20:30] = 100
    noise = rng.normal(0, 5, clean.shape).astype(np.float32)
    noise[0, 0] = 10_000  # a hot pixel
    lies = {"scale": (2, 2), "units": ("angstrom", "angstrom")}
    raw = viewer.add_image(clean + noise, name="raw", **lies)
    told = {KEY: LayerMemory("denoised", 2.0, raw_layer="raw")}
    denoised = viewer.add_image(clean, name="denoised", metadata=told, **lies)
    comparison, toggle = Comparison.of(viewer), ViewToggle()
    qtbot.addWidget(toggle)
    toggle.modeChosen.connect(comparison.set_mode)
    comparison.modeChanged.connect(toggle.show_mode)
    comparison.show(raw, denoised)

    def press(mode):
        qtbot.mouseClick(toggle.buttons[mode], Qt.MouseButton.LeftButton)
        (down,) = [name for name, button in toggle.buttons.items() if button.isChecked()]
        return down

    yield viewer, comparison, raw, denoised, noise, press
    comparison.rest()


def is_removed(layer):
    return memory_of(layer).kind == "removed"


def test_what_was_removed_is_shown_beside_raw(toggled):
    viewer, comparison, raw, denoised, noise, press = toggled
    lies = {"scale": (2, 2), "units": ("angstrom", "angstrom")}
    over_raw, marks = (viewer.add_points(np.array([[5.0, 5.0]]), **lies) for _ in range(2))
    comparison.attach(over_raw, raw)
    comparison.attach(marks, denoised)
    camera_of(viewer).zoom = 3
    assert len(viewer.layers) == 4  # nothing is computed before it is asked for
    assert press("removed") == "removed"
    (removed,) = filter(is_removed, viewer.layers)
    np.testing.assert_allclose(removed.data, noise, atol=1e-3)
    assert removed.name == "raw · removed"
    assert removed.name_overlay.visible
    assert removed.colormap.name == "gray"
    low, high = removed.contrast_limits
    # Three deviations each way of what is everywhere, whatever one hot pixel is.
    assert high - low == pytest.approx(6 * 5, rel=0.1)
    assert low + high == pytest.approx(0, abs=1)
    assert tuple(removed.scale) == (2, 2)
    assert removed.units == raw.units
    # In the pane of the denoised image, beneath its marks; the tools stay where they were.
    shown = [layer for layer in viewer.layers if layer.visible]
    assert shown == [raw, over_raw, removed, marks]
    assert [cell(viewer, one) for one in shown] == [(0, 0), (0, 0), (0, 1), (0, 1)]
    assert viewer.layers.selection.active == marks
    assert camera_of(viewer).zoom == 3

    assert press("overlay") == "overlay"
    assert [layer for layer in viewer.layers if layer.visible] == [raw, denoised, marks]
    press("removed")
    assert list(filter(is_removed, viewer.layers)) == [removed]
    assert press("grid") == "grid"
    shown = [layer for layer in viewer.layers if layer.visible]
    assert shown == [raw, over_raw, denoised, marks]
    assert [cell(viewer, one) for one in shown] == [(0, 0), (0, 0), (0, 1), (0, 1)]


def test_what_was_removed_follows_its_pane_and_goes_with_its_pair(toggled, qtbot):
    viewer, comparison, raw, denoised, _, press = toggled
    # The user exchanges the panes.
    viewer.layers.move(viewer.layers.index(denoised), 0)
    qtbot.waitUntil(lambda: cell(viewer, raw) == (0, 1))
    press("removed")
    (removed,) = filter(is_removed, viewer.layers)
    assert (cell(viewer, removed), cell(viewer, raw)) == ((0, 0), (0, 1))
    viewer.layers.move(viewer.layers.index(raw), viewer.layers.index(removed))
    qtbot.waitUntil(lambda: cell(viewer, raw) == (0, 0))
    assert cell(viewer, removed) == (0, 1)
    # Denoised anew: the new result is what one wants to see.
    again = viewer.add_image(denoised.data / 2, name="again", metadata=denoised.metadata)
    comparison.show(raw, again)
    qtbot.waitUntil(lambda: not any(map(is_removed, viewer.layers)))
    assert comparison.mode == "grid"
    assert [layer for layer in viewer.layers if layer.visible] == [raw, again]
    # Of that, what was removed is another image.
    press("removed")
    (removed,) = filter(is_removed, viewer.layers)
    assert removed.data[25, 25] > 30
    viewer.layers.remove(again)
    qtbot.waitUntil(lambda: not any(map(is_removed, viewer.layers)))
    assert raw.visible


def test_deleting_what_was_removed_shows_the_denoised_image_again(toggled, qtbot, told):
    viewer, comparison, raw, denoised, _, press = toggled
    press("removed")
    viewer.layers.remove(next(filter(is_removed, viewer.layers)))
    qtbot.waitUntil(lambda: denoised.visible)
    assert comparison.pair == (raw, denoised)
    assert [layer for layer in viewer.layers if layer.visible] == [raw, denoised]
    assert (cell(viewer, raw), cell(viewer, denoised)) == ((0, 0), (0, 1))
    assert press("removed") == "removed"
    # What is opened is shown alone, and of it nothing was removed.
    opened = viewer.add_image(np.zeros((64, 64)), name="another")
    assert [layer for layer in viewer.layers if layer.visible] == [opened]
    qtbot.waitUntil(lambda: not any(map(is_removed, viewer.layers)))
    told.clear()
    assert press("removed") == "grid"
    (said,) = told
    assert "Denoise first" in said


def test_only_what_was_denoised_here_is_taken_off():
    raw = Image(np.full((32, 32, 3), 153, np.uint8), rgb=True, name="photograph")
    pixels = np.full((32, 32, 3), 0.5, np.float32)
    assert removed_layer(raw, Image(pixels, rgb=True)) is None
    made = {KEY: LayerMemory("denoised")}
    assert removed_layer(raw, Image(pixels[:16], rgb=True, metadata=made)) is None
    removed = removed_layer(raw, Image(pixels, rgb=True, metadata=made))
    np.testing.assert_allclose(removed.data, 0.1, atol=1e-6)
    assert removed.contrast_limits[0] < 0.1 < removed.contrast_limits[1]
