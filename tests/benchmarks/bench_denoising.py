"""Quality of the denoiser on simulated and on real apoferritin, as told in docs/training.md.

Run: python tests/benchmarks/bench_denoising.py simulated [--seconds 60] [--set field=value ...]
     python tests/benchmarks/bench_denoising.py real [--seconds 90] [--folds 5] [--picture FILE]

With --set pairing=subsets or --set pairing=blind_spot there are no halves: `simulated` trains on
the sums, `real` on the frames alone, or with --of rest on the averages alone. --blur spreads every
electron of the simulation over neighbouring pixels, --binned leaves no pixels finer than so many Å.

The data is that of ../shared/data; nothing of it is committed.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from scipy import ndimage

from napari_n2n.denoising.checkpoints import Denoiser
from napari_n2n.denoising.config import TrainingConfig, preset
from napari_n2n.denoising.inference.denoising import denoise
from napari_n2n.denoising.resampling import rescale
from napari_n2n.denoising.training.micrographs import train_steps
from napari_n2n.denoising.training.pairs import Pair
from napari_n2n.io import read_micrograph
from napari_n2n.io.pictures import write_side_by_side
from napari_n2n.metrics import band_limited, best_gaussian_correlation, correlation
from napari_n2n.progress import run_to_end
from napari_n2n.workflow.training_sets import PairsOnDisk

DATA = Path(__file__).parents[3] / "shared" / "data"
SIGMAS_PX = (2.0, 4.0, 6.0, 8.0, 12.0)
BAND = (0.003, 0.1)  # cycles/px
REAL_PIXEL_SIZE_ANGSTROM = 1.5


def simulated(config: TrainingConfig, blur_px: float, pixel_size_angstrom: float) -> None:
    """Train on eight pairs, denoise the sum of the test micrograph's halves."""
    folder = DATA / "simulated_apoferritin"

    def recorded(name: str, blur_px: float = blur_px) -> np.ndarray:
        pixels = read_micrograph(folder / f"{name}.mrc").pixels
        if blur_px:
            pixels = ndimage.gaussian_filter(pixels, blur_px, mode="wrap", truncate=6)
        shape = tuple(round(side / pixel_size_angstrom) for side in pixels.shape)
        return rescale(torch.from_numpy(pixels), shape).numpy()

    pairs = [
        Pair(
            recorded(f"train_{i:02d}_odd"),
            recorded(f"train_{i:02d}_even"),
            pixel_size_angstrom,
            name=f"train_{i:02d}",
        )
        for i in range(8)
    ]
    denoiser = run_to_end(train_steps(pairs, config))
    full = recorded("test_00_odd") + recorded("test_00_even")
    clean = recorded("test_00_clean", 0)
    sigmas = [sigma / pixel_size_angstrom for sigma in SIGMAS_PX]
    gaussian, sigma = best_gaussian_correlation(full, clean, sigmas)
    result = denoise(full, denoiser, pixel_size_angstrom=pixel_size_angstrom)
    print("| what | correlation with the clean image |\n|---|---|")
    print(f"| raw sum | {correlation(full, clean):.3f} |")
    print(f"| best Gaussian (σ {sigma:g} px) | {gaussian:.3f} |")
    print(f"| {told(denoiser)} | {correlation(result, clean):.4f} |")


def real(config: TrainingConfig, folds: int, of: str, picture: Path | None) -> None:
    """Train `frame → rest` without the fields of a fold, denoise the frames of that fold.

    The other way round if ``of`` is ``"rest"``.
    """
    folder = DATA / "apoferritin"
    other = {"frame": "rest", "rest": "frame"}[of]
    frames = sorted(folder.glob(f"*_{of}.mrc"))
    rests = [path.with_name(path.name.replace(f"_{of}", f"_{other}")) for path in frames]
    order = np.random.default_rng(0).permutation(len(frames))
    print("| field | best Gaussian | denoised | ratio |\n|---|---|---|---|")
    ratios = []
    for fold in np.array_split(order, len(frames) // 2)[:folds]:
        kept = [i for i in range(len(frames)) if i not in fold]
        pairs = PairsOnDisk.matched(
            [frames[i] for i in kept],
            [rests[i] for i in kept],
            swappable=False,
            pixel_size_angstrom=REAL_PIXEL_SIZE_ANGSTROM,
        )
        denoiser = run_to_end(train_steps(pairs, config))
        for i in fold:
            frame, rest = (read_micrograph(path).pixels for path in (frames[i], rests[i]))
            gaussian = best_gaussian(frame, rest)
            result = denoise(frame, denoiser, pixel_size_angstrom=REAL_PIXEL_SIZE_ANGSTROM)
            ours = correlation(band_limited(result, *BAND), band_limited(rest, *BAND))
            ratios.append(ours / gaussian)
            print(f"| {frames[i].stem} | {gaussian:.3f} | {ours:.3f} | {ratios[-1]:.2f} |")
            if picture is not None:
                names = {"frame": "One frame", "rest": "Rest (41 frames)"}
                panels = [(names[of], frame), ("Denoised", result), (names[other], rest)]
                write_side_by_side(picture, panels)
                picture = None
    print(f"| mean | | | **{np.mean(ratios):.3f}** |\n\n{told(denoiser)}")


def best_gaussian(frame: np.ndarray, rest: np.ndarray) -> float:
    """Correlation in the band of the best Gaussian low-pass of `frame`."""
    limited = band_limited(frame, *BAND), band_limited(rest, *BAND)
    return best_gaussian_correlation(*limited, SIGMAS_PX)[0]


def told(denoiser: Denoiser) -> str:
    how = denoiser.provenance
    return f"{denoiser.summary}, {how.pairing}, {how.seconds:.0f} s"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", choices=["simulated", "real"])
    parser.add_argument("--preset", default="quick")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--of", choices=["frame", "rest"], default="frame")
    parser.add_argument("--blur", type=float, default=0, help="px")
    parser.add_argument("--binned", type=float, default=1, help="Å/px")
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--set", dest="settings", action="append", default=[])
    given = parser.parse_args()
    changes = {}
    for setting in given.settings:
        name, _, value = setting.partition("=")
        try:
            changes[name] = json.loads(value)
        except ValueError:
            changes[name] = value
    config = preset(given.preset).lasting(given.seconds).replaced(**changes)
    if given.data == "simulated":
        simulated(config, given.blur, given.binned)
    else:
        real(config, given.folds, given.of, given.picture)


if __name__ == "__main__":
    main()
