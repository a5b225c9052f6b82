"""The score against real micrographs that experts judged; see docs/quality.md."""

from pathlib import Path

import numpy as np
import pytest
from skimage.io import imread

from napari_n2n.io import read_micrograph
from napari_n2n.quality import image_figures, overall

DATA = Path(__file__).parents[3] / "shared" / "data"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="shared/data is not here")

SHOWN = ("structure", "blotches", "streaks", "contaminated_percent", "empty_percent")


def thumbnail_score(path):
    figures = image_figures(imread(path, as_gray=True).astype(np.float32), None)
    return overall({name: figures[name] for name in SHOWN}).value


def test_great_and_decent_thumbnails_score_higher_than_the_bad_classes():
    scores = {"good": [], "bad": []}
    for path in (DATA / "screening").glob("*/*.png"):
        kind = "good" if path.parent.name[0] in "01" else "bad"
        scores[kind].append(thumbnail_score(path))
    assert len(scores["good"]) == 6
    assert len(scores["bad"]) == 12
    assert np.greater.outer(scores["good"], scores["bad"]).mean() >= 0.85


def test_apoferritin_scores_high_and_the_field_without_any_low():
    scores = {
        path.stem: overall(image_figures(read_micrograph(path).pixels, 1.5)).value
        for path in (DATA / "apoferritin").glob("*_rest.mrc")
    }
    empty = scores.pop("May08_06.09.02_rest")
    assert len(scores) == 9
    assert min(scores.values()) > 75
    assert empty < 60
