"""What is shown of a micrograph, and what is computed of it, without a window."""

import numpy as np
import pytest

from napari_n2n.denoising.inference.removed import Removed
from napari_n2n.errors import N2NError
from napari_n2n.io import Particles
from napari_n2n.workflow.fields_of_view import DenoisedMicrograph
from napari_n2n.workflow.screening import results_of
from napari_n2n.workflow.screening.pictures import ImagePyramid, load_picture
from napari_n2n.workflow.screening.results import write_pictures

from .screened import SIZE_ANGSTROM, screened_folder


@pytest.fixture
def session(tmp_path):
    with screened_folder(tmp_path / "night", 2) as session:
        yield session


def test_a_picture_is_what_was_made_of_the_file(session):
    seen = session.micrographs.overview()
    picture = load_picture(session, int(seen.ids[1]), seen.paths[1])
    assert picture.denoised.levels[0][30, 30] == 2.0
    assert picture.raw.levels[0].std() > 0.9  # with its noise
    assert picture.pixel_size_angstrom == pytest.approx(SIZE_ANGSTROM)


def test_candidates_below_the_threshold_are_not_shown(session):
    seen = session.micrographs.overview()
    first = int(seen.ids[0])
    scores = np.array([0.1, 0.9, 0.2], np.float32)
    session.marks.add(
        first, Particles(np.full((3, 2), 50.0), scores=scores, given_by=["picker"] * 3)
    )
    session.marks.set_threshold(first, 0.5)
    assert load_picture(session, first, seen.paths[0]).particles.scores.tolist() == [scores[1]]


def test_a_file_without_results_is_told_of_by_name(session):
    seen = session.micrographs.overview()
    results_of(session.path, seen.paths[0]).denoised.unlink()
    with pytest.raises(N2NError, match=r"m0\.mrc"):
        load_picture(session, int(seen.ids[0]), seen.paths[0])


def test_smaller_sizes_are_means_of_two_by_two_pixels():
    image = np.random.default_rng(0).random((2051, 2049), dtype=np.float32)
    levels = ImagePyramid.of(image).levels
    assert [level.shape for level in levels] == [(2051, 2049), (1025, 1024), (512, 512)]
    np.testing.assert_allclose(levels[1][3, 5], image[6:8, 10:12].mean(), rtol=1e-6)


def test_what_was_removed_and_the_contrast_come_with_the_picture(session):
    """Of what an earlier version kept they are measured, with a camera's faults left out."""
    seen = session.micrographs.overview()
    micrograph, path = int(seen.ids[0]), seen.paths[0]
    earlier = load_picture(session, micrograph, path)
    assert earlier.removed.variance_share > 0.5
    assert not earlier.is_bright
    removed = Removed(0.4, 0.6, 2.41, 1.9, holds_structure=True)
    rng = np.random.default_rng(0)
    raw, denoised = rng.standard_normal((2, *earlier.raw.levels[0].shape), dtype=np.float32)
    made = DenoisedMicrograph(denoised, 1.5, raw, removed=removed, contrast="bright")
    results = results_of(session.path, path)
    results.thumbnail.unlink()  # which was not made here
    list(write_pictures(results, made))
    now = load_picture(session, micrograph, path)
    assert now.removed.warning == removed.warning
    assert now.is_bright
