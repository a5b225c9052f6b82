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
- Frames of MRC and TIFF movies are multiplied by their reference. With EER the name decides: a
  ``.gain`` (a TIFF) is multiplied by, and lies as it is stored. Anything else holds what the
  detector gave of even light, and counts are divided by it, with its mean kept at one:
  mean(gain) / gain. Its rows are reversed where it is a TIFF.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from napari_n2n.errors import BadPixels, BadValue, ShapeMismatch, UnreadableFile

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_n2n.io.sources import RowOrder

Operation = Literal["auto", "multiply", "divide"]

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
        ``"multiply"`` frames by it, ``"divide"`` them by it (it then counts in units of its mean),
        or ``"auto"``: as RELION does with files of such formats; see this module.
    rotation, flip
        RELION's ``--gain_rot`` (0-3) and ``--gain_flip`` (0-2).
    row_order
        Whose row order it is stored in.
    path
        The file, or None.
    """

    pixels: NDArray[np.float32]
    operation: Operation = "auto"
    rotation: int = 0
    flip: int = 0
    row_order: RowOrder = "memory"
    path: Path | None = None

    def __post_init__(self) -> None:
        if self.operation not in get_args(Operation):
            raise BadValue(
                f"operation must be 'auto', 'multiply' or 'divide', not {self.operation!r}."
            )
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
        # Through RELION's memory, where every TIFF is upside down, except EER movies' own gain.
        as_stored = movie_order == "memory" or (movie_order == "eer" and self._is_of_eer)
        if self.row_order == "tiff" and not as_stored:
            image = image[::-1]
        image = np.rot90(image, -self.rotation)
        if self.flip:
            image = image[::-1] if self.flip == 1 else image[:, ::-1]
        if movie_order == "tiff" and self.row_order in ("tiff", "mrc"):
            image = image[::-1]
        return image

    @property
    def _is_of_eer(self) -> bool:
        return self.path is not None and self.path.suffix.lower() == ".gain"

    def divides(self, movie_order: RowOrder) -> bool:
        """Whether frames that are stored so are divided by it."""
        if self.operation != "auto":
            return self.operation == "divide"
        return movie_order == "eer" and self.path is not None and not self._is_of_eer

    def notes_for(self, movie_order: RowOrder) -> tuple[str, ...]:
        """Sentences for the user on how it is laid on frames that are stored so."""
        notes: tuple[str, ...] = ()
        if movie_order == "eer" and self.operation == "auto" and self.path is not None:
            how = "divided by" if self.divides(movie_order) else "multiplied by"
            why = "a .gain" if self._is_of_eer else "any gain reference of EER but a .gain"
            notes += (
                f"Frames are {how} the gain reference, as in RELION by {why}; "
                "choose the gain's operation (--gain-operation) if that is wrong.",
            )
        if {self.row_order, movie_order} == {"tiff", "mrc"}:
            notes += (
                "The rows of the gain reference were reversed, because one of gain and movie "
                "is a TIFF and the other an MRC (as in RELION, IMOD and MotionCor2).",
            )
        elif self.row_order == "tiff" and movie_order == "eer" and not self._is_of_eer:
            notes += (
                "The rows of the gain reference were reversed, as RELION does with a TIFF that is "
                "no .gain.",
            )
        return notes

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
        gain = np.where(defects, 1, self.turned(self.pixels, movie_order)).astype(np.float32)
        if gain.shape != frame_shape:
            gain, defects = _rescaled(gain, defects, frame_shape)
        factor: NDArray[np.float32] = gain
        if self.divides(movie_order):
            # Of all pixels, dead ones too: RELION's mean.
            mean = np.nanmean(self.pixels, where=np.isfinite(self.pixels), dtype=np.float64)
            factor = np.where(defects, 1, mean / gain).astype(np.float32)
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
    gain: NDArray[np.float32], defects: NDArray[np.bool_], shape: tuple[int, int]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Repeat or average to a grid of the detector that is known to be finer or coarser."""
    if shape[0] > gain.shape[0]:
        times = shape[0] // gain.shape[0]
        return gain.repeat(times, 0).repeat(times, 1), defects.repeat(times, 0).repeat(times, 1)
    times = gain.shape[0] // shape[0]
    blocks = (shape[0], times, shape[1], times)
    broken: NDArray[np.bool_] = np.asarray(defects.reshape(blocks).any((1, 3)))
    return gain.reshape(blocks).mean((1, 3), dtype=np.float32), broken


def read_gain(
    path: Path | str, *, operation: Operation = "auto", rotation: int = 0, flip: int = 0
) -> GainReference:
    """Read a gain reference.

    Parameters
    ----------
    path
        MRC, TIFF or ``.gain`` (a TIFF); the content decides. Of a stack, all images must agree in
        being one.
    operation
        ``"multiply"``, ``"divide"``, or ``"auto"``: as RELION does with such files; see this
        module.
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
