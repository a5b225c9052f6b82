"""What readers have in common: bytes to text, words to numbers, rows to micrographs, one error."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_n2n.errors import N2NError, UnreadableFile
from napari_n2n.io.coordinates.model import MicrographParticles
from napari_n2n.io.limits import COPY_AGAIN, open_binary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_n2n.io.coordinates.model import StarRows
    from napari_n2n.io.particles import Particles

MOST_PX = 1e7
"""No position lies farther out: the largest montages have some 10⁵ px a side."""

_FOREIGN = (
    (b"\x80", "a Python pickle", "Such a file is never opened: it could run any program."),
    (b"\x95CSDAT", "a compressed cryoSPARC dataset", "Save it as .cs with cryosparc-tools."),
    (b"PK\x03\x04", "a zip archive", "Unpack it first."),
    (b"\x1f\x8b", "gzip-compressed", "Unpack it first."),
)


def read_text(path: Path) -> str:
    """Read a text file (UTF-8) whole.

    Raises
    ------
    UnreadableFile
        When it cannot be read, is empty, or is no text.
    """
    with open_binary(path) as handle:
        data = handle.read()
    refuse_foreign(path, data)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text or "\r" in text.replace("\r\n", ""):
        raise UnreadableFile(
            path,
            "is not a plain text file",
            "Give a .star, .box, .cbox, .csv, .cs or Topaz .txt file; save tables as UTF-8 text.",
        )
    return text


def refuse_foreign(path: Path, data: bytes) -> None:
    """Refuse empty files and kinds that are known not to hold coordinates.

    Raises
    ------
    UnreadableFile
        Naming what it is.
    """
    if not data.strip():
        raise UnreadableFile(
            path, "is empty", "Copy it again; if it is empty there too, nothing was picked."
        )
    for magic, name, remedy in _FOREIGN:
        if data.startswith(magic):
            raise UnreadableFile(path, f"is {name}", remedy)


@contextlib.contextmanager
def parsing(path: Path, what: str) -> Iterator[None]:
    """Turn whatever goes wrong while a file's content is understood into one typed error.

    Raises
    ------
    UnreadableFile
        For every exception in the block that is not one of this project's own.
    """
    try:
        yield
    except N2NError:
        raise
    except MemoryError as error:
        raise UnreadableFile(
            path, "needs more memory than is free", "Close other programs."
        ) from error
    except Exception as error:
        detail = " ".join(str(error).split())[:120] or type(error).__name__
        raise UnreadableFile(
            path, f"is damaged: it cannot be read as {what} ({detail})", COPY_AGAIN
        ) from error


def numbers(path: Path, words: Iterable[Any], what: str) -> NDArray[np.float64]:
    """Convert a column of words, exactly.

    Parameters
    ----------
    path, what
        For messages: the file, and what the column is called in it.
    words
        Words or numbers; empty ones become NaN.

    Raises
    ------
    UnreadableFile
        At the first that is no number.
    """
    values: list[float] = []
    for row, word in enumerate(words, 1):
        try:
            if isinstance(word, str) and "_" in word:  # Python reads 1_0 as 10, nobody else does
                raise ValueError
            values.append(float(word) if word != "" else np.nan)
        except (ValueError, TypeError):
            raise UnreadableFile(
                path,
                f"has {str(word)[:40]!r} as {what} of particle {row}, which is no number",
                "Correct or delete that line.",
            ) from None
    return np.array(values, dtype=np.float64)


def positions(path: Path, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Join two columns to centres.

    Parameters
    ----------
    x, y
        (n,) px

    Returns
    -------
    (n, 2) y, x

    Raises
    ------
    UnreadableFile
        When a position is not a finite number, or absurdly far out.
    """
    centres = np.stack([y, x], axis=1)
    with np.errstate(invalid="ignore"):
        good = (np.abs(centres) <= MOST_PX).all(1)
    if not good.all():
        row = int(np.argmin(good))
        raise UnreadableFile(
            path,
            f"gives particle {row + 1} the position x = {x[row]:g}, y = {y[row]:g}",
            "Correct or delete that line.",
        )
    return centres


def as_scores(path: Path, values: NDArray[np.float64]) -> NDArray[np.float32]:
    """Take figures of merit as scores; NaN is allowed, an infinite one is not.

    Raises
    ------
    UnreadableFile
        When a score is infinite, or too large for float32.
    """
    with np.errstate(over="ignore"):
        scores = values.astype(np.float32)
    if np.isinf(scores).any():
        row = int(np.argmax(np.isinf(scores)))
        raise UnreadableFile(
            path, f"gives particle {row + 1} an infinite score", "Correct or delete that line."
        )
    return scores


def givers_of(labels: NDArray[np.str_]) -> NDArray[np.str_]:
    """Who gave labels that a file does not tell: a person, so that no program changes them."""
    return np.where(labels == "unlabelled", "picker", "person")


def by_micrograph(
    path: Path,
    names: Sequence[str],
    particles: Particles,
    *,
    pixel_size_of: Callable[[int], float | None] = lambda row: None,
    shape_of: Callable[[int], tuple[int, int] | None] = lambda row: None,
    star: StarRows | None = None,
) -> list[MicrographParticles]:
    """Split the particles of a file by their micrographs, in the order these come in it.

    Parameters
    ----------
    names
        (n,) the micrograph of each particle.
    pixel_size_of, shape_of
        Give what the file says of the micrograph of the particle in a row (from 0): pixel size
        in Å, shape (y, x). The first particle of each micrograph is asked.
    star
        The n rows that they come from, where that is a STAR file.

    Raises
    ------
    UnreadableFile
        When a name cannot be that of a file.
    """
    rows: dict[str, list[int]] = {}
    for row, name in enumerate(names):
        # cryoSPARC's sign of a path within its project, which scripts carry on.
        rows.setdefault(name.removeprefix(">") or name, []).append(row)
    for name in rows:
        if not name.isprintable():
            raise UnreadableFile(path, f"calls a micrograph {name[:40]!r}", COPY_AGAIN)
    return [
        MicrographParticles(
            particles[np.array(which)],
            name,
            pixel_size_of(which[0]),
            shape_of(which[0]),
            star=None if star is None else star.only(which),
        )
        for name, which in rows.items()
    ]
