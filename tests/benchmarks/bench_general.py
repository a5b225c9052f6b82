"""How good the general model is where nobody trained it, as told in docs/general-model.md.

Run: python tests/benchmarks/bench_general.py [simulated] [real] [noise] [--model FILE]
         [--topaz PATH]

Prints tables. The real data is that of ../shared/data; nothing of it is committed. Topaz's
pretrained network, where it is installed, denoises the same files as a process of its own.
"""

import argparse
import subprocess
import tempfile
from pathlib import Path

import numpy as np

from napari_n2n.denoising.checkpoints import Denoiser, load_denoiser
from napari_n2n.denoising.inference.denoising import denoise
from napari_n2n.denoising.shipped_models.general import general_denoiser
from napari_n2n.io import read_micrograph, write_micrograph
from napari_n2n.metrics import band_limited, best_gaussian_correlation, correlation
from napari_n2n.particles.picking import PickingConfig, pick
from napari_n2n.particles.significance import standing_out
from napari_n2n.particles.thresholds import suggested_threshold
from napari_n2n.simulation import SimulationConfig, build_scene

DATA = Path(__file__).parents[3] / "shared" / "data"
SIGMAS_PX = (2.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0)
BAND = (0.003, 0.1)  # cycles/px
BAND_SIGMAS_PX = (2.0, 4.0, 6.0, 8.0, 12.0)
REAL_PIXEL_SIZE_ANGSTROM = 1.5
SIDE = 2048
NOISE_DOSES = (2, 20)  # e/Å²
NOISE_FIELDS = 8
CASES = [
    (specimen, dose, defocus)
    for specimen in ("apoferritin", "aldolase")
    for dose, defocus in ((1, 1.5), (4, 1.5), (20, 1.5), (40, 1.5), (40, 0.6), (40, 3.0))
]


def simulated(model: Denoiser, topaz: Path | None) -> None:
    """Correlation with the clean image, 2048² at 1 Å/px."""
    print("| specimen | dose, e/Å² | defocus, µm | best Gaussian | general | Topaz unet |")
    print("|---|---|---|---|---|---|")
    for specimen, dose, defocus in CASES:
        config = SimulationConfig(
            specimen=specimen, shape=(SIDE, SIDE), n_frames=1, seed=77, defocus_micrometer=defocus
        )
        clean = build_scene(config).truth.clean
        counts = np.random.default_rng(5).poisson(np.maximum(clean * dose, 0)).astype(np.float32)
        gaussian, _ = best_gaussian_correlation(counts, clean, SIGMAS_PX)
        ours = correlation(denoise(counts, model, pixel_size_angstrom=1.0), clean)
        theirs = "" if topaz is None else f"{correlation(by_topaz(counts, topaz), clean):.3f}"
        print(f"| {specimen} | {dose} | {defocus} | {gaussian:.3f} | {ours:.3f} | {theirs} |")


def by_topaz(image: np.ndarray, topaz: Path) -> np.ndarray:
    """Denoise with Topaz's pretrained U-Net, on the CPU."""
    with tempfile.TemporaryDirectory() as folder:
        source, results = Path(folder) / "one.mrc", Path(folder) / "out"
        write_micrograph(source, image, 1.0)
        call = [topaz, "denoise", source, "-o", results, "--arch", "unet", "-d", "-1"]
        patches = ["--patch-size", "1024", "--patch-padding", "64"]
        subprocess.run([*map(str, call), *patches], check=True, capture_output=True)
        return read_micrograph(results / "one.mrc").pixels


def real(model: Denoiser) -> None:
    """Single frames against the rest of their movie, and the other way round."""
    print(
        "| field | frame: best Gaussian | general | ratio | rest: best Gaussian | general | ratio |"
    )
    print("|---|---|---|---|---|---|---|")
    for path in sorted((DATA / "apoferritin").glob("*_frame.mrc")):
        other = path.with_name(path.name.replace("_frame", "_rest"))
        frame, rest = (read_micrograph(file).pixels for file in (path, other))
        row = [path.stem.removesuffix("_frame")]
        for image, against in ((frame, rest), (rest, frame)):
            limited = band_limited(against, *BAND)
            gaussian, _ = best_gaussian_correlation(
                band_limited(image, *BAND), limited, BAND_SIGMAS_PX
            )
            result = denoise(image, model, pixel_size_angstrom=REAL_PIXEL_SIZE_ANGSTROM)
            ours = correlation(band_limited(result, *BAND), limited)
            row += [f"{gaussian:.3f}", f"{ours:.3f}", f"{ours / gaussian:.3f}"]
        print("| " + " | ".join(row) + " |")


def noise(model: Denoiser) -> None:
    """Count what is found in nothing, by the threshold that suits a field with particles."""
    config = SimulationConfig(shape=(SIDE, SIDE), n_frames=1, seed=77)
    clean = build_scene(config).truth.clean
    looking = PickingConfig(diameter_angstrom=124)
    print(
        "| image | dose, e/Å² | deviation of the result, of the input's | candidates a field "
        "| that stand out |"
    )
    print("|---|---|---|---|---|")
    for dose in NOISE_DOSES:
        rng = np.random.default_rng(0)
        field = rng.poisson(np.maximum(clean * dose, 0)).astype(np.float32)
        white = [rng.poisson(dose, field.shape).astype(np.float32) for _ in range(NOISE_FIELDS)]
        threshold = None
        for name, images in (
            ("with particles", [field]),
            ("white noise", white),
            ("noise coloured by a detector", [coloured(image) for image in white]),
        ):
            shares, candidates, left = [], [], []
            for image in images:
                result = denoise(image, model, pixel_size_angstrom=1.0)
                found = pick(result, 1.0, looking)
                if threshold is None:
                    threshold = suggested_threshold(found.scores)
                found = found[found.scores >= threshold]
                candidates.append(len(found))
                left.append(len(standing_out(found, result, image, 124, threshold)))
                shares.append(result.std() / image.std())
            fields = "1 field" if len(images) == 1 else f"{len(images)} fields"
            print(
                f"| {name}, {fields} | {dose} | {np.mean(shares):.4f} "
                f"| {np.mean(candidates):.1f} | {np.mean(left):.1f} |"
            )


def coloured(image: np.ndarray) -> np.ndarray:
    """Return noise as an integrating detector gives it: blurred by a pixel and its neighbours."""
    k = np.hypot(*np.meshgrid(np.fft.fftfreq(SIDE), np.fft.rfftfreq(SIDE), indexing="ij"))
    transfer = np.sinc(k) * np.exp(-k / 0.5)
    return np.fft.irfft2(np.fft.rfft2(image) * transfer, s=image.shape).astype(np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    known = ["simulated", "real", "noise"]
    parser.add_argument("parts", nargs="*", choices=[*known, []])
    parser.add_argument("--model", type=Path)
    parser.add_argument("--topaz", type=Path)
    given = parser.parse_args()
    model = general_denoiser() if given.model is None else load_denoiser(given.model)
    for part in given.parts or known:
        print(f"\n{part}\n")
        if part == "simulated":
            simulated(model, given.topaz)
        else:
            {"real": real, "noise": noise}[part](model)


if __name__ == "__main__":
    main()
