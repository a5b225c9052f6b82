"""Tilt series that each program's own formulas have projected come back where they were."""

import numpy as np
import pytest
from scipy import fft

from napari_n2n.io import write_mrc_stack
from napari_n2n.io.tilt_series import TiltAlignment, TiltImages, TiltOptics, TiltView
from napari_n2n.io.tilt_series.aretomo import read_aln
from napari_n2n.io.tilt_series.imod import read_imod
from napari_n2n.io.tilt_series.relion import read_relion
from napari_n2n.progress import Interrupted, run_to_end
from napari_n2n.reconstruction import Grid, grid_of, reconstruct_steps
from napari_n2n.reconstruction.working_images import phase_flip, working_image

ANGLES = np.arange(-60, 61, 6.0)
WIDTH, HEIGHT, DEPTH = 72, 56, 32
# x, y, z in px from the middle of the volume.
SPOTS = np.array([(12.0, -9, 6), (-16, 8, -7), (3, 2, 0)])
RNG = np.random.default_rng(5)
SHIFTS = RNG.normal(0, 3, (len(ANGLES), 2))


def rotation(degrees):
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    return np.array([[c, -s], [s, c]])


def spots_seen(at, shape):
    """Draw spots at (x, y) px."""
    y, x = np.indices(shape)
    image = np.zeros(shape)
    for px, py in at:
        image += np.exp(-((x - px) ** 2 + (y - py) ** 2) / (2 * 1.6**2))
    return (1000 + 300 * image).astype(np.float32)


def brightest_near(volume, place, reach=5):
    """Return the centre of mass of what is bright about a place, (z, y, x)."""
    start = np.rint(place).astype(int) - reach
    box = volume[tuple(slice(max(0, a), a + 2 * reach + 1) for a in start)]
    weights = np.clip(box - 0.5 * box.max(), 0, None)
    centre = [(weights * axis).sum() / weights.sum() for axis in np.indices(box.shape)]
    return np.add(centre, np.maximum(start, 0))


def reconstructed(images, alignment, *, voxel=1.0, thickness=DEPTH, stack_path):
    write_mrc_stack(stack_path, (image.astype(np.int16) for image in images), 1.0)
    stack = TiltImages.of([stack_path])
    grid = grid_of(alignment, stack.shape, 1.0, voxel, thickness)
    made = np.full((1, *grid.shape), np.nan, np.float32)

    def keep(top, slab):
        made[:, top : top + slab.shape[1]] = slab

    run_to_end(reconstruct_steps([(stack, alignment.views)], alignment, grid, 1.0, keep))
    assert np.isfinite(made).all()
    return made[0], grid


def aln_of(path, turn, size):
    lines = [
        "# AreTomo Alignment / Priims bprmMn",
        f"# RawSize = {size[1]} {size[0]} {len(ANGLES)}",
        "# NumPatches = 0",
        "# SEC ROT GMAG TX TY SMEAN SFIT SCALE BASE TILT",
    ]
    lines += [
        f"{i + 1} {turn} 1.0 {x:.3f} {y:.3f} 1 1 1 0 {angle}"
        for i, (angle, (x, y)) in enumerate(zip(ANGLES, SHIFTS, strict=True))
    ]
    path.write_text("\n".join(lines) + "\n")
    return read_aln(path)


@pytest.mark.parametrize(("turn", "voxel"), [(0, 1), (-12.5, 1), (85, 1), (178, 1), (-84, 2)])
def test_aretomos_alignment(tmp_path, turn, voxel):
    size = (WIDTH, HEIGHT) if 45 < abs(turn) < 135 else (HEIGHT, WIDTH)
    images = []
    for angle, shift in zip(np.deg2rad(ANGLES), SHIFTS, strict=True):
        x, y, z = SPOTS.T
        seen = np.stack([x * np.cos(angle) + z * np.sin(angle), y])
        raw = (rotation(turn) @ seen).T + shift + (np.array(size[::-1]) - 1) / 2
        images.append(spots_seen(raw, size))
    alignment = aln_of(tmp_path / "a.aln", turn, size)
    volume, _ = reconstructed(images, alignment, voxel=voxel, stack_path=tmp_path / "a.mrc")
    assert volume.shape == (DEPTH // voxel, HEIGHT // voxel, WIDTH // voxel)
    for spot in SPOTS:
        expected = (np.array(volume.shape) - 1) / 2 + spot[::-1] / voxel
        found = brightest_near(volume, expected, 5 // voxel)
        assert np.abs(found - expected).max() < 0.6, spot


@pytest.mark.parametrize(("x_tilt", "offset", "axis"), [(0.0, 0.0, 0.0), (6.0, 3.0, 4.0)])
def test_imods_alignment_with_its_offsets(tmp_path, x_tilt, offset, axis):
    """The formulas are those of tilt.f90, before its output is turned by trimvol -rx."""
    a = rotation(-7) * 1.02
    moved = np.array([1.5, -2.0])
    shift_x, shift_z = 5.0, 3.0
    sin_a, cos_a = -np.sin(np.deg2rad(-x_tilt)), np.cos(np.deg2rad(-x_tilt))
    x, y, z = SPOTS.T
    zz = -z  # in IMOD's output, in which z is the other way round
    images = []
    for angle in np.deg2rad(ANGLES + offset):
        sin_b, cos_b = -np.sin(angle), np.cos(angle)
        xp = x * cos_b + y * sin_a * sin_b + zz * cos_a * sin_b + axis
        yp = y * cos_a - zz * sin_a
        raw = np.linalg.solve(a, np.stack([xp, yp]) - moved[:, None]).T
        images.append(spots_seen(raw + (np.array([WIDTH, HEIGHT]) - 1) / 2, (HEIGHT, WIDTH)))
    line = " ".join(f"{value:.6f}" for value in [*a.ravel(), *moved])
    (tmp_path / "a.xf").write_text(f"{line}\n" * len(ANGLES))
    (tmp_path / "a.tlt").write_text("\n".join(map(str, ANGLES)))
    (tmp_path / "tilt.com").write_text(
        f"$tilt -StandardInput\nTHICKNESS {DEPTH}\nFULLIMAGE {WIDTH} {HEIGHT}\n"
        f"XAXISTILT {x_tilt}\nOFFSET {offset} {axis}\nSHIFT {shift_x} {shift_z}\n"
    )
    alignment = read_imod(tmp_path / "a.xf", tmp_path / "a.tlt", tmp_path / "tilt.com")
    volume, _ = reconstructed(images, alignment, stack_path=tmp_path / "a.st")
    for spot in SPOTS:
        # xcenOut and ycenOut of tilt.f90, from 0, and z turned round.
        x_out = (WIDTH - 1) / 2 + axis + shift_x + spot[0]
        z_out = DEPTH - 1 - ((DEPTH - 1) / 2 + shift_z - spot[2])
        expected = np.array([z_out, (HEIGHT - 1) / 2 + spot[1], x_out])
        assert np.abs(brightest_near(volume, expected) - expected).max() < 0.6, spot


@pytest.mark.parametrize("x_tilt", [0.0, 8.0])
def test_relions_alignment(tmp_path, x_tilt):
    turn, pixel = 88.0, 2.0
    size = (WIDTH, HEIGHT)  # rows are as long as the volume is high
    rx, rz = np.eye(3), np.eye(3)
    rx[1:, 1:], rz[:2, :2] = rotation(x_tilt), rotation(turn)
    images = []
    for angle, shift in zip(np.deg2rad(ANGLES), SHIFTS, strict=True):
        c, s = np.cos(angle), np.sin(angle)
        ry = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
        seen = (SPOTS @ (rz @ ry @ rx).T)[:, :2] + shift
        images.append(spots_seen(seen + np.array(size[::-1]) // 2, size))
    (tmp_path / "tilt_series").mkdir()
    labels = ("MicrographName", "TomoXTilt", "TomoYTilt", "TomoZRot")
    labels += ("TomoXShiftAngst", "TomoYShiftAngst")
    rows = [
        f"{i + 1}@a.mrcs {x_tilt} {angle} {turn} {x * pixel:.4f} {y * pixel:.4f}"
        for i, (angle, (x, y)) in enumerate(zip(ANGLES, SHIFTS, strict=True))
    ]
    head = "".join(f"_rln{label} #{n}\n" for n, label in enumerate(labels, 1))
    (tmp_path / "tilt_series" / "T.star").write_text(
        f"data_T\n\nloop_\n{head}" + "\n".join(rows) + "\n"
    )
    (tmp_path / "tomograms.star").write_text(
        "data_global\n\nloop_\n_rlnTomoName #1\n_rlnTomoTiltSeriesStarFile #2\n"
        "_rlnTomoTiltSeriesPixelSize #3\n_rlnTomoSizeX #4\n_rlnTomoSizeY #5\n_rlnTomoSizeZ #6\n"
        f"T tilt_series/T.star {pixel} {WIDTH} {HEIGHT} {DEPTH}\n"
    )
    (series,), problems = read_relion(tmp_path / "tomograms.star")
    assert not problems
    volume, _ = reconstructed(images, series.alignment, stack_path=tmp_path / "a.mrcs")
    for spot in SPOTS:
        expected = np.array(volume.shape) // 2 + spot[::-1]
        assert np.abs(brightest_near(volume, expected) - expected).max() < 0.6, spot


def test_phases_are_flipped_where_the_contrast_is_turned_round():
    """A point that is seen through a transfer function gets every wave in step again."""
    side, pixel = 128, 5.0
    view = TiltView(0, 0.0, defocus_angstrom=40_000.0)
    optics = TiltOptics()
    waves = fft.dctn(np.pad([[1.0]], ((64, 63), (64, 63))), type=2, norm="ortho")
    k = np.arange(side) / (2 * side * pixel)
    k2 = k[:, None] ** 2 + k**2
    wavelength = 0.019687
    chi = np.pi * wavelength * k2 * (4e4 - 0.5 * wavelength**2 * k2 * 2.7e7)
    transfer = -np.sin(chi + np.arcsin(0.07))
    seen = fft.idctn(waves * transfer, type=2, norm="ortho").astype(np.float32)
    grid = Grid((1, side, side), 1.0, (0.0, 63.5, 63.5), (63.5, 63.5))
    made = working_image(seen, view, grid, pixel_size_angstrom=pixel, optics=optics)
    plain = working_image(seen, TiltView(0, 0.0), grid, pixel_size_angstrom=pixel, optics=optics)
    assert made.min() < 1.5 * plain.min() < 0  # dark, as it was, and sharper
    flip = phase_flip((side, side), (side, side), view, pixel, optics)
    assert flip[0, 0] == 1
    assert {*np.unique(flip)} == {-1, 1}
    assert (transfer * flip).max() <= 1e-6


def test_it_stops_and_halves_keep_their_scale(tmp_path):
    images = [spots_seen([(30, 30)], (HEIGHT, WIDTH)) for _ in ANGLES]
    write_mrc_stack(tmp_path / "a.mrc", (image.astype(np.int16) for image in images), 1.0)
    write_mrc_stack(tmp_path / "b.mrc", ((2 * image).astype(np.int16) for image in images), 1.0)
    views = tuple(TiltView(i, float(angle)) for i, angle in enumerate(ANGLES))
    alignment = TiltAlignment(tmp_path / "a.aln", "AreTomo", views, len(views))
    a, b = (TiltImages.of([tmp_path / name]) for name in ("a.mrc", "b.mrc"))
    grid = grid_of(alignment, a.shape, 1.0, 2.0, 20)
    slabs = []
    steps = reconstruct_steps(
        [(a, views), (b, views)], alignment, grid, 1.0, lambda _, slab: slabs.append(slab)
    )
    stages = []
    run_to_end(steps, lambda step: stages.append((step.stage, step.fraction)))
    assert [fraction for _, fraction in stages] == sorted(fraction for _, fraction in stages)
    one, twice = np.concatenate(slabs, axis=1)
    np.testing.assert_allclose(twice, 2 * one, atol=0.02 * float(twice.max()))  # whole counts
    with pytest.raises(Interrupted):
        run_to_end(
            reconstruct_steps(
                [(a, views)], alignment, grid, 1.0, lambda *_: None, stop=lambda: True
            )
        )


def test_different_views_make_volumes_of_one_geometry(tmp_path):
    x, y, z = SPOTS.T
    images = []
    for angle in np.deg2rad(ANGLES):
        seen = np.stack([x * np.cos(angle) + z * np.sin(angle), y], axis=1)
        images.append(spots_seen(seen + (np.array([WIDTH, HEIGHT]) - 1) / 2, (HEIGHT, WIDTH)))
    write_mrc_stack(tmp_path / "a.mrc", (image.astype(np.int16) for image in images), 1.0)
    views = tuple(TiltView(i, float(angle)) for i, angle in enumerate(ANGLES))
    alignment = TiltAlignment(tmp_path / "a.aln", "AreTomo", views, len(views))
    stack = TiltImages.of([tmp_path / "a.mrc"])
    grid = grid_of(alignment, stack.shape, 1.0, 1.0, DEPTH)
    tops, slabs = [], []
    run_to_end(
        reconstruct_steps(
            [(stack, views[::2]), (stack, views[1::2])],
            alignment,
            grid,
            1.0,
            lambda top, slab: (tops.append(top), slabs.append(slab)),
        )
    )
    odd, even = np.concatenate(slabs, axis=1)
    assert odd.shape == grid.shape
    assert tops == sorted(tops)
    assert np.corrcoef(odd.ravel(), even.ravel())[0, 1] > 0.6
