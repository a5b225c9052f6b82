"""How long keys take with 10,000 particles, in a real window, with and without the gallery.

Run: xvfb-run -a -s "-screen 0 1600x1000x24" python tests/benchmarks/bench_particles.py

Told is the time from the key to the return of its handler: the mark is on disk then, and both
panes, the gallery, the counts and the suggestions are up to date. Own is the processor time of
that, which other programs do not disturb. Drawing follows; without a graphics card (Mesa) it takes
most of the time, so it is told apart.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, thread_time

import napari
import numpy as np
import platformdirs
from napari.layers import Image
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_n2n.io import Particles
from napari_n2n.plugin.particles.finding_form import FindingChoice
from napari_n2n.plugin.particles.widget import ParticlesWidget
from napari_n2n.plugin.shared.layers import LayerMemory, image_layer
from napari_n2n.session.shown_particles import PendingSuggestions

COUNT, SIDE, DIAMETER_PX = 10_000, 4096, 40.0
ROUNDS = 15


def opened(folder: Path) -> ParticlesWidget:
    rng = np.random.default_rng(0)
    pixels = rng.standard_normal((SIDE, SIDE), dtype=np.float32)
    viewer = napari.Viewer(show=True, show_welcome_screen=False)
    viewer.window._qt_window.resize(1600, 1000)
    for name, kind in (("raw", "sum"), ("denoised", "denoised")):
        data, described, _ = image_layer(pixels, name, LayerMemory(kind, 1.0, raw_layer="raw"))
        viewer.add_layer(Image(data, **described))
    widget = ParticlesWidget(viewer)
    viewer.window.add_dock_widget(widget, name="Particles", area="right")
    widget.finding.setValue(FindingChoice(DIAMETER_PX))
    while widget.finder.busy:
        QTest.qWait(50)
    picks = Particles(rng.random((COUNT, 2)) * (SIDE - 1), scores=rng.random(COUNT))
    widget.marking.replace_picks(picks, 0.0, None)
    # What is suggested comes from another thread, which would be measured along.
    widget.suggester.leave()
    ids = widget.marking.view.ids
    chance = rng.random((2, COUNT)).astype(np.float32)
    kinds = rng.choice(["intact", "broken"], COUNT).astype("U11")
    widget.marking.suggest(PendingSuggestions(ids, kinds, *chance))
    QTest.qWait(1000)
    return widget


def timed(name: str, widget: ParticlesWidget, prepare: Callable, act: Callable) -> None:
    told, own, drawn = [], [], []
    for _ in range(ROUNDS):
        prepare()
        QTest.qWait(30)
        start, begun = perf_counter(), thread_time()
        act()
        own.append(thread_time() - begun)
        told.append(perf_counter() - start)
        QApplication.processEvents()
        drawn.append(perf_counter() - start)
    times = (np.median(told), max(told), np.median(own), np.median(drawn))
    print(
        "| {:20s} | {:6.1f} | {:6.1f} | {:6.1f} | {:6.1f} |".format(name, *np.multiply(times, 1e3))
    )


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        platformdirs.user_data_path = lambda *_, **__: Path(folder)
        widget = opened(Path(folder))
        marking, rng = widget.marking, np.random.default_rng(1)
        nothing: Callable = lambda: None  # noqa: E731
        key = lambda *actions: lambda: [widget.act(action) for action in actions]  # noqa: E731
        step = key("next")
        everything = lambda: marking.select(marking.view.ids.tolist())  # noqa: E731
        for gallery in (False, True):
            widget.scene.gallery.show(gallery)
            QTest.qWait(1500)
            print(f"\n{COUNT} particles, gallery {'open' if gallery else 'closed'}")
            print("| key | told, ms | worst, ms | own, ms | drawn, ms |")
            print("|---|---|---|---|---|")
            marking.label("unlabelled", marking.view.ids.tolist())
            marking.select(marking.view.ids[:1].tolist())
            timed("→ next", widget, nothing, step)
            timed("N least sure", widget, nothing, key("least_sure"))
            timed("1 intact", widget, key("next", "unlabelled"), key("intact"))
            timed("2 broken", widget, key("next", "unlabelled"), key("broken"))
            timed("0 no label", widget, key("next", "intact"), key("unlabelled"))
            timed("A accept", widget, key("next", "unlabelled"), key("accept"))
            timed("U undo", widget, key("next", "contaminant"), key("undo"))
            timed("Shift+U redo", widget, key("next", "broken", "undo"), key("redo"))
            timed("Delete", widget, step, key("delete"))
            timed("U undo a deletion", widget, key("next", "delete"), key("undo"))
            timed(
                "click: add", widget, nothing, lambda: marking.add(rng.random(2) * SIDE, "intact")
            )
            everything()
            timed("1 with all selected", widget, key("broken"), key("intact"))
            timed("U undo for all", widget, key("contaminant"), key("undo"))
        widget.leave()


if __name__ == "__main__":
    main()
