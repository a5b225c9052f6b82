"""Plays the particles tutorial as a user would, and photographs it for the documentation.

Run: xvfb-run -a -s "-screen 0 1600x1000x24" python FILE [FOLDER]

FOLDER is where an earlier `napari-n2n demo --headless -o FOLDER` left its results; without one,
the demo is run first, which takes a minute or two.
"""

import sys
import tempfile
from pathlib import Path

import napari
import numpy as np
import platformdirs
from photographing import photograph, wait

from napari_n2n.cli import app
from napari_n2n.io import read_coordinates, read_micrograph
from napari_n2n.plugin.demo import show_result
from napari_n2n.plugin.particles.widget import ParticlesWidget

STEM = "apoferritin_00"


def mark(widget: ParticlesWidget, truth: list[tuple[np.ndarray, str]], count: int) -> None:
    """Mark the first few of each kind, as a person with a good eye would."""
    done = dict.fromkeys(("intact", "broken"), 0)
    for centre, label in truth:
        found = widget.marking.nearest(centre, 30)
        if found is not None and done.get(label, count) < count:
            widget.marking.select([found])
            widget.act(label)
            done[label] += 1
    wait(lambda: not widget.suggester.busy)


def main(folder: Path) -> None:
    if not (folder / "halves").is_dir():
        app(["demo", "--headless", "--output", str(folder)], standalone_mode=False)
    raw = read_micrograph(folder / "halves" / f"{STEM}.mrc")
    denoised = read_micrograph(folder / "denoised" / f"{STEM}.mrc")
    (table,) = read_coordinates(folder / "movies" / f"{STEM}_particles.csv")
    truth = list(zip(table.particles.centres_px, table.particles.labels.tolist(), strict=True))
    with tempfile.TemporaryDirectory() as user:
        platformdirs.user_data_path = lambda *_, **__: Path(user)
        viewer = napari.Viewer(show=True, show_welcome_screen=False)
        viewer.window._qt_window.resize(1600, 1000)
        widget = show_result(viewer, raw.pixels, denoised.pixels, raw.pixel_size_angstrom)
        viewer.window._qt_window.resize(1600, 1000)
        wait(lambda: not widget.finder.busy and len(widget.marking.view.ids) > 0)
        viewer.reset_view()
        photograph(viewer, "particles-picked.png")
        mark(widget, truth, 10)
        widget.act("least_sure")
        photograph(viewer, "particles-suggested.png")
        widget.gallery_button.click()
        assert widget.scene.gallery.gallery is not None
        widget.scene.gallery.gallery.sort_by("uncertainty")
        photograph(viewer, "particles-gallery.png")
        widget.gallery_button.click()
        widget.suggestions.all_button.click()
        wait(lambda: not widget.suggester.busy)
        viewer.reset_view()
        widget.marking.select([])
        widget.exchange.export_picks(Path(user) / "intact.star")
        photograph(viewer, "particles-accepted.png")
        widget.leave()
        viewer.close()


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as temporary:
            main(Path(temporary))
