"""The gallery as its user meets it: real keys, real clicks."""

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QApplication, QMainWindow

from napari_n2n.errors import BadValue
from napari_n2n.io import Particles
from napari_n2n.particles.palette import LABEL_COLOURS
from napari_n2n.plugin.particles.gallery import HINT, Gallery
from napari_n2n.plugin.shared.looks import SELECTED

LEFT, CTRL, SHIFT = (
    Qt.MouseButton.LeftButton,
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.ShiftModifier,
)
KEYS = ["0", "1", "2", "3", "Delete", "U", "N", "Ctrl+Z", "Ctrl+Shift+Z"]
N = 60
IDS = np.arange(N) + 1000


def some(n=N, labels=None):
    """Particles whose score falls with their place, so that ids stand in order."""
    rng = np.random.default_rng(1)
    return Particles(
        rng.uniform(20, 480, (n, 2)),
        np.array(["unlabelled"] * n) if labels is None else labels,
        np.linspace(0.9, 0.1, n, dtype=np.float32),
        np.array(["picker"] * n),
    )


def labelled(**by_place):
    """Label some of them: intact=[3, 4]."""
    labels = np.array(["unlabelled"] * N, dtype="U11")
    for label, places in by_place.items():
        labels[places] = label
    return some(labels=labels)


@pytest.fixture
def image():
    return np.random.default_rng(0).normal(size=(500, 500)).astype(np.float32)


@pytest.fixture
def gallery(qtbot, image):
    gallery = Gallery(KEYS)
    qtbot.addWidget(gallery)
    gallery.resize(800, 420)
    gallery.set_images(image, image[::-1], 1.5)
    gallery.set_particles(IDS, some(), 40)
    with qtbot.waitExposed(gallery):
        gallery.show()
    gallery.activateWindow()
    gallery.view.setFocus()
    return gallery


@pytest.fixture
def heard(gallery):
    """Note the selections that are announced."""
    heard = []
    gallery.selectionChanged.connect(heard.append)
    return heard


def place(gallery, which):
    """Where an id is in the viewport."""
    row = gallery.ordered_ids().index(which)
    return gallery.view.visualRect(gallery.view.model().index(row)).center()


def click(qtbot, gallery, which, modifier=Qt.KeyboardModifier.NoModifier):
    qtbot.mouseClick(gallery.view.viewport(), LEFT, modifier, place(gallery, which))


def shot(gallery, which):
    """(y, x, 3) what is seen of a particle."""
    row = gallery.ordered_ids().index(which)
    rect = gallery.view.visualRect(gallery.view.model().index(row))
    picture = gallery.view.viewport().grab(rect).toImage()
    return np.array(
        [
            [picture.pixelColor(x, y).getRgb()[:3] for x in range(picture.width())]
            for y in range(picture.height())
        ]
    )


def share_of(pixels, colour):
    """How much of a picture has a colour."""
    return np.mean(np.abs(pixels - QColor(colour).getRgb()[:3]).max(-1) < 12)


# Selecting.


def test_clicks_select_as_everywhere(gallery, heard, qtbot):
    click(qtbot, gallery, 1001)
    assert heard == [[1001]]
    click(qtbot, gallery, 1004, CTRL)
    assert gallery.selected_ids() == [1001, 1004]
    click(qtbot, gallery, 1001, CTRL)
    assert gallery.selected_ids() == [1004]
    click(qtbot, gallery, 1002)
    columns = gallery.view.columns()
    below = 1002 + columns  # Shift takes all between, not the rectangle
    click(qtbot, gallery, below, SHIFT)
    assert gallery.selected_ids() == list(range(1002, below + 1))
    assert heard[-1] == gallery.selected_ids()
    assert f"{N} particles, {columns + 1} selected" in gallery.bar.count.text()


def test_arrows_walk_through_the_lines(gallery, heard, qtbot):
    view, columns = gallery.view, gallery.view.columns()
    click(qtbot, gallery, 1000)
    for _ in range(columns):
        qtbot.keyClick(view, Qt.Key.Key_Right)
    assert gallery.selected_ids() == [1000 + columns]  # into the second line
    qtbot.keyClick(view, Qt.Key.Key_Left)
    assert gallery.selected_ids() == [1000 + columns - 1]
    qtbot.keyClick(view, Qt.Key.Key_Down)
    assert gallery.selected_ids() == [1000 + 2 * columns - 1]
    qtbot.keyClick(view, Qt.Key.Key_Up, SHIFT)
    assert len(gallery.selected_ids()) == columns + 1
    qtbot.keyClick(view, Qt.Key.Key_End)
    assert gallery.selected_ids() == [IDS[-1]]
    assert view.viewport().rect().contains(place(gallery, IDS[-1]))
    qtbot.keyClick(view, Qt.Key.Key_Home)
    assert gallery.selected_ids() == [1000]
    qtbot.keyClick(view, Qt.Key.Key_Right, SHIFT)
    qtbot.keyClick(view, Qt.Key.Key_Right, SHIFT)
    assert gallery.selected_ids() == [1000, 1001, 1002]
    assert heard[-1] == [1000, 1001, 1002]


def test_page_down_goes_on_by_what_is_in_view(gallery, qtbot):
    click(qtbot, gallery, 1000)
    qtbot.keyClick(gallery.view, Qt.Key.Key_PageDown)
    (there,) = gallery.selected_ids()
    assert (there - 1000) % gallery.view.columns() == 0
    assert there >= 1000 + 2 * gallery.view.columns()
    assert gallery.view.viewport().rect().contains(place(gallery, there))


def test_ctrl_a_selects_all(gallery, heard, qtbot):
    qtbot.keyClick(gallery.view, Qt.Key.Key_A, CTRL)
    assert heard == [IDS.tolist()]


def test_a_rubber_band_selects_what_it_touches(gallery, heard, qtbot):
    viewport, columns = gallery.view.viewport(), gallery.view.columns()
    start, end = place(gallery, 1001), place(gallery, 1002 + columns)
    qtbot.mousePress(viewport, LEFT, pos=start)
    for step in (0.3, 0.6, 1.0):
        qtbot.mouseMove(viewport, start + (end - start) * step)
        QApplication.processEvents()
    qtbot.mouseRelease(viewport, LEFT, pos=end)
    wanted = [1001, 1002, 1001 + columns, 1002 + columns]
    assert gallery.selected_ids() == wanted
    assert heard[-1] == wanted
    n = len(heard)
    qtbot.wait(100)
    assert len(heard) == n  # nothing is said twice


def test_selecting_by_program_scrolls_there_and_says_nothing(gallery, heard):
    gallery.select([1050, 1051, 7])
    assert gallery.selected_ids() == [1050, 1051]
    assert gallery.view.viewport().rect().contains(place(gallery, 1050))
    before = gallery.view.verticalScrollBar().value()
    gallery.select([1050, 1002])  # one is in view: stay
    assert gallery.view.verticalScrollBar().value() == before
    gallery.select([])
    assert gallery.selected_ids() == []
    assert heard == []


def test_two_views_that_follow_each_other_do_not_lose_the_place(gallery, qtbot):
    # The owner answers each selection with the same one, in another order.
    gallery.selectionChanged.connect(lambda ids: gallery.select(ids[::-1]))
    click(qtbot, gallery, 1003)
    for _ in range(3):
        qtbot.keyClick(gallery.view, Qt.Key.Key_Right, SHIFT)
    assert gallery.selected_ids() == [1003, 1004, 1005, 1006]


def test_shift_goes_on_from_what_was_selected_by_program(gallery, qtbot):
    click(qtbot, gallery, 1001)
    gallery.select([1006])
    qtbot.keyClick(gallery.view, Qt.Key.Key_Right, SHIFT)
    assert gallery.selected_ids() == [1006, 1007]
    gallery.select([1003])
    click(qtbot, gallery, 1005, SHIFT)
    assert gallery.selected_ids() == [1003, 1004, 1005]


# Keys.


def test_keys_are_handed_on_and_others_are_not(gallery, qtbot):
    pressed = []
    gallery.keyPressed.connect(pressed.append)
    click(qtbot, gallery, 1001)
    for key, modifier in [
        (Qt.Key.Key_1, Qt.KeyboardModifier.NoModifier),
        (Qt.Key.Key_2, Qt.KeyboardModifier.KeypadModifier),
        (Qt.Key.Key_Delete, Qt.KeyboardModifier.NoModifier),
        (Qt.Key.Key_Z, CTRL),
        (Qt.Key.Key_Z, CTRL | SHIFT),
        (Qt.Key.Key_Q, Qt.KeyboardModifier.NoModifier),
        (Qt.Key.Key_Right, Qt.KeyboardModifier.NoModifier),
    ]:
        qtbot.keyClick(gallery.view, key, modifier)
    assert pressed == ["1", "2", "Delete", "Ctrl+Z", "Ctrl+Shift+Z"]
    assert gallery.selected_ids() == [1002]  # the arrow was the gallery's own


def test_the_windows_own_shortcuts_do_not_take_the_keys(gallery, qtbot):
    window = QMainWindow()
    qtbot.addWidget(window)
    window.setCentralWidget(gallery)
    taken, pressed = [], []
    for key in ("1", "Ctrl+Z", "Ctrl+A"):
        action = window.addAction(key)
        action.setShortcut(key)
        action.triggered.connect(lambda _=False, key=key: taken.append(key))
    with qtbot.waitExposed(window):
        window.show()
    window.activateWindow()
    gallery.view.setFocus()
    gallery.keyPressed.connect(pressed.append)
    qtbot.keyClick(gallery.view, Qt.Key.Key_1)
    qtbot.keyClick(gallery.view, Qt.Key.Key_Z, CTRL)
    qtbot.keyClick(gallery.view, Qt.Key.Key_A, CTRL)
    assert pressed == ["1", "Ctrl+Z"]
    assert len(gallery.selected_ids()) == N
    assert taken == []
    window.takeCentralWidget()  # each is closed by itself


def test_a_key_finds_the_selection_announced(gallery, heard, qtbot):
    order = []
    gallery.selectionChanged.connect(lambda ids: order.append(("selected", len(ids))))
    gallery.keyPressed.connect(lambda key: order.append(("key", key)))
    viewport = gallery.view.viewport()
    qtbot.mousePress(viewport, LEFT, pos=place(gallery, 1000))
    qtbot.mouseMove(viewport, place(gallery, 1001))
    qtbot.mouseMove(viewport, place(gallery, 1002))
    qtbot.keyClick(gallery.view, Qt.Key.Key_2)
    assert order[-2:] == [("selected", 3), ("key", "2")]
    qtbot.mouseRelease(viewport, LEFT, pos=place(gallery, 1002))


def test_double_click_and_enter_open_a_particle(gallery, qtbot):
    opened = []
    gallery.activated.connect(opened.append)
    qtbot.mouseDClick(gallery.view.viewport(), LEFT, pos=place(gallery, 1003))
    assert opened == [1003]
    gallery.select([1005])
    qtbot.keyClick(gallery.view, Qt.Key.Key_Return)
    assert opened == [1003, 1005]


# Order.


def test_a_relabelled_particle_stays_under_the_cursor_until_asked(gallery, heard, qtbot):
    gallery.sort_by("label")
    assert not gallery.bar.again.isVisible()
    gallery.select([1002])
    gallery.set_particles(IDS, labelled(broken=[2], intact=[5]), 40)
    assert gallery.ordered_ids() == IDS.tolist()
    assert gallery.selected_ids() == [1002]
    assert gallery.bar.again.isVisible()
    qtbot.mouseClick(gallery.bar.again, LEFT)
    assert gallery.ordered_ids()[-2:] == [1005, 1002]
    assert not gallery.bar.again.isVisible()
    assert gallery.selected_ids() == [1002]
    assert heard == []


def test_sorted_by_how_unsure_the_machine_is(gallery, qtbot):
    unsure = np.full(N, np.nan)
    unsure[[10, 20, 30]] = 0.2, 0.9, 0.5
    gallery.set_particles(IDS, some(), 40, uncertainty=unsure)
    bar = gallery.bar.order
    bar.setFocus()
    qtbot.keyClick(bar, Qt.Key.Key_Down)
    qtbot.keyClick(bar, Qt.Key.Key_Down)
    assert bar.currentText() == "Least sure first"
    assert gallery.ordered_ids()[:4] == [1020, 1030, 1010, 1000]


def test_label_order_puts_like_suggestions_together(gallery):
    suggested = np.array([""] * N, dtype="U11")
    suggested[[4, 40]] = "broken"
    suggested[[3, 30]] = "intact"
    gallery.set_particles(IDS, labelled(contaminant=[0]), 40, suggested=suggested)
    gallery.sort_by("label")
    assert gallery.ordered_ids()[-5:] == [1003, 1030, 1004, 1040, 1000]


def test_equals_keep_their_order_and_the_unscored_come_last(gallery):
    scores = np.full(N, 0.5, np.float32)
    scores[:5] = np.nan
    gallery.set_particles(IDS, some().replaced(scores=scores), 40)
    gallery.sort_by("score")
    assert gallery.ordered_ids() == [*range(1005, 1060), *range(1000, 1005)]


# Editing.


def test_a_deleted_particle_leaves_the_rest_where_they_are(gallery, heard, qtbot):
    gallery.view.verticalScrollBar().setValue(150)
    top = place(gallery, 1020)
    gallery.select([1019, 1021])
    keep = IDS != 1059
    gallery.set_particles(IDS[keep], some()[keep], 40)
    assert place(gallery, 1020) == top
    assert gallery.selected_ids() == [1019, 1021]
    keep &= IDS != 1019
    gallery.set_particles(IDS[keep], some()[keep], 40)
    assert gallery.selected_ids() == [1021]
    assert f"{N - 2} particles, 1 selected" in gallery.bar.count.text()
    assert heard == []


def test_after_deleting_keys_go_on_from_the_next(gallery, qtbot):
    click(qtbot, gallery, 1003)
    keep = IDS != 1003
    gallery.set_particles(IDS[keep], some()[keep], 40)
    qtbot.keyClick(gallery.view, Qt.Key.Key_Right)
    assert gallery.selected_ids() == [1005]


def test_an_added_particle_comes_last_and_a_new_pick_is_sorted(gallery):
    best = Particles(np.array([[50.0, 60.0]]), scores=np.array([0.99], np.float32))
    gallery.set_particles([*IDS, 5], some().joined(best), 40)
    assert gallery.ordered_ids() == [*IDS, 5]
    assert gallery.bar.again.isVisible()
    fresh = some().replaced(scores=np.linspace(0, 1, N, dtype=np.float32))
    gallery.set_particles(IDS + 500, fresh, 40)
    assert gallery.ordered_ids() == (IDS + 500)[::-1].tolist()
    assert gallery.view.verticalScrollBar().value() == 0


def test_moving_a_particle_shows_what_is_there_now(gallery, image):
    image[240:260, 240:260] = 50
    gallery.set_images(image)
    before = shot(gallery, 1002)
    other = shot(gallery, 1003)
    centres = some().centres_px.copy()
    centres[2] = 250, 250
    gallery.set_particles(IDS, some().replaced(centres_px=centres), 40)
    assert (shot(gallery, 1002) != before).mean() > 0.2
    np.testing.assert_array_equal(shot(gallery, 1003), other)


def test_with_no_particles_there_is_a_calm_hint(gallery):
    assert not gallery._hint.isVisible()
    gallery.set_particles([], Particles.none(), 40)
    assert gallery._hint.isVisible()
    assert gallery._hint.text() == HINT
    assert gallery.ordered_ids() == gallery.selected_ids() == []


# How it looks.


def test_a_label_is_a_solid_frame_and_a_suggestion_a_dashed_one(gallery):
    suggested = np.array([""] * N, dtype="U11")
    suggested[1:3] = "intact"
    probabilities = np.full(N, 0.93)
    gallery.set_particles(
        IDS,
        labelled(intact=[0, 2]),
        40,
        suggested=suggested,
        probabilities=probabilities,
    )
    blue = LABEL_COLOURS["intact"]
    given, pending, both, none = (share_of(shot(gallery, i), blue) for i in range(1000, 1004))
    assert given > 3 * pending > 0
    assert both == pytest.approx(given, rel=0.02)  # what is given hides what is suggested
    assert none == 0
    assert 0 < share_of(shot(gallery, 1003), LABEL_COLOURS["unlabelled"]) < pending


def test_what_is_selected_stands_out(gallery):
    assert share_of(shot(gallery, 1001), SELECTED) == 0
    gallery.select([1001])
    assert share_of(shot(gallery, 1001), SELECTED) > 0.1
    assert share_of(shot(gallery, 1002), SELECTED) == 0


def test_raw_and_denoised_take_turns(gallery, qtbot):
    denoised = shot(gallery, 1000)
    qtbot.mouseClick(gallery.bar.raw_button, LEFT)
    assert (shot(gallery, 1000) != denoised).mean() > 0.3
    qtbot.mouseClick(gallery.bar.denoised_button, LEFT)
    np.testing.assert_array_equal(shot(gallery, 1000), denoised)


def test_without_a_denoised_image_the_raw_one_is_shown(gallery, image):
    gallery.set_images(None, image)
    assert gallery.bar.raw()
    assert not gallery.bar.denoised_button.isEnabled()
    gallery.set_images(image, None)
    assert not gallery.bar.raw()
    assert not gallery.bar.raw_button.isEnabled()


def test_the_size_can_be_changed_and_the_place_is_kept(gallery, qtbot):
    gallery.view.verticalScrollBar().setValue(300)
    top = gallery.view.indexAt(QPoint(1, 1)).row()
    gallery.bar.size_slider.setValue(140)
    assert gallery.thumbnail_px() == 140
    assert gallery.view.visualRect(gallery.view.model().index(top)).top() == 0
    assert shot(gallery, gallery.ordered_ids()[top]).shape[1] >= 140
    gallery.set_thumbnail_px(1000)
    assert gallery.thumbnail_px() == gallery.bar.size_slider.value() == 160


def test_the_tooltip_tells_all(gallery):
    suggested = np.array(["broken"] * N)
    particles = labelled(intact=[1]).replaced(
        given_by=np.array(["picker", "person", *["picker"] * (N - 2)])
    )
    gallery.set_particles(IDS, particles, 40, suggested=suggested, probabilities=np.full(N, 0.995))
    model = gallery.view.model()
    tip = lambda row: model.data(model.index(row), Qt.ItemDataRole.ToolTipRole)  # noqa: E731
    y, x = particles.centres_px[0]
    assert f"y {y:.1f}, x {x:.1f} px ({1.5 * y:.0f}, {1.5 * x:.0f} Å)" in tip(0)
    assert "Score 0.90" in tip(0)
    assert "Unlabelled\nSuggested: broken, 99 %" in tip(0)
    assert "Intact, given by a person" in tip(1)


@pytest.mark.parametrize("width", [330, 700, 1200])
def test_it_fits_narrow_and_wide_docks(gallery, width):
    gallery.resize(width, 400)
    QApplication.processEvents()
    assert gallery.width() == width
    last = gallery.view.columns() - 1
    view = gallery.view
    assert view.visualRect(view.model().index(last)).right() <= view.viewport().width()
    assert view.visualRect(view.model().index(last + 1)).left() == 0
    assert gallery.bar.size_slider.visibleRegion().boundingRect() == gallery.bar.size_slider.rect()


# Faults.


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"ids": IDS[:-1]}, "ids"),
        ({"ids": np.zeros(N, int)}, "same id"),
        ({"suggested": ["intact"]}, "suggestions"),
        ({"suggested": ["whole"] * N}, "'whole'"),
        ({"probabilities": [0.5]}, "probabilities"),
        ({"uncertainty": [0.5]}, "uncertainties"),
        ({"box_px": -1}, "diameter"),
    ],
)
def test_faults_are_told_and_change_nothing(gallery, change, fault):
    given = {"ids": IDS, "particles": some(), "box_px": 40, **change}
    with pytest.raises(BadValue, match=fault):
        gallery.set_particles(**given)
    assert gallery.ordered_ids() == IDS.tolist()


def test_faulty_images_and_orders_are_told(gallery, image):
    with pytest.raises(BadValue, match="shapes"):
        gallery.set_images(image, image[:-1])
    with pytest.raises(BadValue, match="3D"):
        gallery.set_images(np.zeros((3, 50, 50)))
    with pytest.raises(BadValue, match="cannot be sorted"):
        gallery.sort_by("beauty")


def test_docked_in_napari_the_keys_are_the_gallerys(make_napari_viewer, qtbot, image):
    viewer = make_napari_viewer(show=True)
    taken, pressed = [], []
    viewer.bind_key("1", taken.append)
    layer = viewer.add_points(np.zeros((1, 2)))
    layer.selected_data = {0}
    gallery = Gallery(KEYS)
    viewer.window.add_dock_widget(gallery, area="right")
    gallery.set_images(image)
    gallery.set_particles(IDS, some(), 40)
    QApplication.processEvents()
    gallery.view.setFocus()
    gallery.keyPressed.connect(pressed.append)
    click(qtbot, gallery, 1001)
    qtbot.keyClick(gallery.view, Qt.Key.Key_1)
    qtbot.keyClick(gallery.view, Qt.Key.Key_Delete)
    assert pressed == ["1", "Delete"]
    assert taken == []
    assert len(layer.data) == 1
