from pathlib import Path

import numpy as np
import pytest
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_n2n.errors import N2NError
from napari_n2n.io import write_micrograph
from napari_n2n.plugin.screening.form import ScreenChoice, ScreenForm
from napari_n2n.plugin.shared.movie_form import MovieForm
from napari_n2n.workflow.movie_settings import MovieOptions


@pytest.fixture
def form(qtbot):
    made = MovieForm()
    qtbot.addWidget(made)
    return made


def test_left_as_it_is_the_files_tell_everything(form):
    assert form.value() == MovieOptions()


def test_it_shows_what_it_was_given_and_tells_once(form, qtbot):
    options = MovieOptions(
        pixel_size_angstrom=0.8285,
        dose_per_frame=1.25,
        gain=Path("/data/gain.mrc"),
        gain_operation="divide",
        gain_rotation=3,
        gain_flip=2,
        eer_dose=0.9,
        eer_raw_dose=0.0275,
        eer_upsampling=2,
        aligned=True,
    )
    told = []
    form.valueChanged.connect(lambda: told.append(form.value()))
    form.setValue(options)
    assert form.value() == options
    assert told == [options]
    form.setValue(MovieOptions())
    assert form.value() == MovieOptions()


def test_how_the_gain_lies_is_asked_only_where_there_is_one(form):
    form.show()
    turn = form._fields["gain_rotation"].native
    assert not turn.isVisible()
    form.setValue(MovieOptions(gain=Path("gain.mrc")))
    assert turn.isVisible()


def test_screening_reads_the_gain_that_was_chosen(qtbot, tmp_path):
    form = ScreenForm()
    qtbot.addWidget(form)
    write_micrograph(tmp_path / "gain.mrc", np.full((4, 6), 2.0, np.float32), 1.0)
    options = MovieOptions(gain=tmp_path / "gain.mrc", gain_rotation=1, pixel_size_angstrom=1.1)
    choice = ScreenChoice("", movies=options)
    form.setValue(choice)
    assert form.value() == choice
    movies = form.value().settings(2.0).movies
    assert movies.gain.rotation == 1
    assert movies.gain.pixels.shape == (4, 6)
    assert movies.pixel_size_angstrom == 1.1  # a person's word before a STAR file's
    lost = ScreenChoice("", movies=MovieOptions(gain=tmp_path / "none.mrc"))
    with pytest.raises(N2NError, match=r"none\.mrc"):
        lost.settings()


def test_a_gain_that_is_cleared_leaves_nothing_behind(form):
    form.setValue(MovieOptions(gain=Path("gain.mrc"), gain_rotation=1, gain_flip=2))
    form._fields["gain"].value = None
    assert form.value() == MovieOptions()


def test_a_number_counts_when_it_is_typed_to_its_end_and_the_wheel_does_not_change_it(form, qtbot):
    field = form._fields["pixel_size_angstrom"].native
    form.show()
    told = []
    form.valueChanged.connect(lambda: told.append(form.value().pixel_size_angstrom))
    field.selectAll()
    QTest.keyClicks(field, "1.05")
    assert told == []
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert told == [1.05]
    centre = QPointF(field.rect().center())
    wheel = QWheelEvent(
        centre, field.mapToGlobal(centre), QPoint(), QPoint(0, 120), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(field, wheel)
    assert form.value().pixel_size_angstrom == 1.05
