"""Damaged files of every format: a typed error or an image, never anything else.

Hypothesis takes sound files, cuts them, flips their bytes and rewrites words of their headers.
Whatever comes of it, reading must end soon, in little memory, with pixels or with an error of this
project that names the file.
"""

from __future__ import annotations

import bz2
import gzip
import tracemalloc
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image

from napari_n2n.errors import FileProblem
from napari_n2n.io import (
    EerRendering,
    inspect_file,
    is_supported,
    open_movie,
    read_gain,
    read_micrograph,
    write_mrc_stack,
    write_tiff_stack,
)
from napari_n2n.simulation.eer_encoding import encode_eer

MEGABYTE = 2**20
# A damaged byte may turn 2 kB of deflate or events into at most this; each file here is < 16 kB.
MOST_MEMORY = 48 * MEGABYTE


def sound_files(folder) -> dict[str, bytes]:
    rng = np.random.default_rng(17)
    counts = rng.poisson(1, (3, 12, 16)).astype(np.uint8)
    path = folder / "file"
    files = {}

    def keep(name):
        files[name] = path.read_bytes()
        path.unlink()

    write_mrc_stack(path, counts, 1.0)
    keep("mrc")
    write_mrc_stack(path, counts[:1].astype(np.float32), 1.0)
    keep("mrc float")
    files["mrc gzip"] = gzip.compress(files["mrc"])
    files["mrc bzip2"] = bz2.compress(files["mrc"])
    for compression in (None, "lzw", "deflate"):
        write_tiff_stack(path, counts, 1.0, compression=compression)
        keep(f"tiff {compression}")
    tifffile.imwrite(
        path, counts, bigtiff=True, byteorder=">", tile=(16, 16), compression="zlib",
        predictor=True, photometric="minisblack",
    )  # fmt: skip
    keep("bigtiff tiled")
    tifffile.imwrite(path, rng.integers(0, 99, (9, 9, 3), np.uint8), photometric="rgb")
    keep("tiff rgb")
    for bits in (7, 8):
        encode_eer(counts, path, run_bits=bits, pixel_size_angstrom=1.0, dose_per_frame=1.0)
        keep(f"eer {bits} bit")
    picture = Image.fromarray(rng.integers(0, 255, (16, 16, 3), np.uint8))
    for name in ("png", "jpeg"):
        picture.save(path, format=name)
        keep(name)
    return files


STATUS = Path("/proc/self/status")
NAMES = [
    "mrc", "mrc float", "mrc gzip", "mrc bzip2", "tiff None", "tiff lzw", "tiff deflate",
    "bigtiff tiled", "tiff rgb", "eer 7 bit", "eer 8 bit", "png", "jpeg",
]  # fmt: skip


class Files(dict):
    """A failing example shall show the damage, not 60 kB of sound files."""

    def __repr__(self):
        return "Files(...)"


@pytest.fixture(scope="module")
def sound(tmp_path_factory) -> Files:
    return Files(sound_files(tmp_path_factory.mktemp("sound")))


def test_a_png_chunk_that_lies_about_its_length_takes_no_memory(sound, tmp_path):
    """Regression: 2 GB were set aside because a chunk said so."""
    data = bytearray(sound["png"])
    at = data.index(b"IDAT") - 4
    data[at : at + 4] = b"\x7f\xff\xff\xff"
    check(tmp_path / "a.png", bytes(data))


def explained(path, action) -> None:
    """Let an action succeed or fail with an error that tells what is the matter with the file."""
    problem = None
    try:
        action()
    except FileProblem as error:
        problem = error
    if problem is not None:
        assert str(path) in str(problem)
        assert problem.fault
        assert problem.remedy


def read_frames(path, rendering) -> None:
    movie = open_movie(path, eer=rendering)
    # A damaged header may still promise many frames; three show as much as all.
    for index in range(min(len(movie), 3)):
        assert movie.frame(index).shape == movie.shape[1:]


def read_everything(path) -> None:
    """Open a file by every door and read all that is behind it."""
    for reader in (inspect_file, read_micrograph, read_gain, is_supported):
        explained(path, lambda reader=reader: reader(path))
    for rendering in (None, EerRendering(frames=2, upsampling=4)):
        explained(path, lambda rendering=rendering: read_frames(path, rendering))


def check(path, data: bytes) -> None:
    path.write_bytes(data)
    tracemalloc.start()
    try:
        read_everything(path)
        assert tracemalloc.get_traced_memory()[1] < MOST_MEMORY
    finally:
        tracemalloc.stop()


# A header word that is damaged tends to become one of these.
WORDS = st.sampled_from(
    [0, 1, 2, 3, 5, 7, 16, 101, 255, 256, 4096, 65535, 65536, 65000, 65001, 10**6, 10**9, 2**31 - 1,
     2**31, 2**32 - 2, 2**32 - 1]
)  # fmt: skip


@st.composite
def damages(draw):
    """Give a list of (where in the file from 0 to 1, or near its start; what to put there)."""
    places = st.one_of(st.floats(0, 1), st.integers(0, 400))
    values = st.one_of(
        st.binary(min_size=1, max_size=4),
        WORDS.map(lambda n: n.to_bytes(4, "little")),
        WORDS.map(lambda n: n.to_bytes(4, "big")),
        WORDS.map(lambda n: (n % 2**16).to_bytes(2, "little")),
        st.just(np.float32(np.nan).tobytes()),
    )
    return draw(st.lists(st.tuples(places, values), min_size=1, max_size=4))


QUICK = settings(
    max_examples=40,
    deadline=timedelta(seconds=5),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    derandomize=True,
    print_blob=False,
)


@pytest.mark.parametrize("name", NAMES)
@QUICK
@given(damage=damages())
@example(damage=[(0, b"\x00\x00\x00\x00")])
@example(damage=[(1.0, b"\xff")])
def test_changed_bytes(sound, tmp_path, name, damage):
    data = bytearray(sound[name])
    for place, value in damage:
        at = int(place * (len(data) - 1)) if isinstance(place, float) else place
        data[at : at + len(value)] = value
    check(tmp_path / "damaged", bytes(data))


@pytest.mark.parametrize("name", NAMES)
@QUICK
@given(where=st.floats(0, 1))
def test_cut_files(sound, tmp_path, name, where):
    data = sound[name]
    check(tmp_path / "cut", data[: int(where * len(data))])


@pytest.mark.parametrize("name", NAMES)
def test_every_word_of_the_header_in_turn(sound, tmp_path, name):
    """Systematically: the words a reader looks at lie in the first bytes or the last."""
    data = sound[name]
    places = [*range(0, min(len(data), 112), 4), *range(max(0, len(data) - 96), len(data) - 3, 4)]
    for place in places:
        for value in (b"\xff\xff\xff\x7f", b"\x00\x00\x00\x00"):
            check(tmp_path / "damaged", data[:place] + value + data[place + 4 :])


@QUICK
@given(data=st.binary(max_size=3000), start=st.sampled_from([
    b"", b"II*\x00", b"MM\x00*", b"II+\x00\x08\x00\x00\x00", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff",
    b"\x1f\x8b\x08", b"BZh91AY&SY",
]))  # fmt: skip
def test_noise_behind_a_true_beginning(tmp_path, start, data):
    check(tmp_path / "noise", start + data)


def test_memory_outside_python_stays_small_too(memory_before):
    """The decoders' own memory is not traced; through all of the above the process stays slim."""
    if memory_before is None:
        pytest.skip("this system does not tell its memory")
    assert resident_megabytes("VmHWM") - memory_before < 500


@pytest.fixture(scope="module", autouse=True)
def memory_before():
    """Start counting the process's peak anew, for other tests have raised it; MB in use now."""
    if not STATUS.exists():
        return None
    STATUS.with_name("clear_refs").write_text("5")
    return resident_megabytes("VmRSS")


def resident_megabytes(field: str) -> float:
    (line,) = (line for line in STATUS.read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) / 1024
