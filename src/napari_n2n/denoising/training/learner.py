"""A network that learns: its weights, their moving average, the optimiser, the best so far."""

import copy
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.utils import clip_grad_norm_

from napari_n2n.denoising.checkpoints import header_of, load_tensors, save_tensors
from napari_n2n.denoising.config import TrainingConfig
from napari_n2n.denoising.unet import UNet
from napari_n2n.devices import autocast
from napari_n2n.errors import CheckpointProblem
from napari_n2n.threads import side_by_side

Loss = Callable[[Tensor, Tensor], Tensor]
"""From results and targets, (n, channel, y, x), the loss of each, (n,)."""

_Gradients = tuple[Tensor, tuple[Tensor, ...]]
_Part = Callable[[tuple[Tensor, Tensor]], _Gradients]

# Numbers in a crop. From 362² pixels on, threads that share an operation do not wait for long.
_LARGE_CROP = 2**17
# With so many, 128² pixels, a thread has enough to do that nothing is gained by more at once.
_ENOUGH = 2**14

# torch 2.13 gives the convolutions of one small volume (fewer than 20480 rows in all channels) to
# a path that is three to twenty times as slow as oneDNN's, which two always take: a step of the
# light network on a crop of 48³ took 1.2 s of a core, and on two of them 1.4 s.
_FEWEST_VOLUMES = 2


def squared_error(results: Tensor, targets: Tensor) -> Tensor:
    """Return the mean squared difference of each pair of images."""
    return functional.mse_loss(results, targets, reduction="none").flatten(1).mean(dim=1)


class Learner:
    """Takes training steps; can be saved and go on as if it had never stopped.

    ``network`` is what is being trained, ``averaged`` what is judged and used: the exponential
    moving average of its weights, or the network itself where the config turns that off.
    """

    def __init__(self, config: TrainingConfig, device: torch.device) -> None:
        self.config = config
        self.device = device
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            self.network = _channels_last(UNet(config.network).to(device))
        self.averaged = copy.deepcopy(self.network).eval() if config.ema_decay else self.network
        self.best = copy.deepcopy(self.network).eval()
        self.best_loss = float("inf")
        self.step = 0
        self._optimizer = torch.optim.Adam(
            self.network.parameters(),
            lr=config.learning_rate,
            betas=(config.beta1, config.beta2),
            eps=config.epsilon,
        )

    def start_from(self, network: UNet) -> None:
        """Take over the weights of a network of the same shape that has learnt already."""
        for ours in (self.network, self.averaged, self.best):
            ours.load_state_dict(network.state_dict())

    def learn(
        self,
        inputs: Tensor,
        targets: Tensor,
        learning_rate: float,
        loss_of: Loss = squared_error,
    ) -> Tensor:
        """Take one step on a batch (n, channel, y, x); returns the loss, on the device.

        ``loss_of`` gives the (n,) losses of results and targets; by default `squared_error`.
        """
        parameters = list(self.network.parameters())

        def part(crops: tuple[Tensor, Tensor]) -> tuple[Tensor, tuple[Tensor, ...]]:
            source, target = crops
            with autocast(self.device):
                result = self.network(source)
            loss = loss_of(result.float(), target).sum() / len(inputs)
            return loss.detach(), torch.autograd.grad(loss, parameters)

        total, gradients = _summed(self._parts(part, inputs, targets))
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient
        if self.config.gradient_clip:
            clip_grad_norm_(self.network.parameters(), self.config.gradient_clip)
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate
        self._optimizer.step()
        self.step += 1
        self._average()
        return total

    def _parts(self, part: _Part, inputs: Tensor, targets: Tensor) -> Iterable[_Gradients]:
        """Yield what ``part`` makes of parts of a batch, in an order that is always the same.

        On a CPU small crops are taken side by side (see `napari_n2n.threads`), large ones after
        each other: all threads are busy with one of them, and two would take twice the memory.
        """
        if self.device.type != "cpu":
            return [part((inputs, targets))]
        size = inputs[0].numel()
        chunk = max(1 if inputs.ndim == 4 else _FEWEST_VOLUMES, _ENOUGH // size)
        crops = list(zip(inputs.split(chunk), targets.split(chunk), strict=True))
        return map(part, crops) if size > _LARGE_CROP else side_by_side(part, crops)

    @torch.no_grad()
    def _average(self) -> None:
        if self.averaged is self.network:
            return
        # A young average forgets faster, or it would remember the random start.
        decay = min(self.config.ema_decay, (1 + self.step) / (10 + self.step))
        torch._foreach_lerp_(
            list(self.averaged.parameters()), list(self.network.parameters()), 1 - decay
        )

    def keep_if_best(self, loss: float) -> bool:
        """Remember the averaged weights if ``loss`` is the lowest so far; say whether it is."""
        if not loss <= self.best_loss:  # nor if it is no number
            return False
        self.best_loss = loss
        self.best.load_state_dict(self.averaged.state_dict())
        return True

    def save(self, path: Path, names: tuple[str, ...], elapsed_seconds: float) -> None:
        """Write everything needed to go on, whole or not at all."""
        header = {
            "config": self.config.model_dump(mode="json"),
            "names": names,
            "step": self.step,
            "elapsed_seconds": elapsed_seconds,
            "best_loss": self.best_loss,
        }
        save_tensors(path, self._tensors(), json.dumps(header))

    def load(self, path: Path, names: tuple[str, ...]) -> float:
        """Take up a saved state again; returns the seconds it had been trained for.

        The length of the training may differ from the saved one: that is how to train longer.

        Raises
        ------
        CheckpointProblem
            There is no state at ``path``, or it was trained with other settings or other data.
        """
        if not path.is_file():
            raise CheckpointProblem(path, "is not there", "Train without resuming first.")
        tensors, text = load_tensors(path)
        header = header_of(path, text)
        self._require_same(path, header, names)
        try:
            self.step = int(header["step"])
            self.best_loss = float(header["best_loss"])
            elapsed = float(header["elapsed_seconds"])
            self._restore(tensors)
        except (KeyError, TypeError, ValueError, RuntimeError) as problem:
            raise CheckpointProblem(
                path, f"does not hold a training's state ({problem})", "Train from the start."
            ) from None
        return elapsed

    def _require_same(
        self, path: Path, header: Mapping[str, object], names: tuple[str, ...]
    ) -> None:
        ours = json.loads(self.config.model_dump_json())
        theirs = header.get("config")
        # A setting that was not there yet had what is now its default.
        defaults = json.loads(TrainingConfig(steps=1).model_dump_json())
        theirs = {**defaults, **theirs} if isinstance(theirs, dict) else {}
        # How long it is to be does not matter to going on with it.
        free = {"steps", "epochs", "max_seconds"}
        other = [key for key in ours if key not in free and ours[key] != theirs.get(key)]
        if other:
            raise CheckpointProblem(
                path,
                f"was trained with other settings ({', '.join(other)})",
                "Use the same settings, or train from the start.",
            )
        if header.get("names") != list(names):
            raise CheckpointProblem(
                path, "was trained on other images", "Give the same, or train from the start."
            )

    def _tensors(self) -> dict[str, Tensor]:
        networks = {"network": self.network, "averaged": self.averaged, "best": self.best}
        tensors = {
            f"{role}.{name}": tensor.clone()
            for role, network in networks.items()
            for name, tensor in network.state_dict().items()
        }
        for name, parameter in self.network.named_parameters():
            for moment in ("exp_avg", "exp_avg_sq"):
                state = self._optimizer.state.get(parameter, {})
                tensors[f"{moment}.{name}"] = state.get(moment, torch.zeros_like(parameter))
        return tensors

    def _restore(self, tensors: Mapping[str, Tensor]) -> None:
        def part(role: str) -> dict[str, Tensor]:
            prefix = f"{role}."
            return {
                name.removeprefix(prefix): tensor
                for name, tensor in tensors.items()
                if name.startswith(prefix)
            }

        self.network.load_state_dict(part("network"))
        self.averaged.load_state_dict(part("averaged"))
        self.best.load_state_dict(part("best"))
        first, second = part("exp_avg"), part("exp_avg_sq")
        for name, parameter in self.network.named_parameters():
            self._optimizer.state[parameter] = {
                "step": torch.tensor(float(self.step)),
                # Laid out as the parameter is, or a step would take them one by one.
                "exp_avg": torch.empty_like(parameter).copy_(first[name]),
                "exp_avg_sq": torch.empty_like(parameter).copy_(second[name]),
            }


def _summed(parts: Iterable[_Gradients]) -> _Gradients:
    """Add up the losses and the gradients of the parts of a batch, one after the other."""
    first, *others = parts
    total, gradients = first
    for loss, more in others:
        total += loss
        torch._foreach_add_(gradients, more)
    return total, gradients


def _channels_last(network: UNet) -> UNet:
    """Lay the weights out with channels last: training is 1.2 times as fast, 1.4 in bfloat16."""
    flat = network.config.ndim == 2
    layout = torch.channels_last if flat else torch.channels_last_3d
    return network.to(memory_format=layout)  # type: ignore[call-overload, no-any-return]
