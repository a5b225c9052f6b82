"""A night at the microscope: movies are written while they are screened and judged."""

import functools
import threading
from collections import Counter
from pathlib import Path
from time import sleep

import mrcfile
import numpy as np
import starfile
from numpy.typing import NDArray
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_n2n.plugin.screening import jobs as screening_jobs
from napari_n2n.plugin.screening.form import ScreenChoice
from napari_n2n.session import Session, session_path_in
from napari_n2n.simulation import SimulationConfig, simulate
from napari_n2n.workflow.screening import Feed

from ..driving import STANDSTILL_MS, as_long_as_it_goes_on, settled

LEFT = Qt.MouseButton.LeftButton
SIDE, FRAMES, SIZE_ANGSTROM = 640, 4, 2.0
TORN = (3, 7)
# What the movies show; and by which key that is rejected, for which reason.
KINDS = ("good", "good", "drifting", "good", "dirty", "good", "empty", "good", "thick", "good")
COUNT = len(KINDS)
REASONS = {
    "drifting": (Qt.Key.Key_5, "drift"),
    "dirty": (Qt.Key.Key_1, "contamination"),
    "empty": (Qt.Key.Key_7, "empty"),
    "thick": (Qt.Key.Key_6, "thick ice"),
}


def name_of(i: int) -> str:
    return f"grid_{i:03d}.mrcs"


def kind_of(name: str) -> str:
    i = int(Path(name).stem.removeprefix("grid_"))
    return "torn" if i in TORN else KINDS[i]


def frames_of(kind: str, seed: int) -> NDArray[np.int8]:
    movie = simulate(
        SimulationConfig(
            shape=(SIDE, SIDE),
            n_frames=FRAMES,
            pixel_size_angstrom=SIZE_ANGSTROM,
            dose_per_frame=6.0,
            n_particles=0 if kind == "empty" else 36,
            contaminant_count=7 if kind == "dirty" else 0,
            contrast=0.3 if kind == "thick" else 1.3,
            global_drift_angstrom=250.0 if kind == "drifting" else 4.0,
            seed=seed,
        )
    )
    counts = movie.frames.astype(np.int8)
    return counts // 2 if kind == "thick" else counts


class Microscope(threading.Thread):
    """Writes the night's movies one by one, each in pieces, as a detector's computer does."""

    def __init__(self, folder: Path) -> None:
        super().__init__(daemon=True)
        self._folder = folder

    def run(self) -> None:
        for i in range(COUNT):
            path = self._folder / name_of(i)
            whole = self._movie(i)
            pieces = np.array_split(np.frombuffer(whole, np.uint8), 4)
            with path.open("wb") as file:
                for piece in pieces[: 2 if i in TORN else 4]:
                    file.write(piece.tobytes())
                    file.flush()
                    sleep(0.02)

    def _movie(self, i: int) -> bytes:
        """Return a movie's file."""
        path = self._folder.parent / "being written.mrc"
        with mrcfile.new(path, frames_of(KINDS[i], seed=i), overwrite=True) as file:
            file.voxel_size = SIZE_ANGSTROM
            file.set_image_stack()
        return path.read_bytes()


def test_a_night_is_watched_judged_and_handed_on(sitting, qtbot, tmp_path, monkeypatch):
    night = tmp_path / "night"
    night.mkdir()
    # A writer that gets no turn on a busy machine is not to be taken for a torn file.
    soon = functools.partial(Feed, rest_seconds=0.3, patience_seconds=10.0)
    monkeypatch.setattr(screening_jobs, "Feed", soon)
    _, widget, press = sitting()

    microscope = Microscope(night)
    microscope.start()
    qtbot.waitUntil(lambda: any(night.iterdir()), timeout=STANDSTILL_MS)
    # Dirt as small as a particle is told from particles whose diameter is known.
    widget.form.setValue(ScreenChoice(str(night), watch=True, diameter_angstrom=124.0))
    QTest.mouseClick(widget.screen_button, LEFT)

    # Judged as they come, by keys over the canvas: what is good is kept.
    judged: dict[str, str] = {}
    wanted = COUNT - len(TORN)

    def look() -> bool:
        seen, current = widget.verdicts.overview, widget.verdicts.current
        row = widget.verdicts.row_of(current)
        undecided = row is not None and seen.verdicts[row] == "undecided"
        if undecided and seen.states[row] == "done" and widget.current.is_shown:
            name = widget.name.text()
            assert name not in judged
            judged[name] = kind_of(name)
            press(Qt.Key.Key_K if judged[name] == "good" else REASONS[judged[name]][0])
        elif ((seen.states == "done") & (seen.verdicts == "undecided")).any():
            press(Qt.Key.Key_Space)
        return len(judged) == wanted

    def how_far() -> tuple[object, ...]:
        states = widget.verdicts.overview.states
        written = sum(file.stat().st_size for file in night.glob("*.mrcs"))
        return written, len(states), Counter(states.tolist()), len(judged)

    as_long_as_it_goes_on(qtbot, look, how_far)
    assert not microscope.is_alive()
    as_long_as_it_goes_on(
        qtbot, lambda: (widget.verdicts.overview.states == "failed").sum() == len(TORN), how_far
    )
    QTest.mouseClick(widget.screen_button, LEFT)  # it would watch for ever
    qtbot.waitUntil(lambda: not widget.job.busy, timeout=STANDSTILL_MS)
    settled(qtbot, widget)
    assert widget.judged.text().startswith(f"{wanted} of {COUNT} judged")

    # Torn ones are named, and nothing else suffered.
    seen = widget.verdicts.overview
    states = dict(zip(seen.names, zip(seen.states, seen.messages, strict=True), strict=True))
    assert len(states) == COUNT
    for name, (state, message) in states.items():
        assert state == ("failed" if kind_of(name) == "torn" else "done"), (name, message)
        assert (name in message) == (kind_of(name) == "torn")

    # Figures tell the kinds apart.
    kinds = np.array([kind_of(name) for name in seen.names])

    def typical(figure: str, kind: str) -> float:
        return float(np.median(seen.figures[figure][kinds == kind]))

    assert typical("drift_total_angstrom", "drifting") > 10 * typical(
        "drift_total_angstrom", "good"
    )
    assert typical("brightness", "thick") < 0.7 * typical("brightness", "good")
    assert typical("contaminated_percent", "dirty") > 5 + typical("contaminated_percent", "good")
    good = typical("score", "good")
    assert all(typical("score", kind) < good - 10 for kind in REASONS)

    # RELION gets exactly the kept ones; the verdicts are in the file, and in the summary.
    star, page = tmp_path / "movies.star", tmp_path / "report.html"
    widget.export.ask_for_file = lambda title, proposed: star
    QTest.mouseClick(widget.export.export_button, LEFT)
    written = {Path(name).name for name in starfile.read(star)["movies"]["rlnMicrographMovieName"]}
    assert written == {name_of(i) for i in range(COUNT) if kind_of(name_of(i)) == "good"}
    with Session.open(session_path_in(night)) as session:
        kept = session.micrographs.overview()
    for name, verdict, reason in zip(kept.names, kept.verdicts, kept.reasons, strict=True):
        kind = kind_of(name)
        expected = {"good": ("keep", ""), "torn": ("undecided", "")}
        assert (verdict, reason) == expected.get(kind) or reason == REASONS[kind][1], name
    widget.write_summary(page)
    assert all(name_of(i) in page.read_text() for i in TORN)
