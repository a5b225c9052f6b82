"""The command that writes a session's report: report."""

from pathlib import Path
from typing import Annotated

import typer

from napari_n2n.cli import options
from napari_n2n.cli.file_results import claim, say_outcome, writes_files
from napari_n2n.cli.slow_imports import importing


@writes_files
def report(
    session: options.SessionFile,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Default: screening-report.html beside the session."),
    ] = None,
) -> None:
    """Write a session's report: one HTML file with pictures and plots in it."""
    from napari_n2n.export.report import write_report
    from napari_n2n.session import open_existing

    with importing():
        from napari_n2n.workflow.screening import SETTINGS_KEY, results_of

    with open_existing(session) as kept:

        def thumbnail_of(file: Path) -> Path | None:
            thumbnail = results_of(kept.path, file).thumbnail
            return thumbnail if thumbnail.exists() else None

        target = output or kept.path.parent / "screening-report.html"
        claim([target], [kept.path, *kept.micrographs.overview().paths])
        settings = kept.setting(SETTINGS_KEY)
        say_outcome(write_report(target, kept, thumbnail_of=thumbnail_of, settings=settings))
