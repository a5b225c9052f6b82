"""What the command evaluate does with tomograms."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from napari_n2n.cli import console
from napari_n2n.cli.console import Reporter
from napari_n2n.cli.pick_tomograms import denoiser_of_volumes
from napari_n2n.progress import Interrupted

if TYPE_CHECKING:
    from napari_n2n.io import VolumePair
    from napari_n2n.metrics import RingCorrelation
    from napari_n2n.workflow.judge_volumes import JudgedTomogram


def pairs_of(image: Path) -> "list[VolumePair]":
    """Return the halves of tomograms in a folder, a list, or of which a file is one."""
    from napari_n2n.errors import N2NError
    from napari_n2n.io import VolumePair, half_of, halves_beside, volume_halves
    from napari_n2n.workflow.volumes import holds_volumes

    if holds_volumes(image):
        return [*volume_halves(image)]
    try:
        half = image.is_file() and half_of(image)[1] and is_volume(image)
        pair = halves_beside(image) if half else None
    except N2NError:
        return []
    return [] if pair is None else [VolumePair(pair.name, odd=pair.odd, even=pair.even)]


def is_volume(path: Path) -> bool:
    """Whether a file is a volume; what cannot be read is told later."""
    from napari_n2n.errors import N2NError
    from napari_n2n.io import inspect_file

    try:
        return inspect_file(path).kind == "volume"
    except N2NError:
        return False


def evaluate_halves(
    pairs: "list[VolumePair]",
    *,
    truth: Path | None,
    model: str | None,
    voxel_size: float | None,
    device: str,
    quiet: bool,
    as_json: bool,
) -> None:
    """Say how far the halves of tomograms agree, before and after denoising.

    Raises
    ------
    N2NError
        They cannot be used.
    typer.Exit
        With 130 where someone stopped it.
    """
    from napari_n2n.errors import BadValue
    from napari_n2n.io import open_volume
    from napari_n2n.workflow.judge_volumes import judge_halves_steps

    if truth is not None and len(pairs) > 1:
        raise BadValue(f"One truth cannot be that of {len(pairs)} tomograms. Give a single half.")
    denoiser = None if model is None else denoiser_of_volumes(model)
    clean = None if truth is None else open_volume(truth, kind="volume")
    found = []
    with console.stop_on_signal() as stop:
        for pair in pairs:
            steps = judge_halves_steps(
                pair.name,
                pair.opened(voxel_size),
                denoiser=denoiser,
                truth=clean,
                device=device,
                stop=stop,
            )
            try:
                found.append(Reporter(quiet or as_json).run(steps))
            except Interrupted:
                raise typer.Exit(130) from None
            if not as_json:
                _say(found[-1])
    if as_json:
        typer.echo(json.dumps([one.as_json() for one in found]))


def _say(one: "JudgedTomogram") -> None:
    from napari_n2n.workflow.judge_volumes import CONDITION

    console.say(f"{one.name}: Fourier shell correlation of its halves ({CONDITION})")
    console.say(f"  as reconstructed: {agreement(one.before, one.unit)}")
    if one.after is not None:
        console.say(f"  denoised, each for itself: {agreement(one.after, one.unit)}")
        console.say_note(
            "One network made both denoised halves: what it takes for specimen in either is in "
            "both, so their agreement is an upper bound."
        )
    if one.raw_correlation is not None:
        denoised = one.denoised_correlation
        told = "" if denoised is None else f", denoised {denoised:.4f}"
        console.say(f"  correlation with the truth: raw {one.raw_correlation:.4f}{told}")


def agreement(curve: "RingCorrelation", unit: str) -> str:
    """Say down to where a curve is above the usual thresholds."""
    parts = []
    for threshold in (0.143, 0.5):
        resolution = curve.resolution_angstrom(threshold)
        where = "nowhere" if resolution is None else f"down to {resolution:.1f} {unit}"
        parts.append(f"≥ {threshold:g} {where}")
    return ", ".join(parts)


def evaluate_volume(image: Path, reference: Path, voxel_size: float | None, as_json: bool) -> None:
    """Compare a volume with the truth or with an independent one.

    Raises
    ------
    N2NError
        They cannot be compared.
    """
    from napari_n2n.io import open_volume
    from napari_n2n.metrics import fourier_shell_correlation
    from napari_n2n.workflow.judge_volumes import (
        CONDITION,
        correlation_of,
        curve_as_json,
        require_same_shape,
    )

    a, b = (
        open_volume(path, voxel_size_angstrom=voxel_size, kind="volume")
        for path in (image, reference)
    )
    require_same_shape(b, a)
    size = a.voxel_size_angstrom or b.voxel_size_angstrom
    curve = fourier_shell_correlation(a, b, size or 1.0)
    correlation = correlation_of((a,), b)
    if as_json:
        told = {"correlation": correlation, "condition": CONDITION}
        per = "voxel" if size is None else "angstrom"
        typer.echo(json.dumps({**told, "fsc": curve_as_json(curve, per)}))
        return
    console.say(f"Correlation: {correlation:.4f}")
    unit = "voxels" if size is None else "Å"
    console.say(f"FSC ({CONDITION}): {agreement(curve, unit)}")
