"""Simulated tomograms and their truth as files, named as AreTomo names them."""

import csv
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_n2n.io import VolumeWriter, write_atomically, write_mrc_stack
from napari_n2n.progress import Steps, Stopwatch
from napari_n2n.simulation.tomograms.tilts import Images, SimulatedTomogram

# Of a movie of each tilt; the sum of its frames is what is written.
_FRAMES = 10


@dataclass(frozen=True)
class SimulatedTomogramFiles:
    """Where a simulated tomogram and its truth are written.

    Attributes
    ----------
    tilts, odd_tilts, even_tilts
        Tilt series of all, of the odd and of the even frames, MRC, counts, in order of the angle.
    mdoc, aln, tlt, xf
        SerialEM's metadata; the alignment, as AreTomo and as IMOD write it.
    volume, odd, even
        Reconstructions of these tilt series, MRC.
    clean
        MRC, the reconstruction of tilt images without noise: what a perfect denoiser gives.
    specimen
        MRC, the specimen without optics and missing wedge: what a perfect restoration gives.
    particles
        CSV of ``x_angstrom, y_angstrom, z_angstrom, kind, diameter_angstrom``.
    """

    tilts: Path
    odd_tilts: Path
    even_tilts: Path
    mdoc: Path
    aln: Path
    tlt: Path
    xf: Path
    volume: Path
    odd: Path
    even: Path
    clean: Path
    specimen: Path
    particles: Path

    @classmethod
    def of(cls, folder: Path, stem: str) -> "SimulatedTomogramFiles":
        """Return where a tomogram and its truth are to be written."""
        return cls(
            tilts=folder / f"{stem}.mrc",
            odd_tilts=folder / f"{stem}_ODD.mrc",
            even_tilts=folder / f"{stem}_EVN.mrc",
            mdoc=folder / f"{stem}.mrc.mdoc",
            aln=folder / f"{stem}.aln",
            tlt=folder / f"{stem}.tlt",
            xf=folder / f"{stem}.xf",
            volume=folder / f"{stem}_Vol.mrc",
            odd=folder / f"{stem}_ODD_Vol.mrc",
            even=folder / f"{stem}_EVN_Vol.mrc",
            clean=folder / f"{stem}_clean.mrc",
            specimen=folder / f"{stem}_specimen.mrc",
            particles=folder / f"{stem}_particles.csv",
        )

    @property
    def files(self) -> list[Path]:
        """All of them."""
        return list(vars(self).values())


def write_tomogram_steps(
    simulated: SimulatedTomogram, folder: Path | str, stem: str
) -> Steps[SimulatedTomogramFiles]:
    """Write a tomogram and its truth into ``folder``, each file whole or not at all.

    Raises
    ------
    WriteProblem
        When the disk refuses.
    """
    files = SimulatedTomogramFiles.of(Path(folder), stem)
    series = simulated.series
    whole = series.odd + series.even
    voxel = simulated.config.voxel_size_angstrom
    stacks = {files.tilts: whole, files.odd_tilts: series.odd, files.even_tilts: series.even}
    volumes: dict[Path, Callable[[], Iterable[Images]]] = {
        files.volume: lambda: simulated.slabs(whole),
        files.odd: lambda: simulated.slabs(series.odd),
        files.even: lambda: simulated.slabs(series.even),
        files.clean: lambda: simulated.slabs(series.clean),
        files.specimen: lambda: [simulated.specimen()],
    }
    texts = {
        files.mdoc: _mdoc(simulated, files.tilts.name),
        files.aln: _aln(simulated),
        files.tlt: "".join(f"{angle:8.2f}\n" for angle in series.angles_degree),
        files.xf: _xf(simulated),
        files.particles: _particles(simulated),
    }
    watch = Stopwatch()
    for i, (path, slabs) in enumerate(volumes.items()):
        yield watch.progress(f"writing {path.name}", i, len(volumes))
        with VolumeWriter(path, shape=simulated.config.shape, voxel_size_angstrom=voxel) as writer:
            for slab in slabs():
                writer.write(slab)
    for path, images in stacks.items():
        write_mrc_stack(path, _counted(images), voxel)
    for path, text in texts.items():
        with write_atomically(path) as beside:
            beside.write_text(text, newline="")
    return files


def _counted(images: Images) -> Iterator[NDArray[np.int16]]:
    return (np.minimum(image, 32767).astype(np.int16) for image in images)


def _mdoc(simulated: SimulatedTomogram, name: str) -> str:
    """Return what SerialEM tells of a tilt series: a section for each image of the stack."""
    config, series = simulated.config, simulated.series
    height, width = config.shape[1:]
    dose = config.dose / len(series.angles_degree)
    taken = {index: turn for turn, index in enumerate(config.order)}
    lines = [
        f"PixelSpacing = {config.voxel_size_angstrom:g}",
        f"Voltage = {config.voltage_kv:g}",
        f"ImageFile = {name}",
        f"ImageSize = {width} {height}",
        "DataMode = 1",
        "",
        "[T = SerialEM: simulated by napari-n2n]",
        "[T = Tilt axis angle = 0.0, binning = 1  spot = 8  camera = 0]",
        "",
    ]
    for i, (angle, defocus) in enumerate(
        zip(series.angles_degree, series.defoci_micrometer, strict=True)
    ):
        lines += [
            f"[ZValue = {i}]",
            f"TiltAngle = {angle:g}",
            f"PixelSpacing = {config.voxel_size_angstrom:g}",
            f"ExposureDose = {dose:.4f}",
            f"PriorRecordDose = {taken[i] * dose:.4f}",
            # SerialEM's is negative below focus.
            f"TargetDefocus = {-config.defocus_micrometer:g}",
            f"Defocus = {-defocus:.4f}",
            "RotationAngle = 0",
            f"NumSubFrames = {_FRAMES}",
            "",
        ]
    return "\n".join(lines)


def _aln(simulated: SimulatedTomogram) -> str:
    """Return the alignment as AreTomo2 and 3 write it; TX and TY tell where the specimen lies."""
    series = simulated.series
    height, width = simulated.config.shape[1:]
    count = len(series.angles_degree)
    lines = [
        "# AreTomo Alignment / Priims bprmMn",
        f"# RawSize = {width} {height} {count}",
        "# NumPatches = 0",
        "# SEC     ROT         GMAG       TX          TY      SMEAN     SFIT    SCALE     BASE"
        "     TILT",
    ]
    lines += [
        f"{i:5d}  {0:9.4f}  {1:9.5f}  {x:9.3f}  {y:9.3f}  {1:7.2f}  {1:7.2f}  {1:7.2f}"
        f"  {0:7.2f}  {angle:8.2f}"
        for i, (angle, (y, x)) in enumerate(
            zip(series.angles_degree, series.shifts_px, strict=True)
        )
    ]
    return "\n".join([*lines, ""])


def _xf(simulated: SimulatedTomogram) -> str:
    """Return IMOD's transforms from raw to aligned images: A11 A12 A21 A22 DX DY."""
    return "".join(
        f"{1:12.7f}{0:12.7f}{0:12.7f}{1:12.7f}{-x:12.3f}{-y:12.3f}\n"
        for y, x in simulated.series.shifts_px
    )


def _particles(simulated: SimulatedTomogram) -> str:
    text = StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["x_angstrom", "y_angstrom", "z_angstrom", "kind", "diameter_angstrom"])
    for one in simulated.ice.placed:
        z, y, x = one.centre_angstrom
        place = [f"{value:.1f}" for value in (x, y, z)]
        table.writerow([*place, one.kind, f"{one.diameter_angstrom:g}"])
    return text.getvalue()
