"""What came in with an MRC file's labels goes out, and what was made of it is said beside."""

import bz2

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_n2n.io import read_micrograph, write_micrograph
from napari_n2n.io.labels import BRIGHT, read_labels, with_labels_of
from napari_n2n.io.outputs import DENOISED, MRC_LABEL, made_by_us


def mrc(path, labels):
    """Write an MRC file of somebody else's."""
    write_micrograph(path, np.eye(16, dtype=np.float32), 1.5)
    head = bytearray(path.read_bytes())
    head[220:224] = len(labels).to_bytes(4, "little")
    head[224:1024] = b"".join(label.encode("latin-1").ljust(80) for label in labels).ljust(800)
    path.write_bytes(head)
    return path


@pytest.mark.parametrize("compressed", [False, True])
def test_labels_of_the_input_are_kept_before_ours(tmp_path, compressed):
    path = mrc(tmp_path / "a.mrc", ["SerialEM: Titan Krios, 21-Nov-26", "Exposure 40 e/A2"])
    if compressed:
        packed = tmp_path / "a.mrc.bz2"
        packed.write_bytes(bz2.compress(path.read_bytes()))
        path = packed
    out = tmp_path / "out.mrc"
    labels = with_labels_of(path, [BRIGHT, DENOISED])
    write_micrograph(out, np.eye(16, dtype=np.float32), 1.5, labels=labels)
    assert read_labels(out) == (
        "SerialEM: Titan Krios, 21-Nov-26",
        "Exposure 40 e/A2",
        BRIGHT,
        DENOISED,
        read_labels(out)[-1],
    )
    # Once more, of that: it is not said twice, nor is what was true of the other.
    again = with_labels_of(out, [DENOISED])
    assert again == ["SerialEM: Titan Krios, 21-Nov-26", "Exposure 40 e/A2", DENOISED]


_text = st.text(st.characters(min_codepoint=0, max_codepoint=255), max_size=80)


@given(theirs=st.lists(_text, max_size=10), own=st.lists(st.just(DENOISED), max_size=2))
def test_whatever_the_labels_are_a_valid_file_of_ours_comes_out(tmp_path_factory, theirs, own):
    folder = tmp_path_factory.mktemp("labels")
    path = mrc(folder / "a.mrc", theirs)
    out = folder / "out.mrc"
    write_micrograph(out, np.eye(16, dtype=np.float32), 1.5, labels=with_labels_of(path, own))
    found = read_labels(out)
    assert len(found) <= 10
    assert found[-1].startswith(MRC_LABEL)
    assert (DENOISED in found) == bool(own)
    assert made_by_us(out)
    assert read_micrograph(out).pixel_size_angstrom == pytest.approx(1.5)


def test_what_has_no_labels_gives_none(tmp_path):
    (tmp_path / "a.txt").write_text("no image")
    for path in (None, tmp_path, tmp_path / "none.mrc", tmp_path / "a.txt"):
        assert read_labels(path) == ()
