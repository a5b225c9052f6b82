"""Plays the screening tutorial as a user would, and photographs it for the documentation.

Run: xvfb-run -a -s "-screen 0 1600x1000x24" python FILE [FOLDER]

FOLDER is kept, and what is in it is not made again.
"""

import sys
import tempfile
from pathlib import Path

import napari
import numpy as np
import platformdirs
from photographing import photograph, wait
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_n2n.io import write_micrograph
from napari_n2n.plugin.screening.form import ScreenChoice
from napari_n2n.plugin.screening.widget import ScreeningWidget
from napari_n2n.simulation import SimulationConfig, simulate

COUNT, SIDE, SIZE_ANGSTROM = 24, 1024, 1.5


def make_night(folder: Path) -> None:
    """Simulate a night's micrographs: good, dirty, empty, drifted, in thick ice; one is torn."""
    for i in range(COUNT):
        path = folder / f"grid3_{i:03d}.mrc"
        if path.exists():
            continue
        kind = ("good", "good", "dirty", "good", "empty", "good", "drifted", "thick")[i % 8]
        movie = simulate(
            SimulationConfig(
                shape=(SIDE, SIDE),
                n_frames=12,
                pixel_size_angstrom=SIZE_ANGSTROM,
                dose_per_frame=2.0,
                n_particles=4 if kind == "empty" else 60 + 3 * (i % 4),
                contaminant_count=9 if kind == "dirty" else 0,
                contrast=0.45 if kind == "thick" else 1.2,
                global_drift_angstrom=60.0 if kind == "drifted" else 0.0,
                defocus_micrometer=1.2 + 0.1 * (i % 5),
                seed=i,
            )
        )
        image = movie.frames.sum(axis=0, dtype=np.float32)
        write_micrograph(path, image * (0.6 if kind == "thick" else 1.0), SIZE_ANGSTROM)
    torn = (folder / "grid3_000.mrc").read_bytes()[: SIDE**2]
    (folder / f"grid3_{COUNT:03d}.mrc").write_bytes(torn)


def main(folder: Path) -> None:
    make_night(folder)
    with tempfile.TemporaryDirectory() as user:
        platformdirs.user_data_path = lambda *_, **__: Path(user)
        viewer = napari.Viewer(show=True, show_welcome_screen=False)
        viewer.window._qt_window.resize(1600, 1000)
        widget = ScreeningWidget(viewer)
        viewer.window.add_dock_widget(widget, name="Screen micrographs (napari-n2n)", area="right")
        widget.form.setValue(ScreenChoice(str(folder)))
        widget.screen()
        wait(
            lambda: (
                widget.current.is_shown and (widget.verdicts.overview.states == "done").sum() > 9
            )
        )
        viewer.reset_view()
        photograph(viewer, "screening-running.png")
        wait(lambda: not widget.job.busy, 600)
        canvas = viewer.window._qt_viewer.canvas.native

        def press(*keys: Qt.Key) -> None:
            for key in keys:
                QTest.keyClick(canvas, key)
                wait(lambda: widget.current.is_shown)

        keep, reject = Qt.Key.Key_K, Qt.Key.Key_R
        press(keep, keep, reject, Qt.Key.Key_1, keep, reject, Qt.Key.Key_7, keep, reject)
        photograph(viewer, "screening-judging.png")
        press(Qt.Key.Key_5, reject, Qt.Key.Key_6, keep, Qt.Key.Key_P)
        wait(lambda: widget.dock.overview.spectrum.spectrum is not None)
        photograph(viewer, "screening-spectrum.png")
        press(Qt.Key.Key_P, Qt.Key.Key_G)
        plot = widget.dock.overview.plot
        plot.choose("score")
        plot._box.drawn.emit([(0.0, 0.0), (50.0, 1.0)], True)
        photograph(viewer, "screening-selecting.png")
        widget.leave()
        viewer.close()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        Path(sys.argv[1]).mkdir(exist_ok=True)
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as temporary:
            main(Path(temporary))
