"""Denoising one field of view, and files in the stages of `napari_n2n.workflow.batch`."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from napari_n2n.denoising.checkpoints import Denoiser
from napari_n2n.denoising.inference.denoising import denoise_halves_steps, denoise_steps
from napari_n2n.denoising.inference.removed import Removed
from napari_n2n.denoising.reports import DenoisingProgress
from napari_n2n.denoising.tiling import Window
from napari_n2n.errors import UnreadableFile
from napari_n2n.io import Micrograph, Movie, Photograph
from napari_n2n.io.outputs import require_free
from napari_n2n.motion import Halves
from napari_n2n.progress import Progress, Steps, Stop, never, passed_on
from napari_n2n.workflow.contrast import decided, needs_dark_particles
from napari_n2n.workflow.fields_of_view import ContrastChoice, DenoisedMicrograph, Image
from napari_n2n.workflow.movie_reader import MovieReader
from napari_n2n.workflow.movie_sums import sums_steps


def denoise_field_steps(
    image: Halves | Micrograph | Photograph,
    denoiser: Denoiser,
    *,
    device: str = "auto",
    first: Window | None = None,
    thorough: bool = False,
    apart: bool = True,
    contrast: ContrastChoice = "auto",
    stop: Stop = never,
) -> Steps[DenoisedMicrograph]:
    """Denoise one image, or both halves of a movie.

    Parameters
    ----------
    image
        What was recorded.
    denoiser, device, first, thorough, stop
        As `denoise_steps` takes them.
    apart
        Denoise the halves each for itself: how far they agree is told then. Otherwise their sum is
        denoised whole: the same within 0.1 %, in half the time.
    contrast
        Whether particles are dark or bright. The general model is shown the negative where they
        are bright, and its result turned back; other models know what they were trained on.

    Raises
    ------
    N2NError
        The image or the device do not allow it.
    Interrupted
        ``stop`` became true.
    """
    halves = image if isinstance(image, Halves) else None
    raw = image.full if isinstance(image, Halves) else image.pixels
    size = image.pixel_size_angstrom
    path = image.path if image.path.is_file() else None
    told: tuple[str, ...] = ()
    turned = False
    if raw.ndim == 2 and needs_dark_particles(denoiser):
        contrast, told = decided(raw, size, contrast)
        turned = contrast == "bright"
    options: dict[str, Any] = {
        "pixel_size_angstrom": size,
        "device": device,
        "first": first,
        "thorough": thorough,
        "stop": stop,
    }
    if halves is None or not apart:
        steps = denoise_steps(_turned(raw, turned), denoiser, **options)
        result = yield from passed_on(steps, partial(_progress_turned, turned))
        return DenoisedMicrograph(
            _turned(result.pixels, turned),
            size,
            raw,
            halves,
            notes=(*image.notes, *told, *result.notes, *_warnings(result.removed)),
            path=path,
            removed=result.removed,
            contrast=contrast,
        )
    odd, even = _turned(halves.odd, turned), _turned(halves.even, turned)
    steps_of_both = denoise_halves_steps(odd, even, denoiser, **options)
    both = yield from passed_on(steps_of_both, partial(_progress_turned, turned))
    return DenoisedMicrograph(
        _turned(both.summed, turned),
        size,
        raw,
        halves,
        both.frc_before,
        both.frc_after,
        (*image.notes, *told, *both.notes, both.resolution_note, *_warnings(both.removed)),
        path,
        both.removed,
        contrast,
    )


def _turned(pixels: Image, turned: bool) -> Image:
    return -pixels if turned else pixels


def _progress_turned(turned: bool, step: Progress) -> Iterator[Progress]:
    """Turn the part of the result that is ready first, too."""
    if turned and isinstance(step, DenoisingProgress) and step.region is not None:
        step = replace(step, region=replace(step.region, pixels=-step.region.pixels))
    yield step


def _warnings(removed: Removed | None) -> tuple[str, ...]:
    return (removed.warning,) if removed is not None and removed.warning else ()


@dataclass(frozen=True)
class WrittenFile:
    """A file that was made, sentences for the user, and what was removed (None: unknown)."""

    path: Path
    notes: tuple[str, ...]
    removed: Removed | None = None

    def as_json(self) -> dict[str, Any]:
        """Return all of it by name."""
        removed = None if self.removed is None else self.removed.as_json()
        return {"file": str(self.path), "notes": list(self.notes), "removed": removed}

    def __str__(self) -> str:
        return str(self.path)


@dataclass(frozen=True)
class DenoiseFiles:
    """Denoising of files, in the stages of `napari_n2n.workflow.batch`.

    ``output_of`` says where the result of a file goes. It has the input's shape and pixel size.
    ``thorough`` is that of `denoise_steps`, ``contrast`` that of `denoise_field_steps`.
    Colour photographs, which MRC cannot hold, become PNG files of that name.
    A movie is aligned first and its halves are denoised apart; a note says how far they agree.
    All stages raise `N2NError` where the file, the device or the disk do not allow them, and
    `compute` `Interrupted` once ``stop()`` is true.
    """

    denoiser: Denoiser
    movies: MovieReader
    output_of: Callable[[Path], Path]
    device: str = "auto"
    stop: Stop = never
    thorough: bool = False
    contrast: ContrastChoice = "auto"

    def load(self, path: Path) -> list[Movie | Micrograph | Photograph]:
        """Open a file, and read it unless it is a movie, which is read frame by frame later."""
        opened = self.movies.open_field(path)
        is_rgb = isinstance(opened, Photograph)
        if is_rgb and self.denoiser.network.config.in_channels == 1:
            raise UnreadableFile(
                path,
                "is a colour photograph, and the model is for grey images",
                "Use --model photographs, or convert it to grey.",
            )
        if is_rgb and opened.dtype != np.uint8:
            raise UnreadableFile(
                path,
                "is in colour with more than 8 bits a channel",
                "Convert it to 8 bits, which models of photographs are for.",
            )
        require_free([self._output(path, is_rgb=is_rgb)], [path])
        if not isinstance(opened, Movie):
            _ = opened.pixels  # read here, beside the work on the file before
        return [opened]

    def compute(
        self, path: Path, loaded: list[Movie | Micrograph | Photograph]
    ) -> Steps[DenoisedMicrograph]:
        """Denoise what was opened; it is taken out of the list, lest its pixels outlive this."""
        opened = loaded.pop()
        image: Halves | Micrograph | Photograph
        if isinstance(opened, Movie):
            aligned = self.movies.recording.aligned
            image = yield from sums_steps(
                opened, aligned=aligned, device=self.device, stop=self.stop
            )
        else:
            image = opened
        return (
            yield from denoise_field_steps(
                image,
                self.denoiser,
                device=self.device,
                thorough=self.thorough,
                contrast=self.contrast,
                stop=self.stop,
            )
        )

    def store(self, path: Path, computed: DenoisedMicrograph) -> WrittenFile:
        """Write the result, whole or not at all."""
        output = self._output(path, is_rgb=computed.pixels.ndim == 3)
        return WrittenFile(computed.save(output), computed.notes, computed.removed)

    def _output(self, path: Path, *, is_rgb: bool) -> Path:
        output = self.output_of(path)
        return output.with_suffix(".png") if is_rgb else output
