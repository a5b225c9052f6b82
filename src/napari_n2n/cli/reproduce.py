"""The commands that run the paper's experiments."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from napari_n2n.cli import options
from napari_n2n.cli.experiments import run_experiment
from napari_n2n.cli.file_results import claim, require_folder, writes_files
from napari_n2n.cli.movie_options import takes_movies
from napari_n2n.cli.reproduce_photographs import natural
from napari_n2n.cli.reproduce_tomogram import tomogram
from napari_n2n.settings import validated
from napari_n2n.workflow.recording import RecordingOptions

reproduce = typer.Typer(
    help="Run an experiment of the paper, from its data to a report.", no_args_is_help=True
)

Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        help="Folder for everything the experiment makes; report.html is in it. Default: "
        "reproduce-SPECIMEN.",
    ),
]
Budget = Annotated[
    float,
    typer.Option(min=1e-3, help="Minutes that the trainings may take together."),
]
Movies = Annotated[
    Path | None, typer.Option(help="Take the movies of this folder, instead of simulated ones.")
]
Pairs = Annotated[
    Path | None,
    typer.Option(
        help="Take the pairs of this folder instead of movies: *_frame.mrc and *_rest.mrc, or "
        "halves (*_ODD.mrc, *_EVN.mrc)."
    ),
]
Count = Annotated[
    int | None,
    typer.Option(
        "--micrographs",
        min=2,
        max=1000,
        help="How many micrographs, to simulate or of the folder; default: 8, and all pairs.",
    ),
]
Size = Annotated[
    int, typer.Option(min=256, max=8192, help="Side of the simulated frames in px (1 Å).")
]
Frames = Annotated[
    int, typer.Option(min=2, max=1000, help="Frames of a simulated movie, 1 e/Å² each.")
]
Seed = Annotated[
    int, typer.Option(min=0, max=2**31 - 1, help="Equal seeds make equal movies and trainings.")
]


def _command(specimen: str) -> Callable[..., None]:
    """Return the experiment on ``specimen`` as a command."""

    @writes_files
    @takes_movies
    def run(
        output: Output = None,
        budget: Budget = 30.0,
        movies: Movies = None,
        pairs: Pairs = None,
        seed: Seed = 0,
        size: Size = 2048,
        frames: Frames = 40,
        count: Count = None,
        device: options.Device = "auto",
        quiet: options.Quiet = False,
        *,
        recording: RecordingOptions,
    ) -> None:
        from napari_n2n.experiments.cryo.experiment import reproduce_cryo_steps
        from napari_n2n.experiments.cryo.settings import CryoSettings
        from napari_n2n.experiments.protocol import results_there

        settings = validated(
            CryoSettings,
            specimen=specimen,
            count=count,
            size=size,
            frames=frames,
            budget_minutes=budget,
            seed=seed,
            movies=_text(movies),
            pairs=_text(pairs),
            recording=recording,
        )
        folder = Path(f"reproduce-{specimen}") if output is None else output
        require_folder(folder)
        claim(results_there(folder), [recording.gain], tell=False)
        run_experiment(partial(reproduce_cryo_steps, folder, settings, device=device), quiet)

    return run


reproduce.command(
    "apoferritin",
    help="Denoise apoferritin, 480 kDa shells, as the paper does. Ctrl-C stops; the same command "
    "goes on from there.",
)(_command("apoferritin"))
reproduce.command(
    "aldolase",
    help="Denoise aldolase, 150 kDa and hard to see, as the paper does. Ctrl-C stops; the same "
    "command goes on from there.",
)(_command("aldolase"))
reproduce.command()(natural)
reproduce.command()(tomogram)


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)
