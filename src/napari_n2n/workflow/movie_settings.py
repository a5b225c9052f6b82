"""How movies are read and summed: as a person says it, and as it is done."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from napari_n2n.io import EerRendering, Movie, open_movie, read_gain

if TYPE_CHECKING:
    from napari_n2n.io import GainReference
    from napari_n2n.io.movies import MovieChanges
    from napari_n2n.motion import MotionConfig


@dataclass(frozen=True)
class MovieSettings:
    """How movies are read and summed. Pixel size in Å, dose in e/Å² per frame; None: the file's."""

    pixel_size_angstrom: float | None = None
    dose_per_frame: float | None = None
    gain: "GainReference | None" = None
    eer: EerRendering | None = None
    motion: "MotionConfig | None" = None
    aligned: bool = False


@dataclass(frozen=True)
class MovieOptions:
    """How movies are to be read and summed, as a person says it; None: as the file tells.

    Attributes
    ----------
    pixel_size_angstrom
        In Å.
    dose_per_frame
        In e/Å².
    gain, gain_operation, gain_rotation, gain_flip
        The gain reference's file, and the rest of a `napari_n2n.io.GainReference`.
    eer_frames, eer_dose, eer_raw_dose, eer_upsampling
        Of a `napari_n2n.io.EerRendering`; doses in e/Å², of a rendered and of a raw frame.
    aligned
        The frames are aligned already and are only added up.
    """

    pixel_size_angstrom: float | None = None
    dose_per_frame: float | None = None
    gain: Path | None = None
    gain_operation: Literal["multiply", "divide"] = "multiply"
    gain_rotation: int = 0
    gain_flip: int = 0
    eer_frames: int | None = None
    eer_dose: float | None = None
    eer_raw_dose: float | None = None
    eer_upsampling: int = 1
    aligned: bool = False

    @property
    def changes_frames(self) -> bool:
        """Whether frames come out otherwise than the file has them: by a gain, or by EER."""
        said = replace(self, pixel_size_angstrom=None, dose_per_frame=None, aligned=False)
        return said != MovieOptions()

    def settings(self, motion: "MotionConfig | None" = None) -> MovieSettings:
        """Return the settings that this stands for; reads the gain reference.

        Raises
        ------
        N2NError
            It cannot be read, or a number makes no sense.
        """
        gain = None
        if self.gain is not None:
            gain = read_gain(
                self.gain,
                operation=self.gain_operation,
                rotation=self.gain_rotation,
                flip=self.gain_flip,
            )
        eer = EerRendering(self.eer_frames, self.eer_dose, self.eer_raw_dose, self.eer_upsampling)
        return MovieSettings(
            self.pixel_size_angstrom, self.dose_per_frame, gain, eer, motion, self.aligned
        )


def open_with(path: Path, settings: MovieSettings) -> Movie:
    """Open the movie at ``path`` as ``settings`` say.

    Raises
    ------
    N2NError
        It cannot be used, or the gain reference does not fit it.
    """
    return open_movie(
        path,
        pixel_size_angstrom=settings.pixel_size_angstrom,
        dose_per_frame=settings.dose_per_frame,
        gain=settings.gain,
        eer=settings.eer,
    )


def applied(settings: MovieSettings, movie: Movie) -> Movie:
    """Return a movie that is open as ``settings`` say; what they leave open stays as it is.

    Raises
    ------
    N2NError
        The gain reference does not fit it, or it cannot be rendered so.
    """
    changes: MovieChanges = {}
    if settings.eer not in (None, EerRendering()):
        changes["eer"] = settings.eer
    if settings.gain is not None:
        changes["gain"] = settings.gain
    if settings.pixel_size_angstrom is not None:
        changes["pixel_size_angstrom"] = settings.pixel_size_angstrom
    if settings.dose_per_frame is not None:
        changes["dose_per_frame"] = settings.dose_per_frame
    return movie.replaced(**changes)
