"""Whether two images can be trained against each other: one specimen, and noise of their own."""

import numpy as np
from numpy.typing import NDArray

from napari_n2n.errors import NotEnoughData
from napari_n2n.io.faults import find_faults, mend
from napari_n2n.motion import Registration, noise_correlation, register

CORRELATED = 0.02
"""Correlation of the noise of two images beyond which the user is told."""
_THE_SAME = 0.6
_ONE_IMAGE = 0.999


class Independence:
    """Looks at pairs one by one, and says of all of them what there is to say."""

    def __init__(self) -> None:
        self._pairs = 0
        self._correlated: list[tuple[float, str]] = []
        self._apart: list[tuple[tuple[int, int], str]] = []
        self._unlike: list[str] = []

    def look_at(self, first: NDArray[np.float32], second: NDArray[np.float32], name: str) -> None:
        """Look at two images, (y, x) or RGB (y, x, 3), which are called ``name``.

        Colour photographs may show detail as fine as their noise, and a target without noise is
        good: of them only the same image is refused.

        Raises
        ------
        NotEnoughData
            Their noise is the same, for the most part, wherever it lies: from such a pair a network
            learns to keep the noise. Or one is the other turned over or inverted: from such a pair
            it learns nothing.
        """
        self._pairs += 1
        grey = first.ndim == 2
        a, b = (_sound(image) if grey else image.mean(axis=2) for image in (first, second))
        lies = register(a, b) if grey else Registration()
        correlation, limit = noise_correlation(a, lies.undone(b))
        if correlation > (_THE_SAME if grey else _ONE_IMAGE):
            raise NotEnoughData(
                f"{name}: the two images hold the same noise (it correlates by {correlation:.2f}), "
                "and a denoiser would learn to keep it. Give the sums of different frames: odd and "
                "even ones, or one frame and the others without it; not a half and the sum of all."
            )
        if grey and correlation > max(CORRELATED, limit):
            self._correlated.append((correlation, name))
        if lies.in_words:
            raise NotEnoughData(
                f"{name}: one of the two images is {lies.in_words}, as the other shows it. Give "
                "two images that one program has written the same way."
            )
        if not lies.is_certain:
            self._unlike.append(name)
        if lies.shift_px != (0, 0):
            self._apart.append((lies.shift_px, name))

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for the user."""
        return (*self._told_of_noise(), *self._told_of_shifts(), *self._told_of_unlike())

    def _told_of_unlike(self) -> tuple[str, ...]:
        if not self._unlike:
            return ()
        more = len(self._unlike) - 1
        others = f", or of {more} more pair{'s' * (more > 1)}" if more else ""
        return (
            f"Nothing that both images of {self._unlike[0]}{others} show stands out of the noise: "
            "either the specimen is very faint, or they are not of one field. Look whether they "
            "belong together.",
        )

    def _told_of_shifts(self) -> tuple[str, ...]:
        if not self._apart:
            return ()
        (y, x), name = max(self._apart, key=lambda each: np.hypot(*each[0]))
        others = f", and {len(self._apart) - 1} more pairs" if len(self._apart) > 1 else ""
        return (
            f"The two images of {name}{others} do not lie on each other: one is moved by about "
            f"{abs(y)} px along y and {abs(x)} px along x. Results will be blurred or shifted. "
            "Make the halves of one alignment.",
        )

    def _told_of_noise(self) -> tuple[str, ...]:
        if not self._correlated:
            return ()
        worst, name = max(self._correlated)
        whose = name
        if self._pairs > 1:
            whose = f"{len(self._correlated)} of {self._pairs} pairs, most that of {name},"
        return (
            f"The noise of {whose} is correlated ({worst:.2f}): something of the detector, or of "
            "the same frames, stands in both images, and the denoiser will keep it. Make the "
            "halves anew with the gain reference.",
        )


def _sound(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return ``image`` without the camera's faults: a hot pixel is in both halves, and no noise."""
    return mend(image, find_faults(image))
