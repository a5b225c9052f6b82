"""Time the gallery with 10,000 particles: scrolling, edits, selections, sorting.

Run: xvfb-run -s "-screen 0 1920x1200x24" python tests/benchmarks/bench_gallery.py

Every frame is drawn in full before the next: scrolled, then the event loop emptied, which paints.
Scrolling goes on to thumbnails never seen before, so each is cut from the image as well.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_n2n.io import LABELS, Particles
from napari_n2n.plugin.particles.gallery import Gallery

NO_MODIFIER = Qt.KeyboardModifier.NoModifier


def milliseconds(what: Callable[[], object], times: int, draw: bool = True) -> np.ndarray:
    """Return (times, 2) how long each call took by the clock and in this process, all drawn."""
    took = []
    for _ in range(times):
        start = np.array([time.perf_counter(), time.process_time()])
        what()
        if draw:
            QApplication.processEvents()
        took.append(1e3 * (np.array([time.perf_counter(), time.process_time()]) - start))
    return np.array(took)


def tell(name: str, took: np.ndarray, frames: bool = False) -> None:
    """Print the medians and the worst of some times, and frames per second."""
    figures = [*np.median(took, 0), *took.max(0)]
    rates = [1e3 / mean for mean in took.mean(0)] if frames else []
    print(f"{name:56s}", *(f"{figure:8.1f}" for figure in figures), *(f"{r:8.0f}" for r in rates))


def main() -> None:
    """Make an image and particles, and time what a user does."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--particles", type=int, default=10_000)
    parser.add_argument("--side", type=int, default=4096)
    parser.add_argument("--box", type=float, default=180.0, help="side of a thumbnail in px")
    options = parser.parse_args()
    application = QApplication([])
    rng, n = np.random.default_rng(0), options.particles
    image = rng.normal(size=(options.side, options.side)).astype(np.float32)
    raw = image[::-1].copy()
    labels = rng.choice(LABELS, n)
    particles = Particles(
        rng.uniform(0, options.side, (n, 2)),
        labels,
        rng.uniform(size=n).astype(np.float32),
        np.where(labels == "unlabelled", "picker", "person"),
    )
    unsure = rng.uniform(0, 0.5, n)
    hints = {
        "suggested": rng.choice(LABELS[1:], n),
        "probabilities": 1 - unsure,
        "uncertainty": unsure,
    }
    ids = np.arange(n)
    gallery = Gallery(["1", "2"])
    gallery.resize(1600, 320)
    gallery.show()
    QTest.qWaitForWindowExposed(gallery)
    print(f"{n} particles on {options.side}² px, box {options.box:g} px")
    print("Times in ms: by the clock, and of this process alone, which other work does not slow.")
    heads = ("median", "own", "worst", "own", "frame/s", "own")
    print(" " * 56, *(f"{head:>8s}" for head in heads))

    def give(which: np.ndarray | slice = slice(None), table: Particles = particles) -> None:
        some = {name: column[which] for name, column in hints.items()}
        gallery.set_particles(ids[which], table[which], options.box, **some)

    tell("images set", milliseconds(lambda: gallery.set_images(image, raw, 1.0), 1))
    tell("particles given for the first time, drawn", milliseconds(give, 1))
    tables = []
    for label in LABELS[1:]:
        relabelled = labels.copy()
        relabelled[n // 2] = label
        tables.append(particles.replaced(labels=relabelled))
    turn = iter(range(10_000))
    took = []
    for i in range(30):
        took.append(milliseconds(lambda i=i: give(table=tables[i % 3]), 1, draw=False)[0])
        QApplication.processEvents()
    tell("one label changed: set_particles alone", np.array(took))
    tell(
        "one label changed: set_particles, drawn",
        milliseconds(lambda: give(table=tables[next(turn) % 3]), 30),
    )
    without = np.delete(ids, n // 2)
    tell(
        "one particle deleted or put back, drawn",
        milliseconds(lambda: give(without if next(turn) % 2 else slice(None)), 20),
    )
    give()
    tell("one selected by program, scrolled to, drawn",
         milliseconds(lambda: gallery.select([int(rng.integers(n))]), 30))  # fmt: skip
    gallery.select([0])
    tell(
        "arrow key, drawn",
        milliseconds(lambda: QTest.keyClick(gallery.view, Qt.Key.Key_Right, NO_MODIFIER), 50),
    )
    every_other = ids[::2].tolist()
    took = [
        milliseconds(lambda chosen=chosen: gallery.select(chosen), 1)[0]
        for _ in range(10)
        for chosen in (every_other, ids.tolist(), [])
    ]
    tell("every other selected by program, drawn", np.array(took[::3]))
    tell("all selected by program, drawn", np.array(took[1::3]))
    for key in ("label", "uncertainty", "score"):
        tell(f"sorted by {key}, drawn", milliseconds(lambda key=key: gallery.sort_by(key), 5))
    tell("raw and denoised in turn, drawn",
         milliseconds(lambda: gallery.show_raw(bool(next(turn) % 2)), 6))  # fmt: skip
    gallery.show_raw(False)
    for height, name in ((320, "docked, 1600 × 320"), (1000, "whole screen, 1600 × 1000")):
        gallery.resize(1600, height)
        for side in (48, 96, 160):
            gallery.set_thumbnail_px(side)
            gallery.view.scrollToTop()
            QApplication.processEvents()
            bar = gallery.view.verticalScrollBar()
            gallery.show_raw(False)  # nothing cut yet
            for wheel, step in (("wheel", 60), ("dragged bar", 2 * height)):
                places = iter(range(step, bar.maximum(), step))
                times = min(150, (bar.maximum() - 1) // step)
                took = milliseconds(lambda to=places, bar=bar: bar.setValue(next(to)), times)
                tell(f"scrolled, {name}, {side} px, {wheel}", took, frames=True)
    gallery.close()
    application.quit()


if __name__ == "__main__":
    main()
