"""Folders as each program leaves them, small: odd voxels are 1 and more, even ones -1 and less."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from .making import write_rec

if TYPE_CHECKING:
    from pathlib import Path

SHAPE = (6, 8, 10)
ANGLES = [-60 + 20 * number for number in range(6)]


def volume(path: Path, sign: int, voxel_size=10.0, **more) -> Path:
    values = np.random.default_rng(0).uniform(1, 2, SHAPE).astype(np.float32)
    return write_rec(path, sign * values, voxel_size, **more)


def tilt_series(path: Path) -> Path:
    """Write a stack whose header has the tilt angles where AreTomo3 keeps them."""
    rows = np.zeros((len(ANGLES), 32), np.float32)
    rows[:, 0] = ANGLES
    write_rec(path, np.ones(SHAPE, np.float32), extended=rows.tobytes())
    data = bytearray(path.read_bytes())
    np.frombuffer(data, "<i4")[[9, 22]] = 1, 0
    np.frombuffer(data, "<i2")[64:66] = 0, 32
    path.write_bytes(data)
    return path


def aretomo3(folder: Path, names=("TS_01", "TS_02")) -> None:
    for name in names:
        tilt_series(folder / f"{name}.mrc")
        for word, sign in (("EVN", -1), ("ODD", 1)):
            tilt_series(folder / f"{name}_{word}.mrc")
            volume(folder / f"{name}_{word}_Vol.mrc", sign)
        volume(folder / f"{name}_Vol.mrc", 3)
        (folder / f"{name}.aln").write_text("# AreTomo Alignment / Priims bprmMn\n")


def aretomo2(folder: Path, names=("TS_01", "TS_02")) -> None:
    for name in names:
        volume(folder / f"{name}_EVN.mrc", -1)
        volume(folder / f"{name}_ODD.mrc", 1)
        volume(folder / f"{name}.mrc", 3)


def warp(folder: Path, names=("TS_01", "TS_02")) -> None:
    """Leave ``ts_reconstruct --halfmap_frames`` in a project: averages of movies beside it."""
    for name in names:
        for half, sign in (("even", -1), ("odd", 1)):
            where = folder / "warp_tiltseries" / "reconstruction"
            volume(where / half / f"{name}_10.00Apx.mrc", sign)
            volume(where / f"{name}_10.00Apx.mrc", 3)
            movie = folder / "warp_frameseries" / "average" / half / f"{name}_000.mrc"
            write_rec(movie, np.ones((1, 8, 10), np.float32))


def imod(folder: Path, names=("TS_01", "TS_02")) -> None:
    for name in names:
        labels = ["    Tilt axis angle = 85.3", "TILT: Tomographic reconstruction"]
        for word, sign in (("even_rec", -1), ("odd_rec", 1), ("rec", 3)):
            volume(folder / name / f"{name}_{word}.mrc", sign, labels=labels)
        (folder / name / f"{name}.rawtlt").write_text("\n".join(map(str, ANGLES)))
        tilt_series(folder / name / f"{name}.st")


def tomotools(folder: Path, names=("TS_01", "TS_02")) -> None:
    for name in names:
        for word, sign in (("_EVN", -1), ("_ODD", 1), ("", 3)):
            tilt_series(folder / f"{name}{word}.mrc")
            volume(folder / f"{name}_rec_bin_8{word}.mrc", sign)


RELION = """
# version 50001

data_global

loop_
_rlnTomoName #1
_rlnTomoTiltSeriesStarFile #2
_rlnVoltage #3
_rlnTomoTiltSeriesPixelSize #4
_rlnTomoTomogramBinning #5
_rlnTomoReconstructedTomogramHalf1 #6
_rlnTomoReconstructedTomogramHalf2 #7
"""


def relion(folder: Path, names=("TS_01", "TS_02"), voxel_size=10.0) -> Path:
    """Leave a project in which tomograms were reconstructed with halves for denoising."""
    job = folder / "Tomograms" / "job012"
    rows = []
    for name in names:
        halves = []
        for number, sign in ((1, -1), (2, 1)):
            file = volume(job / "tomograms" / f"rec_{name}_half{number}.mrc", sign, voxel_size)
            halves.append(file.relative_to(folder).as_posix())
        series = f"Tomograms/job012/tilt_series/{name}.star"
        rows.append(f"{name}   {series}   300.000000     1.250000     8.000000 {' '.join(halves)} ")
    (job / "tomograms.star").write_text(RELION + "\n".join(rows) + "\n \n")
    return job / "tomograms.star"


def isonet2(folder: Path, names=("TS_01", "TS_02"), voxel_size=10.0, whole=True) -> Path:
    """Write what ``isonet.py prepare_star`` writes, which runs in the folder."""
    columns = ["rlnIndex", "rlnTomoName", "rlnTomoReconstructedTomogramHalf1",
               "rlnTomoReconstructedTomogramHalf2", "rlnPixelSize", "rlnMaskName"]  # fmt: skip
    rows = []
    for index, name in enumerate(names, 1):
        for half, sign in (("even", -1), ("odd", 1), ("full", 3)):
            volume(folder / half / f"{name}.mrc", sign, voxel_size)
        full = f"full/{name}.mrc" if whole else "None"
        rows.append(f"{index} {full} even/{name}.mrc odd/{name}.mrc 10.0 None")
    head = "".join(f"_{column} #{number}\n" for number, column in enumerate(columns, 1))
    (folder / "isonet.star").write_text("\ndata_\n\nloop_\n" + head + "\n".join(rows) + "\n")
    return folder / "isonet.star"


def cryocare(folder: Path, names=("TS_01", "TS_02")) -> Path:
    for name in names:
        volume(folder / "recs" / f"{name}_even.rec", -1)
        volume(folder / "recs" / f"{name}_odd.rec", 1)
    settings = {
        "even": [str(folder / "recs" / f"{name}_even.rec") for name in names],
        "odd": [f"recs/{name}_odd.rec" for name in names],
        "patch_shape": [72, 72, 72],
        "tilt_axis": "Y",
    }
    (folder / "train_data_config.json").write_text(json.dumps(settings))
    return folder / "train_data_config.json"


FOLDERS = {
    "AreTomo3": aretomo3,
    "AreTomo2": aretomo2,
    "Warp": warp,
    "IMOD": imod,
    "tomotools": tomotools,
    "RELION 5": relion,
}
LISTS = {"RELION 5": relion, "IsoNet2": isonet2, "cryoCARE": cryocare}
