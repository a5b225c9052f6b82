import numpy as np
import pytest
import torch

from napari_n2n.denoising.training import pairs as pairs_module
from napari_n2n.denoising.training.pairs import Crops, Pair, prepare_steps
from napari_n2n.errors import NotEnoughData
from napari_n2n.progress import run_to_end

from ..conftest import noisy_pair

CPU = torch.device("cpu")


def test_halves_of_different_shape_are_refused():
    with pytest.raises(NotEnoughData, match="differ in shape"):
        Pair(np.zeros((64, 64), np.float32), np.zeros((64, 65), np.float32))


def test_working_pixel_size_shrinks_and_normalises(tiny):
    config = tiny.replaced(working_pixel_size_angstrom=2.0)
    data = run_to_end(prepare_steps([noisy_pair(0, side=128)], config, CPU))
    rows = data.training[0].input.shape[1] + data.validation[0].input.shape[1]
    assert (rows, data.training[0].input.shape[2]) == (64, 64)
    assert data.working_pixel_size_angstrom == 2.0
    assert data.training[0].input.mean() == pytest.approx(0, abs=0.2)
    assert data.training[0].input.std() == pytest.approx(1, abs=0.2)


def test_unit_range_maps_to_0_to_1(tiny):
    config = tiny.replaced(normalisation="unit_range", validation_fraction=0)
    image = run_to_end(prepare_steps([noisy_pair(0)], config, CPU)).training[0].input
    assert np.percentile(image, 0.05) == pytest.approx(0, abs=0.01)
    assert np.percentile(image, 99.95) == pytest.approx(1, abs=0.01)


def test_one_hot_pixel_does_not_set_the_scale(tiny):
    pair = noisy_pair(0)
    hot = pair.input.copy()
    hot[5, 5] = 1e6
    clean, spoilt = (
        run_to_end(prepare_steps([p], tiny.replaced(validation_fraction=0), CPU)).training[0].input
        for p in (pair, Pair(hot, pair.target, 1.0))
    )
    assert spoilt[0, 20:].std() == pytest.approx(float(clean[0, 20:].std()), rel=0.02)


def test_what_is_judged_on_is_not_trained_on(tiny):
    marked = []
    for seed in range(3):
        pair = noisy_pair(seed)
        marked.append(pair)
    data = run_to_end(prepare_steps(marked, tiny, CPU))
    for pair, whole in zip(data.training, marked, strict=True):
        assert pair.input.shape[1] < whole.input.shape[0]
    heights = [
        t.input.shape[1] + v.input.shape[1]
        for t, v in zip(data.training, data.validation, strict=True)
    ]
    assert heights == [96, 96, 96]


def test_many_pairs_hold_whole_ones_out(tiny):
    many = [noisy_pair(seed, side=40) for seed in range(30)]
    data = run_to_end(prepare_steps(many, tiny, CPU))
    assert (len(data.training), len(data.validation)) == (27, 3)


def test_an_unknown_pixel_size_is_said(tiny):
    pair = noisy_pair(0)
    config = tiny.replaced(working_pixel_size_angstrom=4.0)
    data = run_to_end(prepare_steps([Pair(pair.input, pair.target, None)], config, CPU))
    assert data.working_pixel_size_angstrom is None
    assert "pixel size is unknown" in data.notes[0]


def test_crops_of_input_and_target_show_the_same_place(tiny):
    pair = noisy_pair(0, noise=0.02)
    data = run_to_end(prepare_steps([Pair(pair.input, 3 * pair.target + 1)], tiny, CPU))
    for step in range(5):
        inputs, targets = Crops(data, tiny, CPU).draw(step)
        torch.testing.assert_close(inputs, targets, atol=0.2, rtol=0)


@pytest.mark.parametrize(("swappable", "seen"), [(True, {0, 1}), (False, {0})])
def test_only_equally_noisy_pairs_are_swapped(tiny, swappable, seen):
    rng = np.random.default_rng(0)
    a, b = (rng.normal(size=(96, 96)).astype(np.float32) for _ in range(2))
    config = tiny.replaced(augment=False, validation_fraction=0, crop=96)
    data = run_to_end(prepare_steps([Pair(a, b, swappable=swappable)], config, CPU))
    crops = Crops(data, config, CPU)
    first = data.training[0].input
    found = {int(not torch.equal(image, first)) for s in range(8) for image in crops.draw(s)[0]}
    assert found == seen


def test_pairs_that_do_not_fit_the_gpu_stay_in_main_memory(tiny, monkeypatch):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _device: (2**20, 2**30))
    pair = run_to_end(prepare_steps([noisy_pair(0)], tiny, CPU)).training[0]
    cuda = torch.device("cuda:0")
    assert pairs_module._fit(pair, 1, cuda)
    assert not pairs_module._fit(pair, 100, cuda)
    assert pairs_module._fit(pair, 100, CPU)
