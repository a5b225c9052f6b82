"""Where an MRC header departs from MRC2014: told for strangers' files, quickly and without harm."""

from __future__ import annotations

import gzip
import io
import subprocess
import sys
import time
import tracemalloc

import mrcfile
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_n2n.errors import UnreadableFile
from napari_n2n.io import write_mrc_stack, write_tiff_stack
from napari_n2n.io.mrc import build_header
from napari_n2n.io.mrc_validation import mrc2014_departures
from napari_n2n.io.outputs import overwriting


def changed(path, *, order="<", **words):
    """Change header words in place: `w3=101` sets word 3, `f10=0` float 10, `b104=...` bytes."""
    data = bytearray(path.read_bytes())
    for name, value in words.items():
        at = int(name[1:])
        if name[0] == "b":
            data[at : at + len(value)] = value
        else:
            np.frombuffer(data, order + {"w": "i4", "f": "f4"}[name[0]], 256)[at] = value
    path.write_bytes(data)
    return path


@pytest.fixture
def stack(tmp_path, counts):
    path = tmp_path / "a.mrc"
    write_mrc_stack(path, counts.astype(np.int16), 1.25)
    return path


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint16", "float16", "float32"])
@pytest.mark.parametrize("pixel_size", [1.25, None])
def test_what_this_program_writes_departs_nowhere(tmp_path, counts, dtype, pixel_size):
    write_mrc_stack(tmp_path / "a.mrc", counts.astype(dtype), pixel_size)
    assert mrc2014_departures(tmp_path / "a.mrc") == ()


@pytest.mark.parametrize("order", "<>")
def test_what_mrcfile_writes_departs_nowhere(tmp_path, counts, order):
    with mrcfile.new(tmp_path / "a.mrc") as file:
        file.set_data(counts.astype(order + "f4"))
    assert mrc2014_departures(tmp_path / "a.mrc") == ()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"b208": b"MAP\0"}, "Map ID string is incorrect"),
        ({"b212": b"\0\0"}, "Invalid machine stamp"),
        ({"b212": b"\x11\x11"}, "Machine stamp"),
        ({"w9": -4}, "'mz' is negative"),
        ({"f10": -30.0}, "Cell dimension 'x' is negative"),
        ({"w16": 3}, "Invalid axis mapping"),
        ({"w55": 3}, "nlabl is 3 but 1 labels contain text"),
        ({"w27": 0}, "nversion = 0"),
        ({"w22": 401, "w9": 3}, "nz should be divisible by mz"),
    ],
)
def test_each_departure_is_told_and_no_other(stack, changes, said):
    (departure,) = mrc2014_departures(changed(stack, **changes))
    assert said in departure


def test_several_departures_are_told_at_once(stack):
    assert len(mrc2014_departures(changed(stack, w27=0, w55=3, b208=b"MAP\0"))) == 3


def test_an_extended_header_must_say_what_it_is(stack):
    data = stack.read_bytes()
    stack.write_bytes(data[:1024] + bytes(2048) + data[1024:])
    assert mrc2014_departures(changed(stack, w23=2048, b104=b"SERI")) == ()
    (departure,) = mrc2014_departures(changed(stack, b104=b"\x1b[2J"))
    assert departure == "Extended header type is undefined or unrecognised: exttyp = '?[2J'"
    (departure,) = mrc2014_departures(changed(stack, b104=b"\xff\0ab"))
    assert "??ab" in departure


def test_a_swapped_header_of_bytes_is_not_misread(tmp_path, counts):
    # Mode 0 is the same in both orders, so only the size can tell.
    write_mrc_stack(tmp_path / "a.mrc", counts, 1.0)
    data = bytearray((tmp_path / "a.mrc").read_bytes())
    words = np.frombuffer(data, "<u4", 52)
    words[:] = words.byteswap()
    (tmp_path / "a.mrc").write_bytes(data)
    (departure,) = mrc2014_departures(tmp_path / "a.mrc")
    assert departure == "Machine stamp 44 44 00 00 does not match the byte order of the header"


def test_4_bit_pixels_are_no_departure(tmp_path):
    head = bytearray(build_header((3, 5, 6), np.dtype(np.int8), 1.0, (0, 15, 7, 4)))
    np.frombuffer(head, "<i4")[3] = 101
    (tmp_path / "a.mrc").write_bytes(bytes(head) + bytes(3 * 5 * 3))
    assert mrc2014_departures(tmp_path / "a.mrc") == ()


def test_wrong_statistics_are_not_looked_for(stack):
    # For that every pixel must be read.
    assert not mrcfile.validate(changed(stack, f19=-7.0, f20=1e6, f54=12.0), io.StringIO())
    assert mrc2014_departures(stack) == ()


def test_files_that_are_no_plain_mrc_depart_from_nothing(tmp_path, stack, counts):
    (tmp_path / "a.mrc.gz").write_bytes(gzip.compress(changed(stack, w27=0).read_bytes()))
    write_tiff_stack(tmp_path / "a.tif", counts, 1.0)
    for name in ("a.mrc.gz", "a.tif"):
        assert mrc2014_departures(tmp_path / name) == ()


@pytest.mark.parametrize("extended", [0, 2**31 - 1024])
def test_a_file_of_40_gigabytes_takes_no_time_and_no_memory(tmp_path, extended):
    head = bytearray(build_header((600, 4096, 4096), np.dtype(np.float32), 1.0, (0, 1, 0, 1)))
    words = np.frombuffer(head, "<i4")
    words[27], words[23] = 0, extended
    head[104:108] = b"FEI1"
    path = tmp_path / "large.mrc"
    with path.open("wb") as handle:
        handle.write(head)
        handle.truncate(1024 + extended + 600 * 4096 * 4096 * 4)
    mrc2014_departures(path)  # with the import
    tracemalloc.start()
    try:
        started = time.perf_counter()
        assert len(mrc2014_departures(path)) == 1
        assert time.perf_counter() - started < 0.5
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


@settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(
    damage=st.lists(
        st.tuples(st.integers(0, 1020), st.one_of(st.binary(min_size=1, max_size=8),
                                                   st.sampled_from([b"\xff" * 4, bytes(4)]))),
        min_size=1, max_size=6,
    )
)  # fmt: skip
def test_no_damage_does_harm(tmp_path, counts, damage):
    path = tmp_path / "damaged.mrc"
    with overwriting():
        write_mrc_stack(path, counts, 1.0)
    data = bytearray(path.read_bytes())
    for place, value in damage:
        data[place : place + len(value)] = value
    path.write_bytes(data)
    try:
        departures = mrc2014_departures(path)
    except UnreadableFile:
        return
    assert all(departure.isprintable() for departure in departures)


def test_opening_a_movie_does_not_wait_for_mrcfile(stack):
    code = (
        "import sys; from napari_n2n.io import inspect_file, open_movie;"
        f"open_movie({str(stack)!r})[0]; inspect_file({str(stack)!r});"
        "print('mrcfile' in sys.modules)"
    )
    command = [sys.executable, "-c", code]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said.strip() == "False"
