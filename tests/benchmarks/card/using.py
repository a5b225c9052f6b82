"""Using what is there: a card woken up, micrographs in a stream, files, a movie, a tomogram."""

import statistics
import time
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import nn

from card import data
from card.arithmetic import forward_multiply_adds, matrix_rate
from card.bench import Bench, Note
from card.timing import once, timed
from napari_n2n.denoising.checkpoints import Denoiser
from napari_n2n.denoising.config import PAPER_NETWORK, preset
from napari_n2n.denoising.inference.denoising import denoise, denoise_halves_steps, denoise_steps
from napari_n2n.denoising.shipped_models.general import general_denoiser
from napari_n2n.denoising.unet import UNet
from napari_n2n.devices import describe_device
from napari_n2n.io import Movie, write_micrograph
from napari_n2n.motion import MotionConfig, align_steps
from napari_n2n.progress import Progress, never, run_to_end
from napari_n2n.workflow.batch import FileProgress, for_each_overlapped_steps
from napari_n2n.workflow.denoising import DenoiseFiles
from napari_n2n.workflow.movie_reader import MovieReader


def start(bench: Bench, note: Note) -> None:
    """Time what a first use costs: the card itself, then each library."""
    device = bench.on
    first = once(lambda: torch.zeros(1, device=device), device)
    note(device=describe_device(device), context_seconds=first)
    image = torch.randn(1, 8, 64, 64, device=device)
    layer = nn.Conv2d(8, 8, 3).to(device)
    for name, work in (
        ("product", lambda: image[0, 0] @ image[0, 0]),
        ("transform", lambda: torch.fft.rfft2(image)),
        ("convolution", lambda: layer(image)),
    ):
        note(**{f"first_{name}_seconds": once(work, device)})
    small = np.random.default_rng(0).normal(size=(128, 128)).astype(np.float32)
    for which in ("first", "second"):
        seconds = once(
            lambda: denoise(small, general_denoiser(), pixel_size_angstrom=4.0, device=device),
            device,
        )
        note(**{f"{which}_denoising_seconds": seconds})


def rates(bench: Bench, note: Note) -> None:
    """Measure the card's ceilings: products, copies within it, and to and from it."""
    device = bench.on
    for name, kind in (("bfloat16", torch.bfloat16), ("float32", torch.float32)):
        note(**{f"{name}_product": matrix_rate(bench, kind)})
    timing = {"repeats": bench.repeats, "window_seconds": bench.window_seconds}
    source = torch.randn(bench.copied // 4, device=device)
    target = torch.empty_like(source)
    copied = timed(partial(target.copy_, source), device, **timing)
    note(copy={**copied, "bytes_per_second": 2 * bench.copied / copied["seconds"]})
    image = torch.randn(bench.side, bench.side)
    del source, target  # gigabytes of a card that others may share
    for name, host in (("pageable", image), *_pinned(image, device)):
        sent = timed(partial(host.to, device), device, **timing)
        back = timed(host.to(device).cpu, device, **timing)
        note(**{f"micrograph_{name}": {"sent": sent, "fetched": back}})


def _pinned(image: torch.Tensor, device: torch.device) -> list[tuple[str, torch.Tensor]]:
    return [("pinned", image.pin_memory())] if device.type == "cuda" else []


def stream(bench: Bench, note: Note) -> None:
    """Time micrographs of full size one after the other, from array to array."""
    images = [data.micrograph(bench, seed) for seed in range(3)]
    pixel_size, device = data.PIXEL_SIZE_ANGSTROM, bench.on
    general = general_denoiser()
    paper = Denoiser(UNet(PAPER_NETWORK).eval(), preset("paper"), None)
    number = iter(range(10**9))

    def next_image() -> np.ndarray:
        return images[next(number) % len(images)]

    def with_model(denoiser: Denoiser, thorough: bool = False) -> object:
        steps = denoise_steps(
            next_image(),
            denoiser,
            pixel_size_angstrom=pixel_size,
            device=device,
            thorough=thorough,
        )
        return run_to_end(steps)

    works = {
        "general": lambda: with_model(general),
        "trained": lambda: with_model(replace(general, calibrate=False)),
        "trained, halves": lambda: run_to_end(
            denoise_halves_steps(
                next_image(),
                next_image(),
                replace(general, calibrate=False),
                pixel_size_angstrom=pixel_size,
                device=device,
            )
        ),
        "trained, thorough": lambda: with_model(replace(general, calibrate=False), True),
        "paper": lambda: with_model(paper),
    }
    for name, work in works.items():
        note(**{name: timed(work, device, repeats=bench.repeats, warm=min(2, bench.warm))})
    operations = forward_multiply_adds(PAPER_NETWORK) * bench.side**2
    note(side=bench.side, paper_multiply_adds=operations)


def files(bench: Bench, note: Note) -> None:
    """Time a list of MRC files as the command denoises it, reading and writing beside the work."""
    folder = bench.folder / "files"
    paths = []
    for number in range(bench.files):
        path = folder / f"micrograph_{number:02d}.mrc"
        write_micrograph(path, data.micrograph(bench, number), data.PIXEL_SIZE_ANGSTROM)
        paths.append(path)
    job = DenoiseFiles(
        general_denoiser(),
        MovieReader(),
        lambda path: bench.folder / "denoised" / path.name,
        str(bench.on),
    )
    ends: list[float] = []

    def at_end(step: FileProgress) -> None:
        if step.outcome is not None:
            if step.outcome.error is not None:
                raise step.outcome.error
            ends.append(time.perf_counter())

    started = time.perf_counter()
    run_to_end(for_each_overlapped_steps(paths, job, stop=never), at_end)
    between = [after - before for before, after in pairwise(ends)]
    note(
        files=len(paths),
        seconds=ends[-1] - started,
        first_seconds=ends[0] - started,
        next_seconds=statistics.median(between),
        least=min(between),
        most=max(between),
    )
    for path in (*paths, *(bench.folder / "denoised").iterdir()):
        Path(path).unlink()


def aligning(bench: Bench, note: Note) -> None:
    """Time aligning a movie in memory, as a whole and with bending, and its stages."""
    frames = data.movie(bench)
    opened = Movie.from_array(frames, data.PIXEL_SIZE_ANGSTROM, data.DOSE / bench.frames)
    # What nothing can be faster than: every frame is read twice.
    read = once(lambda: [opened.frame(i) for i in range(len(opened))], bench.on)
    note(shape=list(frames.shape), reading_once_seconds=read)
    for name, patches in (("drift", False), ("bending", True)):
        config = MotionConfig(device=str(bench.on), patches=patches)
        rounds = []
        for _ in range(1 + min(3, bench.repeats)):
            stages: dict[str, float] = {}
            last = [time.perf_counter()]

            def tell(
                step: Progress, stages: dict[str, float] = stages, last: list[float] = last
            ) -> None:
                now = time.perf_counter()
                stages[step.stage] = stages.get(step.stage, 0.0) + now - last[0]
                last[0] = now

            began = last[0]
            halves = run_to_end(align_steps(opened, config), tell)
            stages["end"] = time.perf_counter() - last[0]
            rounds.append({"seconds": time.perf_counter() - began, "stages": stages})
            warm = rounds[1:] or rounds
            seconds = [one["seconds"] for one in warm]
            note(
                **{
                    name: {
                        "seconds": statistics.median(seconds),
                        "least": min(seconds),
                        "most": max(seconds),
                        "first_seconds": rounds[0]["seconds"],
                        "stages": warm[-1]["stages"],
                        "bends": halves.trajectory.field_angstrom is not None,
                        "notes": list(halves.notes),
                    }
                }
            )


def tomogram(bench: Bench, note: Note) -> None:
    """Time denoising a half of 1024 × 1024 × 300 voxels, as soon as volumes can be denoised."""
    note(absent="The package does not denoise volumes yet.")
