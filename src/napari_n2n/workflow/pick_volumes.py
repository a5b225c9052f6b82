"""The way from tomograms to the particles in them: found, written, and not found twice."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from napari_n2n.denoising.inference.volumes import denoise_volumes_steps
from napari_n2n.denoising.scratch import SlabsInto, scratch_array
from napari_n2n.errors import N2NError, UnreadableFile
from napari_n2n.io import (
    KnownTomograms,
    TomogramParticles,
    Volume,
    expand_inputs,
    inspect_file,
    read_tomogram_particles,
    stem_of,
    volume_halves,
)
from napari_n2n.io.coordinates.tomograms.star import made_by
from napari_n2n.io.half_names import split_half
from napari_n2n.io.volumes.lists import tomograms_in
from napari_n2n.io.volumes.tomograms_star import DENOISED_TOMOGRAM, listed_files
from napari_n2n.particles.volume_picking import (
    PickedVolume,
    VolumePickingConfig,
    pick_volume_steps,
)
from napari_n2n.progress import Steps, Stop, never
from napari_n2n.workflow.volumes import Tomogram, holds_volumes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from napari_n2n.denoising.checkpoints import Denoiser


@dataclass(frozen=True, eq=False)
class PickedTomogram:
    """The particles of a tomogram, and what there is to note."""

    table: TomogramParticles
    threshold: float | None
    notes: tuple[str, ...] = ()

    @property
    def summary(self) -> str:
        """How many particles there are."""
        count = len(self.table.particles)
        told = "" if self.threshold is None or not count else f" (score ≥ {self.threshold:.2f})"
        return f"{count} particle{'' if count == 1 else 's'}{told}"


@dataclass(frozen=True)
class TomogramsToPick:
    """Tomograms, why others are left out, and sentences for the user."""

    tomograms: tuple[Tomogram, ...]
    problems: tuple[N2NError, ...] = ()
    notes: tuple[str, ...] = ()


def tomograms_to_pick(given: Sequence[Path]) -> TomogramsToPick | None:
    """Find the tomograms among what was given; None if there is none.

    Halves in folders and lists are taken together. Of RELION's list those that were denoised are
    taken, where there are such. Files are told by their content.

    Raises
    ------
    UnreadableFile
        Some are tomograms, and others are not.
    """
    tomograms: list[Tomogram] = []
    problems: list[N2NError] = []
    notes: list[str] = []
    others: list[Path] = []
    for one in given:
        denoised = _denoised_in(one)
        if denoised:
            tomograms += denoised
        elif holds_volumes(one):
            pairs = volume_halves(one)
            told = {str(problem) for problem in pairs.problems}
            tomograms += [Tomogram(pair.name, pair.odd, pair) for pair in pairs]
            problems += pairs.problems
            notes += [note for note in pairs.notes if note not in told]
        elif files := _volumes_in(one):
            tomograms += [Tomogram(split_half(stem_of(path))[0], path) for path in files]
        else:
            others.append(one)
    if not tomograms:
        return None
    if others:
        raise UnreadableFile(
            others[0], "is no tomogram, and others that were given are", "Pick them apart."
        )
    return TomogramsToPick(tuple(dict.fromkeys(tomograms)), tuple(problems), tuple(notes))


def _volumes_in(given: Path) -> list[Path]:
    """Return files if they are tomograms: the first that can be read decides."""
    files = expand_inputs(given)
    for path in files:
        with suppress(N2NError):
            return files if inspect_file(path).kind == "volume" else []
    return []


def _denoised_in(listed: Path) -> list[Tomogram]:
    """Return the denoised tomograms that RELION's list names."""
    if listed.suffix.lower() != ".star" or not listed.is_file():
        return []
    with suppress(N2NError):
        table = tomograms_in(listed)
        if table is not None and DENOISED_TOMOGRAM in table:
            return [Tomogram(name, path) for name, path in listed_files(listed, DENOISED_TOMOGRAM)]
    return []


@dataclass(frozen=True)
class PickVolumes:
    """Picking of tomograms, file by file; `steps` is a job of `workflow.batch`.

    Attributes
    ----------
    config
        What to look for.
    tomograms
        Among which `steps` finds its file.
    denoiser
        What they are denoised with first; None: they are taken as they are.
    threshold
        Least score; None: where noise ends.
    known
        What RELION's list tells of them.
    voxel_size_angstrom
        Wins over the files'.
    """

    config: VolumePickingConfig
    tomograms: Sequence[Tomogram]
    denoiser: Denoiser | None = None
    threshold: float | None = None
    known: KnownTomograms | None = None
    voxel_size_angstrom: float | None = None
    device: str = "auto"
    stop: Stop = never

    @property
    def fingerprint(self) -> str:
        """What tells picks apart that were made otherwise."""
        from napari_n2n.denoising.inference.features import fingerprint

        model = "" if self.denoiser is None else fingerprint(self.denoiser.network)
        told = (
            f"{self.config.model_dump_json()} {self.threshold} {model} {self.voxel_size_angstrom}"
        )
        return hashlib.sha256(told.encode()).hexdigest()[:16]

    def found_before(self, file: Path) -> dict[str, TomogramParticles]:
        """Return, by tomogram, what stands in a STAR file that was picked in the same way."""
        with suppress(N2NError, OSError):
            if file.suffix.lower() != ".star" or not file.is_file():
                return {}
            by = made_by(file.read_text("utf-8", "replace"))
            made = file.stat().st_mtime
            return {
                one.tomogram: replace(one, star=None)
                for one in read_tomogram_particles(file)
                if by.get(one.tomogram) == self.fingerprint and self._is_newer(one.tomogram, made)
            }
        return {}

    def _is_newer(self, name: str, made: float) -> bool:
        files = [path for one in self.tomograms if one.name == name for path in one.files]
        return all(path.exists() and path.stat().st_mtime <= made for path in files)

    def steps(self, path: Path) -> Steps[PickedTomogram]:
        """Find the particles of the tomogram that is known by ``path``.

        Raises
        ------
        N2NError
            The file, the device or the disk do not allow it.
        Interrupted
            ``stop`` became true.
        """
        tomogram = next(one for one in self.tomograms if one.path == path)
        volumes = tomogram.opened(self.voxel_size_angstrom)
        size = volumes[0].voxel_size_angstrom
        if size is None:
            raise UnreadableFile(
                path, "does not tell its voxel size", "Give it, in Å: --pixel-size."
            )
        volume, notes = yield from self._seen_steps(volumes, size)
        picked = yield from pick_volume_steps(
            volume, size, self.config, threshold=self.threshold, stop=self.stop
        )
        notes = (*volumes[0].notes, *notes, *self._notes(picked))
        table = self._table(tomogram, volumes[0], picked)
        return PickedTomogram(table, picked.threshold, notes)

    def _table(self, tomogram: Tomogram, volume: Volume, picked: PickedVolume) -> TomogramParticles:
        z, y, x = volume.shape
        table = TomogramParticles(
            picked.passing,
            tomogram.name,
            volume.voxel_size_angstrom,
            (z, y, x),
            self.config.diameter_angstrom,
        )
        known = None if self.known is None else self.known.of_name(tomogram.name)
        return table if known is None else table.on(replace(known, shape=None))

    def _seen_steps(
        self, volumes: Sequence[Volume], size: float
    ) -> Steps[tuple[NDArray[np.float32] | Volume, tuple[str, ...]]]:
        """Denoise, or take the mean of halves; on the disk either way."""
        if self.denoiser is None and len(volumes) == 1:
            return volumes[0], ()
        result = scratch_array(volumes[0].shape)
        write = SlabsInto(result)
        if self.denoiser is None:
            for z in range(len(volumes[0])):
                write(np.mean([volume[z : z + 1] for volume in volumes], axis=0))
            return result, ("Its halves were added and not denoised: give a model for more.",)
        notes = yield from denoise_volumes_steps(
            volumes,
            self.denoiser,
            write,
            voxel_size_angstrom=size,
            device=self.device,
            stop=self.stop,
        )
        return result, notes

    def _notes(self, picked: PickedVolume) -> tuple[str, ...]:
        told = []
        if self.config.contrast == "auto" and len(picked.passing):
            told.append(f"Particles were taken for {picked.contrast}.")
        if not len(picked.passing) and self.threshold is None:
            told.append("Nothing stands out of what is found with dark and bright exchanged.")
        return tuple(told)
