"""Where the pictures of a screening lie: beside the session, and moving with it."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from napari_n2n.denoising.inference.removed import Removed
from napari_n2n.errors import UnreadableFile
from napari_n2n.io import read_micrograph, write_atomically, write_micrograph
from napari_n2n.io.labels import BRIGHT, read_labels
from napari_n2n.io.pictures import contrast_limits, write_png
from napari_n2n.io.pixel_size import placeholder_labels
from napari_n2n.session.paths import SESSION_NAME, session_path_of_user, stored_path
from napari_n2n.workflow.fields_of_view import DenoisedMicrograph

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from napari_n2n.io.micrographs import StillImage

RESULTS_FOLDER = ".napari-n2n"
"""In the session's folder; deleting it loses nothing that is not made again. Sessions that are not
called as usual have folders of their own beside it: two sessions of one folder show other things.
"""

_LONGEST_NAME_BYTES = 200  # with what is added, file systems take 255

_LARGEST = 6e4  # in half precision

THUMBNAIL_PX = 256
"""The longer side of a thumbnail."""


@dataclass(frozen=True)
class ResultFiles:
    """Where what was made of one file lies, or will.

    Attributes
    ----------
    sum
        MRC: the aligned sum of a movie's frames. There is none of a single micrograph.
    denoised
        MRC, of the shape and pixel size of what it was made from. Both are kept as `Scale` has
        them, in half precision: 32 MiB for 4096².
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
    def made(self) -> tuple[Path, Path, Path]:
        """What the screening writes."""
        return self.sum, self.denoised, self.thumbnail

    @property
    def raw(self) -> Path:
        """What was denoised: the sum, or the file itself where it is a single micrograph."""
        return self.sum if self.sum.exists() else self.source

    @property
    def are_there(self) -> bool:
        """Whether the pictures have been made."""
        return self.denoised.exists() and self.thumbnail.exists()


@dataclass(frozen=True)
class Scale:
    """How pictures are kept: about the mean of what was recorded, in its standard deviations.

    Half precision resolves a thousandth of a value. Of counts, or of 16-bit numbers far from zero,
    that would be more than a denoised specimen differs from its surroundings.
    """

    mean: float
    deviation: float

    @classmethod
    def of(cls, raw: NDArray[np.float32]) -> Scale:
        """Measure what was recorded, (y, x)."""
        return cls(float(raw.mean(dtype=np.float64)), float(raw.std(dtype=np.float64)) or 1.0)

    def applied(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return an image on this scale; what half precision cannot hold is cut off."""
        scaled = (image - np.float32(self.mean)) / np.float32(self.deviation)
        return np.clip(scaled, -_LARGEST, _LARGEST, out=scaled)


def write_pictures(results: ResultFiles, micrograph: DenoisedMicrograph) -> Iterator[Path]:
    """Write what was recorded and denoised, and the thumbnail; yields after each file.

    Of a single micrograph what was recorded is in its own file.

    Raises
    ------
    WriteProblem
        The disk refuses.
    """
    assert micrograph.raw is not None
    scale = Scale.of(micrograph.raw)
    kept = [(results.denoised, micrograph.pixels)]
    if micrograph.halves is not None:
        kept.insert(0, (results.sum, micrograph.raw))
    for path, image in kept:
        size = micrograph.pixel_size_angstrom
        is_made = path == results.denoised
        labels = micrograph.labels if is_made else placeholder_labels(micrograph.notes)
        write_micrograph(path, scale.applied(image), size, dtype="float16", labels=labels)
        yield path
    write_thumbnail(results.thumbnail, micrograph.pixels)
    yield results.thumbnail


def read_pictures(
    results: ResultFiles,
    pixel_size_angstrom: float | None = None,
    opened: StillImage | None = None,
) -> DenoisedMicrograph:
    """Read the pictures that were kept of a file, on the scale they are kept in.

    Parameters
    ----------
    results
        Where they lie.
    pixel_size_angstrom
        Å; wins over theirs.
    opened
        The file itself, where that is a single micrograph and open already.

    Raises
    ------
    UnreadableFile
        They have not been made, are damaged, or the file is another one now.
    """
    raw = (read_micrograph(results.raw) if opened is None else opened).pixels
    denoised = read_micrograph(results.denoised, pixel_size_angstrom=pixel_size_angstrom)
    if raw.shape != denoised.shape:
        raise UnreadableFile(
            results.source, "has changed since it was denoised", "Screen it once more."
        )
    if results.raw == results.source:
        raw = Scale.of(raw).applied(raw)
    labels = read_labels(results.denoised)
    told = filter(None, map(Removed.from_label, labels))
    return DenoisedMicrograph(
        denoised.pixels,
        denoised.pixel_size_angstrom,
        raw,
        removed=next(told, None),
        contrast="bright" if BRIGHT in labels else "auto",
    )


def results_of(session_path: Path | str, record_path: Path | str) -> ResultFiles:
    """Return where the results of a file lie.

    Parameters
    ----------
    session_path
        The session's file.
    record_path
        The micrograph or movie, as the session gives its path.
    """
    session = Path(session_path).absolute()
    folder, source = session.parent, Path(record_path)
    inside = stored_path(source, folder)
    name = source.name
    # From the session's folder, so that it stays when the data move.
    digest = hashlib.sha256(inside.encode()).hexdigest()[:8]
    if len(name.encode()) > _LONGEST_NAME_BYTES:
        name = f"{name[: _LONGEST_NAME_BYTES // 4]}-{digest}"
    elif inside != name:  # files of several folders may have one name
        name += f"-{digest}"
    usual = _files_in(folder / RESULTS_FOLDER, name, source)
    if session.name == SESSION_NAME:
        return usual
    own = _files_in(_own_folder(session), name, source)
    # Up to version 0.6 all sessions of a folder shared theirs.
    is_old = not own.denoised.exists() and usual.denoised.exists()
    return usual if is_old and _nobody_else_shares(session) else own


def _files_in(folder: Path, name: str, source: Path) -> ResultFiles:
    ends = (".sum.mrc", ".denoised.mrc", ".thumbnail.png")
    total, denoised, thumbnail = (folder / f"{name}{end}" for end in ends)
    return ResultFiles(total, denoised, thumbnail, source)


def _own_folder(session: Path) -> Path:
    """Return where the pictures of a session lie that is not called as usual."""
    return session.with_name(f"{RESULTS_FOLDER}.{session.name}")


def _nobody_else_shares(session: Path) -> bool:
    """Whether what lies directly in the folder of pictures can be of this session only."""
    if session.parent == session_path_of_user(session.name).parent:
        return True  # each is of another folder
    return not any(
        other != session and other.suffix in (".sqlite", session.suffix)
        for other in session.parent.iterdir()
        if other.is_file() and not _own_folder(other).is_dir()
    )


def common_folder(folders: Sequence[Path]) -> Path:
    """Return the folder whose session files of ``folders`` belong to: the nearest above them all.

    Parameters
    ----------
    folders
        One at least.
    """
    whole = [folder.absolute() for folder in folders]
    try:
        return Path(os.path.commonpath(whole))
    except ValueError:  # on several drives
        return whole[0]


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
        write_png(beside, Image.fromarray(grey))
