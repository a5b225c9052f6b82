"""Time, memory and exactness of opening and aligning a simulated movie.

Run: python tests/benchmarks/bench_motion.py [--side 4096] [--frames 40] [--local 8] [--threads 2]

The movie is simulated and written first; opening and aligning then happen in a process of their
own, whose peak memory is its own too.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np


def peak_megabytes() -> float:
    """Return the most memory this process has held since it began its program."""
    status = Path("/proc/self/status")
    if status.exists():
        # Not getrusage: its figure starts from that of the process this one was forked from.
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(path: Path, threads: int) -> dict[str, float]:
    """Open and align the movie at ``path``; return seconds and megabytes, and save the result."""
    start = time.perf_counter()
    from napari_n2n.io import open_movie

    imported = time.perf_counter()
    movie = open_movie(path, dose_per_frame=1.0)
    opened = time.perf_counter()
    movie.frame(0)
    first = time.perf_counter()
    import torch

    from napari_n2n.motion import align_steps
    from napari_n2n.progress import Progress, run_to_end

    torch.set_num_threads(threads)
    ready = time.perf_counter()
    stages: dict[str, float] = {}
    last = [ready]

    def note(step: Progress) -> None:
        now = time.perf_counter()
        stages[step.stage] = stages.get(step.stage, 0.0) + now - last[0]
        last[0] = now

    before = peak_megabytes()
    halves = run_to_end(align_steps(movie), note)
    done = time.perf_counter()
    np.save(path.with_suffix(".full.npy"), halves.full)
    np.save(path.with_suffix(".shifts.npy"), halves.trajectory.shifts_angstrom)
    points = np.linspace(0, 1, 9)
    field = [halves.trajectory.displacement_angstrom(i, points, points) for i in range(len(movie))]
    np.save(path.with_suffix(".field.npy"), np.array(field))
    return {
        "import io, s": imported - start,
        "open, s": opened - imported,
        "first frame, s": first - opened,
        "import torch and motion, s": ready - first,
        "align, s": done - ready,
        **{f"  {stage}, s": seconds for stage, seconds in stages.items()},
        "peak memory before aligning, MB": before,
        "peak memory, MB": peak_megabytes(),
    }


def main() -> None:
    """Simulate, measure in a fresh process, compare with the truth, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=4096)
    parser.add_argument("--frames", type=int, default=40)
    parser.add_argument("--local", type=float, default=8.0, help="local drift in Å")
    parser.add_argument("--drift", type=float, default=20.0, help="drift of the field in Å")
    parser.add_argument("--specimen", default="apoferritin")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure is not None:
        print(json.dumps(measure(options.measure, options.threads)))
        return

    import torch

    from napari_n2n.io import open_movie
    from napari_n2n.motion import Trajectory
    from napari_n2n.motion.adding import add_frames_steps
    from napari_n2n.progress import run_to_end
    from napari_n2n.simulation import SimulationConfig, build_scene, write_simulated

    config = SimulationConfig(
        specimen=options.specimen,
        shape=(options.side, options.side),
        n_frames=options.frames,
        global_drift_angstrom=options.drift,
        local_drift_angstrom=options.local,
        contaminant_count=0,
        seed=options.seed,
    )
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        scene = build_scene(config)
        path = write_simulated(scene, folder, "movie").movie
        print(f"simulated and written: {time.perf_counter() - start:.1f} s")
        call = [sys.executable, __file__, "--measure", path, "--threads", str(options.threads)]
        answer = subprocess.run(call, check=True, capture_output=True, text=True).stdout
        for what, value in json.loads(answer.splitlines()[-1]).items():
            print(f"{what}: {value:.2f}")
        clean, drift = scene.truth.clean, scene.truth.drift
        side = options.side - 1

        def field(points: int) -> np.ndarray:
            y, x = np.meshgrid(*2 * [np.linspace(0, side, points)], indexing="ij")
            return np.array([drift.displacement_angstrom(i, y, x) for i in range(options.frames)])

        found = np.load(path.with_suffix(".field.npy"))
        shifts = np.load(path.with_suffix(".shifts.npy"))
        whole = drift.whole_field_angstrom
        print(f"whole-field drift, rms error: {np.sqrt(np.mean((shifts - whole) ** 2)):.3f} px")
        bent = field(9) - whole[:, :, None, None]
        print(f"local drift, rms: {np.sqrt(np.mean(bent**2)):.3f} px")
        error = np.sqrt(np.mean((found - field(9)) ** 2))
        print(f"drift everywhere in the field, rms error: {error:.3f} px")
        truth = Trajectory(whole, field(5).transpose(1, 0, 2, 3) if options.local else None, 1.0, 0)
        none, cpu = np.zeros(config.shape, bool), torch.device("cpu")
        sums = run_to_end(add_frames_steps(open_movie(path), truth, 1.0, none, None, cpu))
        inner = np.s_[64:-64, 64:-64]
        ours, best, unaligned = (
            np.corrcoef(image[inner].ravel(), clean[inner].ravel())[0, 1]
            for image in (
                np.load(path.with_suffix(".full.npy")),
                sums[2],
                sum(open_movie(path)),
            )
        )
        print(f"correlation with the truth: {ours:.4f} ({ours / best:.4f} of the true drift's")
        print(f"  {best:.4f}); without alignment {unaligned:.4f}")


if __name__ == "__main__":
    main()
