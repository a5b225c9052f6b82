"""What to train on, found among files and folders: pairs of halves, or micrographs alone."""

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from napari_n2n.denoising.training.pairs import Pair
from napari_n2n.denoising.training.singles import SingleImage
from napari_n2n.errors import NotEnoughData, UnreadableFile
from napari_n2n.io import (
    HalvesFiles,
    Micrograph,
    Movie,
    Photograph,
    StillStack,
    expand_inputs,
    find_halves,
    open_image,
    read_pair,
    unpaired_halves,
)


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


class MicrographsOnDisk(Collection[SingleImage]):
    """Micrographs without halves to train on, read when they are asked for, one at a time."""

    notes: tuple[str, ...] = ()

    def __init__(self, opened: Sequence[Micrograph | Photograph]) -> None:
        self._opened = tuple(opened)

    def __len__(self) -> int:
        return len(self._opened)

    def __contains__(self, item: object) -> bool:
        return item in self._opened

    def __iter__(self) -> Iterator[SingleImage]:
        for image in self._opened:
            # Not kept: together they may be larger than the memory.
            yield SingleImage(image.read(), image.pixel_size_angstrom, image.path.name)


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
    opened = []
    for path in dict.fromkeys(files):
        image = open_image(path, pixel_size_angstrom=pixel_size_angstrom)
        if isinstance(image, StillStack):
            raise image.refusal
        if isinstance(image, Movie):
            raise UnreadableFile(
                path,
                "is a movie, not a micrograph",
                "Make halves of it first, which train best: napari-n2n halves MOVIE... -o DIR",
            )
        opened.append(image)
    return MicrographsOnDisk(opened)
