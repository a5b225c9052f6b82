"""The command that simulates tomograms whose truth is known: simulate tomogram."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_n2n.cli import console, options
from napari_n2n.cli.console import Reporter
from napari_n2n.cli.file_results import claim, require_folder, writes_files
from napari_n2n.settings import validated

if TYPE_CHECKING:
    from napari_n2n.progress import Steps


@writes_files
def simulate_tomogram(
    output: Annotated[Path, typer.Argument(help="Folder for the tomograms and their truth.")],
    tomograms: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 1,
    shape: Annotated[
        tuple[int, int, int],
        typer.Option(metavar="Z Y X", help="Of a volume, in voxels."),
    ] = (96, 320, 320),
    voxel_size: Annotated[float, typer.Option(min=2, max=40, help="In Å.")] = 10.0,
    dose: Annotated[float, typer.Option(min=1, max=1000, help="Of all tilts, in e/Å².")] = 120.0,
    tilt_range: Annotated[
        float, typer.Option(min=10, max=80, help="Tilts go to plus and minus this, in degrees.")
    ] = 60.0,
    tilt_step: Annotated[
        float, typer.Option(min=0.5, max=20, help="Between tilts, in degrees.")
    ] = 3.0,
    defocus: Annotated[float, typer.Option(min=-10, max=15, help="Underfocus in µm.")] = 4.0,
    thickness: Annotated[
        float | None,
        typer.Option(min=50, help="Of the ice in Å.  [default: two thirds of the volume's]"),
    ] = None,
    gold: Annotated[int, typer.Option(min=0, max=200, help="Gold beads of 100 Å.")] = 6,
    seed: Annotated[int, typer.Option(min=0, help="Equal seeds make equal tomograms.")] = 0,
    quiet: options.Quiet = False,
) -> None:
    """Simulate tomograms whose truth is known: tilt series, odd and even volumes, clean ones."""
    from napari_n2n.simulation.tomograms import (
        SimulatedTomogramFiles,
        TomogramConfig,
        simulate_tomogram_steps,
        write_tomogram_steps,
    )

    first = validated(
        TomogramConfig,
        shape=shape,
        voxel_size_angstrom=voxel_size,
        dose=dose,
        tilt_range_degree=tilt_range,
        tilt_step_degree=tilt_step,
        defocus_micrometer=defocus,
        thickness_angstrom=thickness,
        gold_beads=gold,
        seed=seed,
    )
    stems = [f"tomogram_{i:02d}" for i in range(tomograms)]
    require_folder(output)
    claim(path for stem in stems for path in SimulatedTomogramFiles.of(output, stem).files)

    def steps(stem: str, config: TomogramConfig) -> "Steps[SimulatedTomogramFiles]":
        simulated = yield from simulate_tomogram_steps(config)
        return (yield from write_tomogram_steps(simulated, output, stem))

    for i, stem in enumerate(stems):
        files = Reporter(quiet).run(steps(stem, first.replaced(seed=seed + i)))
        console.say(str(files.volume))
