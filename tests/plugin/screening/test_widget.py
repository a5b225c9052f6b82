"""A person's sitting with the Screening widget, by real keys and mouse."""

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image, Points
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_n2n.denoising.inference.removed import Removed
from napari_n2n.io import write_micrograph, write_mrc_stack
from napari_n2n.plugin.screening import exports as screening_exchange
from napari_n2n.plugin.screening.form import ScreenChoice
from napari_n2n.plugin.screening.widget import ScreeningWidget
from napari_n2n.plugin.shared.canvas import grid_of
from napari_n2n.session import Session, session_path_in
from napari_n2n.simulation import SimulationConfig, simulate
from napari_n2n.workflow.contrast import BRIGHT, contrast_said_in, say_contrast
from napari_n2n.workflow.fields_of_view import DenoisedMicrograph
from napari_n2n.workflow.movie_reader import MovieReader
from napari_n2n.workflow.recording import RecordingOptions
from napari_n2n.workflow.screening import ScreenSettings, results_of
from napari_n2n.workflow.screening.asked_before import keep_asked
from napari_n2n.workflow.screening.results import write_pictures

from ...workflow.screening.screened import screened_folder
from ..driving import presser, settled

LEFT = Qt.MouseButton.LeftButton
SIDE = 256


@pytest.fixture
def panel(qtbot, workers_end, tmp_path):
    """Open a folder of six that was screened: gives (widget, press a key on the panel, folder).

    There is no window around it, which is quicker.
    """
    opened = []

    def sit(count: int = 6, **more):
        folder = tmp_path / "night"
        screened_folder(folder, count, **more).close()
        widget = ScreeningWidget(ViewerModel())
        qtbot.addWidget(widget)
        opened.append(widget)
        widget.show()
        widget.form.setValue(ScreenChoice(str(folder)))
        settled(qtbot, widget)
        return widget, presser(qtbot, widget, widget), folder

    yield sit
    for widget in opened:
        widget.leave()


def verdicts(widget) -> dict[str, str]:
    seen = widget.verdicts.overview
    return dict(zip(seen.names, seen.verdicts.tolist(), strict=True))


def on_disk(folder) -> dict[str, tuple[str, str]]:
    with Session.open(session_path_in(folder)) as session:
        seen = session.micrographs.overview()
    told = zip(seen.verdicts.tolist(), seen.reasons.tolist(), strict=True)
    return dict(zip(seen.names, told, strict=True))


def test_from_a_folder_to_the_files_for_relion(sitting, qtbot, tmp_path):
    folder = tmp_path / "night"
    folder.mkdir()
    for i in range(4):
        movie = simulate(
            SimulationConfig(
                shape=(SIDE, SIDE), n_frames=4, pixel_size_angstrom=2.0, contrast=2.0, seed=i
            )
        )
        image = movie.frames.sum(axis=0, dtype=np.float32)
        write_micrograph(folder / f"m{i}.mrc", image, 2.0)
    (folder / "torn.mrc").write_bytes((folder / "m0.mrc").read_bytes()[:5000])
    viewer, widget, press = sitting()

    # Screen: one big button.
    widget.form.setValue(ScreenChoice(str(folder)))
    assert "5 files" in widget.progress.status.text()
    QTest.mouseClick(widget.screen_button, LEFT)
    assert widget.screen_button.text() == "Stop"
    qtbot.waitUntil(lambda: not widget.job.busy, timeout=180_000)
    settled(qtbot, widget)
    seen = widget.verdicts.overview
    assert sorted(seen.states.tolist()) == ["done"] * 4 + ["failed"]
    assert "torn.mrc" in str(seen.messages[seen.names.index("torn.mrc")])
    assert np.isfinite(seen.figures["score"]).sum() == 4

    # The first one is shown, raw beside denoised, and the next is in memory.
    assert grid_of(viewer).enabled
    images = widget.current.view.layers
    assert [layer.name.split()[-1] for layer in images] == ["raw", "denoised"]
    first = widget.verdicts.current
    following = [i for i in seen.ids.tolist() if i != first and seen.states[i - 1] == "done"]
    assert any(widget.current.reader.get(micrograph) is not None for micrograph in following)

    # Judge, with keys over the canvas: keep one, reject two, one of them for a reason.
    names = []
    for keys in ((Qt.Key.Key_K,), (Qt.Key.Key_R, Qt.Key.Key_2), (Qt.Key.Key_R, Qt.Key.Key_Space)):
        names.append(widget.name.text())
        for key in keys:
            press(key)
    names.append(widget.name.text())
    assert sorted(names) == [f"m{i}.mrc" for i in range(4)]
    expected = {
        names[0]: ("keep", ""),
        names[1]: ("reject", "carbon edge"),
        names[2]: ("reject", ""),
        names[3]: ("undecided", ""),
        "torn.mrc": ("undecided", ""),
    }
    assert on_disk(folder) == expected
    assert widget.judged.text() == "3 of 5 judged, 1 kept"
    assert images[0].name.startswith(names[3])

    # Think better of the last one.
    press(Qt.Key.Key_U)
    assert widget.name.text() == names[2]
    assert on_disk(folder)[names[2]] == ("undecided", "")
    press(Qt.Key.Key_K)
    assert on_disk(folder)[names[2]] == ("keep", "")

    # Hand on: exactly the kept ones.
    star = tmp_path / "micrographs.star"
    widget.export.ask_for_file = lambda title, proposed: star
    QTest.mouseClick(widget.export.export_button, LEFT)
    told = star.read_text()
    assert {name for name in expected if name in told} == {names[0], names[2]}

    # The summary names the file that failed, and needs nothing from the net.
    page = tmp_path / "report.html"
    widget.write_summary(page)
    assert "torn.mrc" in page.read_text()

    # Screening again does nothing twice.
    widget.screen()
    qtbot.waitUntil(lambda: not widget.job.busy, timeout=180_000)
    assert "4 had been screened before" in widget.progress.status.text()


def test_a_folder_that_was_screened_is_shown_as_it_was_left(sitting, qtbot, tmp_path):
    folder = tmp_path / "night"
    with screened_folder(folder) as session:
        session.verdicts.give([1, 2], "keep")
    _, widget, press = sitting()
    widget.form.setValue(ScreenChoice(str(folder)))
    settled(qtbot, widget)
    assert widget.name.text() == "m2.mrc"  # the first that is undecided
    assert widget.judged.text() == "2 of 6 judged, 2 kept"

    # Walk about, with keys over the canvas.
    press(Qt.Key.Key_Space)
    assert widget.name.text() == "m3.mrc"
    press(Qt.Key.Key_Left)
    press(Qt.Key.Key_Left)
    assert widget.name.text() == "m1.mrc"
    press(Qt.Key.Key_0)
    assert verdicts(widget)["m1.mrc"] == "undecided"

    # Spectrum and thumbnails come and go with their keys.
    overview = widget.dock.overview
    press(Qt.Key.Key_P)
    qtbot.waitUntil(lambda: overview.spectrum.spectrum is not None, timeout=20_000)
    press(Qt.Key.Key_P)
    assert not overview.showing_spectrum
    press(Qt.Key.Key_G)
    assert overview.grid.isVisible()
    QTest.keyClick(overview.grid, Qt.Key.Key_K)  # keys work there as well
    assert verdicts(widget)["m1.mrc"] == "keep"
    QTest.keyClick(overview.grid, Qt.Key.Key_G)
    assert overview.table.isVisible()

    # What is below can be put away, and comes back as it was.
    QTest.mouseClick(widget.overview_button, LEFT)
    assert not overview.isVisible()
    QTest.mouseClick(widget.overview_button, LEFT)
    qtbot.waitUntil(overview.table.isVisible, timeout=20_000)


def test_who_does_not_want_to_be_moved_on_stays(panel):
    widget, press, _ = panel()
    widget.move_on.setChecked(False)
    press(Qt.Key.Key_K)
    assert widget.name.text() == "m0.mrc"
    assert "Kept" in widget.verdict.text()
    press(Qt.Key.Key_Space)
    assert widget.name.text() == "m1.mrc"
    press(Qt.Key.Key_R)
    press(Qt.Key.Key_R)  # once more: without a reason
    assert widget.name.text() == "m1.mrc"


def test_the_last_verdict_is_told_to_be_the_last(panel):
    widget, press, _ = panel(count=2)
    press(Qt.Key.Key_K)
    press(Qt.Key.Key_3)
    assert widget.judged.text() == "2 of 2 judged, 1 kept"
    assert "All are judged" in widget.said.text()


def test_many_are_rejected_at_once_and_taken_back_at_once(panel):
    widget, press, folder = panel()
    overview = widget.dock.overview
    overview.plot.choose("score")
    overview.plot._box.drawn.emit([(0.0, 0.0), (35.0, 1.0)], True)
    overview.bar.reject_button.menu().actions()[6].trigger()
    rejected = {name: told for name, told in on_disk(folder).items() if told[0] == "reject"}
    assert rejected == {f"m{i}.mrc": ("reject", "thick ice") for i in range(3)}
    press(Qt.Key.Key_U)
    assert {told[0] for told in on_disk(folder).values()} == {"undecided"}
    press(Qt.Key.Key_U, Qt.KeyboardModifier.ShiftModifier)
    assert verdicts(widget)["m2.mrc"] == "reject"


def test_particles_are_drawn_over_both(panel):
    widget, press, _ = panel(count=2, particles=True)
    images = [layer for layer in widget.current.view.layers if isinstance(layer, Image)]
    points = [layer for layer in widget.current.view.layers if isinstance(layer, Points)]
    assert [len(layer.data) for layer in points] == [5, 5]
    before = points[0].data.copy()
    press(Qt.Key.Key_Space)
    assert [layer.name for layer in images] == ["m1.mrc raw", "m1.mrc denoised"]
    assert images[1].data[0].max() == 2.0
    assert not np.array_equal(before, points[0].data)
    np.testing.assert_array_equal(points[0].data, points[1].data)


def test_what_another_window_judges_is_seen(panel, qtbot):
    widget, _, folder = panel()
    with Session.open(session_path_in(folder)) as other:
        other.verdicts.give([4], "reject", reason="drift")
    qtbot.waitUntil(lambda: verdicts(widget)["m3.mrc"] == "reject", timeout=20_000)


def test_a_layer_that_is_deleted_comes_back_with_the_next_micrograph(panel):
    widget, press, _ = panel()
    view = widget.current.view
    view._viewer.layers.remove(view.layers[0])
    press(Qt.Key.Key_Space)
    assert [layer.name for layer in view.layers] == ["m1.mrc raw", "m1.mrc denoised"]


def test_leaving_gives_back_layers_and_keys(panel):
    widget, _, _ = panel()
    viewer = widget.current.view._viewer
    assert len(viewer.layers) == 2
    assert viewer.keymap
    widget.leave()
    assert not viewer.layers
    assert not viewer.keymap


def test_a_wrong_folder_is_told_of(panel, tmp_path, told):
    widget, _, _ = panel(count=1)
    empty = tmp_path / "empty"
    empty.mkdir()
    widget.form.setValue(ScreenChoice(str(empty)))
    assert "empty" in told[0]
    assert "without image files" in widget.progress.status.text()
    assert not widget.verdicts.overview.names  # the other folder is not shown under this one's name


def test_every_export_writes_what_it_says(tmp_path):
    with screened_folder(tmp_path / "night", particles=True) as session:
        session.verdicts.give([1, 2], "keep")
        for export in screening_exchange.EXPORTS:
            done = export.write(tmp_path / export.proposed, session)
            assert done.path.exists()
            assert done.sentence


def test_what_was_removed_is_shown_of_each_micrograph_in_turn(panel, qtbot):
    widget, press, _ = panel()
    view = widget.current.view
    layers = view.comparison._viewer.layers

    def shown():
        return [layer.name for layer in layers if layer.visible]

    qtbot.mouseClick(widget.view.buttons["removed"], LEFT)
    assert widget.view.buttons["removed"].isChecked()
    assert shown() == ["m0.mrc raw", "m0.mrc raw · removed"]
    for number in (1, 2):
        press(Qt.Key.Key_Space)
        assert shown() == [f"m{number}.mrc raw", f"m{number}.mrc raw · removed"]
        picture = view.picture
        gone = picture.raw.levels[0] - picture.denoised.levels[0]
        np.testing.assert_allclose(layers[f"m{number}.mrc raw · removed"].data[0], gone)
    # Where there is nothing of a micrograph yet, nothing of another one is seen.
    view.hide()
    assert shown() == []
    qtbot.mouseClick(widget.view.buttons["grid"], LEFT)
    press(Qt.Key.Key_Space)
    assert shown() == ["m3.mrc raw", "m3.mrc denoised"]
    qtbot.mouseClick(widget.view.buttons["removed"], LEFT)
    assert shown() == ["m3.mrc raw", "m3.mrc raw · removed"]
    np.testing.assert_allclose(
        layers["m3.mrc raw · removed"].data[0],
        view.picture.raw.levels[0] - view.picture.denoised.levels[0],
    )


def test_lost_specimen_and_bright_particles_are_said_of_the_one_that_is_shown(panel, qtbot):
    widget, press, folder = panel()
    removed = Removed(0.4, 0.6, 2.41, 1.9, holds_structure=True)
    rng = np.random.default_rng(0)
    raw, denoised = rng.standard_normal((2, 128, 128), dtype=np.float32)
    results = results_of(session_path_in(folder), folder / "m1.mrc")
    results.thumbnail.unlink()
    made = DenoisedMicrograph(denoised, 1.5, raw, removed=removed, contrast="bright")
    list(write_pictures(results, made))
    widget.current.made_anew(int(widget.verdicts.overview.ids[1]))
    settled(qtbot, widget)
    assert not widget.careful.isVisibleTo(widget)
    press(Qt.Key.Key_Space)
    assert widget.careful.isVisibleTo(widget)
    assert widget.careful.text() == removed.warning
    assert BRIGHT in widget.told.text()
    press(Qt.Key.Key_Space)
    assert not widget.careful.isVisibleTo(widget)
    assert BRIGHT not in widget.told.text()


def test_what_was_said_of_a_night_is_asked_no_more(panel, qtbot):
    widget, _, folder = panel()
    assert widget.form.value().contrast == "auto"
    with Session.open(session_path_in(folder)) as session:
        say_contrast(session, "bright")
    again = ScreeningWidget(ViewerModel())
    qtbot.addWidget(again)
    again.form.setValue(ScreenChoice(str(folder)))
    assert again.form.value() == ScreenChoice(str(folder), contrast="bright")
    assert again.form.value().settings().contrast == "bright"
    again.leave()
    # What is said now wins.
    third = ScreeningWidget(ViewerModel())
    qtbot.addWidget(third)
    third.form.setValue(ScreenChoice(str(folder), contrast="dark"))
    assert third.form.value().contrast == "dark"
    third.leave()
    with Session.open(session_path_in(folder)) as session:
        assert contrast_said_in(session) == "bright"  # until it is screened so


def test_a_night_is_gone_on_with_as_it_was_begun(panel, qtbot, tmp_path):
    widget, _, folder = panel()
    widget.leave()
    model = tmp_path / "mine.safetensors"
    said = RecordingOptions(pixel_size_angstrom=1.35, dose_per_frame=1.2, gain=tmp_path / "g.mrc")
    write_mrc_stack(said.gain, np.ones((1, 64, 64), np.float32), None)
    with Session.open(session_path_in(folder)) as session:
        keep_asked(session, ScreenSettings(MovieReader(said), model, 160.0))
    again = ScreeningWidget(ViewerModel())
    qtbot.addWidget(again)
    again.form.setValue(ScreenChoice(str(folder)))
    assert again.form.value() == ScreenChoice(str(folder), False, 160.0, said, model)
    assert "so are the settings" in again.said.text() + again.progress.status.text()
    again.leave()
    # What is said now wins.
    third = ScreeningWidget(ViewerModel())
    qtbot.addWidget(third)
    now = RecordingOptions(pixel_size_angstrom=0.7)
    third.form.setValue(ScreenChoice(str(folder), diameter_angstrom=90, movies=now))
    assert third.form.value() == ScreenChoice(str(folder), False, 90, now, model)
    third.leave()
