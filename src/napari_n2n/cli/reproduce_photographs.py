"""The command that runs the paper's experiment on photographs."""

from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer

from napari_n2n.cli import options
from napari_n2n.cli.experiments import run_experiment
from napari_n2n.cli.file_results import claim, require_folder, writes_files
from napari_n2n.settings import validated


@writes_files
def natural(
    train: Annotated[
        Path | None,
        typer.Option(help="Folder of photographs to train on; default: scikit-image's pictures."),
    ] = None,
    test: Annotated[Path | None, typer.Option(help="Folder of photographs to judge by.")] = None,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder of the experiment; made if missing.")
    ] = Path("reproduce-natural"),
    budget: Annotated[
        float, typer.Option(min=0.001, help="Minutes that all trainings may take together.")
    ] = 60.0,
    recipe_name: Annotated[
        Literal["paper", "better"],
        typer.Option("--recipe", help="The paper's training, or what makes more of the time."),
    ] = "better",
    network: Annotated[
        Literal["paper", "light", "large"], typer.Option(help="Of the model that is judged.")
    ] = "paper",
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            "-M",
            help="Judge this model, a file or photographs, instead of training one; comparisons "
            "are trained all the same.",
        ),
    ] = None,
    crop: Annotated[
        int | None, typer.Option(min=32, max=2048, help="Side of the training crops in px.")
    ] = None,
    test_images: Annotated[
        int, typer.Option(min=1, help="At most so many photographs to judge by.")
    ] = 68,
    seed: Annotated[int, typer.Option(min=0, help="Of weights, crops and noise.")] = 0,
    device: options.Device = "auto",
    quiet: options.Quiet = False,
) -> None:
    """Denoise photographs as the paper does. Ctrl-C stops; the same command goes on from there."""
    from napari_n2n.experiments.photographs.experiment import reproduce_photographs_steps
    from napari_n2n.experiments.photographs.settings import PhotographSettings
    from napari_n2n.experiments.protocol import results_there

    usual = PhotographSettings()
    settings = validated(
        PhotographSettings,
        train=None if train is None else str(train),
        test=None if test is None else str(test),
        budget_minutes=budget,
        recipe=recipe_name,
        network=network,
        given_model=model,
        crop=crop,
        test_images=test_images,
        claim_images=min(test_images, usual.claim_images),
        seed=seed,
    )

    require_folder(output)
    claim(results_there(output), tell=False)
    run_experiment(partial(reproduce_photographs_steps, output, settings, device=device), quiet)
