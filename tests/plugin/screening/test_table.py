"""The table and the thumbnails as their user meets them: real keys, real clicks."""

import numpy as np
import pytest
from qtpy.QtCore import QEvent, QItemSelectionModel, Qt
from qtpy.QtGui import QKeyEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_n2n.plugin.screening.bar import ScreeningBar
from napari_n2n.plugin.screening.grid import MicrographGrid
from napari_n2n.plugin.screening.model import VERDICT_COLOURS, MicrographModel
from napari_n2n.plugin.screening.table import MicrographTable
from napari_n2n.plugin.screening.thumbnails import MicrographThumbnails
from napari_n2n.plugin.screening.verdicts import MicrographVerdicts

from ...workflow.screening.screened import screened_folder

ROLE = Qt.ItemDataRole
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def verdicts(tmp_path, qapp):
    session = screened_folder(tmp_path / "night")
    verdicts = MicrographVerdicts()
    verdicts.open(session)
    yield verdicts
    verdicts.close()
    session.close()


@pytest.fixture
def thumbnails(verdicts):
    thumbnails = MicrographThumbnails()
    thumbnails.set_session(verdicts.session.path)
    return thumbnails


@pytest.fixture
def model(verdicts, thumbnails):
    model = MicrographModel(verdicts, thumbnails)
    model.arrange()
    return model


@pytest.fixture
def table(model, verdicts, qtbot):
    table = MicrographTable(model, verdicts)
    qtbot.addWidget(table)
    table.resize(800, 400)
    with qtbot.waitExposed(table):
        table.show()
    return table


def texts(model, key):
    column = [column.key for column in model.columns].index(key)
    return [model.data(model.index(row, column)) for row in range(model.rowCount())]


def click_header(table, key):
    header = table.horizontalHeader()
    section = [column.key for column in table.model().columns].index(key)
    spot = header.viewport().rect().topLeft()
    spot.setX(header.sectionViewportPosition(section) + 15)
    spot.setY(header.height() // 2)
    QTest.mouseClick(header.viewport(), LEFT, Qt.KeyboardModifier.NoModifier, spot)


def test_rows_say_what_the_session_holds(model, verdicts):
    assert texts(model, "name") == [f"m{i}.mrc" for i in range(6)]
    assert texts(model, "score")[0] == "10.0"
    verdicts.judge(verdicts.overview.ids[1:2], "reject", "thick ice")
    assert texts(model, "verdict")[:2] == ["", "rejected: thick ice"]
    column = [column.key for column in model.columns].index("verdict")
    colour = model.data(model.index(1, column), ROLE.ForegroundRole)
    assert colour.name() == VERDICT_COLOURS["reject"]


def test_a_click_on_a_title_sorts_and_another_turns_the_order(table, model):
    click_header(table, "brightness")
    assert texts(model, "name") == [f"m{i}.mrc" for i in (5, 4, 3, 2, 1, 0)]
    click_header(table, "brightness")
    assert texts(model, "name") == [f"m{i}.mrc" for i in range(6)]


def test_a_filter_hides_rows_only_when_it_is_asked_again(model, verdicts):
    model.set_filter("undecided")
    verdicts.judge(verdicts.overview.ids[2:4], "keep")
    assert model.rowCount() == 6  # nobody wants rows to jump away while judging
    assert model.is_stale
    model.arrange()
    assert texts(model, "name") == ["m0.mrc", "m1.mrc", "m4.mrc", "m5.mrc"]
    assert not model.is_stale


def test_a_failure_is_told_where_the_mouse_rests(model, verdicts):
    session, first = verdicts.session, int(verdicts.overview.ids[0])
    session.micrographs.set_state(first, "failed", "m0.mrc ends too early. Copy it once more.")
    assert verdicts.refresh([first])
    assert texts(model, "state")[0] == "failed"
    assert "too early" in model.data(model.index(0, 0), ROLE.ToolTipRole)


def test_the_thumbnail_is_that_of_the_denoised_image(model):
    pixmap = model.data(model.index(5, 0), ROLE.DecorationRole)
    assert pixmap.toImage().pixelColor(20, 20).red() == 200


def test_micrographs_that_come_are_added_below(model, verdicts, tmp_path):
    model.sort(3)
    verdicts.session.micrographs.find_or_add(
        tmp_path / "night" / "m9.mrc", shape=(8, 8), pixel_size_angstrom=None
    )
    verdicts.reload()
    assert texts(model, "name")[-1] == "m9.mrc"


def test_a_row_that_is_clicked_is_shown(table, model, verdicts):
    spot = table.visualRect(model.index(3, 1)).center()
    QTest.mouseClick(table.viewport(), LEFT, Qt.KeyboardModifier.NoModifier, spot)
    assert verdicts.current == verdicts.overview.ids[3]
    assert verdicts.selected.tolist() == [verdicts.overview.ids[3]]


def test_what_is_selected_elsewhere_is_selected_here(table, verdicts):
    ids = verdicts.overview.ids[[0, 1, 4]]
    verdicts.select(ids)
    rows = sorted({index.row() for index in table.selectionModel().selectedRows()})
    assert rows == [0, 1, 4]


def test_keys_of_screening_are_handed_on_and_arrows_walk(table, verdicts, qtbot):
    pressed = []
    table.keyPressed.connect(pressed.append)
    verdicts.go_to(int(verdicts.overview.ids[0]))
    for key in (Qt.Key.Key_K, Qt.Key.Key_4, Qt.Key.Key_Space, Qt.Key.Key_Down):
        QTest.keyClick(table, key)
    assert pressed == ["K", "4", "Space"]
    assert verdicts.current == verdicts.overview.ids[1]


def test_a_key_that_is_held_down_judges_once(table):
    pressed = []
    table.keyPressed.connect(pressed.append)
    for again in (False, True, True):
        event = QKeyEvent(
            QEvent.Type.KeyPress, Qt.Key.Key_K, Qt.KeyboardModifier.NoModifier, "k", again
        )
        QApplication.sendEvent(table, event)
    assert pressed == ["K"]


def test_the_bar_filters_counts_and_judges_what_is_selected(model, verdicts, qtbot):
    bar = ScreeningBar(model)
    qtbot.addWidget(bar)
    bar.words.setText("m3")
    assert texts(model, "name") == ["m3.mrc"]
    bar.words.setText("")
    bar.which.setCurrentIndex(bar.which.findData("keep"))
    assert model.rowCount() == 0
    bar.show_state(shown=3, total=6, selected=2)
    assert "3 of 6" in bar.count.text()
    assert bar.selected.text() == "2 selected:"
    chosen = []
    bar.rejectChosen.connect(chosen.append)
    bar.reject_button.menu().actions()[5].trigger()
    assert chosen == ["drift"]
    bar.show_state(shown=3, total=6, selected=0)
    assert not bar.keep_button.isEnabled()


def test_the_grid_shows_the_same_and_walks_with_the_arrows(model, thumbnails, verdicts, qtbot):
    grid = MicrographGrid(model, thumbnails, verdicts)
    qtbot.addWidget(grid)
    grid.resize(500, 400)
    with qtbot.waitExposed(grid):
        grid.show()
    verdicts.go_to(int(verdicts.overview.ids[1]))
    assert grid.currentIndex().row() == 1
    QTest.keyClick(grid, Qt.Key.Key_Right)
    assert verdicts.current == verdicts.overview.ids[2]
    verdicts.select(verdicts.overview.ids[[0, 5]])
    assert grid.selected_rows().tolist() == [0, 5]
    grid.selectionModel().select(model.index(3), QItemSelectionModel.SelectionFlag.ClearAndSelect)
    assert verdicts.selected.tolist() == [verdicts.overview.ids[3]]
    verdicts.judge(verdicts.overview.ids[:1], "reject")
    picture = grid.viewport().grab().toImage()
    first = grid.visualRect(model.index(0))
    assert (
        picture.pixelColor(first.left() + 6, first.center().y()).name()
        == (VERDICT_COLOURS["reject"])
    )
    assert np.isin(["K", "U"], list(grid._keys.values())).all()
