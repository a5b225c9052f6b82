"""How well the quality figures judge, as told in docs/quality.md.

Run: python tests/benchmarks/bench_quality.py [--data shared/data] [--each 20]

First real thumbnails that experts sorted; then a real carbon edge against a mask made by hand, and
ten fields of apoferritin, one of them empty; then simulated micrographs; then the time it takes.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage
from skimage.io import imread

from napari_n2n.io import read_micrograph
from napari_n2n.quality import image_figures, overall
from napari_n2n.quality.contaminated_area import contaminated_area
from napari_n2n.quality.working_image import pixels_in_one, working_image
from napari_n2n.simulation import SimulationConfig, build_scene

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHOWN = ("structure", "blotches", "streaks", "contaminated_percent", "empty_percent")
"""What applies to an 8-bit picture: of brightness the zero is lost, of fine spacings everything."""

SIDE, PIXEL_ANGSTROM, DOSE = 1024, 4.0, 40.0


def auc(good: list[float], bad: list[float]) -> float:
    """Return how often a good one scores higher than a bad one; a draw counts half."""
    differences = np.subtract.outer(good, bad)
    return float((differences > 0).mean() + 0.5 * (differences == 0).mean())


def thumbnails(folder: Path) -> None:
    """Score the thumbnails, class by class."""
    print("\n| class | score |", " | ".join(SHOWN), "|")
    print("|---|---|" + "---|" * len(SHOWN))
    scores: dict[str, list[float]] = {}
    for path in sorted(folder.glob("*/*.png")):
        image = imread(path, as_gray=True).astype(np.float32)
        figures = {k: v for k, v in image_figures(image, None).items() if k in SHOWN}
        score = overall(figures)
        scores.setdefault(path.parent.name, []).append(score.value)
        cells = " | ".join(f"{figures[name]:.2f}" for name in SHOWN)
        print(
            f"| {path.parent.name[:20]} | {score.value:.0f} | {cells} |",
            "; ".join(score.reasons[:2]),
        )
    good = [s for name, values in scores.items() if name[0] in "01" for s in values]
    bad = [s for name, values in scores.items() if name[0] not in "01" for s in values]
    print(f"\n{len(good)} great or decent, {len(bad)} of the bad classes: AUC {auc(good, bad):.3f}")
    for name, values in scores.items():
        if name[0] not in "01":
            print(f"  against {name}: {auc(good, values):.2f}")


def carbon_edge(folder: Path) -> None:
    """Compare the area found with the mask."""
    image = read_micrograph(folder / "carbon_edge.mrc").pixels
    mask = read_micrograph(folder / "carbon_edge_mask.mrc").pixels > 0.5
    found = contaminated_area(working_image(image, pixels_in_one(image.shape, None)))
    at = (np.arange(a) * n // a for a, n in zip(mask.shape, found.shape, strict=True))
    whole = found[np.ix_(*at)]
    overlap = (whole & mask).sum() / (whole | mask).sum()
    print(f"\ncarbon edge: intersection over union {overlap:.3f}")


def apoferritin(folder: Path) -> None:
    """Score ten real fields, one of which holds no particles."""
    print("\n| apoferritin | score |\n|---|---|")
    for path in sorted(folder.glob("*_rest.mrc")):
        score = overall(image_figures(read_micrograph(path).pixels, 1.5))
        print(f"| {path.stem} | {score.value:.0f} |", "; ".join(score.reasons[:2]))


def simulated(kind: str, seed: int) -> NDArray[np.float32]:
    """Return a micrograph of 1024² px at 4 Å of one kind; everything else is left to chance."""
    dice = np.random.default_rng((seed, 7))
    config = SimulationConfig(
        specimen=dice.choice(["apoferritin", "aldolase"]),
        shape=(SIDE, SIDE),
        pixel_size_angstrom=PIXEL_ANGSTROM,
        dose_per_frame=1.0,
        defocus_micrometer=dice.uniform(0.8, 2.5),
        n_particles=0 if kind == "empty" else int(dice.integers(100, 500)),
        contaminant_count=60 if kind == "dirty" else int(dice.integers(0, 3)),
        ice_gradient=dice.uniform(0, 0.1),
        contrast=dice.uniform(0.7, 1.3) * (0.35 if kind == "thick" else 1.0),
        seed=seed,
    )
    clean = build_scene(config).truth.clean.astype(np.float64)
    image = clean / clean.mean()
    if kind == "thick":
        image *= 0.4
    if kind == "drifting":
        image = ndimage.uniform_filter1d(image, int(dice.integers(25, 60)), axis=0, mode="wrap")
    if kind == "carbon":
        y, x = np.mgrid[:SIDE, :SIDE]
        film = x + 40 * np.sin(y / 200) < dice.uniform(0.4, 0.8) * SIDE
        rough = ndimage.gaussian_filter(dice.normal(size=(SIDE, SIDE)), 1.0)
        image *= np.where(film, 0.85 * (1 + 0.04 * rough / rough.std()), 1.0)
    return dice.poisson(image * DOSE * PIXEL_ANGSTROM**2).astype(np.float32)


def simulations(each: int) -> None:
    """Score simulated micrographs of every kind against good ones."""
    kinds = ("good", "empty", "dirty", "carbon", "drifting", "thick")
    scores: dict[str, list[float]] = {}
    for number, kind in enumerate(kinds):
        images = (simulated(kind, 1000 * number + i) for i in range(each))
        scores[kind] = [overall(image_figures(each_, PIXEL_ANGSTROM)).value for each_ in images]
    print(f"\n{each} simulated micrographs of every kind\n\n| kind | score | AUC |\n|---|---|---|")
    for kind, values in scores.items():
        against = "" if kind == "good" else f"{auc(scores['good'], values):.2f}"
        print(f"| {kind} | {np.mean(values):.0f} ± {np.std(values):.0f} | {against} |")
    bad = [s for kind, values in scores.items() if kind != "good" for s in values]
    print(f"\nall: AUC {auc(scores['good'], bad):.3f}")


def speed() -> None:
    """Time all image figures of a 4096² micrograph."""
    image = np.random.default_rng(0).poisson(40, (4096, 4096)).astype(np.float32)
    times = []
    for _ in range(3):
        start = time.perf_counter()
        figures = image_figures(image, 1.0, image)
        times.append(time.perf_counter() - start)
    rings = "with" if "defocus_micrometre" in figures else "without"
    print(f"\n4096² in {min(times):.2f} s, {rings} Thon rings")


def main() -> None:
    """Print all of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    data = Path(__file__).parents[3] / "shared" / "data"
    parser.add_argument("--data", type=Path, default=data)
    parser.add_argument("--each", type=int, default=20)
    options = parser.parse_args()
    if (options.data / "screening").is_dir():
        thumbnails(options.data / "screening")
        carbon_edge(options.data / "micrographs")
        apoferritin(options.data / "apoferritin")
    else:
        print(f"{options.data} is not here: no real data")
    simulations(options.each)
    speed()


if __name__ == "__main__":
    main()
