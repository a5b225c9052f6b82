"""Denoising files, in the stages of `napari_n2n.workflow.batch`."""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_n2n.denoising.checkpoints import Denoiser
from napari_n2n.denoising.inference.denoising import denoise_halves, denoise_steps
from napari_n2n.denoising.interruption import Interrupted
from napari_n2n.errors import UnreadableFile, WriteProblem
from napari_n2n.io import Micrograph, Movie, Photograph, write_micrograph
from napari_n2n.io.photographs import write_photograph
from napari_n2n.progress import Progress, stoppable
from napari_n2n.workflow.movie_reader import MovieReader
from napari_n2n.workflow.summing import halves_of_movie_steps


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
    movies: MovieReader
    output_of: Callable[[Path], Path]
    device: str = "auto"
    stop: Callable[[], bool] = lambda: False
    thorough: bool = False

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
        _require_other(self._output(path, is_rgb=is_rgb), path)
        if not isinstance(opened, Movie):
            _ = opened.pixels  # read here, beside the work on the file before
        return [opened]

    def compute(
        self, path: Path, loaded: list[Movie | Micrograph | Photograph]
    ) -> Generator[Progress, None, DenoisedFile]:
        """Denoise what was opened; it is taken out of the list, lest its pixels outlive this."""
        image = loaded.pop()
        if isinstance(image, Movie):
            return (yield from self._movie(image))
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

    def _movie(self, movie: Movie) -> Generator[Progress, None, DenoisedFile]:
        aligning = halves_of_movie_steps(movie, aligned=self.movies.recording.aligned)
        halves = yield from stoppable(aligning, self.stop, Interrupted)
        both = yield from denoise_halves(
            halves.odd,
            halves.even,
            self.denoiser,
            pixel_size_angstrom=halves.pixel_size_angstrom,
            device=self.device,
            thorough=self.thorough,
            stop=self.stop,
        )
        # The mean of two halves, on the scale of their sum.
        pixels = both.pixels * np.float32(2)
        notes = (*halves.notes, *both.notes, both.resolution_note)
        return DenoisedFile(pixels, halves.pixel_size_angstrom, notes)
