"""Which session keeps the marks of a layer."""

import numpy as np
import pytest
from napari.layers import Image

from napari_n2n.errors import WriteProblem
from napari_n2n.io import write_micrograph
from napari_n2n.plugin.particles.finding_form import FindingChoice
from napari_n2n.plugin.particles.micrograph_form import MicrographChoice
from napari_n2n.plugin.particles.sessions import SessionHandles
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
