"""The way from files to pairs, halves and denoised micrographs, for command line and plugin."""

from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_n2n.denoising.checkpoints import Denoiser
from napari_n2n.denoising.inference.denoising import denoise_halves, denoise_steps
from napari_n2n.denoising.interruption import Interrupted
from napari_n2n.denoising.training.pairs import Pair
from napari_n2n.denoising.training.singles import Single
from napari_n2n.errors import NotEnoughData, UnreadableFile, WriteProblem
from napari_n2n.io import (
    HalvesFiles,
    Micrograph,
    expand_inputs,
    find_halves,
    inspect_file,
    read_micrograph,
    read_pair,
    unpaired_halves,
    write_micrograph,
)
from napari_n2n.io.photographs import write_photograph
from napari_n2n.progress import Progress, stoppable
from napari_n2n.workflow.movie_settings import MovieSettings, open_with

if TYPE_CHECKING:
    from napari_n2n.motion import Halves


class PairsOnDisk(Collection[Pair]):
    """Training pairs that are read when they are asked for, one at a time."""

    def __init__(
        self,
        files: Sequence[tuple[Path, Path]],
        *,
        swappable: bool = True,
        pixel_size_angstrom: float | None = None,
        notes: tuple[str, ...] = (),
    ) -> None:
        self.notes = notes
        self._files = tuple(files)
        self._swappable = swappable
        self._pixel_size_angstrom = pixel_size_angstrom

    @classmethod
    def in_folder(cls, folder: Path, pixel_size_angstrom: float | None = None) -> "PairsOnDisk":
        """Pair the odd and even halves that lie in ``folder``.

        Raises
        ------
        UnreadableFile
            There are none.
        """
        found = find_halves(folder)
        if not found:
            raise UnreadableFile(
                folder,
                "holds no odd and even halves (names ending in _ODD and _EVN, _odd and _even)",
                "Make them from movies with: napari-n2n halves MOVIE... -o DIR",
            )
        files = [(halves.odd, halves.even) for halves in found]
        lonely = ", ".join(path.name for path in unpaired_halves(folder))
        notes = (f"Left out, for want of their other half: {lonely}.",) if lonely else ()
        return cls(files, pixel_size_angstrom=pixel_size_angstrom, notes=notes)

    @classmethod
    def matched(
        cls,
        first: Sequence[Path],
        second: Sequence[Path],
        *,
        swappable: bool,
        pixel_size_angstrom: float | None = None,
    ) -> "PairsOnDisk":
        """Pair two lists of files in their order.

        Raises
        ------
        NotEnoughData
            The lists differ in length.
        """
        if len(first) != len(second):
            raise NotEnoughData(
                f"{len(first)} files cannot be paired with {len(second)}. "
                "Give as many of the one as of the other."
            )
        return cls(
            list(zip(first, second, strict=True)),
            swappable=swappable,
            pixel_size_angstrom=pixel_size_angstrom,
        )

    def __len__(self) -> int:
        return len(self._files)

    def __contains__(self, item: object) -> bool:
        return item in self._files

    def __iter__(self) -> Iterator[Pair]:
        for first, second in self._files:
            a, b = read_pair(first, second, pixel_size_angstrom=self._pixel_size_angstrom)
            yield Pair(
                a.pixels,
                b.pixels,
                a.pixel_size_angstrom,
                swappable=self._swappable,
                name=first.name,
            )


class MicrographsOnDisk(Collection[Single]):
    """Micrographs without halves to train on, read when they are asked for, one at a time."""

    notes: tuple[str, ...] = ()

    def __init__(
        self,
        files: Sequence[Path],
        pixel_size_angstrom: float | None = None,
    ) -> None:
        self._files = tuple(files)
        self._pixel_size_angstrom = pixel_size_angstrom

    def __len__(self) -> int:
        return len(self._files)

    def __contains__(self, item: object) -> bool:
        return item in self._files

    def __iter__(self) -> Iterator[Single]:
        for path in self._files:
            image = read_micrograph(path, pixel_size_angstrom=self._pixel_size_angstrom)
            yield Single(image.pixels, image.pixel_size_angstrom, path.name)


def training_set(
    given: Sequence[Path], pixel_size_angstrom: float | None = None
) -> PairsOnDisk | MicrographsOnDisk:
    """Find what to train on among files, folders and patterns: halves; micrographs without any.

    Raises
    ------
    UnreadableFile
        There is nothing, or only movies, of which halves have to be made first.
    """
    halves: list[HalvesFiles] = []
    files: list[Path] = []
    left_out: list[Path] = []
    for item in given:
        if item.is_dir() and (found := find_halves(item)):
            halves += found
            left_out += unpaired_halves(item)
        else:
            files += expand_inputs(item)
    given_files = set(files)
    for folder in dict.fromkeys(path.parent for path in files):
        halves += [h for h in find_halves(folder) if {h.odd, h.even} <= given_files]
    if halves:
        used = {path for pair in halves for path in (pair.odd, pair.even, pair.full)}
        left_out += [path for path in files if path not in used]
        names = ", ".join(dict.fromkeys(path.name for path in left_out))
        return PairsOnDisk(
            list(dict.fromkeys((pair.odd, pair.even) for pair in halves)),
            pixel_size_angstrom=pixel_size_angstrom,
            notes=(f"Left out, for want of halves of them: {names}.",) if names else (),
        )
    files = list(dict.fromkeys(files))
    for path in files:
        kind = inspect_file(path).kind
        if kind in ("movie", "volume"):
            raise UnreadableFile(
                path,
                f"is a {kind}, not a micrograph",
                "If it is a movie, make halves of it first, which train best: "
                "napari-n2n halves MOVIE... -o DIR",
            )
    return MicrographsOnDisk(files, pixel_size_angstrom)


def is_movie(path: Path) -> bool:
    """Whether the file has frames to be aligned, or is one image.

    Raises
    ------
    UnreadableFile
        It cannot be read, or is a volume.
    """
    kind = inspect_file(path).kind
    if kind == "volume":
        raise UnreadableFile(
            path,
            "is a volume by its header",
            "If it is a movie, sum its frames with napari-n2n halves and give the sum.",
        )
    return kind == "movie"


def read_grey(path: Path, pixel_size_angstrom: float | None) -> Micrograph:
    """Read a micrograph.

    Raises
    ------
    UnreadableFile
        It cannot be read, or is in colour.
    """
    image = read_micrograph(path, pixel_size_angstrom=pixel_size_angstrom)
    if image.is_rgb:
        raise UnreadableFile(path, "is a colour photograph", "Give micrographs or movies.")
    return image


def halves_of_file(path: Path, settings: MovieSettings) -> Generator[Progress, None, "Halves"]:
    """Open the movie at ``path`` and sum its odd, even and all frames, aligned.

    Raises
    ------
    N2NError
        The file or the device do not allow it.
    """
    from napari_n2n.motion import MotionConfig, align, sum_halves

    movie = open_with(path, settings)
    if settings.aligned:
        return (yield from sum_halves(movie))
    return (yield from align(movie, settings.motion or MotionConfig()))


@dataclass(frozen=True, eq=False)
class DenoisedFile:
    """What is to be written: pixels (y, x), their size in Å, and sentences for the user."""

    pixels: NDArray[np.float32]
    pixel_size_angstrom: float | None
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Written:
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
    stop: Callable[[], bool] = lambda: False
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

    def compute(
        self, path: Path, loaded: list[Micrograph]
    ) -> Generator[Progress, None, DenoisedFile]:
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

    def store(self, path: Path, computed: DenoisedFile) -> Written:
        """Write the result, whole or not at all."""
        is_rgb = computed.pixels.ndim == 3
        output = self._output(path, is_rgb=is_rgb)
        if is_rgb:
            write_photograph(output, computed.pixels)
        else:
            write_micrograph(output, computed.pixels, computed.pixel_size_angstrom)
        return Written(output, computed.notes)

    def _output(self, path: Path, *, is_rgb: bool) -> Path:
        output = self.output_of(path)
        return output.with_suffix(".png") if is_rgb else output

    def _movie(self, path: Path) -> Generator[Progress, None, DenoisedFile]:
        aligning = halves_of_file(path, self.settings)
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
