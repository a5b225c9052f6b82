"""The command that runs the experiment on tomograms."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from napari_n2n.cli import options
from napari_n2n.cli.experiments import run_experiment
from napari_n2n.cli.file_results import claim, require_folder, writes_files
from napari_n2n.settings import validated


@writes_files
def tomogram(
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder of the experiment; made if missing.")
    ] = Path("reproduce-tomogram"),
    budget: Annotated[
        float, typer.Option(min=1e-3, help="Minutes that the training may take.")
    ] = 4.0,
    tomograms: Annotated[
        int, typer.Option(min=1, max=100, help="How many to train on; another one is judged.")
    ] = 2,
    dose: Annotated[float, typer.Option(min=1, max=1000, help="Of all tilts, in e/Å².")] = 120.0,
    quick: Annotated[
        bool, typer.Option("--quick", help="Tiny tomograms and seconds, to see that all works.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Of tomograms and training.")] = 0,
    device: options.Device = "auto",
    quiet: options.Quiet = False,
) -> None:
    """Denoise simulated tomograms. Ctrl-C stops; the same command goes on from there."""
    from napari_n2n.experiments.protocol import results_there
    from napari_n2n.experiments.tomograms.experiment import reproduce_tomogram_steps
    from napari_n2n.experiments.tomograms.settings import QUICK, TomogramSettings

    settings = validated(
        TomogramSettings, budget_minutes=budget, count=tomograms, dose=dose, seed=seed
    )
    if quick:
        settings = QUICK.replaced(dose=dose, seed=seed)
    require_folder(output)
    claim(results_there(output), tell=False)
    run_experiment(partial(reproduce_tomogram_steps, output, settings, device=device), quiet)
