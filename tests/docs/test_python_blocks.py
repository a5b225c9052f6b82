"""Every block of Python in the README and the docs runs, and prints what the page says it prints.

The blocks of a page run one after the other in one namespace and in an empty folder, in which a
function here has put what the page's text presupposes. A page of which there is no such function
fails. Those that need a window are run by tests/plugin/test_python_blocks.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import napari_n2n as n2n

from .pages import PAGES, ROOT, Names, blocks, hidden, run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# What the pages presuppose ----------------------------------------------------------------------


def nothing(folder: Path) -> Names:
    """Put nothing there: the page makes all that it needs."""
    return {}


def simulated(**more: Any) -> Any:
    settings = {"shape": (256, 256), "n_frames": 8, "pixel_size_angstrom": 2.0, **more}
    return n2n.simulate(n2n.SimulationConfig(**settings))


def a_raw_movie(folder: Path) -> Names:
    """Write an EER movie of 80 raw frames, and a gain reference that lies otherwise."""
    raw = simulated(shape=(128, 128), n_frames=80, dose_per_frame=0.05)
    n2n.write_simulated(raw, folder, "movie", format="eer")
    gain = np.random.default_rng(0).normal(1, 0.03, (128, 128)).astype(np.float32)
    n2n.write_micrograph(folder / "gain.mrc", gain, None)
    return {}


def a_night(folder: Path) -> Names:
    """Write movies of one night."""
    for seed in (0, 1):
        n2n.write_simulated(simulated(seed=seed), folder / "made", f"m{seed}")
        (folder / "night").mkdir(exist_ok=True)
        (folder / "made" / f"m{seed}.mrc").rename(folder / "night" / f"m{seed}.mrc")
    return {}


def the_movies_of_the_readme(folder: Path) -> Names:
    """Put there what the commands above have simulated."""
    recorded = simulated(shape=(512, 512), pixel_size_angstrom=1.0)
    n2n.write_simulated(recorded, folder / "movies", "apoferritin_00")
    return {}


def a_screened_night(folder: Path) -> Names:
    """Keep two movies of a night, one of them sharp, with particles on them."""
    a_night(folder)
    with n2n.Session.open(folder / "night" / "napari-n2n.sqlite") as session:
        for seed, resolution in ((0, 4.5), (1, 9.0)):
            micrograph = session.micrographs.find_or_add(
                folder / "night" / f"m{seed}.mrc", shape=(256, 256), pixel_size_angstrom=2.0
            )
            figures = {"resolution_angstrom": resolution, "drift_total_angstrom": 8.0}
            session.micrographs.set_figures(micrograph, figures, acquired=1.7e9 + seed)
            session.verdicts.give(micrograph, "keep")
            added = session.marks.add(micrograph, n2n.Particles(np.array([[80.0, 90.0]]))).added
            session.marks.relabel(micrograph, added, "intact")
    return {}


def a_denoised_micrograph(folder: Path) -> Names:
    """Denoise a micrograph with particles, of which some are clicked and some are marked."""
    recorded = simulated(shape=(512, 512), n_particles=30, broken_fraction=0.5)
    denoised = n2n.denoise(recorded.as_movie())
    marked = np.arange(24)
    return {
        "image": denoised.pixels,
        "denoised": denoised.pixels,
        "pixel_size": 2.0,
        "pixel_size_angstrom": 2.0,
        "diameter_angstrom": 120.0,
        "centres_px": recorded.truth.centres_px[:30],
        "clicked_yx": recorded.truth.centres_px[:10],
        "marked": marked,
        "labels": np.asarray(recorded.truth.labels)[marked],
    }


PREPARED: dict[str, Callable[[Path], Names]] = {
    "README.md": the_movies_of_the_readme,
    "export-kept.md": a_screened_night,
    "files.md": a_raw_movie,
    "picking.md": a_denoised_micrograph,
    "python.md": nothing,
    "screening-headless.md": a_night,
    "sessions.md": nothing,
    "suggestions.md": a_denoised_micrograph,
}
WITH_WINDOWS = {"denoise-in-napari.md", "photographs-in-napari.md"}
WITH_BLOCKS = [page for page in PAGES if blocks(page) and page.name not in WITH_WINDOWS]


@pytest.mark.parametrize("page", WITH_BLOCKS, ids=lambda page: page.name)
def test_python_blocks_run(page, tmp_path, monkeypatch):
    prepare = PREPARED.get(page.name)
    assert prepare is not None, f"Tell here what {page.name} presupposes, so that its blocks run."
    monkeypatch.chdir(tmp_path)
    run(page, {"__name__": "__main__", **prepare(tmp_path)})


def test_nothing_is_prepared_for_a_page_without_blocks():
    assert set(PREPARED) == {page.name for page in WITH_BLOCKS}
    assert all(blocks(ROOT / "docs" / name) for name in WITH_WINDOWS)


def test_windows_are_opened_for_the_pages_that_need_one():
    by_windows = (ROOT / "tests" / "plugin" / "test_python_blocks.py").read_text("utf-8")
    assert [name for name in WITH_WINDOWS if f'"{name}"' not in by_windows] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_python_hides_under_another_name(page):
    assert hidden(page) == []
