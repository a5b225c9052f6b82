"""Aligning one movie: this package's way, and torch-motion-correction's own whole-movie way."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from napari_n2n.io import open_movie
from napari_n2n.metrics import correlation
from napari_n2n.motion import MotionConfig, Trajectory, align_steps
from napari_n2n.motion.adding import add_frames_steps
from napari_n2n.progress import Progress, run_to_end
from napari_n2n.simulation import build_scene
from speed.tasks.simulating import PIXEL_SIZE_ANGSTROM, movie_config

_GRID = 9
_EDGE_PX = 64  # beyond the drift: what left the field on one side is missing there


def ours(path: str, output: str, patches: bool | str = "auto") -> dict[str, Any]:
    """Align a movie with `napari_n2n.motion.align`; keeps the sum and the motion for `judged`."""
    movie = open_movie(path)
    stages: dict[str, float] = {}
    last = time.perf_counter()

    def note(step: Progress) -> None:
        nonlocal last
        now = time.perf_counter()
        stages[step.stage] = round(stages.get(step.stage, 0.0) + now - last, 3)
        last = now

    started = time.perf_counter()
    halves = run_to_end(align_steps(movie, MotionConfig(patches=patches, device="cpu")), note)
    seconds = time.perf_counter() - started
    points = np.linspace(0, 1, _GRID)
    field = [halves.trajectory.displacement_angstrom(i, points, points) for i in range(len(movie))]
    np.savez(output, full=halves.full, field=np.array(field))
    return {"seconds": seconds, "stages": stages}


def library(path: str, output: str) -> dict[str, Any]:
    """Align a movie held whole in memory, by one patch of the whole field at full resolution."""
    import mrcfile
    from torch_motion_correction import (
        PatchSamplingConfig,
        correct_motion_fast,
        estimate_motion_cross_correlation_patches,
    )

    started = time.perf_counter()
    with mrcfile.open(path, permissive=True) as file:
        # uint8 counts, which MRC's mode 0 calls signed; they are below 128.
        frames = torch.from_numpy(np.asarray(file.data).astype(np.float32))
    sampling = PatchSamplingConfig(patch_shape=tuple(frames.shape[1:]), overlap=0.0)
    field, _ = estimate_motion_cross_correlation_patches(
        frames, pixel_spacing=PIXEL_SIZE_ANGSTROM, patch_sampling=sampling
    )
    estimated = time.perf_counter()
    full = correct_motion_fast(frames, field).sum(dim=0)
    done = time.perf_counter()
    shifts = field.data.detach().numpy().astype(np.float64)[:, :, 0, 0].T  # (frame, 2)
    everywhere = np.broadcast_to(shifts[:, :, None, None], (len(shifts), 2, _GRID, _GRID))
    np.savez(output, full=full.numpy(), field=everywhere)
    return {
        "seconds": done - started,
        "stages": {"estimating": estimated - started, "correcting": done - estimated},
    }


def judged(
    path: str, side: int, frames: int, bending: bool, outputs: dict[str, str]
) -> dict[str, Any]:
    """Compare what was found with the known motion: errors (px, rms) and the sums' correlation.

    Errors are of displacements relative to the middle frame, the reference of both ways.
    """
    config = movie_config(side, frames, bending)
    scene = build_scene(config)
    drift, clean = scene.truth.drift, scene.truth.clean
    on_grid = _displacements(drift.displacement_angstrom, side, frames)
    inner = np.s_[_EDGE_PX:-_EDGE_PX, _EDGE_PX:-_EDGE_PX]
    best = correlation(
        _sum_with_true_drift(path, drift, side, frames, bending)[inner], clean[inner]
    )
    answers: dict[str, Any] = {"correlation_with_true_drift": best}
    for name, output in outputs.items():
        with np.load(output) as kept:
            found, full = kept["field"], kept["full"]
        error = (found - on_grid) / PIXEL_SIZE_ANGSTROM
        reached = correlation(full[inner], clean[inner])
        answers[name] = {
            "whole_field_error_px": _rms(error.mean(axis=(2, 3))),
            "field_error_px": _rms(error),
            "share_of_true_drift": reached / best,
        }
    return answers


def _displacements(
    of_frame: Callable[..., np.ndarray], side: int, frames: int, points: int = _GRID
) -> np.ndarray:
    places = np.linspace(0, side - 1, points)
    y, x = np.meshgrid(places, places, indexing="ij")
    return np.array([of_frame(i, y, x) for i in range(frames)])


def _sum_with_true_drift(
    path: str, drift: Any, side: int, frames: int, bending: bool
) -> np.ndarray:
    grid = None
    if bending:
        places = _displacements(drift.displacement_angstrom, side, frames, points=5)
        grid = places.transpose(1, 0, 2, 3)
    truth = Trajectory(drift.whole_field_angstrom, grid, PIXEL_SIZE_ANGSTROM, frames // 2)
    none = np.zeros((side, side), bool)
    movie = open_movie(Path(path))
    sums = run_to_end(
        add_frames_steps(movie, truth, PIXEL_SIZE_ANGSTROM, none, None, torch.device("cpu"))
    )
    return np.asarray(sums[2])


def _rms(error: np.ndarray) -> float:
    return round(float(np.sqrt(np.mean(error**2))), 4)
