import contextlib
import json
import pickle
import struct
from collections import OrderedDict
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn

from napari_n2n.denoising.checkpoints import Denoiser, Provenance, load_denoiser, save_denoiser
from napari_n2n.denoising.config import LIGHT_NETWORK, TrainingConfig
from napari_n2n.denoising.inference.denoising import denoise
from napari_n2n.denoising.unet import UNet
from napari_n2n.errors import CheckpointProblem, WriteProblem
from napari_n2n.io.outputs import overwriting

from .conftest import TINY_NETWORK, noisy_pair


@pytest.fixture
def denoiser() -> Denoiser:
    training = TrainingConfig(network=TINY_NETWORK, steps=5)
    torch.manual_seed(0)
    provenance = Provenance(trained_on=("a_ODD.mrc", "b_ODD.mrc"), steps=5, seconds=1.5)
    return Denoiser(UNet(training.network).eval(), training, 4.0, 0.5, provenance)


def test_the_file_alone_gives_the_same_denoiser_back(denoiser, tmp_path):
    save_denoiser(tmp_path / "m.safetensors", denoiser)
    loaded = load_denoiser(tmp_path / "m.safetensors")
    assert loaded.training == denoiser.training
    assert loaded.provenance == denoiser.provenance
    assert (loaded.working_pixel_size_angstrom, loaded.output_gain) == (4.0, 0.5)
    image = noisy_pair(0).input
    np.testing.assert_array_equal(denoise(image, loaded), denoise(image, denoiser))


def test_a_header_of_any_length_is_known_for_what_it_is(denoiser, tmp_path):
    """The file begins with that length, and a pickle with the byte 0x80."""
    path = tmp_path / "m.safetensors"
    for length in range(0, 300, 8):
        named = denoiser.provenance.replaced(name="n" * length)
        save_denoiser(path, replace(denoiser, provenance=named))
        assert load_denoiser(path).provenance == named
        if path.read_bytes()[0] == 0x80:
            return
    pytest.fail("no header began like a pickle")


class _Authors(nn.Module):
    """The layer names of the original authors' network, from their description."""

    def __init__(self) -> None:
        super().__init__()
        act = nn.LeakyReLU(0.1)

        def conv(a, b):
            return nn.Conv2d(a, b, 3, padding=1)

        def up(a):
            return nn.ConvTranspose2d(a, a, 3, stride=2, padding=1, output_padding=1)

        pool = nn.MaxPool2d(2)
        self.encode1 = nn.Sequential(conv(1, 48), act, conv(48, 48), act, pool)
        for i in range(2, 6):
            setattr(self, f"encode{i}", nn.Sequential(conv(48, 48), act, pool))
        self.encode6 = nn.Sequential(conv(48, 48), up(48))
        self.decode1 = nn.Sequential(conv(96, 96), act, conv(96, 96), act, up(96))
        for i in range(2, 5):
            level = nn.Sequential(conv(144, 96), act, conv(96, 96), act, up(96))
            setattr(self, f"decode{i}", level)
        self.decode5 = nn.Sequential(conv(97, 64), act, conv(64, 32), act)
        self.output_layer = conv(32, 1)

    def forward(self, x):
        skips = [x]
        y = x
        for i in range(1, 6):
            y = getattr(self, f"encode{i}")(y)
            skips.append(y)
        y = self.encode6(skips.pop())
        for i in range(1, 6):
            y = getattr(self, f"decode{i}")(torch.cat((y, skips.pop()), 1))
        return self.output_layer(y)


@pytest.mark.parametrize("wrapped", [False, True])
def test_the_authors_state_dicts_load_and_compute_what_theirs_did(tmp_path, wrapped):
    torch.manual_seed(0)
    theirs = _Authors()
    state = theirs.state_dict()
    assert {"encode1.0.weight", "encode6.1.bias", "decode1.4.weight", "decode5.2.bias"} <= set(
        state
    )
    torch.save({"state_dict": state} if wrapped else state, tmp_path / "n2n.pth")
    loaded = load_denoiser(tmp_path / "n2n.pth")
    assert loaded.network.parameter_count == 1_341_553
    image = torch.randn(1, 1, 64, 96)
    with torch.no_grad():
        torch.testing.assert_close(loaded.network(image), theirs(image))


def test_a_pickle_with_a_payload_is_refused_and_not_run(tmp_path):
    witness = tmp_path / "executed"

    class Payload:
        def __reduce__(self):
            return (witness.write_text, ("it ran",))

    for name, write in (
        ("old.pth", lambda path: path.write_bytes(pickle.dumps(Payload()))),
        ("new.pth", lambda path: torch.save({"encode1.0.weight": Payload()}, path)),
    ):
        write(tmp_path / name)
        with pytest.raises(CheckpointProblem, match=name):
            load_denoiser(tmp_path / name)
    assert not witness.exists()


def test_another_network_s_state_dict_is_named(tmp_path):
    torch.save(OrderedDict(fc=torch.zeros(3)), tmp_path / "resnet.pth")
    with pytest.raises(CheckpointProblem, match="'fc'"):
        load_denoiser(tmp_path / "resnet.pth")


def rewritten_header(path, **changes):
    """Change our JSON header inside a safetensors file and leave all else."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    outer = json.loads(data[8 : 8 + length])
    inner = json.loads(outer["__metadata__"]["napari_n2n"])
    inner.update(changes)
    outer["__metadata__"]["napari_n2n"] = json.dumps(inner)
    text = json.dumps(outer).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + length :])


@pytest.mark.parametrize(
    "changes",
    [
        {"format": 99},
        {"surprise": 1},
        {"training": {"network": {"encoder": [[10**9]] * 2, "decoder": [[8]]}, "steps": 1}},
        {"training": {"network": {"encoder": [[1024] * 8] * 8, "decoder": [[1024] * 8] * 7},
                      "steps": 1}},
        {"working_pixel_size_angstrom": -1},
    ],
)  # fmt: skip
def test_a_header_that_lies_is_refused(denoiser, tmp_path, changes):
    path = tmp_path / "m.safetensors"
    save_denoiser(path, denoiser)
    rewritten_header(path, **changes)
    with pytest.raises(CheckpointProblem, match=r"m\.safetensors"):
        load_denoiser(path)


@settings(
    deadline=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_a_damaged_file_is_refused_or_still_a_model(denoiser, tmp_path, data):
    path = tmp_path / "m.safetensors"
    with overwriting():  # the one that was damaged before
        save_denoiser(path, denoiser)
    content = bytearray(path.read_bytes())
    length = data.draw(st.integers(0, len(content)), label="cut at")
    where = data.draw(st.integers(0, len(content) - 1), label="changed byte")
    content[where] ^= data.draw(st.integers(1, 255), label="flip")
    path.write_bytes(content[: data.draw(st.sampled_from([length, len(content)]))])
    with contextlib.suppress(CheckpointProblem):  # and no other exception
        assert np.isfinite(denoise(noisy_pair(0).input, load_denoiser(path))).all()


@pytest.mark.parametrize("content", [b"", b"MAP ", b"\x80\x04N.", b"PK\x03\x04" + bytes(100)])
def test_what_is_no_model_is_named(tmp_path, content):
    path = tmp_path / "thing.safetensors"
    path.write_bytes(content)
    with pytest.raises(CheckpointProblem, match=r"thing\.safetensors"):
        load_denoiser(path)


def test_a_missing_model_is_named(tmp_path):
    with pytest.raises(CheckpointProblem, match=r"nowhere\.safetensors"):
        load_denoiser(tmp_path / "nowhere.safetensors")


def test_a_failed_save_leaves_the_old_model(denoiser, tmp_path, monkeypatch):
    path = tmp_path / "m.safetensors"
    save_denoiser(path, denoiser)
    before = path.read_bytes()

    def full(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("napari_n2n.denoising.checkpoints.save", full)
    with pytest.raises(WriteProblem, match="space"):
        save_denoiser(path, denoiser)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["m.safetensors"]


def test_weights_that_are_no_numbers_are_refused(denoiser, tmp_path):
    with torch.no_grad():
        denoiser.network.output.bias.fill_(float("nan"))
    save_denoiser(tmp_path / "m.safetensors", denoiser)
    with pytest.raises(CheckpointProblem, match="no numbers"):
        load_denoiser(tmp_path / "m.safetensors")


def test_the_summary_says_what_it_is(denoiser):
    assert denoiser.summary == "tiny U-Net, 4 Å/px, 5 steps on 2 pairs"
    assert LIGHT_NETWORK.name == "light"
