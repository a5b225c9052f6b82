from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_n2n.errors import N2NError
from napari_n2n.io import write_micrograph
from napari_n2n.plugin.screening.form import ScreenChoice, ScreenForm
from napari_n2n.plugin.shared.movie_form import MovieForm
from napari_n2n.settings import setting_fields
from napari_n2n.workflow.recording import RecordingOptions


@pytest.fixture
def form(qtbot):
    made = MovieForm()
    qtbot.addWidget(made)
    return made


def test_left_as_it_is_the_files_tell_everything(form):
    assert form.value() == RecordingOptions()


def test_it_shows_what_it_was_given_and_tells_once(form, qtbot):
    options = RecordingOptions(
        pixel_size_angstrom=0.8285,
        dose_per_frame=1.25,
        gain=Path("/data/gain.mrc"),
        gain_operation="divide",
        gain_rotation=3,
        gain_flip=2,
        eer_frames=40,
        eer_raw_dose=0.0275,
        eer_upsampling=2,
        aligned=True,
    )
    told = []
    form.valueChanged.connect(lambda: told.append(form.value()))
    form.setValue(options)
    assert form.value() == options
    assert told == [options]
    form.setValue(RecordingOptions())
    assert form.value() == RecordingOptions()


def recordings() -> st.SearchStrategy[RecordingOptions]:
    """Everything that a person may say about a recording."""

    def values(field):
        if field.choices:
            return st.sampled_from(field.choices)
        if field.kind is bool:
            return st.booleans()
        if field.kind is Path:
            return st.sampled_from(["gain.mrc", "/data/a b/gain.tif", "../x.gain"]).map(Path)
        numbers = st.integers if field.kind is int else st.floats
        return numbers(field.kind(field.least), field.kind(field.most))

    said = {
        name: st.none() | values(field) if field.optional else values(field)
        for name, field in setting_fields(RecordingOptions).items()
    }
    once = st.fixed_dictionaries(said).filter(
        lambda one: sum(one[f"eer_{how}"] is not None for how in ("frames", "dose", "grouping")) < 2
    )
    return once.map(lambda one: RecordingOptions(**one))


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(options=recordings(), before=recordings())
def test_it_gives_back_whatever_it_was_given(form, options, before):
    form.setValue(before)
    form.setValue(options)
    assert form.value() == options


def test_frames_of_eer_are_counted_or_dosed_not_both(form):
    form.show()
    form.setValue(RecordingOptions(eer_dose=0.8))
    form._fields["eer_frames"].value = 40
    assert form.value() == RecordingOptions(eer_frames=40)
    assert not form._fields["eer_dose"].native.isVisible()
    form._fields["eer_frames"].value = 0
    assert form._fields["eer_dose"].native.isVisible()
    assert form.value() == RecordingOptions(eer_dose=0.8)
    form._fields["eer_grouping"].value = 32
    assert form.value() == RecordingOptions(eer_grouping=32)
    assert not form._fields["eer_dose"].native.isVisible()


def test_a_number_below_what_can_be_right_is_raised_where_one_sees_it(form):
    form._fields["pixel_size_angstrom"].value = 0.01
    assert form._fields["pixel_size_angstrom"].value == 0.05
    assert form.value().pixel_size_angstrom == 0.05


def test_what_is_told_of_a_field_is_the_models(form):
    fields = setting_fields(RecordingOptions)
    assert list(form._fields) == list(fields)
    for name, field in fields.items():
        assert form._fields[name].tooltip == field.description
    labels = [form._fields[name].label for name in ("pixel_size_angstrom", "eer_frames")]
    assert labels == ["Pixel size (Å)", "EER frames"]
    assert form._fields["eer_frames"].native.text() == "by their dose"


def test_a_number_that_was_given_stays_exact_until_another_is_typed(form):
    form.setValue(RecordingOptions(pixel_size_angstrom=1.0 / 3))
    assert form.value().pixel_size_angstrom == 1.0 / 3
    form._fields["pixel_size_angstrom"].value = 0.5
    assert form.value().pixel_size_angstrom == 0.5


def test_how_the_gain_lies_is_asked_only_where_there_is_one(form):
    form.show()
    turn = form._fields["gain_rotation"].native
    assert not turn.isVisible()
    form.setValue(RecordingOptions(gain=Path("gain.mrc")))
    assert turn.isVisible()


def test_screening_reads_the_gain_that_was_chosen(qtbot, tmp_path):
    form = ScreenForm()
    qtbot.addWidget(form)
    write_micrograph(tmp_path / "gain.mrc", np.full((4, 6), 2.0, np.float32), 1.0)
    options = RecordingOptions(gain=tmp_path / "gain.mrc", gain_rotation=1, pixel_size_angstrom=1.1)
    choice = ScreenChoice("", movies=options)
    form.setValue(choice)
    assert form.value() == choice
    movies = form.value().settings(2.0).movies
    assert movies.gain.rotation == 1
    assert movies.gain.pixels.shape == (4, 6)
    assert movies.recording.pixel_size_angstrom == 1.1  # a person's word before a STAR file's
    lost = ScreenChoice("", movies=RecordingOptions(gain=tmp_path / "none.mrc"))
    with pytest.raises(N2NError, match=r"none\.mrc"):
        lost.settings()


def test_a_gain_that_is_cleared_leaves_nothing_behind(form):
    form.setValue(RecordingOptions(gain=Path("gain.mrc"), gain_rotation=1, gain_flip=2))
    form._fields["gain"].value = None
    assert form.value() == RecordingOptions()


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
