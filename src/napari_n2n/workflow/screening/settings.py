"""How files are screened, and how it is known that nothing of it has changed since."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_n2n.denoising.checkpoints import Denoiser
from napari_n2n.denoising.inference.features import fingerprint
from napari_n2n.denoising.shipped_models import denoiser_named
from napari_n2n.denoising.shipped_models.general import GENERAL
from napari_n2n.errors import BadValue
from napari_n2n.io.limits import open_binary
from napari_n2n.motion import MotionConfig
from napari_n2n.workflow.movie_reader import MovieReader

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from napari_n2n.particles.templates import Template
    from napari_n2n.workflow.fields_of_view import ContrastChoice

# Raised whenever the same file and settings give other results than before. 2: version 0.7.0, whose
# figures know the camera's faults, the contrast and the defocus. 3: 0.8.0, in whose images edges do
# not reach far.
_RECIPE = 3
_NO_PICKS = "0"
# There are picks from earlier, made on other pictures than those that are kept now.
_EARLIER_PICKS = "earlier"
# Added where there were particles already, which were left as they were: they are not ours.
_LEFT = "left"
_SAMPLE_BYTES = 64 * 2**10
# How a gain is used counts with its pixels, which may be in another file.
_OF_GAIN = {"gain", "gain_operation", "gain_rotation", "gain_flip"}


@dataclass(frozen=True)
class ScreenSettings:
    """How files are screened.

    Attributes
    ----------
    movies
        How movies were recorded; the pixel size (Å) is that of micrographs, too.
    denoiser
        A model, the file of one, or ``"general"``: the model in the box.
    diameter_angstrom
        Of the particles, which are then picked; None: they are not.
    device
        ``"auto"`` or a name: what movies are aligned and images are denoised on.
    template
        What the particles look like, learnt elsewhere; None: rings and discs are looked for.
    pixel_sizes
        Å, of single files, where a list has told; one that the recording says wins over them.
    contrast
        Whether particles are dark or bright; ``"auto"``: each image tells.

    Raises
    ------
    BadValue
        A diameter that cannot be right.
    """

    movies: MovieReader = field(default_factory=MovieReader)
    denoiser: Denoiser | Path | str = GENERAL
    diameter_angstrom: float | None = None
    device: str = "auto"
    template: Template | None = None
    pixel_sizes: Mapping[Path, float] = field(default_factory=dict)
    contrast: ContrastChoice = "auto"

    def __post_init__(self) -> None:
        diameter = self.diameter_angstrom
        if diameter is not None and not (np.isfinite(diameter) and diameter > 0):
            raise BadValue(f"Particles cannot have a diameter of {diameter} Å. Give it in Å.")

    def of_file(self, path: Path) -> ScreenSettings:
        """Return the settings for one file, which may have a pixel size of its own."""
        size = self.pixel_sizes.get(path)
        if size is None:
            return self
        return replace(self, movies=self.movies.with_told_pixel_size(size), pixel_sizes={})

    def model(self) -> Denoiser:
        """Return the model, loaded.

        Raises
        ------
        CheckpointProblem
            There is no such file, or it is no model.
        """
        if isinstance(self.denoiser, Denoiser):
            return self.denoiser
        return denoiser_named(self.denoiser)


@dataclass(frozen=True)
class ResultsFingerprint:
    """What results were made of and with: a file's content, and two lots of settings.

    Pictures depend on ``content`` and ``pictures`` only, so that another diameter leaves them.
    """

    content: str
    pictures: str
    picks: str

    def __str__(self) -> str:
        return f"{self.content}-{self.pictures}-{self.picks}"

    def has_same_pictures(self, as_kept: str) -> bool:
        """Whether results that were kept under a text have the pictures that are wanted."""
        return as_kept.rpartition("-")[0] == f"{self.content}-{self.pictures}"

    def asks_no_more_than(self, as_kept: str) -> bool:
        """Whether the particles that are wanted were picked, or none are wanted."""
        return self.picks in (_NO_PICKS, as_kept.rpartition("-")[2].removesuffix(_LEFT))

    def beside(self, as_kept: str) -> str:
        """Return the text to keep, where results were kept under another one before."""
        if self.picks == _NO_PICKS and self.has_picks(as_kept):
            return str(replace(self, picks=_EARLIER_PICKS))
        return str(self)

    def leaving_particles(self) -> str:
        """Return the text to keep where particles that were there already were left alone."""
        return str(replace(self, picks=self.picks + _LEFT))

    @staticmethod
    def has_picks(as_kept: str) -> bool:
        """Whether results that were kept under a text have particles that were picked."""
        picks = as_kept.rpartition("-")[2]
        return picks not in ("", _NO_PICKS) and not picks.endswith(_LEFT)


def settings_digest(settings: ScreenSettings, denoiser: Denoiser) -> ResultsFingerprint:
    """Digest settings; the file's content is left empty, see `made_with`."""
    told: dict[str, Any] = {
        "recipe": _RECIPE,
        "model": [
            fingerprint(denoiser.network),
            denoiser.working_pixel_size_angstrom,
            denoiser.output_gain,
            denoiser.calibrate,
            denoiser.training.normalisation,
        ],
        "motion": MotionConfig().model_dump(mode="json", exclude={"device", "reference_frame"}),
        "contrast": settings.contrast,
        "recording": _told_of(settings.movies),
    }
    diameter = settings.diameter_angstrom
    picks = _NO_PICKS if diameter is None else f"{diameter:g}"
    if settings.template is not None and diameter is not None:
        looks = settings.template.values.tobytes() + settings.template.radii.tobytes()
        picks += f"t{hashlib.sha256(looks).hexdigest()[:8]}"
    digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]
    return ResultsFingerprint("", digest, picks)


def _told_of(movies: MovieReader) -> dict[str, Any]:
    """Tell what of a recording decides the results, as far as something was said.

    So a version that can be told more does nothing again of which nothing more was said.
    """
    gain = movies.gain
    told = movies.recording.model_dump(mode="json", exclude_defaults=True, exclude=_OF_GAIN)
    if gain is not None:
        # Its file may be copied, or another written in its place.
        content = hashlib.sha256(np.ascontiguousarray(gain.pixels).tobytes()).hexdigest()
        told["gain"] = [content, gain.operation, gain.rotation, gain.flip, gain.row_order]
    return told


def in_words(settings: ScreenSettings, denoiser: Denoiser) -> dict[str, str]:
    """Return name and value of what a person would want to read about settings later."""
    recording = settings.movies.recording
    told = {"denoised with": denoiser.summary, **recording.in_words()}
    if not recording.aligned:
        told["frames of movies"] = "aligned"
    if settings.contrast != "auto":
        told["particles are"] = settings.contrast
    diameter = settings.diameter_angstrom
    told["particles"] = "not picked" if diameter is None else f"picked, {diameter:g} Å wide"
    return told


def changed_since(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    """Say what is asked for otherwise than before, of settings `in_words`; empty: nothing is."""
    changed = [
        f"{name}: {before.get(name, 'not said')}, now {now.get(name, 'not said')}"
        for name in dict.fromkeys((*before, *now))
        if before.get(name) != now.get(name)
    ]
    if not before or not changed:
        return ""
    return (
        f"Screened otherwise before ({'; '.join(changed)}). What depends on it is done anew; to go "
        "on as before, stop it and give the same options."
    )


def made_with(path: Path, settings: ResultsFingerprint) -> ResultsFingerprint:
    """Return what the results of a file are made with, now.

    Its content is told by size, time of the last change (whole seconds, which every disk keeps),
    and its first and last 64 KiB.

    Raises
    ------
    UnreadableFile
        It cannot be read.
    """
    with open_binary(path) as handle:
        head = handle.read(_SAMPLE_BYTES)
        size = handle.seek(0, 2)
        handle.seek(max(0, size - _SAMPLE_BYTES))
        tail = handle.read(_SAMPLE_BYTES)
        seconds = int(path.stat().st_mtime)
    content = hashlib.sha256(f"{size} {seconds} ".encode() + head + tail).hexdigest()[:16]
    return replace(settings, content=content)
