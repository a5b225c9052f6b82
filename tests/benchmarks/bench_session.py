"""Time of every edit of a session, as told in docs/sessions.md.

Run: python tests/benchmarks/bench_session.py [--particles 10000] [--micrographs 2000] [--folder F]
     [--parts particles micrographs screening] [--kills 200]

The first table is one micrograph with many particles; the second a session of many micrographs
with particles; the third one of many micrographs with quality figures and verdicts. With
``--kills`` the crash test is run with so many kills instead.

Times are of the wall, median and worst; `processor` is this program's own share of the median.
Beside them: writing one page and fsync, which no mark can be quicker than.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from napari_n2n.io import LABELS, Particles
from napari_n2n.session import Session
from napari_n2n.session import processing_state as processing

HEADER = "| | median, ms | worst | processor |\n|---|---|---|---|"
CRASH_TEST = Path(__file__).parents[1] / "session" / "test_crash.py"
FIGURES = 16


def measure(
    name: str,
    call: Callable[[int], object],
    times: int,
    before: Callable[[int], object] = lambda k: None,
) -> None:
    """Print a line of the table; ``before`` is not timed."""
    wall, processor = [], []
    for k in range(times):
        before(k)
        start, own = time.perf_counter(), time.process_time()
        call(k)
        wall.append(1000 * (time.perf_counter() - start))
        processor.append(1000 * (time.process_time() - own))
    print(f"| {name} | {np.median(wall):.1f} | {max(wall):.1f} | {np.median(processor):.1f} |")


def one_page(folder: Path) -> Callable[[int], None]:
    """Return what appends 4 kB to a file and waits for the disk."""
    handle = os.open(folder / "page", os.O_WRONLY | os.O_CREAT)

    def write(_: int) -> None:
        os.write(handle, b"\0" * 4096)
        os.fsync(handle)

    return write


def bench_micrograph(folder: Path, number: int, times: int) -> None:
    """Time every kind of edit of ``number`` particles, and of one among them."""
    dice = np.random.default_rng(0)

    def table() -> Particles:
        scores = dice.random(number).astype(np.float32)
        return Particles(dice.random((number, 2)) * 4096, scores=scores)

    with Session.open(folder / "one.sqlite") as session, Session.open(session.path) as other:
        m = session.micrographs.find_or_add("one", shape=(4096, 4096), pixel_size_angstrom=1.0)
        marks = session.marks
        measure("page and fsync", one_page(folder), 50)
        measure(f"pick {number}, replacing as many", lambda _: marks.replace_picks(m, table()), 5)
        ids = marks.particles(m).ids
        mixed = [np.array(LABELS)[dice.integers(0, 4, number)] for _ in range(times)]
        measure("read all again", lambda _: marks.particles(m), times)

        measure(
            "read all after another window wrote",
            lambda _: marks.particles(m),
            times,
            before=lambda k: other.set_setting("k", k),
        )
        measure("label all", lambda k: marks.relabel(m, ids, ("intact", "broken")[k % 2]), times)
        measure("undo it", lambda _: marks.undo(m), times)
        measure("redo it", lambda _: marks.redo(m), times)
        measure("label all, four labels", lambda k: marks.relabel(m, ids, mixed[k]), times)
        measure("move all", lambda _: marks.move(m, ids, dice.random((number, 2))), times)
        measure("undo it", lambda _: marks.undo(m), times)
        measure("delete all, undo", lambda _: (marks.delete(m, ids), marks.undo(m)), times)
        measure("label one", lambda k: marks.relabel(m, ids[:1], LABELS[1 + k % 3]), 100)
        measure("undo it", lambda _: marks.undo(m), 100)
        measure("redo it", lambda _: marks.redo(m), 100)
        measure("move one", lambda k: marks.move(m, ids[:1], [[k, 1]]), 100)
        new = Particles([[1.0, 1.0]], given_by=np.array(["person"]))
        measure("add one", lambda _: marks.add(m, new), 100)
        values = dice.random((len(ids), 64)).astype(np.float32)
        measure("remember one, 64 numbers", lambda _: marks.remember(ids[:1], values[:1], "k"), 50)
        measure("remember all", lambda _: marks.remember(ids, values, "k"), 3)
        measure("examples of all", lambda _: marks.examples("k"), 3)


def bench_session(folder: Path, micrographs: int, each: int) -> None:
    """Time opening and editing a session of many micrographs."""
    dice = np.random.default_rng(1)
    path = folder / "many.sqlite"
    with Session.open(path) as session:
        for k in range(micrographs):
            m = session.micrographs.find_or_add(
                folder / f"{k:05d}.mrc", shape=(9, 9), pixel_size_angstrom=1.0
            )
            session.marks.add(m, Particles(dice.random((each, 2))), "pick")
    size = path.stat().st_size / 2**20
    print(f"\n{micrographs} micrographs of {each} particles: {size:.0f} MiB\n")
    print(HEADER)
    measure("open and close", lambda _: Session.open(path).close(), 5)
    with Session.open(path) as session:
        measure("list all micrographs", lambda _: session.micrographs.records(), 5)

        def visit(k: int) -> None:
            file = folder / f"{k * 7 % micrographs:05d}.mrc"
            m = session.micrographs.find_or_add(file, shape=(9, 9), pixel_size_angstrom=1.0)
            session.marks.relabel(m, session.marks.particles(m).ids[:1], "intact")

        measure("go to a micrograph and mark", visit, 100)


def bench_screening(folder: Path, micrographs: int, times: int) -> None:
    """Time judging in a session of many micrographs, each with figures, half of them judged."""
    dice = np.random.default_rng(2)
    path = folder / "night.sqlite"
    names = [f"figure_{k}_angstrom" for k in range(FIGURES)]
    files = [folder / "movies" / f"{k:05d}.mrc" for k in range(micrographs)]
    session = Session.open(path)
    start = time.perf_counter()
    ids = session.micrographs.add_files(files)
    adding = time.perf_counter() - start
    with session._database.writing() as connection:  # one by one would take minutes
        for m in ids.tolist():
            figures = dict(zip(names, dice.random(FIGURES).tolist(), strict=True))
            processing.set_figures(connection, m, figures, f"{m:064x}", float(m))
    for k in range(50):
        session.verdicts.give(ids[k : micrographs // 2 : 50], "reject", reason=f"reason {k}")
    session.close()
    size = path.stat().st_size / 2**20
    print(f"\n{micrographs} micrographs with {FIGURES} figures: {size:.0f} MiB, ", end="")
    print(f"added in {1000 * adding:.0f} ms\n\n{HEADER}")

    def open_and_show(_: int) -> None:
        with Session.open(path) as again:
            assert len(again.micrographs.overview()) == micrographs

    def verdict(k: int) -> str:
        return ("keep", "reject")[k % 2]

    measure("page and fsync", one_page(folder), 50)
    measure("open, overview, close", open_and_show, 5)
    with Session.open(path) as session:
        measure("overview of all", lambda _: session.micrographs.overview(), times)
        measure("overview of one", lambda k: session.micrographs.overview(ids[k : k + 1]), 100)
        measure(
            "judge one", lambda k: session.verdicts.give(ids[7 * k % micrographs], verdict(k)), 200
        )
        measure("undo it", lambda _: session.verdicts.undo(), 200)
        measure("redo it", lambda _: session.verdicts.redo(), 200)
        measure("judge all", lambda k: session.verdicts.give(ids, verdict(k)), times)
        measure("undo it", lambda _: session.verdicts.undo(), times)
        measure("redo it", lambda _: session.verdicts.redo(), times)
        some = dict(zip(names, dice.random(FIGURES).tolist(), strict=True))
        measure(
            "keep figures of one",
            lambda k: session.micrographs.set_figures(ids[k % micrographs], some),
            100,
        )
        measure(
            "set the state of one",
            lambda k: session.micrographs.set_state(ids[k % micrographs], "working"),
            100,
        )


def crash(kills: int) -> None:
    """Run the crash test; say how it ended."""
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", str(CRASH_TEST)],
        env={**os.environ, "N2N_KILLS": str(kills)},
        check=True,
    )
    print(f"killed {kills} times in {time.perf_counter() - start:.0f} s: nothing was lost")


def main() -> None:
    """Print the tables, or run the crash test."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--particles", type=int, default=10_000)
    parser.add_argument("--micrographs", type=int, default=2000)
    parser.add_argument("--each", type=int, default=200)
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--times", type=int, default=15)
    parser.add_argument("--parts", nargs="*", default=["particles", "micrographs", "screening"])
    parser.add_argument("--kills", type=int, default=0, help="run the crash test only")
    parser.add_argument("--folder", type=Path, help="a folder on the disk to be measured")
    options = parser.parse_args()
    if options.kills:
        crash(options.kills)
        return
    with tempfile.TemporaryDirectory(dir=options.folder) as made:
        if "particles" in options.parts:
            print(HEADER)
            bench_micrograph(Path(made), options.particles, options.times)
        if "micrographs" in options.parts:
            bench_session(Path(made), options.micrographs, options.each)
        if "screening" in options.parts:
            bench_screening(Path(made), options.files, options.times)


if __name__ == "__main__":
    main()
