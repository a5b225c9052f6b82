"""What to train on, found among files and folders: pairs of halves, or micrographs alone."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TypeVar

from napari_n2n.denoising.training.pairs import Pair
from napari_n2n.denoising.training.singles import SingleImage
from napari_n2n.errors import FileProblem, N2NError, UnreadableFile, told_of
from napari_n2n.io import (
    HalvesFiles,
    Movie,
    StillStack,
    expand_inputs,
    find_halves,
    open_image,
    read_pair,
    unpaired_halves,
)
from napari_n2n.workflow.matching_names import matched_by_name

T = TypeVar("T")


class ImagesOnDisk(Collection[T]):
    """Images that are read when they are asked for; those that cannot be used are left out.

    Attributes
    ----------
    notes
        Sentences for the user.
    problems
        Why files were left out, of those that were asked for last.
    """

    notes: tuple[str, ...] = ()
    problems: tuple[N2NError, ...] = ()

    def _usable(self, images: Iterable[tuple[Path, Callable[[], T]]]) -> Iterator[T]:
        """Yield what can be read; raise the first problem where that is nothing."""
        problems: list[N2NError] = []
        found = False
        for path, read in images:
            try:
                image = read()
            except N2NError as problem:
                problems.append(told_of(path, problem))
                self.problems = tuple(problems)
                continue
            found = True
            yield image
            del image  # together they may be larger than the memory
        self.problems = tuple(problems)
        if problems and not found:
            raise problems[0]


class PairsOnDisk(ImagesOnDisk[Pair]):
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
        """Pair two lists of files, as `matched_by_name` does.

        Raises
        ------
        NotEnoughData
            The lists differ in length, or names do not fit.
        """
        return cls(
            matched_by_name(first, second),
            swappable=swappable,
            pixel_size_angstrom=pixel_size_angstrom,
        )

    @property
    def paths(self) -> list[Path]:
        """The files."""
        return [path for pair in self._files for path in pair]

    def __len__(self) -> int:
        return len(self._files)

    def __contains__(self, item: object) -> bool:
        return item in self._files

    def __iter__(self) -> Iterator[Pair]:
        return self._usable((pair[0], partial(self._read, *pair)) for pair in self._files)

    def _read(self, first: Path, second: Path) -> Pair:
        a, b = read_pair(first, second, pixel_size_angstrom=self._pixel_size_angstrom)
        return Pair(
            a.pixels, b.pixels, a.pixel_size_angstrom, swappable=self._swappable, name=first.name
        )


class MicrographsOnDisk(ImagesOnDisk[SingleImage]):
    """Micrographs without halves to train on, read when they are asked for, one at a time."""

    def __init__(self, files: Sequence[Path], *, pixel_size_angstrom: float | None = None) -> None:
        self.paths = list(files)
        self._pixel_size_angstrom = pixel_size_angstrom

    def __len__(self) -> int:
        return len(self.paths)

    def __contains__(self, item: object) -> bool:
        return item in self.paths

    def __iter__(self) -> Iterator[SingleImage]:
        return self._usable((path, partial(self._read, path)) for path in self.paths)

    def _read(self, path: Path) -> SingleImage:
        image = open_image(path, pixel_size_angstrom=self._pixel_size_angstrom)
        if isinstance(image, Movie | StillStack):
            raise _no_micrograph(path, image)
        return SingleImage(image.read(), image.pixel_size_angstrom, path.name)


def training_set(
    given: Sequence[Path], pixel_size_angstrom: float | None = None
) -> PairsOnDisk | MicrographsOnDisk:
    """Find what to train on among files, folders and patterns: halves; micrographs without any.

    Raises
    ------
    UnreadableFile
        There is nothing, or a movie, of which halves have to be made first.
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
    movies: list[UnreadableFile] = []
    for path in files:
        with suppress(FileProblem):  # a torn one is left out when its turn comes
            image = open_image(path, pixel_size_angstrom=pixel_size_angstrom)
            if isinstance(image, Movie | StillStack):
                movies.append(_no_micrograph(path, image))
                break
    if movies:  # whoever gives movies wants them used
        raise movies[0]
    return MicrographsOnDisk(files, pixel_size_angstrom=pixel_size_angstrom)


def _no_micrograph(path: Path, image: Movie | StillStack) -> UnreadableFile:
    if isinstance(image, StillStack):
        return image.refusal
    return UnreadableFile(
        path,
        "is a movie, not a micrograph",
        "Make halves of it first, which train best: napari-n2n halves MOVIE... -o DIR",
    )
