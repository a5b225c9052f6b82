"""What is to be seen fills the canvas, whatever else is open and hidden."""

import numpy as np

from napari_n2n.plugin.shared.canvas import camera_of, fit_view


def test_a_view_is_fitted_to_what_is_visible(make_napari_viewer):
    viewer = make_napari_viewer()
    viewer.add_image(np.zeros((64, 64)), name="small")
    fit_view(viewer)
    camera = camera_of(viewer)
    alone = camera.zoom, camera.center
    viewer.add_image(np.zeros((640, 640)), name="large", visible=False)
    fit_view(viewer)
    assert (camera.zoom, camera.center) == alone
    # Also where what is hidden has more axes.
    viewer.add_image(np.zeros((3, 640, 640)), name="movie", visible=False)
    fit_view(viewer)
    np.testing.assert_allclose((camera.zoom, *camera.center[-2:]), (alone[0], *alone[1][-2:]))
    viewer.layers["large"].visible = True
    fit_view(viewer)
    assert camera.zoom < alone[0] / 5
