"""Finding particles in tomograms: a volume in, centres with scores out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field
from scipy.spatial import cKDTree

from napari_n2n.errors import BadValue, NotEnoughData
from napari_n2n.io import Particles
from napari_n2n.particles.coarse import checked_pixel_size
from napari_n2n.particles.volume_scores import (
    Candidates,
    candidates_steps,
    centred,
    coarse_volume_steps,
)
from napari_n2n.particles.volume_significance import particles_among, strengths_of
from napari_n2n.particles.volume_templates import learnt_template, template_of
from napari_n2n.progress import Steps, Stop, never, run_to_end
from napari_n2n.settings import Settings

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from napari_n2n.denoising.working_volumes import Sections

_ACROSS = 12
"""Voxels in a particle's diameter that the search goes through."""
_FEWEST_ACROSS = 4.0
_JUDGED = 20  # candidates, the best, that tell how dense particles are
_BEST, _NEARLY = 5, 0.7  # candidates, and share of their score
_DENSER = 2.0  # times a typical particle: gold
_FAINTER = 0.3
_AROUND_GOLD = 0.75  # diameters


class VolumePickingConfig(Settings):
    """What to look for in a tomogram.

    Attributes
    ----------
    diameter_angstrom
        Of the particle.
    minimum_distance
        Of two centres, in diameters: of two that are closer, the better one is kept.
    edge
        Centres closer than this to the border, in diameters, are left out.
    contrast
        Particles are "dark" or "bright" before the ice; "auto": as what is dense and fits is.
    form
        "ball" looks for what is filled, "shell" for what is hollow.
    tilt_range_degree
        Tilts reached plus and minus this, about y: what they did not measure is not looked for.
        90 for a volume without a missing wedge.
    """

    diameter_angstrom: Annotated[float, Field(gt=0, le=100_000)] = Field(
        250.0, title="Diameter (Å)", description="Of the particle."
    )
    minimum_distance: Annotated[float, Field(ge=0.1, le=5)] = Field(
        0.6, title="Distance", description="Least distance of two centres, in diameters."
    )
    edge: Annotated[float, Field(ge=0, le=5)] = Field(
        0.25, title="Edge", description="What is closer to the border is left out, in diameters."
    )
    contrast: Literal["auto", "dark", "bright"] = Field(
        "auto", title="Particles are", description="Darker or brighter than the ice."
    )
    form: Literal["ball", "shell"] = Field(
        "ball", title="Look for", description="What is filled, or what is hollow."
    )
    tilt_range_degree: Annotated[float, Field(ge=10, le=90)] = Field(
        60.0, title="Tilts (°)", description="Plus and minus this, about y."
    )


@dataclass(frozen=True, eq=False)
class PickedVolume:
    """What was found in a tomogram.

    Attributes
    ----------
    particles
        All candidates, (n, 3) z, y, x in voxels, the best first; those that are particles have a
        score of ``threshold`` at least.
    threshold
        Where particles end. Above every score if nothing stands out of the noise.
    contrast
        Whether particles were taken for dark or bright.
    gold
        How many candidates lay in or beside what is far denser than particles.
    """

    particles: Particles
    threshold: float
    contrast: Literal["dark", "bright"]
    gold: int = 0

    @property
    def passing(self) -> Particles:
        """Those that are particles."""
        return self.particles[self.particles.scores >= self.threshold]


def pick_volume(
    volume: Sections,
    voxel_size_angstrom: float | None,
    config: VolumePickingConfig,
    *,
    marked_voxel: ArrayLike | None = None,
    threshold: float | None = None,
) -> PickedVolume:
    """Find particles; see `pick_volume_steps`, which does the same and tells how far it is."""
    return run_to_end(
        pick_volume_steps(
            volume, voxel_size_angstrom, config, marked_voxel=marked_voxel, threshold=threshold
        )
    )


def pick_volume_steps(
    volume: Sections,
    voxel_size_angstrom: float | None,
    config: VolumePickingConfig,
    *,
    marked_voxel: ArrayLike | None = None,
    threshold: float | None = None,
    stop: Stop = never,
) -> Steps[PickedVolume]:
    """Find particles in ``volume``, which is best denoised.

    A score is a normalised cross-correlation, from -1 to 1, with a ball or shell of which the
    missing wedge was taken away: that tells particles from membranes and filaments far better than
    a whole ball does. What is found in the volume with dark and bright exchanged tells which scores
    noise reaches, so that a volume of noise has no particles.

    In memory are boxes of some million voxels, and on the disk what the volume takes with a
    twelfth of the diameter a voxel, twice.

    Parameters
    ----------
    volume
        (z, y, x), an array or what is read as it is sliced.
    voxel_size_angstrom
        Of the volume.
    config
        What to look for.
    marked_voxel
        (n, 3) z, y, x of particles of this volume that show what to look for.
    threshold
        Least score of a particle; None: where noise ends, and scores part by themselves.
    stop
        Once true, `Interrupted` is raised within some seconds.

    Raises
    ------
    BadValue
        An unknown voxel size, NaN voxels, a particle of too few voxels.
    NotEnoughData
        A volume that is all the same, or smaller than a particle.
    WriteProblem
        The folder for temporary files is full.
    Interrupted
        ``stop`` became true.
    """
    size = checked_pixel_size(voxel_size_angstrom)
    diameter_voxel = _checked_diameter(volume.shape, size, config.diameter_angstrom)
    coarse = yield from coarse_volume_steps(volume, diameter_voxel, _ACROSS, stop)
    if marked_voxel is None:
        template = template_of(config.form, coarse.across, config.tilt_range_degree)
    else:
        template = learnt_template(volume, marked_voxel, diameter_voxel, coarse.across)
        # Dark particles have a dark middle; which they are is found out below.
        template = (
            template if template[(template.shape[0] // 2,) * 3] > template.mean() else -template
        )
    bright, dark = yield from candidates_steps(coarse, template, config.minimum_distance, stop)
    contrast = config.contrast if config.contrast != "auto" else _contrast_of(bright, dark)
    found, rivals = (bright, dark) if contrast == "bright" else (dark, bright)
    border = config.edge * diameter_voxel
    found, rivals = (_inside(one, volume.shape, border) for one in (found, rivals))
    kept, gold = found, 0
    if len(found.scores):
        typical = _typical_height(found)
        kept, gold = _plausible(found, typical, diameter_voxel)
        rivals, _ = _plausible(rivals, typical, diameter_voxel)
    if threshold is None:
        threshold = particles_among(kept, rivals, diameter_voxel)
    centres = kept.centres.copy()
    passing = kept.scores >= threshold
    sign = 1 if contrast == "bright" else -1
    centres[passing] = centred(coarse, centres[passing], sign)
    return PickedVolume(Particles(centres, scores=kept.scores), threshold, contrast, gold)


def _checked_diameter(
    shape: tuple[int, ...], voxel_size_angstrom: float, diameter_angstrom: float
) -> float:
    across = diameter_angstrom / voxel_size_angstrom
    if across < _FEWEST_ACROSS:
        raise BadValue(
            f"A particle of this diameter has only {across:.1f} voxels across. Check the diameter "
            "and the voxel size."
        )
    if across >= min(shape):
        told = " × ".join(map(str, shape[::-1]))
        raise NotEnoughData(
            f"A particle of {across:.0f} voxels does not fit into a volume of {told}. Check the "
            "diameter and the voxel size."
        )
    return across


def _contrast_of(bright: Candidates, dark: Candidates) -> Literal["dark", "bright"]:
    """Tell which way particles stand out: what fits best is also dense there."""
    bright_one, dark_one = (float(strengths_of(one)[:_JUDGED].sum()) for one in (bright, dark))
    return "bright" if bright_one > dark_one else "dark"


def _typical_height(found: Candidates) -> float:
    """Return how far particles stand out: as those do that fit nearly as well as the best."""
    best = float(found.scores[:_BEST].mean())
    good = found.heights[:_JUDGED][found.scores[:_JUDGED] >= _NEARLY * best]
    # Where beads are among them, there are fewer of them than of particles.
    return float(np.percentile(good, 25))


def _inside(candidates: Candidates, shape: tuple[int, ...], border: float) -> Candidates:
    limits = np.array(shape) - 1
    inside = (candidates.centres >= border) & (candidates.centres <= limits - border)
    return candidates.only(np.asarray(inside.all(axis=1)))


def _plausible(
    candidates: Candidates, typical: float, diameter_voxel: float
) -> tuple[Candidates, int]:
    """Leave out gold with what is beside it, and the faintest traces; say how many gold were."""
    dense = candidates.heights > _DENSER * typical
    beside = dense
    if dense.any():
        apart, _ = cKDTree(candidates.centres[dense]).query(candidates.centres)
        beside = np.asarray(apart) < _AROUND_GOLD * diameter_voxel
    kept: NDArray[np.bool_] = np.asarray(~beside & (candidates.heights >= _FAINTER * typical))
    return candidates.only(kept), int(np.count_nonzero(beside))
