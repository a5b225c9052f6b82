"""Finding particles: a micrograph in, centres with scores out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field
from scipy.spatial import cKDTree
from skimage.feature import peak_local_max

from napari_n2n.errors import BadValue
from napari_n2n.io import Particles
from napari_n2n.particles.coarse import checked_diameter_px, checked_image, checked_pixel_size
from napari_n2n.particles.correlation import correlate_steps
from napari_n2n.particles.templates import Template, prepared
from napari_n2n.particles.thresholds import suggested_threshold
from napari_n2n.progress import Steps, Stop, never, run_to_end, stoppable
from napari_n2n.settings import Settings

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["PickingConfig", "pick", "pick_steps", "suggested_threshold"]

_LOWEST_SCORE = 0.05
# Radii, in diameters, within which templates are compared: a particle, the fringe around it, little
# of its neighbours. What was learnt knows where the fringe is and can do with less.
_REACH_GUESSED = 0.75
_REACH_LEARNT = 0.6
_FRAGMENT = 0.6  # size of the small disc, which finds fragments and irregular particles


class PickingConfig(Settings):
    """What to look for.

    Attributes
    ----------
    diameter_angstrom
        Of the particle.
    minimum_distance
        Of two centres, in diameters: of two that are closer, the better one is kept.
    edge
        Centres closer than this to the border, in diameters, are left out.
    contrast
        Particles are "dark" or "bright" before the ice. In micrographs as they are recorded, and
        in all that this program makes of them, they are dark.
    method
        "ring" looks for shells, "disc" for solid particles, "template" for what was clicked;
        "auto" for what was clicked if there is a template, else for rings and discs.
    """

    diameter_angstrom: Annotated[float, Field(gt=0, le=100_000)] = Field(
        120.0, title="Diameter (Å)", description="Of the particle."
    )
    minimum_distance: Annotated[float, Field(ge=0.1, le=5)] = Field(
        0.6, title="Distance", description="Least distance of two centres, in diameters."
    )
    edge: Annotated[float, Field(ge=0, le=5)] = Field(
        0.5, title="Edge", description="What is closer to the border is left out, in diameters."
    )
    contrast: Literal["dark", "bright"] = Field(
        "dark", title="Particles are", description="Darker or brighter than the ice."
    )
    method: Literal["auto", "template", "ring", "disc"] = Field(
        "auto", title="Look for", description="auto: what was clicked, else rings and discs."
    )


def pick(
    image: ArrayLike,
    pixel_size_angstrom: float | None,
    config: PickingConfig,
    *,
    template: Template | None = None,
    avoid: NDArray[np.bool_] | None = None,
) -> Particles:
    """Find particles; see `pick_steps`, which does the same and tells how far it is."""
    steps = pick_steps(image, pixel_size_angstrom, config, template=template, avoid=avoid)
    return run_to_end(steps)


def pick_steps(
    image: ArrayLike,
    pixel_size_angstrom: float | None,
    config: PickingConfig,
    *,
    template: Template | None = None,
    avoid: NDArray[np.bool_] | None = None,
    stop: Stop = never,
) -> Steps[Particles]:
    """Find particles in ``image``; return all candidates, the best first.

    Candidates go down to scores no particle has, so that a threshold can be moved afterwards:
    see `suggested_threshold`. A score is a normalised cross-correlation, from -1 to 1, and means
    the same on every micrograph; shifting or scaling intensities changes nothing.

    Parameters
    ----------
    image
        (y, x), denoised or not.
    pixel_size_angstrom
        Of the image.
    config
        What to look for.
    template
        What a particle looks like, learnt from clicks.
    avoid
        (y, x) True where no centre may be, as `find_contamination` finds it.
    stop
        Asked between the steps; once true, `Interrupted` is raised.

    Raises
    ------
    BadValue
        NaN pixels, an unknown pixel size, a particle of too few pixels, a mask of another shape,
        or no template where the method needs one.
    NotEnoughData
        An image that is all the same, or smaller than a particle.
    Interrupted
        ``stop`` became true.
    """
    pixels = checked_image(image)
    size = checked_pixel_size(pixel_size_angstrom)
    diameter_px = checked_diameter_px(pixels, size, config.diameter_angstrom)
    if avoid is not None and np.shape(avoid) != pixels.shape:
        raise BadValue(
            f"The area to avoid has shape {np.shape(avoid)} and the micrograph {pixels.shape}. "
            "Find it again on this micrograph."
        )
    templates = _templates(config, template)
    coarse = prepared(pixels, diameter_px, config.contrast)
    across = diameter_px / float(coarse.factors.mean())
    reach = _REACH_LEARNT if templates[0].learnt_from else _REACH_GUESSED
    steps = correlate_steps(coarse.pixels, templates, across, reach)
    scores = yield from stoppable(steps, stop)
    at, values = _peaks(scores, config.minimum_distance * across)
    centres = coarse.to_micrograph(at)
    border = config.edge * diameter_px
    limits = np.array(pixels.shape) - 1
    kept = ((centres >= border) & (centres <= limits - border)).all(axis=1)
    if avoid is not None:
        nearest = np.clip(np.rint(centres), 0, limits).astype(np.intp)
        kept &= ~np.asarray(avoid, bool)[tuple(nearest.T)]
    return Particles(np.clip(centres[kept], 0, limits), scores=values[kept])


def _templates(config: PickingConfig, template: Template | None) -> list[Template]:
    if config.method == "template" and template is None:
        raise BadValue("There is no template. Click a few particles first, or look for rings.")
    if template is not None and config.method in ("auto", "template"):
        return [template]
    ring, discs = [Template.ring()], [Template.disc(), Template.disc(_FRAGMENT)]
    return {"ring": ring, "disc": discs}.get(config.method, ring + discs)


def _peaks(
    scores: NDArray[np.float32], least_distance: float
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Return the maxima of ``scores``, (n, 2) to a fraction of a pixel, and their heights."""
    tops = peak_local_max(
        scores,
        min_distance=1,
        threshold_abs=_LOWEST_SCORE,
        exclude_border=False,
    )
    heights = scores[tuple(tops.T)]
    # Ties are broken by place, so that the same image gives the same picks.
    order = np.lexsort((tops[:, 1], tops[:, 0], -heights))
    tops, heights = tops[order], heights[order]
    kept = thinned(tops, least_distance)
    return _refined(scores, tops[kept]), heights[kept]


def thinned(points: NDArray[np.intp], least_distance: float) -> NDArray[np.bool_]:
    """Which of ``points`` (n, 2), the best first, to keep so that none are too close."""
    kept = np.ones(len(points), bool)
    if not len(points):
        return kept
    tree = cKDTree(points)
    for i, near in enumerate(tree.query_ball_point(points, least_distance)):
        if kept[i]:
            later = [j for j in near if j > i]
            kept[later] = False
    return kept


def _refined(scores: NDArray[np.float32], tops: NDArray[np.intp]) -> NDArray[np.float64]:
    """Move maxima to the top of the parabola through three pixels along each axis."""
    refined = tops.astype(np.float64)
    for axis, side in enumerate(scores.shape):
        step = np.eye(2, dtype=np.intp)[axis]
        inner = (tops[:, axis] > 0) & (tops[:, axis] < side - 1)
        at = tops[inner]
        before, middle, after = (
            scores[tuple((at + k * step).T)].astype(np.float64) for k in (-1, 0, 1)
        )
        bend = before - 2 * middle + after
        shift = np.divide(before - after, 2 * bend, out=np.zeros_like(bend), where=bend < 0)
        refined[inner, axis] += np.clip(shift, -0.5, 0.5)
    return refined
