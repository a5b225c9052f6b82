"""Small true files of every format, and the real data where it is there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_n2n.io import write_mrc_stack, write_tiff_stack
from napari_n2n.simulation.eer_encoding import encode_eer

SHARED = Path(__file__).parents[3] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    if not SHARED.is_dir():
        pytest.skip(f"the real data are not at {SHARED}")
    return SHARED


@pytest.fixture(scope="session")
def counts() -> np.ndarray:
    """Electron counts, (frame, y, x); neither square nor symmetric."""
    return np.random.default_rng(1).poisson(1.5, (4, 24, 32)).astype(np.uint8)


@pytest.fixture(scope="session")
def movie_files(tmp_path_factory, counts) -> dict[str, Path]:
    """One movie in every format, by a name."""
    import bz2
    import gzip

    import tifffile

    folder = tmp_path_factory.mktemp("movies")
    files = {
        "mrc": folder / "a.mrc",
        "mrc gzip": folder / "a.mrc.gz",
        "mrc bzip2": folder / "a.mrc.bz2",
        "tiff": folder / "a.tif",
        "tiff lzw": folder / "lzw.tif",
        "tiff deflate": folder / "deflate.tif",
        "bigtiff big-endian": folder / "big.tif",
        "tiff tiled": folder / "tiled.tif",
        "eer 7 bit": folder / "seven.eer",
        "eer 8 bit": folder / "eight.eer",
    }
    write_mrc_stack(files["mrc"], counts, 1.25)
    plain = files["mrc"].read_bytes()
    files["mrc gzip"].write_bytes(gzip.compress(plain))
    files["mrc bzip2"].write_bytes(bz2.compress(plain))
    write_tiff_stack(files["tiff"], counts, 1.25)
    write_tiff_stack(files["tiff lzw"], counts, 1.25, compression="lzw")
    write_tiff_stack(files["tiff deflate"], counts, 1.25, compression="deflate")
    options = {"resolution": (8e7, 8e7), "resolutionunit": "CENTIMETER", "metadata": None}
    tifffile.imwrite(
        files["bigtiff big-endian"],
        counts.astype(">u2"),
        bigtiff=True,
        byteorder=">",
        photometric="minisblack",
        **options,
    )
    tifffile.imwrite(files["tiff tiled"], counts, tile=(16, 16), predictor=True, compression="zlib",
                     photometric="minisblack", **options)  # fmt: skip
    for name, bits in (("eer 7 bit", 7), ("eer 8 bit", 8)):
        encode_eer(counts, files[name], run_bits=bits, pixel_size_angstrom=1.25, dose_per_frame=1.0)
    return files


MOVIE_NAMES = [
    "mrc", "mrc gzip", "mrc bzip2", "tiff", "tiff lzw", "tiff deflate", "bigtiff big-endian",
    "tiff tiled", "eer 7 bit", "eer 8 bit",
]  # fmt: skip


@pytest.fixture(params=MOVIE_NAMES)
def movie_file(request, movie_files) -> Path:
    return movie_files[request.param]
