"""Denoising files, in the stages of `napari_n2n.workflow.batch`."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_n2n.denoising.checkpoints import Denoiser
from napari_n2n.denoising.inference.denoising import denoise_halves_steps, denoise_steps
from napari_n2n.errors import UnreadableFile, WriteProblem
from napari_n2n.io import (
    Micrograph,
    inspect_file,
    read_micrograph,
    write_micrograph,
)
from napari_n2n.io.photographs import write_photograph
from napari_n2n.progress import Steps, Stop, never, stoppable
from napari_n2n.workflow.movie_settings import MovieSettings
from napari_n2n.workflow.summing import halves_of_file_steps, is_movie


@dataclass(frozen=True, eq=False)
class DenoisedFile:
    """What is to be written: pixels (y, x), their size in Å, and sentences for the user."""

    pixels: NDArray[np.float32]
    pixel_size_angstrom: float | None
    notes: tuple[str, ...]


@dataclass(frozen=True)
class WrittenFile:
    """A file that was made, and sentences for the user."""

    path: Path
    notes: tuple[str, ...]

    def __str__(self) -> str:
        return str(self.path)


def _require_other(output: Path, path: Path) -> None:
    if output.exists() and output.samefile(path):
        raise WriteProblem(output, "is the input itself", "Choose another output folder.")


@dataclass(frozen=True)
class DenoiseFiles:
    """Denoising of files, in the stages of `napari_n2n.workflow.batch`.

    ``output_of`` says where the result of a file goes. It has the input's shape and pixel size.
    ``thorough`` is that of `denoise_steps`.
    Colour photographs, which MRC cannot hold, become PNG files of that name.
    A movie is aligned first and its halves are denoised apart; a note says how far they agree.
    All stages raise `N2NError` where the file, the device or the disk do not allow them, and
    `compute` `Interrupted` once ``stop()`` is true.
    """

    denoiser: Denoiser
    settings: MovieSettings
    output_of: Callable[[Path], Path]
    device: str = "auto"
    stop: Stop = never
    thorough: bool = False

    def load(self, path: Path) -> list[Micrograph]:
        """Read a micrograph; of a movie, which is read frame by frame later, nothing."""
        if is_movie(path):
            _require_other(self.output_of(path), path)
            return []
        image = read_micrograph(path, pixel_size_angstrom=self.settings.pixel_size_angstrom)
        if image.is_rgb and self.denoiser.network.config.in_channels == 1:
            raise UnreadableFile(
                path,
                "is a colour photograph, and the model is for grey images",
                "Use --model photographs, or convert it to grey.",
            )
        if image.is_rgb and inspect_file(path).dtype != np.uint8:
            raise UnreadableFile(
                path,
                "is in colour with more than 8 bits a channel",
                "Convert it to 8 bits, which models of photographs are for.",
            )
        _require_other(self._output(path, is_rgb=image.is_rgb), path)
        return [image]

    def compute(self, path: Path, loaded: list[Micrograph]) -> Steps[DenoisedFile]:
        """Denoise what was read."""
        if not loaded:
            return (yield from self._movie(path))
        image = loaded.pop()
        pixel_size = image.pixel_size_angstrom
        result = yield from denoise_steps(
            image.pixels,
            self.denoiser,
            pixel_size_angstrom=pixel_size,
            device=self.device,
            thorough=self.thorough,
            stop=self.stop,
        )
        return DenoisedFile(result.pixels, pixel_size, (*image.notes, *result.notes))

    def store(self, path: Path, computed: DenoisedFile) -> WrittenFile:
        """Write the result, whole or not at all."""
        is_rgb = computed.pixels.ndim == 3
        output = self._output(path, is_rgb=is_rgb)
        if is_rgb:
            write_photograph(output, computed.pixels)
        else:
            write_micrograph(output, computed.pixels, computed.pixel_size_angstrom)
        return WrittenFile(output, computed.notes)

    def _output(self, path: Path, *, is_rgb: bool) -> Path:
        output = self.output_of(path)
        return output.with_suffix(".png") if is_rgb else output

    def _movie(self, path: Path) -> Steps[DenoisedFile]:
        aligning = halves_of_file_steps(path, self.settings)
        halves = yield from stoppable(aligning, self.stop)
        both = yield from denoise_halves_steps(
            halves.odd,
            halves.even,
            self.denoiser,
            pixel_size_angstrom=halves.pixel_size_angstrom,
            device=self.device,
            thorough=self.thorough,
            stop=self.stop,
        )
        notes = (*halves.notes, *both.notes, both.resolution_note)
        return DenoisedFile(both.summed, halves.pixel_size_angstrom, notes)
