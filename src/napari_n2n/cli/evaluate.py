"""The command that compares an image with a reference: evaluate."""

import json
from pathlib import Path
from typing import Annotated

import typer

from napari_n2n.cli import console, options


def evaluate(
    image: Annotated[Path, typer.Argument(help="The image to judge.")],
    reference: Annotated[
        Path, typer.Option("--reference", help="The clean image, or an independent noisy one.")
    ],
    band: Annotated[
        tuple[float, float] | None,
        typer.Option(help="Compare these spatial frequencies only: LOW HIGH in cycles/px."),
    ] = None,
    pixel_size: options.PixelSize = None,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable.")] = False,
) -> None:
    """Compare an image with a reference: correlation, FRC, PSNR."""
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
