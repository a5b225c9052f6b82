"""How good tomograms are denoised, without training and with it, told in docs/general-3d-model.md.

Run: python tests/benchmarks/bench_tomograms.py [general] [alone] [noise] [times] [--data FOLDER]
         [--model FILE] [--results FOLDER]

Prints tables, and writes their figures to a file of JSON, from which
docs/scripts/make_general_3d_page.py makes those of the page. The tomograms are made by
../shared/tools/simulate_tomogram.py, which is no part of this project: nothing here was trained on
its tomograms but in ``times``, which trains on its seeds 0 and 1 as a user would. They are kept in
FOLDER and not made again. ``times`` wants a machine that does nothing else.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from scipy import ndimage

from napari_n2n.denoising.checkpoints import Denoiser, load_denoiser
from napari_n2n.denoising.config import preset
from napari_n2n.denoising.inference.volumes import denoise_volume, denoise_volumes_steps
from napari_n2n.denoising.shipped_models.general import general_denoiser
from napari_n2n.denoising.training.volume_pairs import VolumeHalves
from napari_n2n.denoising.training.volumes import train_volumes
from napari_n2n.io import Volume, open_volume
from napari_n2n.metrics import correlation
from napari_n2n.progress import run_to_end
from napari_n2n.reconstruction import back_projected_slabs, weighted

SIMULATOR = Path(__file__).parents[3] / "shared" / "tools" / "simulate_tomogram.py"
RESULTS = Path(__file__).parent / "results" / "tomograms"
SIGMAS_VOXELS = (0.6, 0.8, 1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0)
TRAINED_SECONDS = (60, 240)


@dataclass(frozen=True)
class Case:
    """A tomogram of the independent simulator; sizes in Å, dose in e/Å², defocus in µm."""

    seed: int
    shape: tuple[int, int, int] = (96, 320, 320)
    voxel_size: float = 10.0
    dose: float = 120.0
    defocus: float = 4.0

    def made(self, data: Path) -> Path:
        """Return the folder in ``data`` that holds it, once it is there."""
        folder = data / f"seed{self.seed}"
        if not (folder / "clean.mrc").is_file():
            sides = [str(side) for side in self.shape]
            call = [sys.executable, SIMULATOR, folder, "--seed", self.seed, "--shape", *sides]
            call += ["--voxel", self.voxel_size, "--dose", self.dose]
            call += ["--defocus", self.defocus * 1e4]
            subprocess.run([str(word) for word in call], check=True, stdout=subprocess.DEVNULL)
        return folder


USUAL = [Case(0), Case(1), Case(2)]
OTHERS = [
    Case(11, (172, 208, 208), 5.0, 160, 2.0),
    Case(18, (172, 208, 208), 5.0, 40, 4.0),
    Case(12, (124, 192, 192), 7.0, 80, 4.0),
    Case(15, (88, 192, 192), 10.0, 40, 2.0),
    Case(16, (88, 192, 192), 10.0, 160, 6.0),
    Case(13, (64, 192, 192), 14.0, 80, 6.0),
    Case(14, (48, 160, 160), 20.0, 120, 4.0),
    Case(17, (48, 160, 160), 20.0, 160, 2.0),
]


def opened(folder: Path, *names: str) -> list[Volume]:
    return [open_volume(folder / f"{name}.mrc") for name in names]


def denoised(volumes: list[Volume], model: Denoiser) -> np.ndarray:
    slabs: list[np.ndarray] = []
    size = volumes[0].voxel_size_angstrom
    run_to_end(denoise_volumes_steps(volumes, model, slabs.append, voxel_size_angstrom=size))
    return np.concatenate(slabs)


def general(model: Denoiser, data: Path) -> Iterator[dict[str, object]]:
    """Correlation with the noise-free reconstruction, with no training."""
    for case in [*USUAL, *OTHERS]:
        folder = case.made(data)
        odd, even, clean = opened(folder, "odd", "even", "clean")
        truth, both = clean[:], odd[:] + even[:]
        gaussian = max(
            correlation(ndimage.gaussian_filter(both, sigma), truth) for sigma in SIGMAS_VOXELS
        )
        result = denoised([odd, even], model)
        yield {
            **asdict(case),
            "raw": correlation(both, truth),
            "best_gaussian": gaussian,
            "general": correlation(result, truth),
            "strength": float(np.polyfit(truth.ravel() / 2, result.ravel(), 1)[0]),
        }


def alone(model: Denoiser, data: Path) -> Iterator[dict[str, object]]:
    """Correlation of what is made of one volume, without another half."""
    for case in (USUAL[2], OTHERS[3], OTHERS[5]):
        odd, clean = opened(case.made(data), "odd", "clean")
        truth, raw = clean[:], odd[:]
        gaussian = max(
            correlation(ndimage.gaussian_filter(raw, sigma), truth) for sigma in SIGMAS_VOXELS
        )
        result = correlation(denoised([odd], model), truth)
        yield {**asdict(case), "best_gaussian": gaussian, "general": result}


def noise(model: Denoiser, data: Path) -> Iterator[dict[str, object]]:
    """Measure what is made of noise: deviations of results, as shares of the input's."""
    shape = (64, 128, 128)
    angles = list(range(-60, 61, 3))
    for name in ("white", "back-projected", "back-projected, low-passed"):
        halves = []
        for seed in range(2):
            rng = np.random.default_rng(seed)
            if name == "white":
                halves.append(rng.standard_normal(shape, np.float32))
                continue
            images = rng.standard_normal((len(angles), *shape[1:]), np.float32)
            half = np.concatenate(list(back_projected_slabs(weighted(images), angles, shape[0])))
            halves.append(ndimage.gaussian_filter(half, 1.0) if "low" in name else half)
        slabs: list[np.ndarray] = []
        run_to_end(denoise_volumes_steps(halves, model, slabs.append))
        alone = [denoise_volume(half, model) for half in halves]
        yield {
            "noise": name,
            "both_halves": float(np.concatenate(slabs).std() / halves[0].std()),
            "one_volume": float(alone[0].std() / halves[0].std()),
            "correlation_of_results": correlation(alone[0], alone[1]),
        }


def times(model: Denoiser, data: Path) -> Iterator[dict[str, object]]:
    """Train on seeds 0 and 1 for a while, from nothing and from the general model; test seed 2."""
    pairs = [
        VolumeHalves(*opened(case.made(data), "odd", "even"), voxel_size_angstrom=10.0)
        for case in USUAL[:2]
    ]
    odd, even, clean = opened(USUAL[2].made(data), "odd", "even", "clean")
    truth = clean[:]
    for seconds in TRAINED_SECONDS:
        for from_scratch in (True, False):
            config = preset("quick", 3).lasting(seconds).replaced(from_scratch=from_scratch)
            with tempfile.TemporaryDirectory() as folder:
                own = train_volumes(pairs, config, output=Path(folder) / "m.safetensors")
            started = time.monotonic()
            result = denoised([odd, even], own)
            yield {
                "seconds": seconds,
                "from": "nothing" if from_scratch else "general-3d",
                "steps": own.provenance.steps,
                "correlation": correlation(result, truth),
                "estimated": own.provenance.estimated_truth_correlation,
                "seconds_denoising": time.monotonic() - started,
            }


PARTS = {"general": general, "alone": alone, "noise": noise, "times": times}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []])
    parser.add_argument("--data", type=Path, default=Path(tempfile.gettempdir()) / "tomograms")
    parser.add_argument("--model", type=Path)
    parser.add_argument("--results", type=Path, default=RESULTS)
    given = parser.parse_args()
    model = general_denoiser(3) if given.model is None else load_denoiser(given.model)
    for part in given.parts or PARTS:
        rows = []
        for row in PARTS[part](model, given.data):
            rows.append(row)
            figures = (f"{v:.4g}" if isinstance(v, float) else str(v) for v in row.values())
            print("| " + " | ".join(figures) + " |", flush=True)
            found = {"model": model.summary, "rows": rows}
            output = given.results / f"{part}.json"
            output.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
