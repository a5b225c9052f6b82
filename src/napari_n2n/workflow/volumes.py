"""From folders and lists of tomograms to models and to denoised tomograms."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from napari_n2n.denoising.checkpoints import Denoiser
from napari_n2n.denoising.config import TrainingConfig, WrongDimensions
from napari_n2n.denoising.inference.features import fingerprint
from napari_n2n.denoising.inference.volumes import denoise_volumes_steps
from napari_n2n.denoising.shipped_models.general import GENERAL, GENERAL_3D, general_denoiser
from napari_n2n.denoising.training.micrographs import train_steps
from napari_n2n.denoising.training.volume_pairs import VolumeHalves
from napari_n2n.denoising.training.volumes import train_volumes_steps
from napari_n2n.errors import N2NError, UnreadableFile
from napari_n2n.io import (
    Volume,
    VolumePair,
    VolumeWriter,
    expand_inputs,
    open_image,
    open_volume,
    stem_of,
    volume_halves,
    write_tomograms_star,
)
from napari_n2n.io.finding import PICTURES
from napari_n2n.io.outputs import CREATOR, DENOISED, labels_of
from napari_n2n.io.stack_kinds import StackKind
from napari_n2n.io.tilt_series import AlignedSeries
from napari_n2n.io.tilt_series.relion import STARS, lists_tilt_series
from napari_n2n.io.volumes.halves import holds_volumes
from napari_n2n.io.volumes.lists import NAME, TOMOGRAMS_STAR, lists_halves, tomograms_in
from napari_n2n.progress import Progress, Steps, Stop, never, passed_on
from napari_n2n.workflow.denoising import WrittenFile
from napari_n2n.workflow.single_volumes import SinglesOnDisk
from napari_n2n.workflow.tilt_series import (
    WORKING_VOXEL_ANGSTROM,
    SeriesOnDisk,
    WriteHalves,
    files_of_series,
    holds_tilt_series,
    reconstructed_steps,
    series_among,
)
from napari_n2n.workflow.training_sets import ImagesOnDisk, MicrographsOnDisk, PairsOnDisk

__all__ = [
    "DenoiseVolumes",
    "FoundTomograms",
    "Tomogram",
    "VolumesOnDisk",
    "holds_volumes",
    "labels_of_result",
    "list_with_denoised",
    "list_with_halves",
    "tomograms_among",
    "training_steps",
    "volumes_to_train_on",
]


class VolumesOnDisk(ImagesOnDisk[VolumeHalves]):
    """Halves of tomograms to train on, opened when they are asked for, one pair at a time."""

    def __init__(
        self,
        pairs: Sequence[VolumePair],
        *,
        voxel_size_angstrom: float | None = None,
        notes: tuple[str, ...] = (),
        problems: tuple[N2NError, ...] = (),
    ) -> None:
        self.notes = notes
        self.problems = problems
        self._found = problems
        self._pairs = tuple(pairs)
        self._voxel_size_angstrom = voxel_size_angstrom

    @property
    def paths(self) -> list[Path]:
        """The files."""
        return [path for pair in self._pairs for path in (pair.odd, pair.even)]

    def __len__(self) -> int:
        return len(self._pairs)

    def __contains__(self, item: object) -> bool:
        return item in self._pairs

    def __iter__(self) -> Iterator[VolumeHalves]:
        yield from self._usable((pair.odd, partial(self._opened, pair)) for pair in self._pairs)
        self.problems = (*self._found, *self.problems)

    def _opened(self, pair: VolumePair) -> VolumeHalves:
        odd, even = pair.opened(self._voxel_size_angstrom)
        size = odd.voxel_size_angstrom or even.voxel_size_angstrom
        return VolumeHalves(odd, even, size, pair.name)


def volumes_to_train_on(
    given: Sequence[Path], voxel_size_angstrom: float | None = None
) -> VolumesOnDisk | None:
    """Find halves of tomograms in folders and lists; None if what was given is none of such.

    Raises
    ------
    UnreadableFile
        Some are and others are not.
    """
    of_volumes = [holds_volumes(one) for one in given]
    if not any(of_volumes):
        return None
    if not all(of_volumes):
        raise UnreadableFile(
            given[of_volumes.index(False)],
            "holds no two halves of a volume, and others that were given do",
            "Train on tomograms and on micrographs apart.",
        )
    found = [volume_halves(one) for one in given]
    told = {str(problem) for pairs in found for problem in pairs.problems}
    return VolumesOnDisk(
        list(dict.fromkeys(pair for pairs in found for pair in pairs)),
        voxel_size_angstrom=voxel_size_angstrom,
        notes=tuple(note for pairs in found for note in pairs.notes if note not in told),
        problems=tuple(problem for pairs in found for problem in pairs.problems),
    )


def training_steps(
    images: PairsOnDisk | MicrographsOnDisk | VolumesOnDisk | SeriesOnDisk | SinglesOnDisk,
    config: TrainingConfig,
    **how: Any,
) -> Steps[Denoiser]:
    """Train on what was found; ``how`` is that of `train_steps` and `train_volumes_steps`.

    Halves of tilt series are reconstructed first.

    Raises
    ------
    N2NError, Interrupted
        As they do.
    """
    if isinstance(images, SeriesOnDisk):
        halves = yield from images.halves_steps(config, how.get("stop", never))
        return (yield from train_volumes_steps(halves, config, **how))
    if isinstance(images, SinglesOnDisk):
        return (yield from train_volumes_steps(images.volumes, config, **how))
    if isinstance(images, VolumesOnDisk):
        return (yield from train_volumes_steps(images, config, **how))
    return (yield from train_steps(images, config, **how))


@dataclass(frozen=True)
class Tomogram:
    """A tomogram to denoise: its two halves, the one file there is of it, or its tilt series.

    ``path`` is what it is known by in messages.
    """

    name: str
    path: Path
    pair: VolumePair | None = None
    series: AlignedSeries | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """What is read."""
        if self.series is not None:
            return tuple(files_of_series(self.series))
        return (self.path,) if self.pair is None else (self.pair.odd, self.pair.even)

    def opened(self, voxel_size_angstrom: float | None) -> tuple[Volume, ...]:
        """Open it; no voxel is read.

        Raises
        ------
        N2NError
            It cannot be used.
        """
        if self.pair is not None:
            return self.pair.opened(voxel_size_angstrom)
        return (open_volume(self.path, voxel_size_angstrom=voxel_size_angstrom, kind="volume"),)


@dataclass(frozen=True)
class FoundTomograms:
    """Tomograms to denoise and with what, why others are left out, and sentences for the user."""

    denoiser: Denoiser
    tomograms: tuple[Tomogram, ...]
    problems: tuple[N2NError, ...]
    notes: tuple[str, ...]


def tomograms_among(
    given: Sequence[Path], denoiser: Denoiser, kind: StackKind | None = None
) -> FoundTomograms | None:
    """Find what to denoise: halves in folders and lists, single volumes otherwise.

    Where the denoiser is the general one and tomograms were given, that of tomograms is meant.
    ``kind`` is what somebody said that files of several images are.

    Returns
    -------
    FoundTomograms or None
        None if the denoiser is for images, and what was given as well.

    Raises
    ------
    WrongDimensions
        They are tomograms, and the denoiser is for images.
    UnreadableFile
        There is nothing, or tomograms were given together with micrographs.
    """
    if denoiser.ndim == 2:
        meant = _meant_for(given, denoiser, kind)
        if meant is None:
            return None
        denoiser = meant
    tomograms: list[Tomogram] = []
    problems: list[N2NError] = []
    notes: list[str] = []
    for one in given:
        if holds_volumes(one):
            pairs = volume_halves(one)
            tomograms += [Tomogram(pair.name, pair.odd, pair) for pair in pairs]
            told = {str(problem) for problem in pairs.problems}
            problems += pairs.problems
            notes += [note for note in pairs.notes if note not in told]
        elif (kept := series_among([one])) is not None:
            tomograms += [Tomogram(s.name, s.alignment.path, series=s) for s in kept.series]
            problems += kept.problems
            notes.append(kept.note([one]))
        else:
            tomograms += [Tomogram(stem_of(path), path) for path in expand_inputs(one)]
    found = tuple(dict.fromkeys(tomograms))
    return FoundTomograms(denoiser, found, tuple(problems), tuple(notes))


def _meant_for(
    given: Sequence[Path], denoiser: Denoiser, kind: StackKind | None
) -> Denoiser | None:
    """Return the general model of tomograms if tomograms were given; None if images were."""
    of_volumes = [_is_of_volumes(one, kind) for one in given]
    if not any(of_volumes):
        return None
    one = given[of_volumes.index(True)]
    if denoiser.provenance.name != GENERAL:
        raise WrongDimensions(
            f"{one} holds tomograms, and the model is for images. Take {GENERAL_3D}, or train one "
            f"on them: napari-n2n train {one} -o tomograms.safetensors"
            + (" Where it is a movie, say so: --kind movie" if one.is_file() else "")
        )
    if not all(of_volumes):
        raise UnreadableFile(
            given[of_volumes.index(False)],
            "is no tomogram, and others that were given are",
            "Denoise tomograms and micrographs apart.",
        )
    return general_denoiser(3)


def _is_of_volumes(given: Path, kind: StackKind | None) -> bool:
    """Whether a list or a folder is one of halves of tomograms, or a first file a volume."""
    if holds_volumes(given) or holds_tilt_series(given):
        return True
    if given.suffix.lower() in PICTURES:
        return False
    if kind is not None and given.is_file():
        return kind == "volume"
    try:
        return isinstance(open_image(expand_inputs(given)[0], kind=kind), Volume)
    except N2NError:
        return False


def labels_of_result(denoiser: Denoiser) -> tuple[str, ...]:
    """Return what the header of a tomogram says that ``denoiser`` has denoised."""
    return DENOISED, f"{CREATOR}: model {fingerprint(denoiser.network)}"


@dataclass(frozen=True)
class DenoiseVolumes:
    """Denoising of tomograms, file by file; `steps` is a job of `workflow.batch`.

    Results have the shape, voxel size and header of their input, and the scale of a half. What was
    denoised by the same model since it was reconstructed is not denoised again.
    """

    denoiser: Denoiser
    tomograms: Collection[Tomogram]
    folder: Path
    device: str = "auto"
    voxel_size_angstrom: float | None = None
    stop: Stop = never

    def output_of(self, tomogram: Tomogram) -> Path:
        """Where the result goes."""
        return self.folder / f"{tomogram.name}.mrc"

    def steps(self, path: Path) -> Steps[WrittenFile]:
        """Denoise the tomogram that is known by ``path``.

        Raises
        ------
        N2NError
            The file, the device or the disk do not allow it.
        Interrupted
            ``stop`` became true.
        """
        tomogram = next(one for one in self.tomograms if one.path == path)
        output = self.output_of(tomogram)
        if self._is_done(tomogram, output):
            return WrittenFile(output, ("Was denoised before, and is left as it is.",))
        if tomogram.series is not None:
            return (yield from self._reconstructed_steps(tomogram.series, output))
        volumes = tomogram.opened(self.voxel_size_angstrom)
        with VolumeWriter(output, like=volumes[0], labels=self._labels) as writer:
            notes = yield from denoise_volumes_steps(
                volumes,
                self.denoiser,
                writer.write,
                voxel_size_angstrom=volumes[0].voxel_size_angstrom,
                device=self.device,
                stop=self.stop,
            )
        return WrittenFile(output, (*volumes[0].notes, *notes))

    def _reconstructed_steps(self, series: AlignedSeries, output: Path) -> Steps[WrittenFile]:
        """Reconstruct a tilt series at the voxel size of the model, and denoise that."""
        steps = reconstructed_steps(
            series,
            self.denoiser.working_pixel_size_angstrom or WORKING_VOXEL_ANGSTROM,
            pixel_size_angstrom=self.voxel_size_angstrom,
            stop=self.stop,
        )
        halves = yield from passed_on(steps, _first_half)
        z, y, x = halves.odd.shape
        size = halves.voxel_size_angstrom
        with VolumeWriter(
            output, shape=(z, y, x), voxel_size_angstrom=size, labels=self._labels
        ) as writer:
            denoising = denoise_volumes_steps(
                (halves.odd, halves.even),
                self.denoiser,
                writer.write,
                voxel_size_angstrom=size,
                device=self.device,
                stop=self.stop,
            )
            notes = yield from passed_on(denoising, _second_half)
        return WrittenFile(output, (*halves.notes, *notes))

    @property
    def _labels(self) -> tuple[str, ...]:
        return labels_of_result(self.denoiser)

    def _is_done(self, tomogram: Tomogram, output: Path) -> bool:
        with suppress(OSError):
            made = output.stat().st_mtime
            newest = max(path.stat().st_mtime for path in tomogram.files)
            return made >= newest and set(self._labels) <= set(labels_of(output))
        return False


def _first_half(step: Progress) -> Iterator[Progress]:
    """Tell of a step as one of the first half of the work."""
    yield Progress(step.stage, step.done, 2 * step.total)


def _second_half(step: Progress) -> Iterator[Progress]:
    yield Progress(step.stage, step.done + step.total, 2 * step.total, step.seconds_left)


def list_with_denoised(given: Path, folder: Path, denoised: dict[str, Path]) -> Path | None:
    """Write RELION's list of tomograms with those that were denoised, if there is one; say where.

    Raises
    ------
    N2NError
        It is damaged, or the disk refuses.
    """
    listed = list_of_tomograms(given)
    if listed is None:
        return None
    table = tomograms_in(listed)
    names = table.words(NAME) if table is not None and NAME in table else []
    known: dict[str, Any] = {name: path for name, path in denoised.items() if name in names}
    if not known:
        return None
    output = folder / TOMOGRAMS_STAR if lists_tilt_series(listed) else folder / listed.name
    write_tomograms_star(output, listed, known)
    return output


def list_with_halves(given: Path, job: WriteHalves, done: Sequence[Path]) -> Path | None:
    """Write RELION's list of tilt series with the halves of those that were made; say where.

    ``done`` are alignments of series.

    Raises
    ------
    N2NError
        It is damaged, or the disk refuses.
    """
    listed = list_of_tomograms(given)
    made = [one for one in job.series if one.alignment.path in done]
    if listed is None or not made:
        return None
    table = tomograms_in(listed)
    names = table.words(NAME) if table is not None and NAME in table else []
    halves = {one.name: job.outputs_of(one) for one in made if one.name in names}
    if not halves:
        return None
    words: dict[str, dict[str, str]] = {}
    for one in made:
        for label, word in job.figures_of(one).items():
            words.setdefault(label, {})[one.name] = word
    output = job.folder / TOMOGRAMS_STAR
    write_tomograms_star(output, listed, {}, halves=halves, words=words)
    return output


def list_of_tomograms(given: Path) -> Path | None:
    """Return RELION's or IsoNet2's list that was given, or that lies in a folder, if there is one.

    Of tomograms with halves first, then of tilt series.
    """
    lists = [given / name for name in STARS] if given.is_dir() else [given]
    stars = [one for one in lists if one.suffix.lower() == ".star"]
    for is_one in (lists_halves, lists_tilt_series):
        found = next((one for one in stars if is_one(one)), None)
        if found is not None:
            return found
    return None
