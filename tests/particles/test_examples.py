import json
import pickle

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from napari_n2n.errors import BadValue, CheckpointProblem
from napari_n2n.particles.examples import Examples, load_examples, save_examples


def examples(n=12, kind="rings-1", seed=0):
    rng = np.random.default_rng(seed)
    labels = np.array(["intact", "broken", "contaminant"])[np.arange(n) % 3]
    return Examples(rng.normal(size=(n, 7)).astype(np.float32), labels, kind, 120.0)


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "shells.safetensors"
    save_examples(path, examples())
    return path


def test_examples_come_back_as_they_were(saved):
    before, after = examples(), load_examples(saved)
    np.testing.assert_array_equal(after.values, before.values)
    np.testing.assert_array_equal(after.labels, before.labels)
    assert (after.kind, after.diameter_angstrom) == ("rings-1", 120.0)


def test_examples_of_two_micrographs_are_joined():
    both = examples().joined(examples(6, seed=1))
    assert len(both) == 18
    assert both.labels.tolist() == [*examples().labels, *examples(6).labels]


def test_examples_of_different_kinds_are_not_mixed():
    with pytest.raises(BadValue, match="do not go with"):
        examples().joined(examples(kind="rings-1+abc/2"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"labels": np.array(["intact"] * 11)},
        {"labels": np.array(["unlabelled"] * 12)},
        {"values": np.full((12, 7), np.nan, np.float32)},
        {"values": np.zeros(12, np.float32)},
        {"diameter_angstrom": float("nan")},
    ],
)
def test_columns_that_make_no_sense_are_refused(wrong):
    good = examples()
    columns = {name: getattr(good, name) for name in ("values", "labels", "kind")}
    with pytest.raises(BadValue):
        Examples(**{**columns, "diameter_angstrom": 120.0, **wrong})


def changed(path, tensors=None, **header):
    """Write the file again with other tensors or header fields."""
    with safe_open(path, framework="np") as file:
        metadata = json.loads(file.metadata()["napari_n2n_classifier"])
        now = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    text = json.dumps({**metadata, **header})
    save_file({**now, **(tensors or {})}, path, metadata={"napari_n2n_classifier": text})


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        ({"format": 99}, "newer"),
        ({"format": None}, "header"),
        ({"diameter_angstrom": -3}, "diameter"),
        ({"labels": ["unlabelled"]}, "does not name"),
        ({"labels": [1, 2]}, "header"),
        ({"kind": 3}, "header"),
        ({"tensors": {"values": np.full((12, 7), np.inf, np.float32)}}, "finite"),
        ({"tensors": {"values": np.zeros((3, 7), np.float32)}}, "cannot have"),
        ({"tensors": {"values": np.zeros((12, 7), np.int32)}}, "header says"),
        ({"tensors": {"labels": np.full(12, 200, np.uint8)}}, "does not name"),
        ({"tensors": {"more": np.zeros(3)}}, "no classifier"),
    ],
)
def test_a_doctored_file_is_refused_in_a_sentence(saved, damage, says):
    changed(saved, **damage)
    with pytest.raises(CheckpointProblem, match=says) as caught:
        load_examples(saved)
    assert saved.name in str(caught.value)


class Trap:
    def __reduce__(self):
        return (pytest.fail, ("a pickle was opened",))


def test_foreign_and_torn_files_are_refused(saved, tmp_path):
    whole = saved.read_bytes()
    foreign = {
        "empty": b"",
        "text": b"data_particles\n\nloop_\n",
        "pickle": pickle.dumps(Trap()),
        "boastful": (2**60).to_bytes(8, "little") + b"{}",
        **{f"torn{n}": whole[:n] for n in (7, 60, len(whole) - 1)},
    }
    for name, data in foreign.items():
        path = tmp_path / name
        path.write_bytes(data)
        with pytest.raises(CheckpointProblem, match=name):
            load_examples(path)
    with pytest.raises(CheckpointProblem, match="is not a file"):
        load_examples(tmp_path)


def test_any_damaged_byte_is_noticed_or_harmless(saved):
    whole = bytearray(saved.read_bytes())
    rng = np.random.default_rng(0)
    for place in rng.integers(0, len(whole), 300):
        damaged = bytearray(whole)
        damaged[place] ^= int(rng.integers(1, 256))
        saved.write_bytes(damaged)
        try:
            found = load_examples(saved)
        except CheckpointProblem:
            continue
        assert np.isfinite(found.values).all()
        assert found.labels.shape == (12,)
