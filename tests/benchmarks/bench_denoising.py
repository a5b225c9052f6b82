"""Quality of the denoiser on simulated and on real apoferritin, as told in docs/training.md.

Run: python tests/benchmarks/bench_denoising.py simulated [--seconds 60] [--set field=value ...]
     python tests/benchmarks/bench_denoising.py real [--seconds 90] [--folds 5] [--picture FILE]

The data is that of ../shared/data; nothing of it is committed.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from napari_n2n.denoising.checkpoints import Denoiser
from napari_n2n.denoising.config import TrainingConfig, preset
from napari_n2n.denoising.inference import denoise
from napari_n2n.denoising.training import train
from napari_n2n.io import read_micrograph
from napari_n2n.metrics import band_limited, best_gaussian_correlation, correlation
from napari_n2n.pictures import write_side_by_side
from napari_n2n.progress import run_to_end
from napari_n2n.workflow import PairsOnDisk

DATA = Path(__file__).parents[3] / "shared" / "data"
SIGMAS_PX = (2.0, 4.0, 6.0, 8.0, 12.0)
BAND = (0.003, 0.1)  # cycles/px
REAL_PIXEL_SIZE_ANGSTROM = 1.5


def simulated(config: TrainingConfig) -> None:
    """Train on eight pairs, denoise the sum of the test micrograph's halves."""
    folder = DATA / "simulated_apoferritin"
    pairs = PairsOnDisk.matched(
        sorted(folder.glob("train_*_odd.mrc")),
        sorted(folder.glob("train_*_even.mrc")),
        swappable=True,
    )
    denoiser = run_to_end(train(pairs, config))
    odd, even, clean = (
        read_micrograph(folder / f"test_00_{name}.mrc").pixels for name in ("odd", "even", "clean")
    )
    full = odd + even
    gaussian, sigma = best_gaussian_correlation(full, clean, SIGMAS_PX)
    result = denoise(full, denoiser, pixel_size_angstrom=1.0)
    print("| what | correlation with the clean image |\n|---|---|")
    print(f"| raw sum | {correlation(full, clean):.3f} |")
    print(f"| best Gaussian (σ {sigma:g} px) | {gaussian:.3f} |")
    print(f"| {told(denoiser)} | {correlation(result, clean):.4f} |")


def real(config: TrainingConfig, folds: int, picture: Path | None) -> None:
    """Train `frame → rest` without the fields of a fold, denoise the frames of that fold."""
    folder = DATA / "apoferritin"
    frames = sorted(folder.glob("*_frame.mrc"))
    rests = [path.with_name(path.name.replace("_frame", "_rest")) for path in frames]
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
        denoiser = run_to_end(train(pairs, config))
        for i in fold:
            frame, rest = (read_micrograph(path).pixels for path in (frames[i], rests[i]))
            gaussian = best_gaussian(frame, rest)
            result = denoise(frame, denoiser, pixel_size_angstrom=REAL_PIXEL_SIZE_ANGSTROM)
            ours = correlation(band_limited(result, *BAND), band_limited(rest, *BAND))
            ratios.append(ours / gaussian)
            print(f"| {frames[i].stem} | {gaussian:.3f} | {ours:.3f} | {ratios[-1]:.2f} |")
            if picture is not None:
                panels = [("One frame", frame), ("Denoised", result), ("Rest (41 frames)", rest)]
                write_side_by_side(picture, panels)
                picture = None
    print(f"| mean | | | **{np.mean(ratios):.3f}** |\n\n{told(denoiser)}")


def best_gaussian(frame: np.ndarray, rest: np.ndarray) -> float:
    """Correlation in the band of the best Gaussian low-pass of `frame`."""
    limited = band_limited(frame, *BAND), band_limited(rest, *BAND)
    return best_gaussian_correlation(*limited, SIGMAS_PX)[0]


def told(denoiser: Denoiser) -> str:
    return f"{denoiser.summary}, {denoiser.provenance.seconds:.0f} s"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", choices=["simulated", "real"])
    parser.add_argument("--preset", default="quick")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--set", dest="settings", action="append", default=[])
    given = parser.parse_args()
    changes = {}
    for setting in given.settings:
        name, _, value = setting.partition("=")
        changes[name] = value if value.isalpha() else json.loads(value)
    config = preset(given.preset).lasting(given.seconds).replaced(**changes)
    if given.data == "simulated":
        simulated(config)
    else:
        real(config, given.folds, given.picture)


if __name__ == "__main__":
    main()
