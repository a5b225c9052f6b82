"""What can be worked on, and how it becomes pairs to train on. No napari and no Qt here."""

import dataclasses
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from napari_n2n.errors import FileProblem, NotEnoughData
from napari_n2n.io import Micrograph, stem_of
from napari_n2n.io.finding import half_of
from napari_n2n.progress import Progress, Steps, Stop, passed_on
from napari_n2n.workflow.fields_of_view import FieldOfView, Image
from napari_n2n.workflow.movie_reader import MovieReader
from napari_n2n.workflow.movie_sums import sums_of_file_steps, sums_steps
from napari_n2n.workflow.photograph_sources import OnePhotograph, PhotographFolder
from napari_n2n.workflow.recording import RecordingOptions
from napari_n2n.workflow.said_kinds import said_kind_of

if TYPE_CHECKING:
    from napari_n2n.denoising.training.pairs import Pair
    from napari_n2n.denoising.training.singles import SingleImage
    from napari_n2n.io import Movie
    from napari_n2n.motion import Halves
    from napari_n2n.workflow.training_sets import MicrographsOnDisk, PairsOnDisk

R = TypeVar("R")


@dataclass(frozen=True, eq=False)
class MovieSource:
    """A movie to be aligned."""

    movie: "Movie"
    name: str
    # What the movie was made of, and at which pixel size: the same again is the same field.
    data: Any
    pixel_size_angstrom: float | None = None
    # How its file is to be read, if otherwise than it was for ``movie``.
    recording: RecordingOptions = dataclasses.field(default_factory=RecordingOptions)

    def opened(self) -> "Movie":
        """Return the movie, read as it is to be.

        Raises
        ------
        N2NError
            Its file or the gain reference cannot be used.
        """
        if not self.recording.changes_frames:
            return self.movie
        movie = MovieReader(self.recording).applied_to(self.movie)
        if movie.dose_per_frame is None and self.movie.dose_per_frame is not None:
            return movie.replaced(dose_per_frame=self.movie.dose_per_frame)
        return movie


@dataclass(frozen=True, eq=False)
class HalvesSource:
    """Odd and even halves, (y, x), or stacks of them (micrograph, y, x), lazy or not.

    ``shown`` is the index of the field the user looks at.
    """

    odd: Any
    even: Any
    name: str
    pixel_size_angstrom: float | None = None
    dose: float | None = None
    shown: int = 0


@dataclass(frozen=True)
class FolderSource:
    """A folder of halves, of movies, whose halves are kept in ``halves_folder``, or micrographs."""

    folder: Path
    halves_folder: Path
    recording: RecordingOptions = dataclasses.field(default_factory=RecordingOptions)

    @property
    def name(self) -> str:
        """What to call it."""
        return self.folder.name


@dataclass(frozen=True, eq=False)
class ImageSource:
    """A single micrograph (y, x): it can be denoised, and trained on without halves."""

    pixels: Any
    name: str
    pixel_size_angstrom: float | None = None
    dose: float | None = None


Source = MovieSource | HalvesSource | FolderSource | ImageSource | OnePhotograph | PhotographFolder


def is_same(first: Source, second: Source) -> bool:
    """Whether two sources show the same field, so that what was aligned need not be again."""
    if type(first) is not type(second):
        return False
    if isinstance(first, FolderSource | PhotographFolder):
        return first == second

    def identity(source: Any) -> tuple[Any, ...]:
        pixels = [getattr(source, part, None) for part in ("data", "odd", "even", "pixels")]
        rest = [getattr(source, part, None) for part in ("pixel_size_angstrom", "recording")]
        return (*map(id, pixels), *rest, getattr(source, "shown", 0))

    return identity(first) == identity(second)


class LastField:
    """What was aligned or read last, so that it need not be again for the same field."""

    def __init__(self) -> None:
        self.field: FieldOfView | None = None
        self._source: Source | None = None

    @property
    def has_halves(self) -> bool:
        """Whether it has odd and even halves."""
        return self.field is not None and self.field.halves is not None

    def keep(self, source: Source, field: FieldOfView) -> None:
        """Remember ``field``, which was made of ``source``."""
        self._source, self.field = source, field

    def of(self, source: Source) -> FieldOfView | None:
        """Return what was made of ``source``; None if something else came after it."""
        known = self._source
        return self.field if known is not None and is_same(known, source) else None


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class FieldReady(Progress):
    """The field that will be shown is there; ``notes`` are sentences for the user."""

    stage: str = "ready"
    done: int = 1
    total: int = 1
    field: FieldOfView
    notes: tuple[str, ...] = ()


def expose_steps(source: Source, stop: Stop, device: str = "auto") -> Steps[FieldOfView]:
    """Make the field that will be shown: a movie is aligned, halves are added up.

    Raises
    ------
    N2NError
        The data do not allow it.
    Interrupted
        ``stop`` became true.
    """
    if isinstance(source, MovieSource):
        movie, aligned = source.opened(), source.recording.aligned
        halves = yield from sums_steps(movie, aligned=aligned, device=device, stop=stop)
        return FieldOfView(source.name, halves)
    if isinstance(source, HalvesSource):
        yield Progress("reading halves", 0, 1)
        return FieldOfView(source.name, _halves_shown(source))
    if isinstance(source, ImageSource):
        yield Progress("reading the micrograph", 0, 1)
        image = Micrograph.from_array(source.pixels, source.pixel_size_angstrom, source.name)
        return FieldOfView(source.name, image, source.dose, drawn=source.pixels)
    if isinstance(source, OnePhotograph | PhotographFolder):
        yield Progress("reading the photograph", 0, 1)
        return source.field_of_view()
    return (yield from _first_in_folder(source, stop, device))


def training_pairs_steps(
    source: Source, field: FieldOfView | None, stop: Stop, device: str = "auto"
) -> Steps["Collection[Pair | SingleImage]"]:
    """Make what to train on, pairs if possible; yields `FieldReady` with the field to watch.

    Raises
    ------
    N2NError
        The data do not allow it.
    Interrupted
        ``stop`` became true.
    """
    from napari_n2n.denoising.training.pairs import Pair
    from napari_n2n.denoising.training.singles import SingleImage

    if isinstance(source, FolderSource):
        found = yield from _images_in_folder(source, stop, device)
        yield FieldReady(field=field or _first_of(found, found.notes), notes=found.notes)
        return found
    if field is None:
        field = yield from expose_steps(source, stop, device)
    yield FieldReady(field=field)
    if isinstance(source, HalvesSource) and np.ndim(source.odd) == 3:
        return _StackPairs(source)
    halves, size = field.halves, field.pixel_size_angstrom
    if halves is None:
        return [SingleImage(field.full, size, field.name)]
    return [Pair(halves.odd, halves.even, size, name=field.name)]


class _StackPairs:
    """Pairs of two stacks of halves, read one at a time."""

    def __init__(self, source: HalvesSource) -> None:
        if len(source.odd) != len(source.even):
            raise NotEnoughData(
                f"There are {len(source.odd)} odd and {len(source.even)} even halves. "
                "Choose stacks that belong together."
            )
        self._source = source

    def __len__(self) -> int:
        return len(self._source.odd)

    def __contains__(self, item: object) -> bool:
        return False

    def __iter__(self) -> "Iterator[Pair]":
        from napari_n2n.denoising.training.pairs import Pair

        source = self._source
        for i in range(len(self)):
            yield Pair(
                _half(source.odd, i),
                _half(source.even, i),
                source.pixel_size_angstrom,
                name=f"{source.name} {i + 1}",
            )


def _halves_shown(source: HalvesSource) -> "Halves":
    """Read the field that is looked at; its frames were moved by somebody else."""
    from napari_n2n.motion import Halves

    odd, even = _half(source.odd, source.shown), _half(source.even, source.shown)
    if odd.shape != even.shape:
        raise NotEnoughData(
            f"The odd half has {odd.shape[1]} × {odd.shape[0]} px and the even half "
            f"{even.shape[1]} × {even.shape[0]}. Choose two halves of one movie."
        )
    size, dose = source.pixel_size_angstrom, source.dose
    return Halves(odd, even, odd + even, size, None, dose, Path(source.name))


def _half(data: Any, index: int) -> Image:
    chosen = data[min(index, len(data) - 1)] if np.ndim(data) == 3 else data
    return np.asarray(chosen, dtype=np.float32)


def _first_of(images: "Collection[Pair | SingleImage]", notes: tuple[str, ...]) -> FieldOfView:
    from napari_n2n.denoising.training.singles import SingleImage
    from napari_n2n.motion import Halves

    first = next(iter(images))
    size, path = first.pixel_size_angstrom, Path(first.name)
    name = half_of(path)[0]
    if isinstance(first, SingleImage):
        image = replace(Micrograph.from_array(first.pixels, size, path), notes=notes)
        return FieldOfView(name, image)
    full = first.input + first.target
    halves = Halves(first.input, first.target, full, size, None, None, path, notes)
    return FieldOfView(name, halves)


def _first_in_folder(source: FolderSource, stop: Stop, device: str) -> Steps[FieldOfView]:
    """Make the first field of a folder alone: who looks at one does not wait for a night."""
    from napari_n2n.io import find_halves
    from napari_n2n.workflow.training_sets import PairsOnDisk, training_set

    size = source.recording.pixel_size_angstrom
    images: PairsOnDisk | MicrographsOnDisk
    movies, problems = ([], []) if find_halves(source.folder) else _movies_in(source)
    for path in movies:
        try:
            sums = sums_of_file_steps(path, MovieReader(source.recording), device=device, stop=stop)
            halves = yield from sums
        except FileProblem as problem:
            problems.append(problem)
            continue
        notes = (*_left_out(problems), *_one_of(len(movies), source))
        return FieldOfView(stem_of(path), replace(halves, notes=(*halves.notes, *notes)))
    if movies:
        raise problems[0]
    images = training_set([source.folder], size)
    return _first_of(images, (*images.notes, *_one_of(len(images), source)))


def _one_of(count: int, source: FolderSource) -> tuple[str, ...]:
    """Say that there are others, and how all of them are denoised."""
    if count < 2:
        return ()
    return (f"It is one of {count}; all: napari-n2n denoise {source.folder} -o DIR.",)


def _left_out(problems: Iterable[FileProblem]) -> tuple[str, ...]:
    return tuple(f"Left out: {problem}" for problem in problems)


def _movies_in(source: FolderSource) -> tuple[list[Path], list[FileProblem]]:
    """Find the movies in a folder, and what is wrong with those that cannot be read."""
    from napari_n2n.io import Movie, expand_inputs, open_image

    movies: list[Path] = []
    problems: list[FileProblem] = []
    for path in expand_inputs(source.folder):
        try:
            said = source.recording.stack_kind or said_kind_of(path)
            if isinstance(open_image(path, kind=said), Movie):
                movies.append(path)
        except FileProblem as problem:
            problems.append(problem)
    return movies, problems


def _images_in_folder(
    source: FolderSource, stop: Stop, device: str
) -> Steps["PairsOnDisk | MicrographsOnDisk"]:
    """Pair the halves in a folder, or align its movies and pair theirs; done ones are kept.

    Where there is neither, its micrographs are taken as they are. Files that cannot be used are
    left out, which a note says, as long as there are others.
    """
    from napari_n2n.io import find_halves
    from napari_n2n.workflow.training_sets import PairsOnDisk, training_set

    size = source.recording.pixel_size_angstrom
    if find_halves(source.folder):
        return PairsOnDisk.in_folder(source.folder, size)
    movies, problems = _movies_in(source)
    if not movies:
        return training_set([source.folder], size)
    from napari_n2n.motion import write_halves

    reader = MovieReader(source.recording)
    pairs: list[tuple[Path, Path]] = []
    for number, path in enumerate(movies, start=1):
        stem = stem_of(path)
        odd, even = (source.halves_folder / f"{stem}_{half}.mrc" for half in ("ODD", "EVN"))
        if not even.is_file():
            try:
                summing = sums_of_file_steps(path, reader, device=device, stop=stop)
                halves = yield from _numbered(summing, number, len(movies))
            except FileProblem as problem:
                problems.append(problem)
                continue
            write_halves(halves, source.halves_folder, stem)
        pairs.append((odd, even))
    if not pairs:
        raise problems[0]
    return PairsOnDisk(pairs, notes=_left_out(problems))


def _numbered(steps: Steps[R], number: int, count: int) -> Steps[R]:
    """Say which movie of how many the progress is about."""

    def told(step: Progress) -> Iterator[Progress]:
        yield replace(step, stage=f"movie {number} of {count}: {step.stage}", seconds_left=None)

    return passed_on(steps, told)
