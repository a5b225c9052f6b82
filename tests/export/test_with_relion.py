"""RELION's own programs extract particles where this program found them.

Run where they are at hand: ``N2N_RELION=/opt/relion/bin pytest tests/export/test_with_relion.py``.
EER is left out: RELION reads that of 2048² and 4096² detectors only, too large for a small test.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import mrcfile
import numpy as np
import pytest
from scipy import ndimage

from napari_n2n.export.kept import write_particles
from napari_n2n.export.relion import write_relion
from napari_n2n.io import (
    MicrographParticles,
    Optics,
    Particles,
    open_movie,
    write_micrograph,
    write_star_per_micrograph,
)
from napari_n2n.io.star import StarTable, blocks_of
from napari_n2n.motion import MotionConfig, align
from napari_n2n.session import Session
from napari_n2n.simulation import SimulationConfig, simulate, write_simulated

RELION = os.environ.get("N2N_RELION")
pytestmark = pytest.mark.skipif(not RELION, reason="N2N_RELION names no folder of programs")
BOX = 96
OFF_PX = 0.6


def relion(folder: Path, program: str, *arguments: object) -> None:
    command = [str(Path(RELION or "") / program), *map(str, arguments)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def block(path: Path, name: str) -> StarTable:
    return blocks_of(path, path.read_text())[name]


def extracted(folder: Path, micrographs: str, coordinates: dict[str, Path]) -> StarTable:
    """Extract, and return RELION's particles; positions are a file for each micrograph."""
    listed = {
        "rlnMicrographName": [*coordinates],
        "rlnMicrographCoordinates": [str(one.relative_to(folder)) for one in coordinates.values()],
    }
    (folder / "coords.star").write_text(
        "# version 50001\n" + StarTable.of(listed).text("coordinate_files")
    )
    relion(
        folder, "relion_preprocess", "--i", micrographs, "--coord_list", "coords.star",
        "--part_star", "Extract/particles.star", "--part_dir", "Extract/", "--extract",
        "--extract_size", BOX,
    )  # fmt: skip
    return block(folder / "Extract" / "particles.star", "particles")


def offset_px(folder: Path, particles: StarTable) -> np.ndarray:
    """(y, x) from the middle of the box to the average particle, by its weight."""
    total = np.zeros((BOX, BOX))
    for image in particles.words("rlnImageName"):
        number, stack = image.split("@")
        with mrcfile.mmap(folder / stack, permissive=True) as file:
            total += np.atleast_3d(file.data.reshape(-1, BOX, BOX))[int(number) - 1]
    total = ndimage.gaussian_filter(total, 2)
    weight = np.abs(total - np.median(total))
    weight[weight < weight.max() / 3] = 0
    return np.array(ndimage.center_of_mass(weight)) - BOX / 2


@pytest.fixture(scope="module")
def recorded():
    return simulate(
        SimulationConfig(shape=(1024, 1024), n_frames=12, n_particles=60, seed=2, dose_per_frame=3)
    )


@pytest.mark.parametrize("format", ["mrc", "tiff"])
def test_on_our_sums_with_the_right_optics_group(tmp_path, recorded, format):
    """The second micrograph is of the second group."""
    import tifffile

    truth = recorded.truth
    intact = truth.centres_px[np.array(truth.labels) == "intact"]
    tables, names = [], []
    for stem in "ab":
        name = f"{stem}.{'tif' if format == 'tiff' else 'mrc'}"
        if format == "tiff":
            tifffile.imwrite(tmp_path / name, truth.clean.astype(np.float32))
        else:
            write_micrograph(tmp_path / name, truth.clean, 1.0)
        names.append(name)
        tables.append(MicrographParticles(Particles(intact), name, 1.0, truth.clean.shape))
    optics = {
        "rlnOpticsGroupName": ["one", "two"],
        "rlnOpticsGroup": ["1", "2"],
        "rlnMicrographPixelSize": ["1.0", "1.0"],
        "rlnVoltage": ["200", "200"],
        "rlnSphericalAberration": ["1.4", "1.4"],
        "rlnAmplitudeContrast": ["0.07", "0.07"],
    }
    listed = {"rlnMicrographName": names, "rlnOpticsGroup": ["1", "2"]}
    (tmp_path / "m.star").write_text(
        "# version 50001\n" + StarTable.of(optics).text("optics")
        + "\n# version 50001\n" + StarTable.of(listed).text("micrographs")
    )  # fmt: skip
    paths = write_star_per_micrograph(tmp_path / "picks", tables)
    particles = extracted(tmp_path, "m.star", dict(zip(names, paths, strict=True)))
    assert np.abs(offset_px(tmp_path, particles)).max() < OFF_PX
    groups = dict(
        zip(particles.words("rlnMicrographName"), particles.words("rlnOpticsGroup"), strict=True)
    )
    assert groups == dict(zip(names, "12", strict=True))


@pytest.mark.parametrize("format", ["mrc", "tiff"])
def test_on_relions_own_sums(tmp_path, recorded, format):
    files = write_simulated(recorded, tmp_path / "Movies", "m", format=format)
    (tmp_path / "default_pipeline.star").touch()
    sums = align(open_movie(files.movie), MotionConfig(device="cpu"))
    truth = recorded.truth
    intact = truth.centres_px[np.array(truth.labels) == "intact"]
    with Session.open(tmp_path / "s.sqlite") as session:
        movie = session.micrographs.find_or_add(
            files.movie, shape=sums.full.shape, pixel_size_angstrom=1.0
        )
        session.micrographs.set_first_frame_shift(movie, sums.first_frame_shift_px)
        session.marks.add(movie, Particles(intact))
        session.verdicts.give([movie], "keep")
        write_relion(tmp_path / "movies.star", session, optics=Optics(200, 1.4, 0.07))
        relion(
            tmp_path, "relion_run_motioncorr", "--use_own", "--i", "movies.star", "--o",
            "MotionCorr/", "--first_frame_sum", 1, "--last_frame_sum", -1, "--bin_factor", 1,
            "--bfactor", 150, "--dose_per_frame", 3, "--preexposure", 0, "--patch_x", 1,
            "--patch_y", 1, "--j", 2,
        )  # fmt: skip
        write_particles(tmp_path / "p.star", session, micrograph_folder="MotionCorr/Movies")
    particles = extracted(
        tmp_path, "MotionCorr/corrected_micrographs.star",
        {"MotionCorr/Movies/m.mrc": tmp_path / "p.star"},
    )  # fmt: skip
    assert np.abs(offset_px(tmp_path, particles)).max() < OFF_PX
