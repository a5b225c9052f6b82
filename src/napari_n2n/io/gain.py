"""Gain references: reading them, turning them as RELION does, laying them on a movie.

The conventions are those of RELION 5 (``motioncorr_runner.cpp``, ``image_op.h``, ``rwTIFF.h``,
``renderEER.h``):

- ``--gain_rot n`` turns the reference n quarter turns: clockwise when row 0 is shown on top (as
  RELION and napari show it), which is what MotionCor2, with row 0 at the bottom, calls
  counter-clockwise. In numpy: ``rot90(gain, -n)``. ``--gain_flip`` comes after it: 1 reverses the
  rows (upside down), 2 the columns (left to right).
- Row 0 of an MRC file is its bottom, row 0 of a TIFF its top. RELION, IMOD and MotionCor2 reverse
  the rows of every TIFF they read. This program shows TIFFs as they are stored, and reverses the
  rows of the *gain* where one of movie and gain is a TIFF and the other an MRC.
- The reference of an EER movie is used as stored, be it a TIFF (``.gain``) or an MRC.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from napari_n2n.errors import BadPixels, BadValue, ShapeMismatch, UnreadableFile

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_n2n.io.sources import RowOrder

Operation = Literal["multiply", "divide"]

_ABSURD_FACTOR = 10.0
"""A gain this many times above or below the median is that of a broken pixel."""
_MAX_DEFECTS = 0.2


@dataclass(frozen=True, eq=False)
class GainReference:
    """A gain reference as stored, and how it is to be applied.

    Attributes
    ----------
    pixels
        (y, x) as stored in its file.
    operation
        ``"multiply"`` frames by it or ``"divide"`` them by it.
    rotation, flip
        RELION's ``--gain_rot`` (0-3) and ``--gain_flip`` (0-2).
    row_order
        Whose row order it is stored in.
    path
        The file, or None.
    """

    pixels: NDArray[np.float32]
    operation: Operation = "multiply"
    rotation: int = 0
    flip: int = 0
    row_order: RowOrder = "memory"
    path: Path | None = None

    def __post_init__(self) -> None:
        if self.operation not in ("multiply", "divide"):
            raise BadValue(f"operation must be 'multiply' or 'divide', not {self.operation!r}.")
        if self.rotation not in (0, 1, 2, 3) or self.flip not in (0, 1, 2):
            raise BadValue("rotation must be 0, 1, 2 or 3, and flip 0, 1 or 2.")
        if self.pixels.ndim != 2:
            raise BadValue(f"A gain reference is one image, not of shape {self.pixels.shape}.")
        fraction = float(self.defects.mean())
        if fraction > _MAX_DEFECTS:
            raise BadPixels(
                self._name,
                f"is no gain reference: {fraction:.0%} of its pixels are zero, negative, "
                "not numbers or absurd",
                "Check that it is the gain reference of this camera.",
            )

    @property
    def _name(self) -> Path:
        return self.path or Path("gain reference")

    @cached_property
    def defects(self) -> NDArray[np.bool_]:
        """(y, x) True where the detector pixel is dead or broken, as stored."""
        pixels = self.pixels
        with np.errstate(invalid="ignore"):
            good = np.isfinite(pixels) & (pixels > 0)
            if not good.any():
                return ~good
            median = np.median(pixels[good])
            good &= (pixels < median * _ABSURD_FACTOR) & (pixels > median / _ABSURD_FACTOR)
        return ~good

    def turned(self, image: NDArray[Any], movie_order: RowOrder = "memory") -> NDArray[Any]:
        """Turn an image that is stored like this gain to lie as the frames of a movie do.

        Parameters
        ----------
        image
            (y, x)
        movie_order
            Whose row order the frames are stored in.
        """
        # Through RELION's memory, where every TIFF is upside down, except with EER movies.
        if self.row_order == "tiff" and movie_order in ("tiff", "mrc"):
            image = image[::-1]
        image = np.rot90(image, -self.rotation)
        if self.flip:
            image = image[::-1] if self.flip == 1 else image[:, ::-1]
        if movie_order == "tiff" and self.row_order in ("tiff", "mrc"):
            image = image[::-1]
        return image

    def reverses_rows_for(self, movie_order: RowOrder) -> bool:
        """Whether the movie's and the gain's formats start at opposite ends of the image."""
        return {self.row_order, movie_order} == {"tiff", "mrc"}

    def require_fit(
        self,
        frame_shape: tuple[int, int],
        movie_path: Path,
        movie_order: RowOrder = "memory",
    ) -> None:
        """Make sure that it can be laid on frames of a shape (y, x); see `laid_on`.

        Raises
        ------
        ShapeMismatch
            When it does not fit, saying which rotation would.
        """
        rows, columns = self.pixels.shape
        turned = (columns, rows) if self.rotation % 2 else (rows, columns)
        fits = turned == frame_shape
        if movie_order == "eer":
            fits = fits or _is_rescaled(turned, frame_shape)
        if not fits:
            raise self._mismatch(turned, frame_shape, movie_path)

    def laid_on(
        self,
        frame_shape: tuple[int, int],
        movie_path: Path,
        movie_order: RowOrder = "memory",
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Give the factor every pixel of a frame is multiplied by, and which pixels are broken.

        Parameters
        ----------
        frame_shape
            (y, x) of the movie's frames.
        movie_path
            For messages.
        movie_order
            Whose row order the frames are stored in. For rendered EER frames, a reference of half
            or a quarter of their size is repeated, and one of twice or four times averaged.

        Returns
        -------
        tuple
            (y, x) factor, one at defects; (y, x) defects.

        Raises
        ------
        ShapeMismatch
            When it does not fit, saying which rotation would.
        """
        self.require_fit(frame_shape, movie_path, movie_order)
        defects = self.turned(self.defects, movie_order)
        gain = self.turned(self.pixels, movie_order)
        with np.errstate(divide="ignore", invalid="ignore"):
            wanted = gain if self.operation == "multiply" else 1 / gain
        factor: NDArray[np.float32] = np.where(defects, 1, wanted).astype(np.float32)
        if factor.shape != frame_shape:
            factor, defects = _rescaled(factor, defects, frame_shape)
        return np.ascontiguousarray(factor), np.ascontiguousarray(defects)

    def _mismatch(
        self, shape: tuple[int, ...], wanted: tuple[int, int], movie_path: Path
    ) -> ShapeMismatch:
        fault = (
            f"does not fit the movie {movie_path.name}: the gain reference, as turned, is "
            f"{shape[1]} × {shape[0]} pixels (x × y), the frames are {wanted[1]} × {wanted[0]}"
        )
        if shape == wanted[::-1]:
            fitting = sorted((self.rotation + turn) % 4 for turn in (1, 3))
            remedy = (
                f"A quarter turn would fit: use rotation {fitting[0]} or {fitting[1]} "
                "(RELION's --gain_rot)."
            )
        elif shape[0] * wanted[1] == shape[1] * wanted[0]:
            remedy = (
                f"No rotation fits; it is {shape[0] / wanted[0]:.3g} times as large: use the "
                "reference recorded in the movie's own mode (counting or super-resolution)."
            )
        else:
            remedy = "No rotation fits: use the gain reference recorded with this movie."
        return ShapeMismatch(self._name, fault, remedy)


def _is_rescaled(shape: tuple[int, int], wanted: tuple[int, int]) -> bool:
    """Whether two grids of one detector differ by a factor of two or four."""
    pairs = (shape, wanted), (wanted, shape)
    return any(
        (coarse[0] * times, coarse[1] * times) == fine for coarse, fine in pairs for times in (2, 4)
    )


def _rescaled(
    factor: NDArray[np.float32], defects: NDArray[np.bool_], shape: tuple[int, int]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Repeat or average to a grid of the detector that is known to be finer or coarser."""
    if shape[0] > factor.shape[0]:
        times = shape[0] // factor.shape[0]
        return factor.repeat(times, 0).repeat(times, 1), defects.repeat(times, 0).repeat(times, 1)
    times = factor.shape[0] // shape[0]
    blocks = (shape[0], times, shape[1], times)
    broken: NDArray[np.bool_] = np.asarray(defects.reshape(blocks).any((1, 3)))
    return factor.reshape(blocks).mean((1, 3), dtype=np.float32), broken


def read_gain(
    path: Path | str, *, operation: Operation = "multiply", rotation: int = 0, flip: int = 0
) -> GainReference:
    """Read a gain reference.

    Parameters
    ----------
    path
        MRC, TIFF or ``.gain`` (a TIFF); the content decides. Of a stack, all images must agree in
        being one.
    operation
        ``"multiply"`` (RELION's MRC and ``.gain`` references, MotionCor2) or ``"divide"``.
    rotation, flip
        RELION's ``--gain_rot`` and ``--gain_flip``; see this module.

    Raises
    ------
    UnreadableFile
        When it cannot be read or holds more than one image.
    BadPixels
        When too many of its pixels are zero or absurd for a gain reference.
    """
    from napari_n2n.io.formats import open_source

    path = Path(path)
    source = open_source(path)
    if source.shape[0] != 1:
        raise UnreadableFile(
            path, f"holds {source.shape[0]} images", "A gain reference is a single image."
        )
    pixels = source.read(0)
    if pixels.ndim != 2:
        raise UnreadableFile(path, "is in colour", "A gain reference is a single grey image.")
    return GainReference(
        pixels.astype(np.float32), operation, rotation, flip, source.row_order, path
    )
