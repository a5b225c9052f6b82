"""Quality figures of a micrograph and their sum: one place to import them from.

What each figure is, its unit and its source are in `FIGURES`; what counts how much is in
`napari_n2n.quality.scoring`.
"""

from napari_n2n.quality.figure_catalogue import FIGURES, Figure
from napari_n2n.quality.half_figures import drift_figures, half_figures
from napari_n2n.quality.image_figures import image_figures
from napari_n2n.quality.learnt_score import calibrated_overall
from napari_n2n.quality.particle_figures import particle_figures
from napari_n2n.quality.scoring import Score, overall, scores

__all__ = [
    "FIGURES",
    "Figure",
    "Score",
    "calibrated_overall",
    "drift_figures",
    "half_figures",
    "image_figures",
    "overall",
    "particle_figures",
    "scores",
]
