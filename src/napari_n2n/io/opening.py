"""Opening a file as what it is: one look at its content, one typed object for all that follows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from napari_n2n.io.formats import open_source
from napari_n2n.io.micrographs import Micrograph, Photograph, still_image_of
from napari_n2n.io.movies import Movie
from napari_n2n.io.stack_kinds import StackJudgement, judged
from napari_n2n.io.stacks import SeparateImages, StillStack, TiltSeries
from napari_n2n.io.volumes.model import Volume

if TYPE_CHECKING:
    from napari_n2n.io.eer import EerRendering
    from napari_n2n.io.gain import GainReference
    from napari_n2n.io.sources import FrameSource
    from napari_n2n.io.stack_kinds import StackKind

ImageFile = Movie | Micrograph | Photograph | StillStack
"""What a file is opened as."""

_STILL: dict[str, type[StillStack]] = {
    "volume": Volume,
    "tilt series": TiltSeries,
    "images": SeparateImages,
}


def open_image(
    path: Path | str,
    *,
    pixel_size_angstrom: float | None = None,
    dose_per_frame: float | None = None,
    gain: GainReference | None = None,
    eer: EerRendering | None = None,
    kind: StackKind | None = None,
) -> ImageFile:
    """Open a file as what its content says it is.

    The file is looked at once. What was found is kept, and used to read frames and pixels later.
    No pixels are read but some of several images', to tell what they are.

    Parameters
    ----------
    path
        MRC, MRCS (also gzip or bzip2), TIFF, EER, PNG or JPEG, or an OME-Zarr folder; its name is
        of no matter.
    pixel_size_angstrom
        Å; wins over the file's. For EER it is that of the rendered pixels.
    dose_per_frame
        e/Å², of movies; wins over the file's. What is no movie leaves it and the next two alone.
    gain
        Gain reference applied to every frame.
    eer
        How raw EER frames are rendered.
    kind
        What the images of a file that has several are, where somebody knows; see
        `napari_n2n.io.stack_kinds`.

    Raises
    ------
    UnreadableFile
        When the file is missing, torn, damaged, or no image.
    ShapeMismatch
        When the gain reference does not fit the movie.
    BadValue
        When the given pixel size or dose cannot be right.
    """
    path = Path(path)
    source = open_source(path, eer)
    # An EER that is rendered as a single frame is a movie still.
    if source.kind != "movie":
        return still_image_of(source, path, pixel_size_angstrom)
    judgement = _judged_or_said(source, path, kind)
    if judgement.kind != "movie":
        return _STILL[judgement.kind].from_source(
            source, path, pixel_size_angstrom, why=judgement.why, notes=judgement.notes
        )
    return Movie.from_source(
        source,
        path,
        pixel_size_angstrom=pixel_size_angstrom,
        dose_per_frame=dose_per_frame,
        gain=gain,
    ).judged(judgement)


def _judged_or_said(source: FrameSource, path: Path, kind: StackKind | None) -> StackJudgement:
    if kind is not None:
        return StackJudgement(kind, "what was said of it")
    if source.is_rgb:  # which is told when it is opened
        return StackJudgement("movie", "nothing else")
    return judged(source, path)
