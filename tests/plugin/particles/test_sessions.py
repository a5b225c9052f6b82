"""Which session keeps the marks of a layer."""

from dataclasses import replace

import numpy as np
import pytest
from napari.layers import Image

from napari_n2n.errors import WriteProblem
from napari_n2n.io import Particles, write_micrograph
from napari_n2n.io.outputs import ROWS_OF_TIFF
from napari_n2n.plugin.particles.finding_form import FindingChoice
from napari_n2n.plugin.particles.micrograph_form import MicrographChoice
from napari_n2n.plugin.particles.sessions import SessionHandles
from napari_n2n.plugin.shared.layers import LayerMemory, image_layer
from napari_n2n.session import Session, database, session_path_in


@pytest.fixture
def sessions():
    sessions = SessionHandles()
    yield sessions
    sessions.close()


def test_a_session_of_the_user_that_may_not_be_written_is_told_until_it_may(
    sessions, data_folder, monkeypatch
):
    nameless = Image(np.zeros((8, 8), np.float32), name="drawn")
    session, number, _ = sessions.session_for(nameless)
    assert data_folder in session.path.parents
    sessions.close()
    with monkeypatch.context() as patching:
        patching.setattr(database, "_may_be_written", lambda path: False)
        for _ in range(2):
            with pytest.raises(WriteProblem, match="read-only"):
                sessions.session_for(nameless)
    session, again, _ = sessions.session_for(nameless)
    assert again == number
    assert not session.read_only


@pytest.fixture
def two_nights(make_napari_viewer, qtbot, tmp_path, workers_end):
    """Open a micrograph of each of two folders, and the Particles widget."""
    from napari_n2n.plugin.particles.widget import ParticlesWidget

    viewer = make_napari_viewer()
    for night in ("monday", "tuesday"):
        (tmp_path / night).mkdir()
        pixels = np.random.default_rng(0).normal(size=(64, 64)).astype(np.float32)
        write_micrograph(tmp_path / night / f"{night}.mrc", pixels, 2.0)
        viewer.open(str(tmp_path / night / f"{night}.mrc"), plugin="napari-n2n")
    widget = ParticlesWidget(viewer)
    viewer.window.add_dock_widget(widget, name="Particles")

    def go_to(night):
        widget.micrograph.setValue(MicrographChoice(None, night))
        qtbot.waitUntil(lambda: widget.scene.image is viewer.layers[night], timeout=10_000)
        qtbot.waitUntil(lambda: not widget.finder.busy, timeout=60_000)

    yield widget, go_to, tmp_path
    widget.leave()


def kept_in(folder):
    with Session.open(session_path_in(folder)) as session:
        return session.setting("diameter_angstrom"), session.setting("contrast", "auto")


def test_each_folder_keeps_its_own_diameter_and_contrast(two_nights):
    widget, go_to, folder = two_nights
    go_to("monday")
    widget.finding.setValue(FindingChoice(30.0, contrast="bright"))
    go_to("tuesday")
    assert widget.finding.value().contrast == "auto"
    widget.finding.setValue(FindingChoice(50.0, contrast="dark"))
    for _ in range(2):
        go_to("monday")
        assert widget.finding.value() == FindingChoice(30.0, contrast="bright")
        go_to("tuesday")
        assert widget.finding.value() == FindingChoice(50.0, contrast="dark")
    assert kept_in(folder / "monday") == (30.0, "bright")
    assert kept_in(folder / "tuesday") == (50.0, "dark")


@pytest.fixture
def on_a_sum(make_napari_viewer, qtbot, tmp_path, workers_end):
    """Open the sum of a movie, as the Denoise widget or a file has it, and pick one particle."""
    from napari_n2n.plugin.particles.widget import ParticlesWidget

    opened = []

    def sit(path, memory):
        pixels = np.random.default_rng(0).normal(size=(64, 48)).astype(np.float32)
        viewer = make_napari_viewer()
        if memory is None:
            viewer.open(str(path), plugin="napari-n2n")
        else:
            data, described, _ = image_layer(pixels, "mv sum", memory)
            viewer.add_layer(Image(data, **described))
        widget = ParticlesWidget(viewer)
        opened.append(widget)
        viewer.window.add_dock_widget(widget, name="Particles")
        qtbot.waitUntil(lambda: not widget.finder.busy, timeout=60_000)
        widget.marking.replace_picks(Particles([(10.0, 20.0)]), 1.0, None)
        widget.export.setValue(replace(widget.export.value(), labels=frozenset({"unlabelled"})))
        return widget

    yield sit
    for widget in opened:
        widget.leave()


@pytest.mark.parametrize("kind", ["tif", "mrc"])
@pytest.mark.parametrize("is_open", ["just aligned", "a file"])
def test_positions_on_the_sum_of_a_tiff_movie_are_turned_for_relion(
    on_a_sum, tmp_path, kind, is_open
):
    """RELION reads a TIFF's rows from the last one, and its sums lie in the first frame."""
    movie = tmp_path / f"mv.{kind}"
    movie.write_bytes(b"a movie")
    path, memory = movie, LayerMemory("sum", 2.0, path=movie, first_frame_shift_px=(3.0, -1.0))
    if is_open == "a file":
        path, memory = tmp_path / "mv_sum.mrc", None
        labels = [ROWS_OF_TIFF] if kind == "tif" else []
        write_micrograph(path, np.zeros((64, 48), np.float32) + np.eye(64, 48), 2.0, labels=labels)
    widget = on_a_sum(path, memory)
    assert widget.export.value().mirror_y == (kind == "tif")
    star = tmp_path / "out.star"
    widget.exchange.export_picks(star)
    shift = (3.0, -1.0) if memory is not None else (0.0, 0.0)
    y, x = 10 + shift[0], 20 + shift[1]
    text = star.read_text().split()
    assert f"{x:.2f}" in {f"{float(word):.2f}" for word in text if is_number(word)}
    wanted = 63 - y if kind == "tif" else y
    assert f"{wanted:.2f}" in {f"{float(word):.2f}" for word in text if is_number(word)}


def is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True
