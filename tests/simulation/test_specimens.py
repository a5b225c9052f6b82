"""The bead models have the size, mass and symmetry of the proteins they stand for."""

import numpy as np
import pytest

from napari_n2n.simulation import optics, specimens


@pytest.mark.parametrize(
    ("specimen", "subunits", "kilodalton"), [("apoferritin", 24, 480), ("aldolase", 4, 150)]
)
def test_mass_and_number_of_subunits(specimen, subunits, kilodalton):
    beads = specimens.subunits_of(specimen)
    assert len(beads) == subunits
    mass = beads[..., 0].size * specimens.BEAD_MASS_DALTON / 1000
    assert mass == pytest.approx(kilodalton, rel=0.03)
    np.testing.assert_allclose(beads.mean(axis=(0, 1)), 0, atol=1e-9)


def test_apoferritin_is_a_hollow_shell_of_outer_120_and_inner_80_angstrom():
    radii = np.linalg.norm(specimens.apoferritin_subunits(), axis=-1)
    # Beads stand for the helices' axes, some 5 Å inside the surface.
    assert radii.min() - 5 == pytest.approx(40, abs=1)
    assert radii.max() + 5 == pytest.approx(60, abs=1)


@pytest.mark.parametrize(
    ("specimen", "rotations"),
    [
        ("apoferritin", specimens.octahedral_rotations()),
        ("aldolase", specimens.dihedral_rotations()),
    ],
)
def test_symmetry(specimen, rotations):
    from scipy.spatial import cKDTree

    beads = specimens.subunits_of(specimen).reshape(-1, 3)
    tree = cKDTree(beads)
    for rotation in rotations:
        distance, _ = tree.query(beads @ rotation.T)
        assert distance.max() < 1e-6


def test_subunits_do_not_interpenetrate():
    from scipy.spatial import cKDTree

    for specimen in ("apoferritin", "aldolase"):
        first, *others = specimens.subunits_of(specimen)
        distance, _ = cKDTree(np.concatenate(others)).query(first)
        assert np.percentile(distance, 5) > 4


def test_random_orientations_are_rotations_and_favour_no_direction():
    rng = np.random.default_rng(0)
    turned = np.array([specimens.random_rotation(rng) for _ in range(4000)])
    identity = turned @ turned.transpose(0, 2, 1)
    np.testing.assert_allclose(identity, np.broadcast_to(np.eye(3), identity.shape), atol=1e-9)
    np.testing.assert_allclose(np.linalg.det(turned), 1, atol=1e-9)
    z = turned[:, :, 2]
    np.testing.assert_allclose(z.mean(axis=0), 0, atol=0.05)
    np.testing.assert_allclose((z**2).mean(axis=0), 1 / 3, atol=0.03)


@pytest.mark.parametrize("specimen", ["apoferritin", "aldolase"])
def test_broken_particles_have_lost_mass_or_shape(specimen):
    rng = np.random.default_rng(1)
    subunits = specimens.subunits_of(specimen)
    whole = subunits.reshape(-1, 3)
    reach = np.linalg.norm(whole, axis=1).max()
    for _ in range(20):
        pieces = specimens.broken(subunits, rng)
        lost = len(pieces) <= 0.76 * len(whole)
        apart = np.linalg.norm(pieces, axis=1).max() > reach + 4
        assert lost or apart


def test_breaking_leaves_the_model_whole():
    before = specimens.subunits_of("aldolase")
    after = before.copy()
    rng = np.random.default_rng(2)
    for _ in range(10):
        specimens.broken(after, rng)
    np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize(
    ("voltage", "wavelength", "interaction"), [(300, 0.019687, 6.526e-4), (200, 0.025079, 7.288e-4)]
)
def test_electron_optics_constants(voltage, wavelength, interaction):
    assert optics.wavelength_angstrom(voltage) == pytest.approx(wavelength, rel=1e-3)
    found = optics.interaction_rad_per_volt_angstrom(voltage)
    assert found == pytest.approx(interaction, rel=1e-3)


def test_contrast_transfer_starts_at_minus_the_amplitude_contrast_and_fades_by_the_envelope():
    settings = {"defocus_micrometer": 1.5, "voltage_kv": 300.0, "spherical_aberration_mm": 2.7}
    k2 = np.linspace(0, 0.05, 400, dtype=np.float32)
    plain = optics.contrast_transfer(
        k2, **settings, amplitude_contrast=0.07, b_factor_square_angstrom=0
    )
    faded = optics.contrast_transfer(
        k2, **settings, amplitude_contrast=0.07, b_factor_square_angstrom=80
    )
    assert plain[0] == pytest.approx(-0.07)
    assert np.abs(plain).max() == pytest.approx(1, abs=0.01)
    np.testing.assert_allclose(faded, plain * np.exp(-20 * k2), atol=1e-6)


def test_deposited_points_keep_their_weight_and_centre():
    points = np.array([[10.3, 20.75], [40.0, 5.5]])
    image = optics.deposit(points, (64, 48))
    assert image.sum() == pytest.approx(2)
    y, x = np.mgrid[:64, :48]
    assert (image * y).sum() == pytest.approx(50.3, abs=1e-4)
    assert (image * x).sum() == pytest.approx(26.25, abs=1e-4)
    assert optics.deposit(np.array([[-3.0, 5.0], [63.5, 5.0]]), (64, 48)).sum() == 0
