"""Where the pictures of a screening lie: beside the session, and moving with it."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from napari_n2n.io import write_atomically
from napari_n2n.pictures import contrast_limits
from napari_n2n.screening.places import stored_path

if TYPE_CHECKING:
    from numpy.typing import NDArray

RESULTS_FOLDER = ".napari-n2n"
"""In the session's folder; deleting it loses nothing that is not made again."""

_LONGEST_NAME_BYTES = 200  # with what is added, file systems take 255

THUMBNAIL_PX = 256
"""The longer side of a thumbnail."""


@dataclass(frozen=True)
class Results:
    """Where what was made of one file lies, or will.

    Attributes
    ----------
    sum
        MRC: the aligned sum of a movie's frames. There is none of a single micrograph.
    denoised
        MRC, of the shape and pixel size of what it was made from.
    thumbnail
        PNG of the denoised image, grey, 256 px on its longer side.
    source
        The file itself.
    """

    sum: Path
    denoised: Path
    thumbnail: Path
    source: Path

    @property
    def raw(self) -> Path:
        """What was denoised: the sum, or the file itself where it is a single micrograph."""
        return self.sum if self.sum.exists() else self.source

    @property
    def are_there(self) -> bool:
        """Whether the pictures have been made."""
        return self.denoised.exists() and self.thumbnail.exists()


def results_of(session_path: Path | str, record_path: Path | str) -> Results:
    """Return where the results of a file lie.

    Parameters
    ----------
    session_path
        The session's file.
    record_path
        The micrograph or movie, as the session gives its path.
    """
    folder = Path(session_path).absolute().parent
    source = Path(record_path)
    inside = stored_path(source, folder)
    name = source.name
    # From the session's folder, so that it stays when the data move.
    digest = hashlib.sha256(inside.encode()).hexdigest()[:8]
    if len(name.encode()) > _LONGEST_NAME_BYTES:
        name = f"{name[: _LONGEST_NAME_BYTES // 4]}-{digest}"
    elif inside != name:  # files of several folders may have one name
        name += f"-{digest}"
    at = folder / RESULTS_FOLDER
    return Results(
        at / f"{name}.sum.mrc", at / f"{name}.denoised.mrc", at / f"{name}.thumbnail.png", source
    )


def default_session_folder(paths: list[Path]) -> Path:
    """Return the folder whose session files belong to: theirs, or the nearest that holds them all.

    Parameters
    ----------
    paths
        One at least.
    """
    folders = [path.absolute().parent for path in paths]
    try:
        return Path(os.path.commonpath(folders))
    except ValueError:  # on several drives
        return folders[0]


def write_thumbnail(path: Path, image: NDArray[np.float32]) -> None:
    """Write a small picture of ``image`` (y, x) into the PNG ``path``, whole or not at all.

    Pixels are averaged, and the contrast is that of the averaged image.

    Raises
    ------
    WriteProblem
        The disk refuses.
    """
    small = Image.fromarray(np.asarray(image, np.float32))
    small.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX), Image.Resampling.BOX)
    values = np.asarray(small)
    low, high = contrast_limits(values)
    grey = np.clip((values - low) / (high - low) * 255, 0, 255).astype(np.uint8)
    with write_atomically(path) as beside:
        Image.fromarray(grey).save(beside, format="PNG")
