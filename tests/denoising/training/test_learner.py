"""One step of a training."""

import pytest
import torch

from napari_n2n.denoising.config import NetworkConfig, TrainingConfig
from napari_n2n.denoising.interruption import interruptible
from napari_n2n.denoising.training.learner import Learner, squared_error
from napari_n2n.progress import Interrupted

CPU = torch.device("cpu")
CONFIG = TrainingConfig(
    network=NetworkConfig(encoder=((8,), (8,)), decoder=((8,),)),
    steps=1,
    gradient_clip=0,
    from_scratch=True,
)


def batch(count, side):
    generator = torch.Generator().manual_seed(count)
    return torch.randn(2, count, 1, side, side, generator=generator)


# Small crops side by side, several of them to a thread, and large ones one after the other.
@pytest.mark.parametrize(("count", "side"), [(1, 64), (2, 128), (5, 64), (9, 64), (2, 400)])
def test_the_gradient_is_that_of_the_mean_over_the_whole_batch(threads, count, side):
    threads(2)
    inputs, targets = batch(count, side)
    learner = Learner(CONFIG, CPU)
    alone = Learner(CONFIG, CPU).network
    expected = squared_error(alone(inputs), targets).mean()
    expected.backward()
    loss = learner.learn(inputs, targets, 1e-3)
    assert float(loss) == pytest.approx(float(expected.detach()), rel=1e-2)
    for ours, theirs in zip(learner.network.parameters(), alone.parameters(), strict=True):
        scale = float(theirs.grad.abs().max())
        assert float((ours.grad - theirs.grad).abs().max()) < 0.02 * scale  # bfloat16, maybe


def test_a_model_does_not_depend_on_the_number_of_threads(threads):
    weights = []
    for count in (1, 2):
        threads(count)
        learner = Learner(CONFIG, CPU)
        for step in range(3):
            learner.learn(*batch(2, 128).roll(step, dims=-1), 1e-3)
        weights.append([parameter.detach() for parameter in learner.network.parameters()])
    assert all(torch.equal(one, two) for one, two in zip(*weights, strict=True))


def test_a_step_that_is_stopped_counts_as_not_begun(threads):
    threads(2)
    learner = Learner(CONFIG, CPU)
    before = [parameter.detach().clone() for parameter in learner.network.parameters()]
    asked = []

    def stop():
        asked.append(None)
        return len(asked) > 4  # in the middle of the first layers

    with interruptible(learner.network, stop), pytest.raises(Interrupted):
        learner.learn(*batch(2, 128), 1e-3)
    after = learner.network.parameters()
    assert learner.step == 0
    assert all(torch.equal(one, two) for one, two in zip(before, after, strict=True))
