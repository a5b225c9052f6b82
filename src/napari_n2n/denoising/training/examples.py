"""What a training draws crops from, at the working pixel size and normalised."""

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from napari_n2n.denoising.tiling import Window


class Example(Protocol):
    """One field of view that inputs and targets of a network can be drawn from."""

    @property
    def shape(self) -> tuple[int, int]:
        """(y, x) in working pixels."""
        ...

    @property
    def channels(self) -> int:
        """How many numbers a pixel has."""
        ...

    @property
    def nbytes(self) -> int:
        """How much memory it takes."""
        ...

    def moved(self, device: torch.device) -> "Example":
        """Return it in the memory of ``device``."""
        ...

    def rows(self, part: slice) -> "Example":
        """Return what lies in some of the rows."""
        ...

    def drawn(self, window: Window, swap: bool, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Return input and target, (channel, y, x) each, where ``window`` is.

        ``swap`` asks for them the other way round, where that makes sense. Pixels of the target
        that must not be looked at are NaN.
        """
        ...

    def fixed(self, rng: np.random.Generator) -> "list[WorkingPair]":
        """Return pairs of the whole field to judge a network on."""
        ...


@dataclass(frozen=True, eq=False)
class WorkingPair:
    """A pair at the working pixel size, normalised; both tensors are (channel, y, x).

    ``swappable`` says that both are equally noisy. A pair is ``blind`` if its input lacks the
    pixels that are known of its target; the others are NaN there.
    """

    input: Tensor
    target: Tensor
    swappable: bool
    blind: bool = False

    @property
    def shape(self) -> tuple[int, int]:
        """(y, x) in working pixels."""
        height, width = self.input.shape[1:]
        return height, width

    @property
    def channels(self) -> int:
        """How many numbers a pixel has."""
        return len(self.input)

    @property
    def nbytes(self) -> int:
        """How much memory it takes."""
        return self.input.nbytes + self.target.nbytes

    def moved(self, device: torch.device) -> "WorkingPair":
        """Return it in the memory of ``device``."""
        return replace(self, input=self.input.to(device), target=self.target.to(device))

    def rows(self, part: slice) -> "WorkingPair":
        """Return what lies in some of the rows."""
        return replace(self, input=self.input[:, part], target=self.target[:, part])

    def drawn(self, window: Window, swap: bool, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Return input and target where ``window`` is, swapped if asked and allowed."""
        part = (slice(None), *window)
        pair = self.input[part], self.target[part]
        return pair[::-1] if swap and self.swappable else pair

    def fixed(self, rng: np.random.Generator) -> "list[WorkingPair]":
        """Return itself: it is what it is."""
        return [self]
