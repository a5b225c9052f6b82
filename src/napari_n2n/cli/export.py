"""The command that hands a session's kept micrographs on: export."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_n2n.cli import console, options
from napari_n2n.cli.convert import labels_of
from napari_n2n.cli.file_results import claim, require_folder, say_outcome, writes_files

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from napari_n2n.export.kept import ExportOutcome
    from napari_n2n.io import Optics
    from napari_n2n.session import Session

_KINDS = ("relion", "particles", "figures", "list", "links")


@writes_files
def export(
    session: options.SessionFile,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder for the files; made if missing.")
    ] = Path("kept"),
    what: Annotated[
        str | None,
        typer.Option(
            help=f"Some of {', '.join(_KINDS)}; default: all but links, particles if there are any."
        ),
    ] = None,
    min_score: Annotated[
        float | None,
        typer.Option(
            min=0, max=100, help="Not the kept ones, but those of this score that none rejected."
        ),
    ] = None,
    project: Annotated[
        Path | None,
        typer.Option(help="RELION's project folder; default: the one that the output lies in."),
    ] = None,
    micrograph_folder: Annotated[
        str | None,
        typer.Option(help="Particles: where RELION has the micrographs, e.g. MotionCorr/job002/m."),
    ] = None,
    labels: Annotated[
        str | None, typer.Option(help="Particles of these labels only, e.g. intact,broken.")
    ] = None,
    pixel_size: options.PixelSize = None,
    voltage: Annotated[
        float | None, typer.Option(min=1, max=3000, help="In kV, for RELION's optics groups.")
    ] = None,
    cs: Annotated[
        float | None, typer.Option(help="Spherical aberration in mm, for RELION's optics groups.")
    ] = None,
    amplitude_contrast: Annotated[
        float | None, typer.Option(min=0, max=1, help="For RELION's optics groups.")
    ] = None,
    scale: Annotated[
        float,
        typer.Option(
            min=1e-3,
            max=1e3,
            help="Multiply positions of particles, for other pixels.",
        ),
    ] = 1.0,
    mirror_y: Annotated[
        bool | None,
        typer.Option(
            "--mirror-y/--no-mirror-y",
            help="Turn particles upside down; default: for RELION, where it reads a TIFF.",
        ),
    ] = None,
) -> None:
    """Write the kept micrographs for other programs: RELION, cryoSPARC, lists, tables."""
    wanted = _kinds_of(what)
    require_folder(output)
    of_labels = labels_of(labels)

    from napari_n2n.errors import N2NError
    from napari_n2n.export import kept as exporting
    from napari_n2n.export.relion import list_paths, relion_lists, write_relion_lists
    from napari_n2n.session import open_existing

    optics = _optics(voltage, cs, amplitude_contrast)
    failed = False
    with open_existing(session) as kept:
        chosen = _chosen(kept, min_score)
        # Which asks the headers of all files.
        relion = relion_lists(kept, chosen) if "relion" in wanted else []
        ids = None if min_score is None else chosen  # so that it is told what is missing
        listed = output / f"{relion[0][1] if len(relion) == 1 else 'kept'}.star"
        tables = {
            "particles": output / "particles.star",
            "figures": output / "figures.csv",
            "list": output / "list.txt",
        }
        targets = {kind: [path] for kind, path in tables.items()}
        targets["relion"] = list_paths(listed, relion)
        inputs = [kept.path, *kept.micrographs.overview().paths]
        writers: dict[str, Callable[[], ExportOutcome]] = {
            "relion": lambda: write_relion_lists(
                listed,
                kept,
                ids,
                lists=relion,
                project=project,
                optics=optics,
                pixel_size_angstrom=pixel_size,
            ),
            "particles": lambda: exporting.write_particles(
                tables["particles"],
                kept,
                ids,
                labels=of_labels,
                micrograph_folder=micrograph_folder,
                optics=optics,
                scale=scale,
                mirror_y=mirror_y,
            ),
            "figures": lambda: exporting.write_figures(tables["figures"], kept),
            "list": lambda: exporting.write_list(tables["list"], kept, ids),
            "links": lambda: exporting.write_links(output / "links", kept, ids),
        }
        if what is None and not _has_particles(kept, chosen):
            wanted.remove("particles")
        for kind in wanted:
            try:
                claim(targets.get(kind, ()), inputs)
                say_outcome(writers[kind]())
            except N2NError as error:
                console.say_error(str(error))
                failed = True
    if failed:
        raise typer.Exit(1)


def _optics(
    voltage: float | None, cs: float | None, amplitude_contrast: float | None
) -> "Optics | None":
    """Return how the microscope was set; None where nothing was said of it."""
    from napari_n2n.io import Optics

    if voltage is None and cs is None and amplitude_contrast is None:
        return None
    if voltage is None or cs is None or amplitude_contrast is None:
        raise typer.BadParameter(
            "--voltage, --cs and --amplitude-contrast go together: give all three, or none."
        )
    return Optics(voltage, cs, amplitude_contrast)


def _kinds_of(what: str | None) -> list[str]:
    if what is None:
        return [kind for kind in _KINDS if kind != "links"]
    words = [word.strip() for word in what.split(",")]
    chosen = [kind for kind in _KINDS if kind in words]
    if not chosen or set(words) - {*_KINDS, ""}:
        raise typer.BadParameter(
            f"--what takes some of {', '.join(_KINDS)}, with commas between, not {what!r}."
        )
    return chosen


def _chosen(session: "Session", min_score: float | None) -> "NDArray[np.int64]":
    """Return the ids of the kept micrographs, or of those with a score that none rejected."""
    import numpy as np

    overview = session.micrographs.overview()
    wanted = overview.verdicts == "keep"
    if min_score is not None:
        unknown = np.full(len(overview), np.nan)
        scores = overview.figures.get("score", unknown)
        wanted = (scores >= min_score) & (overview.verdicts != "reject")
    ids: NDArray[np.int64] = overview.ids[wanted]
    return ids


def _has_particles(session: "Session", ids: "NDArray[np.int64]") -> bool:
    counts = session.micrographs.overview(ids).counts
    return any(bool(column.any()) for column in counts.values())
