"""Time of what a person waits for while screening, as told in docs/screening.md.

Run: xvfb-run -a -s "-screen 0 1600x1000x24" python tests/benchmarks/bench_screening.py
     [--micrographs 20000] [--side 4096] [--folder F]

The first table is a session of many micrographs in the window: opening it, sorting, a key. The
second is one micrograph after the other on the screen, each ready in memory, as the reading ahead
leaves them. Times are of the wall, median and worst: from the press of a key to the verdict on the
disk, and until the window is drawn.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import napari
import numpy as np
import platformdirs
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_n2n.io import Particles
from napari_n2n.plugin.screening.widget import ScreeningWidget
from napari_n2n.session import Session, session_path_in
from napari_n2n.workflow.screening.pictures import ImagePyramid, MicrographPicture

HEADER = "| | median, ms | worst |\n|---|---|---|"
NAMES = ("score", "resolution_angstrom", "snr", "drift_total_angstrom", "contaminated_percent")


def drawn(passes: int = 1) -> None:
    """Let Qt do what is due, and what is due after that."""
    for _ in range(passes):
        QApplication.processEvents()


def measure(name: str, call: Callable[[int], object], times: int, passes: int = 1) -> None:
    """Print a line of the table; ``passes`` until all is drawn, 0: not waited for."""
    wall = []
    for k in range(times):
        start = time.perf_counter()
        call(k)
        drawn(passes)
        wall.append(1000 * (time.perf_counter() - start))
        drawn(3)
    print(f"| {name} | {np.median(wall):.0f} | {max(wall):.0f} |", flush=True)


def fill(session: Session, folder: Path, number: int) -> None:
    """Add micrographs with figures, all of them processed."""
    dice = np.random.default_rng(0)
    ids = session.micrographs.add_files(folder / f"movie_{i:05d}.tif" for i in range(number))
    with session._database.writing() as connection:  # one commit, not 20,000
        from napari_n2n.session import processing_state as processing

        for micrograph in ids.tolist():
            figures = dict(zip(NAMES, 100 * dice.random(len(NAMES)), strict=True))
            processing.set_figures(connection, micrograph, figures, "", 1e9 + micrograph)


def bench_session(widget: ScreeningWidget, folder: Path) -> None:
    """Time what is done to a table of many."""
    print(HEADER)
    measure("open", lambda _: widget._open(folder, make=False), 1)
    overview, verdicts = widget.dock.overview, widget.verdicts
    table = overview.table
    measure(
        "sort by a figure", lambda k: overview.table.sortByColumn(3 + k % 3, Qt.SortOrder(0)), 6
    )
    measure("find a name", lambda k: overview.bar.words.setText(f"000{k}"), 6)
    overview.bar.words.setText("")
    table.setFocus()
    verdicts.go_to(int(verdicts.overview.ids[0]))

    def press(key: Qt.Key) -> Callable[[int], None]:
        return lambda _: QTest.keyClick(table, key)

    measure("key K until the verdict is on the disk", press(Qt.Key.Key_K), 30, passes=0)
    measure("key K until the next is in the window", press(Qt.Key.Key_K), 30)
    measure("key U, the same", press(Qt.Key.Key_U), 10)
    overview.plot.choose("score", "snr")
    measure("key K beside a scatter plot", press(Qt.Key.Key_K), 10)
    overview.plot.choose("score")
    half = verdicts.overview.ids[::2]
    measure("select 10,000", lambda k: verdicts.select(half[k:]), 5)
    measure("reject them", lambda _: widget.verdict_actions.judge_selected("reject", "drift"), 3)
    measure("scroll a page", lambda k: table.verticalScrollBar().setValue(4000 * k), 20)
    overview.show_grid(True)
    measure(
        "scroll a page of thumbnails",
        lambda k: overview.grid.verticalScrollBar().setValue(900 * k),
        20,
    )


def bench_pictures(widget: ScreeningWidget, side: int) -> None:
    """Time how soon a micrograph that is in memory is on the screen."""
    dice = np.random.default_rng(0)
    pictures = []
    for k in range(3):
        image = dice.standard_normal((side, side), dtype=np.float32)
        particles = Particles(dice.uniform(0, side, (300, 2)))
        pictures.append(
            MicrographPicture(k, ImagePyramid.of(image), ImagePyramid.of(image + 1), 1.0, particles)
        )
    view = widget.current.view
    view.show(pictures[0], "a", 100.0)
    drawn(3)
    print(f"\n{HEADER}")
    measure(
        f"the next of {side}² on the screen",
        lambda k: view.show(pictures[(k + 1) % 3], f"m{k}", 100.0),
        12,
        passes=3,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--micrographs", type=int, default=20_000)
    parser.add_argument("--side", type=int, default=4096)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as temporary:
        folder = Path(temporary)
        platformdirs.user_data_path = lambda *_, **__: folder / "user"
        with Session.open(session_path_in(folder)) as session:
            fill(session, folder, options.micrographs)
        viewer = napari.Viewer(show=True, show_welcome_screen=False)
        viewer.window._qt_window.resize(1600, 1000)
        widget = ScreeningWidget(viewer)
        viewer.window.add_dock_widget(widget, area="right")
        bench_session(widget, folder)
        bench_pictures(widget, options.side)
        widget.leave()
        viewer.close()


if __name__ == "__main__":
    main()
