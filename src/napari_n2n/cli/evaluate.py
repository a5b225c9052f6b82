"""The command that compares images and volumes with a reference, and halves: evaluate."""

import json
from pathlib import Path
from typing import Annotated

import typer

from napari_n2n.cli import console, options
from napari_n2n.cli.evaluate_volumes import evaluate_halves, evaluate_volume, is_volume, pairs_of


def evaluate(
    image: Annotated[
        Path,
        typer.Argument(
            help="The image or volume to judge. Or halves of tomograms: a folder, a "
            "tomograms.star, or one half beside the other."
        ),
    ],
    reference: Annotated[
        Path | None,
        typer.Option("--reference", help="The clean image, or an independent noisy one."),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model", "-M", help="Of halves of tomograms: compare them denoised with this, too."
        ),
    ] = None,
    band: Annotated[
        tuple[float, float] | None,
        typer.Option(help="Compare these spatial frequencies only: LOW HIGH in cycles/px."),
    ] = None,
    pixel_size: options.PixelSize = None,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable.")] = False,
    device: options.Device = "auto",
    quiet: options.Quiet = False,
) -> None:
    """Compare an image or volume with a reference, or the halves of tomograms with each other."""
    options.require_there([image])
    pairs = pairs_of(image)
    if pairs:
        evaluate_halves(
            pairs,
            truth=reference,
            model=model,
            voxel_size=pixel_size,
            device=device,
            quiet=quiet,
            as_json=as_json,
        )
        return
    if reference is None:
        raise typer.BadParameter("Give a --reference to compare with, or halves of a tomogram.")
    if is_volume(image) and is_volume(reference):
        evaluate_volume(image, reference, pixel_size, as_json)
        return
    _evaluate_image(image, reference, band, pixel_size, as_json)


def _evaluate_image(
    image: Path,
    reference: Path,
    band: tuple[float, float] | None,
    pixel_size: float | None,
    as_json: bool,
) -> None:
    from napari_n2n import metrics
    from napari_n2n.io import read_pair

    a, b = read_pair(image, reference, pixel_size_angstrom=pixel_size)
    first, second = a.pixels, b.pixels
    if a.is_rgb:
        first, second = first.mean(axis=2), second.mean(axis=2)
    if band is not None:
        low, high = band
        if not 0 <= low < high:
            raise typer.BadParameter(f"--band takes LOW < HIGH, not {low} {high}.")
        first = metrics.band_limited(first, low, high)
        second = metrics.band_limited(second, low, high)
    size = a.pixel_size_angstrom or b.pixel_size_angstrom
    curve = metrics.frc(first, second, size or 1.0)
    figures = {
        "correlation": metrics.correlation(first, second),
        "psnr_db": metrics.psnr(a.pixels, b.pixels),
        "frc_resolution_angstrom" if size else "frc_resolution_px": curve.resolution_angstrom(),
        "frc": {
            "frequency_per_angstrom" if size else "frequency_per_px": curve.frequency.tolist(),
            "correlation": curve.correlation.tolist(),
        },
    }
    if as_json:
        typer.echo(json.dumps(figures))
        return
    resolution = curve.resolution_angstrom()
    unit = "Å" if size else "px"
    console.say(f"Correlation: {figures['correlation']:.4f}")
    console.say(f"PSNR: {figures['psnr_db']:.2f} dB (R: the reference's range)")
    agree = "nowhere" if resolution is None else f"down to {resolution:.2f} {unit}"
    console.say(f"FRC ≥ 1/7: {agree}")
