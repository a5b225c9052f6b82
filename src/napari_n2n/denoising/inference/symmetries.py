"""The eight ways in which an image can be turned by quarters and mirrored."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Symmetry:
    """Mirrored left to right or not, and then turned by so many quarters."""

    turns: int
    mirrored: bool

    def of(self, image: Tensor) -> Tensor:
        """Return ``image``, (channel, y, x), that way."""
        return torch.rot90(image.flip(2) if self.mirrored else image, self.turns, (1, 2))

    def back(self, image: Tensor) -> Tensor:
        """Undo `of`."""
        image = torch.rot90(image, -self.turns, (1, 2))
        return image.flip(2) if self.mirrored else image


WAYS = tuple(Symmetry(turns, mirrored) for mirrored in (False, True) for turns in range(4))
"""As it is comes first."""
