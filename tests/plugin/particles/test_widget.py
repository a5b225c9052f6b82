"""A person's sitting with the Particles widget, by real keys and mouse."""

import functools

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_n2n.io import read_coordinates
from napari_n2n.plugin.particles.finding_form import FindingChoice
from napari_n2n.plugin.particles.micrograph_form import MicrographChoice
from napari_n2n.plugin.shared.canvas import camera_of, grid_of
from napari_n2n.plugin.shared.layers import LayerMemory, image_layer
from napari_n2n.session import Session

DIAMETER = 40.0
SIDE, ROWS = 512, 7
LEFT = Qt.MouseButton.LeftButton


@functools.cache
def field():
    """Dark rings on a lattice, every third one broken: (raw, denoised, centres y x, broken)."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:SIDE, :SIDE]
    denoised = np.zeros((SIDE, SIDE), np.float32)
    lattice = [(60 + 65 * i, 60 + 65 * j) for i in range(ROWS) for j in range(ROWS)]
    centres = np.array(lattice, float) + rng.uniform(-6, 6, (ROWS**2, 2))
    broken = np.arange(ROWS**2) % 3 == 0
    for (cy, cx), is_broken in zip(centres, broken, strict=True):
        radius = np.hypot(y - cy, x - cx)
        ring = np.exp(-(((radius - 14) / 4) ** 2)).astype(np.float32)
        if is_broken:
            heading = rng.uniform(0, 2 * np.pi)
            ring *= np.cos(np.arctan2(y - cy, x - cx) - heading) < 0.3
        denoised -= ring
    denoised += 0.05 * rng.standard_normal(denoised.shape, dtype=np.float32)
    raw = denoised + 2 * rng.standard_normal(denoised.shape, dtype=np.float32)
    return raw, denoised, centres, broken


@pytest.fixture
def sitting(make_napari_viewer, qtbot, tmp_path, workers_end, hand_on):
    """Open a micrograph with the widget beside it: gives (viewer, widget, hand, truth)."""
    from napari.layers import Image

    from napari_n2n.plugin.particles.widget import ParticlesWidget

    raw, denoised, centres, broken = field()
    file = tmp_path / "data" / "m1.mrc"
    file.parent.mkdir()
    file.write_bytes(b"a micrograph")
    opened = []

    def sit():
        viewer = make_napari_viewer(show=True)
        viewer.window._qt_window.resize(1400, 900)
        for pixels, kind in ((raw, "sum"), (denoised, "denoised")):
            memory = LayerMemory(kind, 1.0, path=file, raw_layer="m1 sum")
            data, described, _ = image_layer(pixels, f"m1 {kind}", memory)
            viewer.add_layer(Image(data, **described))
        widget = ParticlesWidget(viewer)
        viewer.window.add_dock_widget(widget, name="Particles", area="right")
        opened.append(widget)
        settled(qtbot, widget)
        widget.finding.setValue(FindingChoice(DIAMETER))
        settled(qtbot, widget)
        viewer.reset_view()
        QTest.qWait(200)
        return viewer, widget, hand_on(viewer, viewer.layers["m1 denoised"]), (centres, broken)

    yield sit
    for widget in opened:
        widget.finder.stop()
        widget.suggester.leave()


def settled(qtbot, widget) -> None:
    qtbot.waitUntil(lambda: not widget.finder.busy and not widget.suggester.busy, timeout=180_000)
    QTest.qWait(20)


def picked(qtbot, widget):
    """Press the one big button."""
    QTest.mouseClick(widget.finding.pick_button, LEFT)
    settled(qtbot, widget)


def shown(widget) -> dict[tuple[float, float], str]:
    particles = widget.marking.view.particles
    places = map(tuple, particles.centres_px.round(3).tolist())
    return dict(zip(places, particles.labels.tolist(), strict=True))


def test_a_whole_sitting(sitting, qtbot, tmp_path):
    viewer, widget, hand, (centres, broken) = sitting()
    left, right = widget.scene.particles.layers

    # Pick.
    picked(qtbot, widget)
    view = widget.marking.view
    assert len(view.ids) == len(centres)
    for centre in centres:
        assert widget.marking.nearest(centre, DIAMETER / 8) is not None
    np.testing.assert_array_equal(left.data, right.data)

    # Mark six of each kind, by click and key, in either pane.
    wanted = {"1": np.flatnonzero(~broken)[:6], "2": np.flatnonzero(broken)[:6]}
    for key, rows in wanted.items():
        for pane, row in enumerate(rows):
            hand.click(centres[row], pane=pane % 2)
            hand.press({"1": Qt.Key.Key_1, "2": Qt.Key.Key_2}[key])
    assert widget.marking.view.particles.counts()["intact"] == 6
    assert widget.marking.view.particles.counts()["broken"] == 6
    assert "6" in widget.labels.buttons["intact"].text()

    # Suggestions have come by themselves, drawn as outlines.
    settled(qtbot, widget)
    view = widget.marking.view
    pending = view.suggested != ""
    assert pending.sum() == len(centres) - 12
    assert "alanced accuracy" in widget.suggestions.sentence.text() or (
        "oo few" in widget.suggestions.sentence.text()
    )
    assert (right.face_color[pending, 3] == 0).all()
    assert (right.face_color[~pending, 3] > 0).all()

    # Accept them all.
    QTest.mouseClick(widget.suggestions.all_button, LEFT)
    settled(qtbot, widget)
    truth = ["broken" if b else "intact" for b in broken]
    found = [str(shown_label) for centre in centres for shown_label in [label_at(widget, centre)]]
    assert np.mean([a == b for a, b in zip(truth, found, strict=True)]) > 0.95
    assert "unlabelled" not in found

    # Correct one, then think better of it, and do it after all.
    one = centres[40]
    before = label_at(widget, one)
    hand.click(one, pane=1)
    hand.press(Qt.Key.Key_3)
    assert label_at(widget, one) == "contaminant"
    hand.press(Qt.Key.Key_U)
    assert label_at(widget, one) == before
    assert "Undone" in widget.progress.status.text()
    hand.press(Qt.Key.Key_U, Qt.KeyboardModifier.ShiftModifier)
    assert label_at(widget, one) == "contaminant"

    # Export, and find the very same in the file.
    star = tmp_path / "picks.star"
    QTest.mouseClick(widget.export._labels["broken"].native, LEFT)
    widget.export.ask_for_file = lambda name: star
    QTest.mouseClick(widget.export.export_button, LEFT)
    assert str(star) in widget.progress.status.text()
    (table,) = read_coordinates(star)
    expected = {c: label for c, label in shown(widget).items() if label in ("intact", "broken")}
    places = map(tuple, table.particles.centres_px.round(3).tolist())
    assert dict(zip(places, table.particles.labels.tolist(), strict=True)) == expected
    assert table.micrograph == "m1.mrc"

    # And again in another window, where they are as they were left.
    kept = shown(widget)
    widget.leave()
    viewer.close()
    _, again, _, _ = sitting()
    assert shown(again) == kept
    again.exchange.open_picks(star)
    only = {c: label for c, label in shown(again).items() if label in ("intact", "broken")}
    assert only == expected


def label_at(widget, centre) -> str:
    found = widget.marking.nearest(centre, DIAMETER / 4)
    assert found is not None
    row = int(np.flatnonzero(widget.marking.view.ids == found)[0])
    return str(widget.marking.view.particles.labels[row])


def test_a_guess_that_is_not_certain_is_told_as_such(make_napari_viewer, qtbot, workers_end):
    from napari.layers import Image

    from napari_n2n.plugin.particles.widget import ParticlesWidget

    noise = np.random.default_rng(0).standard_normal((160, 160)).astype(np.float32)
    viewer = make_napari_viewer(show=True)
    data, described, _ = image_layer(noise, "empty", LayerMemory("sum", 4.0))
    viewer.add_layer(Image(data, **described))
    widget = ParticlesWidget(viewer)
    viewer.window.add_dock_widget(widget, name="Particles", area="right")
    settled(qtbot, widget)
    QTest.mouseClick(widget.finding.guess_button, LEFT)
    settled(qtbot, widget)
    assert "guessed; it may be" in widget.progress.status.text()
    widget.suggester.leave()


def test_clicks_add_relabel_move_and_delete_in_either_pane(sitting, qtbot):
    _, widget, hand, _ = sitting()
    marking = widget.marking
    QTest.mouseClick(widget.tools.buttons["mark"], LEFT)
    hand.click((100, 200), pane=0)
    QTest.mouseClick(widget.labels.buttons["broken"], LEFT)
    hand.click((300, 200), pane=1)
    assert sorted(shown(widget).values()) == ["broken", "intact"]
    # The same spot again gives the chosen label to what is there.
    hand.click((101, 201), pane=1)
    assert list(shown(widget).values()) == ["broken", "broken"]
    left, right = widget.scene.particles.layers
    np.testing.assert_array_equal(left.data, right.data)
    assert left.size[0] == DIAMETER
    # A drag moves it, and both panes follow; the camera stays.
    QTest.mouseClick(widget.tools.buttons["select"], LEFT)
    camera = camera_of(hand._canvas.viewer).center
    hand.drag([(100, 200), (180, 260)], pane=1)
    assert marking.nearest((180, 260), 4) is not None
    assert marking.nearest((100, 200), 20) is None
    assert camera_of(hand._canvas.viewer).center == camera
    np.testing.assert_allclose(left.data, right.data)
    # A drag over nothing moves the camera and no particle.
    before = shown(widget)
    hand.drag([(420, 100), (440, 160)], pane=0)
    assert camera_of(hand._canvas.viewer).center != camera
    assert shown(widget) == before
    hand.click((300, 200), pane=0)
    hand.press(Qt.Key.Key_Delete)
    assert marking.nearest((300, 200), 20) is None
    assert len(left.data) == len(right.data) == 1
    # Everything can be taken back, to the very beginning.
    for _ in range(10):
        hand.press(Qt.Key.Key_U)
    assert not shown(widget)
    assert not widget.undo_button.isEnabled()


def test_a_brush_labels_many_and_an_eraser_deletes_them_as_one_edit(sitting, qtbot):
    _, widget, hand, (centres, _) = sitting()
    picked(qtbot, widget)
    row = centres[centres[:, 0].round(-1) < 100]
    y = float(row[:, 0].mean())
    QTest.mouseClick(widget.labels.buttons["contaminant"], LEFT)
    hand.press(Qt.Key.Key_B)
    hand.drag([(y, 40), (y, 480)], pane=1)
    assert widget.marking.view.particles.counts()["contaminant"] == len(row)
    hand.press(Qt.Key.Key_U)
    assert widget.marking.view.particles.counts()["contaminant"] == 0
    hand.press(Qt.Key.Key_E)
    hand.drag([(y, 40), (y, 480)], pane=0)
    assert len(widget.marking.view.ids) == len(centres) - len(row)
    hand.press(Qt.Key.Key_U)
    assert len(widget.marking.view.ids) == len(centres)


def test_keys_walk_through_the_particles_with_the_camera(sitting, qtbot):
    viewer, widget, hand, (centres, _) = sitting()
    picked(qtbot, widget)
    visited = []
    for _ in range(len(centres)):
        hand.press(Qt.Key.Key_Right)
        current = widget.marking.current
        visited.append(current)
        place = viewer.layers["m1 denoised"].data_to_world(widget.marking.centre_of(current))
        np.testing.assert_allclose(camera_of(viewer).center[-2:], place[-2:], atol=1e-6)
    assert len(set(visited)) == len(centres)
    hand.press(Qt.Key.Key_Left)
    assert widget.marking.current == visited[-2]
    # Keys work as well where an image is active, whose own key 1 and 2 change its mode.
    viewer.layers.selection.active = viewer.layers["m1 denoised"]
    hand.press(Qt.Key.Key_2)
    assert label_at(widget, widget.marking.centre_of(visited[-2])) == "broken"
    assert viewer.layers["m1 denoised"].mode == "pan_zoom"


def test_the_least_sure_is_gone_to_and_accepted_one_by_one(sitting, qtbot):
    _, widget, hand, (centres, broken) = sitting()
    picked(qtbot, widget)
    for key, rows in ((Qt.Key.Key_1, ~broken), (Qt.Key.Key_2, broken)):
        for row in np.flatnonzero(rows)[:5]:
            hand.click(centres[row], pane=1)
            hand.press(key)
    settled(qtbot, widget)
    hand.press(Qt.Key.Key_N)
    view = widget.marking.view
    row = int(view.rows([widget.marking.current])[0])
    assert view.uncertainty[row] == view.uncertainty.max()
    suggested = str(view.suggested[row])
    hand.press(Qt.Key.Key_A)
    particles = widget.marking.view.particles
    assert (particles.labels[row], particles.given_by[row]) == (suggested, "person")
    # Suggestions never overwrite what a person said.
    assert widget.marking.view.suggested[row] == ""


def test_napari_s_own_tools_work_too(sitting, qtbot):
    _, widget, _, _ = sitting()
    left, right = widget.scene.particles.layers
    left.add([[50.0, 60.0], [150.0, 160.0]])
    np.testing.assert_array_equal(left.data, right.data)
    assert list(shown(widget).values()) == ["intact", "intact"]
    right.selected_data = {0}
    right.remove_selected()
    np.testing.assert_array_equal(left.data, [[150, 160]])
    np.testing.assert_array_equal(right.data, [[150, 160]])
    widget.act("undo")
    assert len(left.data) == len(right.data) == 2
    # A layer thrown away takes no mark with it.
    widget.scene._viewer.layers.remove(left)
    hand_over = widget.marking.view.ids
    widget.marking.select(hand_over.tolist())
    widget.act("broken")
    assert set(shown(widget).values()) == {"broken"}


def test_the_gallery_and_the_micrograph_select_each_other(sitting, qtbot):
    _, widget, hand, (centres, _) = sitting()
    picked(qtbot, widget)
    QTest.mouseClick(widget.gallery_button, LEFT)
    gallery = widget.scene.gallery.gallery
    qtbot.waitUntil(gallery.isVisible, timeout=30_000)
    hand.click(centres[30], pane=1)
    assert gallery.selected_ids() == [widget.marking.current]
    first = gallery.ordered_ids()[:2]
    gallery.view.setFocus()
    rect = gallery.view.visualRect(gallery.view.model().index(0, 0))
    QTest.mouseClick(gallery.view.viewport(), LEFT, Qt.KeyboardModifier.NoModifier, rect.center())
    assert widget.marking.selected == (first[0],)
    rect = gallery.view.visualRect(gallery.view.model().index(1, 0))
    QTest.mouseClick(
        gallery.view.viewport(), LEFT, Qt.KeyboardModifier.ControlModifier, rect.center()
    )
    assert set(widget.marking.selected) == set(first)
    QTest.keyClick(gallery.view, Qt.Key.Key_2)
    assert widget.marking.view.particles.counts()["broken"] == 2
    QTest.mouseClick(widget.gallery_button, LEFT)
    assert widget.scene.gallery.gallery is None
    assert not widget.gallery_button.isChecked()


def test_the_threshold_hides_and_shows_without_picking_again(sitting, qtbot):
    viewer, widget, hand, (centres, _) = sitting()
    picked(qtbot, widget)
    suggested = widget.marking.threshold
    candidates = len(widget.marking.everything[0])
    assert candidates > len(centres)
    widget.finding.slider.setValue(0)
    assert len(widget.marking.view.ids) == candidates
    hand.click(centres[3], pane=1)
    hand.press(Qt.Key.Key_1)
    # The mark leaves the threshold where it was moved to.
    assert len(widget.marking.view.ids) == candidates
    assert widget.finding.slider.value() == 0
    widget.finding.slider.setValue(widget.finding.slider.maximum())
    # What a person marked is never hidden.
    assert list(shown(widget).values()).count("intact") == 1
    assert len(widget.marking.view.ids) <= 2
    kept = shown(widget)
    widget.leave()
    viewer.close()
    _, again, hand, _ = sitting()
    assert shown(again) == kept
    # Each move is taken back by itself: the last, the mark, the first.
    again.act("undo")
    assert len(again.marking.view.ids) == candidates
    again.act("undo")
    assert "intact" not in shown(again).values()
    again.act("undo")
    assert again.marking.threshold == pytest.approx(suggested)


def test_what_is_found_for_one_micrograph_is_not_given_to_another(sitting, qtbot):
    viewer, widget, _, _ = sitting()
    _, described, _ = image_layer(np.zeros((SIDE, SIDE)), "other", LayerMemory("micrograph", 1.0))
    other = viewer.add_image(np.random.default_rng(1).normal(size=(SIDE, SIDE)), **described)
    widget.pick()
    assert widget.finder.busy
    # The picks arrive only after another micrograph has been chosen.
    widget.micrograph.setValue(MicrographChoice(None, "other"))
    widget._open_chosen()
    settled(qtbot, widget)
    assert widget.scene.image is other
    assert len(widget.marking.everything[0]) == 0
    # Nor does a layer that comes or goes bring the first one back.
    viewer.add_points(np.zeros((1, 2)), name="something else")
    settled(qtbot, widget)
    assert widget.scene.image is other


def test_picking_again_keeps_what_a_person_marked(sitting, qtbot):
    _, widget, hand, (centres, broken) = sitting()
    picked(qtbot, widget)
    for row in np.flatnonzero(~broken)[:4]:
        hand.click(centres[row], pane=1)
        hand.press(Qt.Key.Key_1)
    widget.finding.setValue(FindingChoice(DIAMETER, like_the_marked=True))
    picked(qtbot, widget)
    assert "4 you marked" in widget.progress.status.text()
    assert widget.marking.view.particles.counts()["intact"] == 4
    assert abs(len(widget.marking.view.ids) - len(centres)) <= 1


def test_a_circle_drawn_over_a_particle_gives_the_diameter(sitting, qtbot):
    viewer, widget, hand, (centres, _) = sitting()
    QTest.mouseClick(widget.finding.measure_button, LEFT)
    y, x = centres[40]
    seen = []

    def look(event):
        grid = grid_of(viewer)
        seen[:] = [
            grid.position(index, viewer.layers)
            for index, layer in enumerate(viewer.layers)
            if layer.name.startswith("diameter")
        ]

    viewer.layers.events.reordered.connect(look)
    viewer.layers.events.inserted.connect(look)
    hand.drag([(y, x - 25), (y, x + 25)], pane=1)
    # While it is drawn, it is in the pane of the mouse as well as in the other.
    assert sorted(seen) == [(0, 0), (0, 1)]
    assert widget.finding.value().diameter_angstrom == pytest.approx(50, abs=2)
    assert widget.scene.particles.layers[0].current_size == pytest.approx(50, abs=2)
    assert not any(layer.name.startswith("diameter") for layer in viewer.layers)
    settled(qtbot, widget)


def test_two_windows_on_one_session_see_each_other(sitting, qtbot, tmp_path):
    _, widget, _, _ = sitting()
    with Session.open(tmp_path / "data" / "napari-n2n.sqlite") as other:
        (record,) = other.micrographs.records()
        from napari_n2n.io import Particles

        other.marks.add(record.id, Particles([(50, 60)]).replaced(given_by=["person"]))
        qtbot.waitUntil(lambda: (50.0, 60.0) in shown(widget), timeout=30_000)
    settled(qtbot, widget)


def test_taking_the_widget_away_gives_everything_back(sitting, qtbot):
    viewer, widget, hand, (centres, _) = sitting()
    picked(qtbot, widget)
    hand.click(centres[0], pane=1)
    viewer.window.remove_dock_widget(widget)
    assert [layer.name for layer in viewer.layers] == ["m1 sum", "m1 denoised"]
    assert not viewer.keymap
    image = viewer.layers["m1 denoised"]
    viewer.layers.selection.active = image
    hand.press(Qt.Key.Key_2)  # napari's own again
    assert image.mode == "transform"
    settled(qtbot, widget)


def test_a_disk_that_refuses_is_told_and_nothing_pretends_to_be_kept(sitting, qtbot, told):
    _, widget, hand, _ = sitting()
    from napari_n2n.errors import WriteProblem

    def full(*_args, **_settings):
        raise WriteProblem("m1.sqlite", "could not be written (the disk is full)", "Free some.")

    widget.marking.session.marks.add = full
    hand.press(Qt.Key.Key_M)
    hand.click((100, 200), pane=1)
    assert not shown(widget)
    left, right = widget.scene.particles.layers
    left.add([[50.0, 60.0]])
    assert len(left.data) == len(right.data) == 0
    assert any("disk is full" in message for message in told)


def test_where_the_folder_cannot_be_written_marks_go_to_the_user_s_folder(
    sitting, qtbot, tmp_path, data_folder, monkeypatch
):
    from napari_n2n.errors import WriteProblem
    from napari_n2n.plugin.particles import sessions as keeping

    real = Session.open

    def refuse(path):
        if tmp_path / "data" in path.parents:
            raise WriteProblem(path, "is read-only", "Keep it elsewhere.")
        return real(path)

    monkeypatch.setattr(keeping.Session, "open", refuse)
    _, widget, _, _ = sitting()
    assert widget.marking.is_open
    assert str(data_folder) in widget.kept.text()
    assert "read-only" in widget.kept.text()


def test_closing_the_window_keeps_the_marks_in_one_file(sitting, qtbot, tmp_path):
    viewer, widget, hand, _ = sitting()
    hand.press(Qt.Key.Key_M)
    hand.click((100, 200), pane=1)
    picked(qtbot, widget)
    widget.pick()  # still at work when the window goes
    viewer.close()
    folder = tmp_path / "data"
    with Session.open(folder / "napari-n2n.sqlite") as session:
        (record,) = session.micrographs.records()
        assert record.counts["intact"] == 1
