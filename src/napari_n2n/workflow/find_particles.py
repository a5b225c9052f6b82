"""Finding the particles of one micrograph: the one way, for window, command line and screening."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from napari_n2n.background import background_steps
from napari_n2n.io import Particles
from napari_n2n.progress import Progress, Steps, Stop, never, stoppable
from napari_n2n.workflow.contrast import with_contrast, with_dark_particles
from napari_n2n.workflow.fields_of_view import DenoisedMicrograph

if TYPE_CHECKING:
    from napari_n2n.particles.sizes import DiameterGuess
    from napari_n2n.particles.templates import Template

_FEWEST_FOR_A_TEMPLATE = 3
# Areas, in those of a particle, from which what is dark and connected is no particle.
_AREA_OF_NO_PARTICLE = 3.0


@dataclass(frozen=True, eq=False)
class FoundParticles:
    """Candidates, the threshold that divides them, and the area that was avoided.

    ``learnt_from`` counts the particles that the template was learnt from, 0: it was guessed.
    ``left_out`` counts those that passed the threshold and do not stand out of the noise.
    ``unjudged``: that could not be told, as what was recorded is not at hand.
    ``blank`` are areas of one value, (y, x), such as borders: nothing was looked for there.
    ``told``: what there is to note of the micrograph itself.
    """

    particles: Particles
    threshold: float
    avoided: NDArray[np.bool_] | None
    learnt_from: int = 0
    left_out: int = 0
    unjudged: bool = False
    blank: NDArray[np.bool_] | None = None
    told: tuple[str, ...] = ()

    @property
    def passing(self) -> Particles:
        """Those that pass the threshold."""
        return self.particles[self.particles.scores >= self.threshold]

    @property
    def left_out_sentence(self) -> str:
        """That candidates were left out, and why; empty where there were none."""
        from napari_n2n.particles.significance import left_out_sentence

        return left_out_sentence(self.left_out)

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences for the user."""
        told = [*self.told, self.left_out_sentence]
        blank = np.zeros(1, bool) if self.blank is None else self.blank
        share = 0.0 if self.avoided is None else float((self.avoided & ~blank).mean())
        if share:
            told.append(f"{100 * share:.1f} % of the field was avoided as contamination.")
        if blank.any():
            told.append(
                f"{100 * blank.mean():.1f} % of the field are of one value (borders, blocks, "
                "bars): nothing was looked for there."
            )
        if self.unjudged:
            told.append(
                "This image has been denoised or filtered, and what was recorded is not at hand: "
                "whether what was found stands out of its noise cannot be told. To be sure, pick "
                "the recorded image with a model."
            )
        return tuple(filter(None, told))


def enough_for_a_template(marked: int) -> bool:
    """Whether a template can be learnt from this many particles."""
    return marked >= _FEWEST_FOR_A_TEMPLATE


def guess_diameter_steps(
    micrograph: DenoisedMicrograph, stop: Stop = never
) -> "Steps[DiameterGuess]":
    """Guess the particles' diameter in Å, or in px where the pixel size is unknown.

    Raises
    ------
    N2NError
        The image does not allow it.
    Interrupted
        ``stop`` became true.
    """
    from napari_n2n.particles.sizes import guess_steps

    sound = _without_faults(with_dark_particles(micrograph))
    steps = guess_steps(sound.without_dense, micrograph.unit_size)
    return (yield from stoppable(steps, stop))


def find_particles_steps(
    micrograph: DenoisedMicrograph,
    diameter_angstrom: float,
    *,
    template: "Template | None" = None,
    marked_px: NDArray[np.float64] | None = None,
    avoid: NDArray[np.bool_] | bool = True,
    threshold: float | None = None,
    stop: Stop = never,
) -> Steps[FoundParticles]:
    """Find particles, away from contamination.

    Candidates that pass the threshold and do not stand out of the noise of what was recorded are
    left out. Where only one image is at hand, they must stand out of what is found in it inverted.

    Parameters
    ----------
    micrograph
        Best denoised. Whether its particles are dark or bright is found out if it does not say so.
    diameter_angstrom
        Of a particle; in px where the pixel size is unknown.
    template
        What a particle looks like, learnt elsewhere.
    marked_px
        (n, 2) y, x of particles of this micrograph that show what to look for. Without these and
        a template, rings and discs are looked for.
    avoid
        (y, x) where not to look; True: that is found out first; False: everywhere is looked.
    threshold
        Least score of a particle; None: where the scores part by themselves.
    stop
        Once true, `Interrupted` is raised within a second.

    Raises
    ------
    N2NError
        The image does not allow it.
    Interrupted
        ``stop`` became true.
    """
    from napari_n2n.io.faults import smoothed_over
    from napari_n2n.particles.picking import PickingConfig, pick_steps
    from napari_n2n.particles.significance import (
        above_their_like,
        comparable,
        looks_denoised,
        noise_stands_out,
        standing_out,
    )
    from napari_n2n.particles.templates import Template
    from napari_n2n.particles.thresholds import suggested_threshold

    known, micrograph = len(micrograph.notes), with_contrast(micrograph)
    told = micrograph.notes[known:]
    micrograph = with_dark_particles(micrograph)
    size = micrograph.unit_size
    sound = _without_faults(micrograph)
    pixels, blank = sound.pixels, sound.blank
    mask = avoid if isinstance(avoid, np.ndarray) else None
    if avoid is True:
        mask = yield from _contamination_steps(pixels, size, diameter_angstrom, stop)
        mask = mask if blank is None else mask | blank
        mask = mask if sound.excess is None else mask | sound.dense(diameter_angstrom / size)
        # Beside what is dark and large there would be something bright, and the other way round.
        pixels = smoothed_over(pixels, mask)
    if marked_px is not None:
        yield Progress("learning what the particles look like", 0, 1)
        template = Template.learnt(pixels, size, marked_px, diameter_angstrom)
    config = PickingConfig(diameter_angstrom=diameter_angstrom)
    found = yield from pick_steps(pixels, size, config, template=template, avoid=mask, stop=stop)
    if threshold is None:
        threshold = float(suggested_threshold(found.scores))
    raw, unjudged = micrograph.raw, False
    recorded = raw is not None and comparable(micrograph.pixels, raw)
    kept = found
    if recorded:
        assert raw is not None
        kept = standing_out(found, pixels, raw, diameter_angstrom / size, threshold)
    # What left noise everywhere, as a blur does, is judged as an image alone is.
    if not recorded or noise_stands_out(pixels, raw, diameter_angstrom / size):
        inverted = config.replaced(contrast="bright")
        # What lies at the border of something is no noise.
        border = None if mask is None else _widened(mask, diameter_angstrom / size / 2)
        steps = pick_steps(pixels, size, inverted, template=template, avoid=border, stop=stop)
        kept = above_their_like(kept, (yield from steps).scores, threshold)
    if not recorded:
        unjudged = bool((kept.scores >= threshold).any()) and looks_denoised(pixels)
    learnt_from = 0 if template is None else template.learnt_from
    left_out = len(found) - len(kept)
    return FoundParticles(kept, threshold, mask, learnt_from, left_out, unjudged, blank, told)


@dataclass(frozen=True, eq=False)
class _Sound:
    """What particles are looked for in, (y, x), without what a camera added.

    ``blank`` are areas of one value and what nobody knows, which are at the level around them;
    what is far brighter than ice is taken off as well. ``excess`` is by how much areas are far
    darker or brighter. Each is None where there is nothing of the kind.
    """

    pixels: NDArray[np.float32]
    blank: NDArray[np.bool_] | None = None
    excess: NDArray[np.float32] | None = None

    @property
    def without_dense(self) -> NDArray[np.float32]:
        """The image without what is far darker than ice, too: gold, dirt."""
        return self.pixels if self.excess is None else self.pixels - self.excess.clip(max=0)

    def dense(self, diameter_px: float) -> NDArray[np.bool_]:
        """Return where there is something far brighter than ice, or darker over a large area."""
        from scipy import ndimage

        assert self.excess is not None
        areas, count = ndimage.label(self.excess < 0)
        sizes = np.bincount(areas.ravel(), minlength=count + 1)
        large = sizes > _AREA_OF_NO_PARTICLE * np.pi / 4 * diameter_px**2
        large[0] = False
        dense: NDArray[np.bool_] = large[areas] | (self.excess > 0)
        return dense


def _without_faults(micrograph: DenoisedMicrograph) -> _Sound:
    """Return what is looked at. What was denoised had the camera's other faults taken off before.

    Where what was recorded is at hand, that tells.
    """
    from napari_n2n.io.faults import equal_areas, filled_in, find_faults, smoothed_over
    from napari_n2n.particles.significance import comparable, looks_denoised

    pixels, raw = np.asarray(micrograph.pixels, np.float32), micrograph.raw
    if pixels.ndim != 2 or not pixels.size:
        return _Sound(pixels)
    alone, faults = raw is None or raw is micrograph.pixels, None
    if alone:
        found = find_faults(pixels)
        # Where there is no noise, particles are as far from what is usual as gold otherwise is.
        faults = None if looks_denoised(pixels, found.excess) else found
    elif comparable(pixels, raw):
        faults = find_faults(np.asarray(raw, np.float32))
    if faults is None:
        areas = equal_areas(pixels)
    elif alone:
        pixels, areas = filled_in(pixels, faults), faults.areas
    else:
        areas = faults.areas | equal_areas(pixels)
    excess = None if faults is None else faults.excess
    if excess is not None:
        pixels = pixels - excess.clip(min=0)
    blank = areas if areas.any() else None
    return _Sound(smoothed_over(pixels, areas), blank, excess)


def _widened(mask: NDArray[np.bool_], by_px: float) -> NDArray[np.bool_]:
    from scipy.ndimage import distance_transform_edt

    wide: NDArray[np.bool_] = distance_transform_edt(~mask) <= by_px
    return wide if mask.any() else mask


def _contamination_steps(
    pixels: NDArray[np.float32], size: float, diameter_angstrom: float, stop: Stop
) -> Steps[NDArray[np.bool_]]:
    """Find what to avoid, in the background: it takes seconds and tells nothing meanwhile."""
    from napari_n2n.particles.contamination import find_contamination

    looking = background_steps(
        lambda: find_contamination(pixels, size, diameter_angstrom=diameter_angstrom),
        "looking for contamination",
    )
    return (yield from stoppable(looking, stop))
