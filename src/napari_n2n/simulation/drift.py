"""How the specimen moves while it is exposed: a known answer for motion correction."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_n2n.simulation.config import SimulationConfig


@dataclass(frozen=True)
class Drift:
    """The displacement of the specimen in every frame, from where it is in the middle frame.

    What is at ``p`` in the clean image is at ``p + displacement`` in the frame.

    Attributes
    ----------
    whole_field_angstrom
        (frame, 2) y, x: the displacement averaged over the field.
    local_amplitude
        (frame,) how far the local bending has gone, 0 in the middle frame.
    local_pattern_angstrom
        (2, 5) y, x: coefficients of u, v, u² - 1/3, v² - 1/3 and uv, where u and v run from -1 to 1
        over x and y of the field.
    shape
        (y, x) of the field in pixels.
    """

    whole_field_angstrom: NDArray[np.float64]
    local_amplitude: NDArray[np.float64]
    local_pattern_angstrom: NDArray[np.float64]
    shape: tuple[int, int]

    @property
    def is_local(self) -> bool:
        """Whether the field bends at all."""
        return bool(np.any(self.local_pattern_angstrom))

    def displacement_angstrom(
        self, frame: int, y_px: NDArray[np.float64], x_px: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return (2, ...) y, x displacement in Å at pixel coordinates of any one shape."""
        v = 2 * np.asarray(y_px) / (self.shape[0] - 1) - 1
        u = 2 * np.asarray(x_px) / (self.shape[1] - 1) - 1
        terms = np.stack([u, v, u**2 - 1 / 3, v**2 - 1 / 3, u * v])
        local = np.tensordot(self.local_pattern_angstrom, terms, axes=1)
        local *= self.local_amplitude[frame]
        whole = self.whole_field_angstrom[frame].reshape(2, *(1,) * v.ndim)
        result: NDArray[np.float64] = whole + local
        return result

    @property
    def largest_angstrom(self) -> float:
        """An upper bound of the displacement anywhere in the field."""
        local = np.abs(self.local_pattern_angstrom).sum(axis=1).max(initial=0)
        local *= np.abs(self.local_amplitude).max()
        return float(np.abs(self.whole_field_angstrom).max() + local)


def make_drift(config: SimulationConfig, rng: np.random.Generator) -> Drift:
    """Return a drift fast at first and slower later, with a random wander, as beams cause it."""
    time = np.arange(config.n_frames) / max(1, config.n_frames - 1)
    settle = 1 - np.exp(-time / 0.25)
    heading = rng.uniform(0, 2 * np.pi)
    directed = settle[:, None] * np.array([np.sin(heading), np.cos(heading)])
    # Three slow waves in each direction: smooth, but no straight line.
    waves = np.stack([np.sin(np.pi * (i + 1) * time) / (i + 1) for i in range(3)], axis=1)
    path = directed + waves @ rng.standard_normal((3, 2)) * 0.12
    middle = config.n_frames // 2
    path -= path[middle]
    length = np.linalg.norm(np.diff(path, axis=0), axis=1).sum()
    whole = path * (config.global_drift_angstrom / length if length > 0 else 0.0)
    pattern = rng.standard_normal((2, 5)) * np.array([0.5, 0.5, 1.0, 1.0, 0.5])
    corners = np.array([[u, v, 2 / 3, 2 / 3, u * v] for u in (-1, 1) for v in (-1, 1)])
    reach = np.linalg.norm(pattern @ corners.T, axis=0).max()
    amplitude = settle - settle[middle]
    span = np.ptp(amplitude)
    pattern *= config.local_drift_angstrom / (reach * span) if span > 0 else 0.0
    return Drift(whole, amplitude, pattern, config.shape)
