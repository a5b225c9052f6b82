"""How well the drift of the whole field is measured, on easy movies and hard ones.

Run: python tests/benchmarks/bench_drift.py [--seeds 3] [--only NAME] [--also NAME=PATH/TO/src]

Every movie is simulated once and measured by the present sources and by those that --also names (a
checkout of an older version), in turns, each time in a process of its own. Errors are rms in Å
against the simulated drift, y and x, relative to the middle frame. "Lost" are movies of which it
was said that they show nothing to measure motion by. The first measurement in a process pays for
what is imported on the way.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

_USUAL = {"shape": (1024, 1024), "contaminant_count": 0, "global_drift_angstrom": 30.0}
CASES: dict[str, dict[str, object]] = {
    "usual: 2048² × 40, 25 Å, gain 5 %, 200 hot pixels": {
        "shape": (2048, 2048), "global_drift_angstrom": 25.0, "gain_pattern": 0.05,
        "hot_pixels": 200,
    },
    "aldolase, 0.5 e/Å² × 80, 0.8 µm": {
        "specimen": "aldolase", "n_frames": 80, "dose_per_frame": 0.5, "defocus_micrometer": 0.8,
    },
    "0.25 e/Å² × 80": {"n_frames": 80, "dose_per_frame": 0.25},
    "0.2 e/Å² × 200": {"n_frames": 200, "dose_per_frame": 0.2, "global_drift_angstrom": 40.0},
    "half the ice's thickness across the field": {"n_frames": 30, "ice_gradient": 0.5},
    "eight contaminants": {"n_frames": 30, "contaminant_count": 8},
    "25 particles": {"n_frames": 40, "n_particles": 25},
    "100 Å": {"n_frames": 40, "global_drift_angstrom": 100.0},
    "250 Å, 1400²": {"shape": (1400, 1400), "n_frames": 40, "global_drift_angstrom": 250.0},
    "200 Å, 0.25 e/Å² × 80": {
        "n_frames": 80, "dose_per_frame": 0.25, "global_drift_angstrom": 200.0,
    },
    "hard: 80 Å, 640², 0.5 e/Å² × 20": {
        "shape": (640, 640), "n_frames": 20, "dose_per_frame": 0.5, "global_drift_angstrom": 80.0,
    },
    "hard: 120 Å, 640², 0.5 e/Å² × 24": {
        "shape": (640, 640), "n_frames": 24, "dose_per_frame": 0.5, "global_drift_angstrom": 120.0,
    },
    "hard: 120 Å, 640², 0.25 e/Å² × 48": {
        "shape": (640, 640), "n_frames": 48, "dose_per_frame": 0.25, "global_drift_angstrom": 120.0,
    },
    "hard: 200 Å, 800², 0.7 e/Å² × 12": {
        "shape": (800, 800), "n_frames": 12, "dose_per_frame": 0.7, "global_drift_angstrom": 200.0,
    },
    "hard: aldolase, 120 Å, 800², 0.7 e/Å² × 24": {
        "specimen": "aldolase", "shape": (800, 800), "n_frames": 24, "dose_per_frame": 0.7,
        "global_drift_angstrom": 120.0,
    },
    "few: 512², 1 e/Å² × 4, 15 Å": {
        "shape": (512, 512), "n_frames": 4, "global_drift_angstrom": 15.0,
    },
    "few: 640², 2 e/Å² × 4, 60 Å": {
        "shape": (640, 640), "n_frames": 4, "dose_per_frame": 2.0, "global_drift_angstrom": 60.0,
    },
    "gain reference missing: 10 %, 2,000 hot pixels": {
        "n_frames": 30, "gain_pattern": 0.1, "hot_pixels": 2000,
    },
}  # fmt: skip
_LARGEST_DRIFT_ANGSTROM = 150.0
"""``MotionConfig``'s default, and so is the next."""
_ESTIMATION_PIXEL_ANGSTROM = 4.0


def measure(path: Path, gain: Path | None) -> dict[str, object]:
    """Measure the drift of one movie twice; the first time pays for imports."""
    import torch

    from napari_n2n.io import open_movie, read_gain
    from napari_n2n.motion.frames import read_cropped_steps
    from napari_n2n.motion.whole_field import measure_drift_steps
    from napari_n2n.progress import run_to_end

    torch.set_num_threads(1)
    movie = open_movie(path, gain=None if gain is None else read_gain(gain))
    cropped = read_cropped_steps(movie, 1.0, _ESTIMATION_PIXEL_ANGSTROM, torch.device("cpu"))
    frames = run_to_end(cropped)
    reach = min(_LARGEST_DRIFT_ANGSTROM, min(movie.shape[1:]) / 4)
    times = []
    for _ in range(2):
        # Of the processor and not of the clock: other work on the machine counts less.
        started = time.process_time()
        drift = run_to_end(measure_drift_steps(frames, len(movie) // 2, reach))
        times.append(time.process_time() - started)
    shifts = None if drift is None else drift.shifts_angstrom.tolist()
    return {"shifts": shifts, "first": times[0], "again": times[1]}


def measured(case: str, seed: int, sources: dict[str, str]) -> dict[str, dict[str, float]]:
    """Simulate one movie and measure it by each of the sources: error (NaN: lost) and times."""
    from napari_n2n.simulation import SimulationConfig, build_scene, write_simulated

    config = SimulationConfig(**{**_USUAL, **CASES[case], "seed": seed})
    answers = {}
    with tempfile.TemporaryDirectory() as folder:
        scene = build_scene(config)
        paths = write_simulated(scene, folder, "movie")
        call = [sys.executable, __file__, "--measure", str(paths.movie)]
        if paths.gain is not None and "missing" not in case:
            call += ["--gain", str(paths.gain)]
        for name, source in sources.items():
            environment = {**os.environ, "PYTHONPATH": source}
            done = subprocess.run(call, check=True, capture_output=True, text=True, env=environment)
            answer = json.loads(done.stdout.splitlines()[-1])
            error = np.nan
            if answer["shifts"] is not None:
                apart = np.array(answer["shifts"]) - scene.truth.drift_angstrom
                error = float(np.sqrt(np.mean(apart**2)))
            answers[name] = {"error": error, "first": answer["first"], "again": answer["again"]}
    return answers


def main() -> None:
    """Measure all cases, print a table of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", help="cases whose name holds this")
    parser.add_argument("--also", action="append", default=[], metavar="NAME=PATH")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--gain", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure is not None:
        print(json.dumps(measure(options.measure, options.gain)))
        return
    import napari_n2n

    sources = dict(other.split("=", 1) for other in options.also)
    sources["now"] = str(Path(napari_n2n.__file__).parents[1])
    columns = [f"{name}: error, lost, s (first)" for name in sources]
    print("| " + " | ".join(["movies", *columns]) + " |")
    print("|" + "---|" * (1 + len(sources)))
    for case in CASES:
        if options.only is not None and options.only not in case:
            continue
        seeds = [measured(case, 100 + seed, sources) for seed in range(options.seeds)]
        cells = []
        for name in sources:
            errors = np.array([seed[name]["error"] for seed in seeds])
            first, again = (np.median([s[name][k] for s in seeds]) for k in ("first", "again"))
            lost = int(np.isnan(errors).sum())
            mean = f"{np.nanmean(errors):.2f}" if lost < len(errors) else "-"
            cells.append(f"{mean}, {lost}, {again:.2f} ({first:.2f})")
        print("| " + " | ".join([case, *cells]) + " |", flush=True)


if __name__ == "__main__":
    main()
