"""Small tilt series of known truth, in the folders of AreTomo, IMOD, RELION and Warp."""

from functools import cache

import numpy as np

from napari_n2n.io import write_mrc_stack, write_volume
from napari_n2n.progress import run_to_end
from napari_n2n.simulation.tomograms import (
    SimulatedTomogram,
    TomogramConfig,
    simulate_tomogram,
    write_tomogram_steps,
)

VOXEL = 12.0
SHAPE = (24, 56, 72)


@cache
def simulated(seed: int = 0) -> SimulatedTomogram:
    """Return a tomogram with a gold bead or two, of which a few voxels are soon seen."""
    return simulate_tomogram(
        TomogramConfig(
            shape=SHAPE,
            voxel_size_angstrom=VOXEL,
            tilt_step_degree=6,
            drift_angstrom=24,
            gold_beads=2,
            seed=seed,
        )
    )


def counted(images):
    return (np.minimum(image, 32767).astype(np.int16) for image in images)


def truth(seed=0):
    """Return the reconstruction without noise, (z, y, x)."""
    tomogram = simulated(seed)
    return tomogram.volume(tomogram.series.clean)


def aretomo(folder, names=("TS_01",), *, only_full=False, volume=True):
    """Lay down tilt series as AreTomo leaves them, with the volume of all frames alone."""
    for seed, name in enumerate(names):
        files = run_to_end(write_tomogram_steps(simulated(seed), folder, name))
        gone = [files.clean, files.specimen, files.particles, files.tlt, files.xf]
        gone += [files.odd, files.even, *([] if volume else [files.volume])]
        gone += [files.odd_tilts, files.even_tilts] if only_full else []
        for path in gone:
            path.unlink()
    return folder


def on_their_side(images):
    """Return images as a camera records them along whose rows the tilt axis lies."""
    return np.rot90(images, axes=(1, 2))


def imod(folder, names=("TS_01", "TS_02")):
    """Lay down tilt series as etomo leaves them, a folder each, the axis along x."""
    for seed, name in enumerate(names):
        place = folder / name
        place.mkdir(parents=True)
        series = simulated(seed).series
        for end, images in (
            (".st", series.odd + series.even),
            ("_odd.st", series.odd),
            ("_even.st", series.even),
        ):
            write_mrc_stack(place / f"{name}{end}", counted(on_their_side(images)), VOXEL)
        # (u, v) is (-y, x) of such an image, less the drift.
        rows = [f"0 -1 1 0 {-x:.3f} {-y:.3f}" for y, x in series.shifts_px]
        (place / f"{name}.xf").write_text("\n".join(rows) + "\n")
        (place / f"{name}.tlt").write_text("\n".join(f"{a:.2f}" for a in series.angles_degree))
        depth, height, width = SHAPE
        (place / "tilt.com").write_text(
            f"$tilt -StandardInput\nTHICKNESS {depth}\nFULLIMAGE {height} {width}\n"
            "EXCLUDELIST2 1\nOFFSET 0.0\nSHIFT 0.0 0.0\n"
        )
    return folder


def relion(project, names=("TS_01", "TS_02")):
    """Lay down tilt series as RELION's motion correction and alignment leave them."""
    (project / "tilt_series").mkdir(parents=True)
    (project / "frames").mkdir()
    for seed, name in enumerate(names):
        series = simulated(seed).series
        rows = []
        for i, (angle, (y, x)) in enumerate(
            zip(series.angles_degree, series.shifts_px, strict=True)
        ):
            files = []
            for end, images in (
                ("", series.odd + series.even),
                ("_EVN", series.even),
                ("_ODD", series.odd),
            ):
                files.append(f"frames/{name}_{i:03d}{end}.mrc")
                write_mrc_stack(project / files[-1], counted(images[i : i + 1]), VOXEL)
            defocus = series.defoci_micrometer[i] * 1e4
            rows.append(
                f"{' '.join(files)} 0 {angle} 0 {x * VOXEL:.3f} {y * VOXEL:.3f} "
                f"{defocus:.1f} {defocus:.1f} {angle}"
            )
        labels = ("MicrographName", "MicrographNameEven", "MicrographNameOdd", "TomoXTilt")
        labels += ("TomoYTilt", "TomoZRot", "TomoXShiftAngst", "TomoYShiftAngst", "DefocusU")
        labels += ("DefocusV", "TomoNominalStageTiltAngle")
        head = "".join(f"_rln{label} #{n}\n" for n, label in enumerate(labels, 1))
        (project / "tilt_series" / f"{name}.star").write_text(
            f"# version 50001\n\ndata_{name}\n\nloop_\n{head}" + "\n".join(rows) + "\n"
        )
    depth, height, width = SHAPE
    listed = "".join(
        f"{name} tilt_series/{name}.star {VOXEL} {width} {height} {depth} optics{seed} 1.0\n"
        for seed, name in enumerate(names)
    )
    labels = ("TomoName", "TomoTiltSeriesStarFile", "TomoTiltSeriesPixelSize", "TomoSizeX")
    labels += ("TomoSizeY", "TomoSizeZ", "OpticsGroupName", "TomoHand")
    head = "".join(f"_rln{label} #{n}\n" for n, label in enumerate(labels, 1))
    (project / "aligned_tilt_series.star").write_text(
        f"# version 50001\n\ndata_global\n\nloop_\n{head}{listed}"
    )
    return project


def warp(folder, names=("TS_01", "TS_02")):
    """Lay down volumes as WarpTools' ts_reconstruct --halfmap_frames leaves them."""
    for seed, name in enumerate(names):
        tomogram = simulated(seed)
        for half, images in (("odd", tomogram.series.odd), ("even", tomogram.series.even)):
            place = folder / "reconstruction" / half
            place.mkdir(parents=True, exist_ok=True)
            write_volume(
                place / f"{name}_{VOXEL:.2f}Apx.mrc",
                tomogram.volume(images),
                voxel_size_angstrom=VOXEL,
            )
        (folder / f"{name}.tomostar").write_text("data_\n\nloop_\n_wrpMovieName #1\na.mrc\n")
    return folder
